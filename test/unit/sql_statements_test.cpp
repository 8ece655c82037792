// Where statements of a script begin, and what ends a transaction.
#include "gateway/tenants/sql_statements.hpp"

#include <gtest/gtest.h>

namespace latchkey {
namespace {

std::string Show(std::string_view sql) {
  std::string shown;
  for (const SqlStatement& statement : FindStatements(sql)) {
    shown += std::to_string(statement.line) + " " + statement.words + "\n";
  }
  return shown;
}

TEST(SqlStatements, BeginAtTheirFirstWord) {
  EXPECT_EQ(Show(""), "");
  EXPECT_EQ(Show(" ;; -- nothing\n/* at /* all; */ */ ;"), "");
  EXPECT_EQ(Show("SELECT 1"), "1 SELECT\n");
  EXPECT_EQ(Show("-- first;\n\ncreate table t (a int); \n\n insert into t values (1);"),
            "3 CREATE TABLE\n5 INSERT INTO\n");
  EXPECT_EQ(Show("(SELECT 1);SELECT 2"), "1 SELECT\n1 SELECT\n");
}

TEST(SqlStatements, KnowQuotes) {
  EXPECT_EQ(Show("SELECT ';', 'it''s;', \"a;\"\"b\";\nVALUES (1)"), "1 SELECT\n2 VALUES\n");
  EXPECT_EQ(Show("SELECT E'\\';';\nVALUES (1)"), "1 SELECT\n2 VALUES\n");
  EXPECT_EQ(Show("SELECT '\\';\nVALUES (1)"), "1 SELECT\n2 VALUES\n");
  EXPECT_EQ(Show("DO $$ BEGIN COMMIT; END $$;\nDO $a$ $$ ; $b$ $a$;"), "1 DO\n2 DO\n");
  EXPECT_EQ(Show("SELECT $1; SELECT a$b$c; SELECT 2"), "1 SELECT\n1 SELECT A$B$C\n1 SELECT\n");
  for (const char* open :
       {"SELECT 'a;", "SELECT \"a;", "DO $$ ;", "SELECT 1 /* ;", "SELECT E'\\"}) {
    EXPECT_EQ(FindStatements(open).size(), 1u) << open;
  }
}

TEST(SqlStatements, KnowBodies) {
  EXPECT_EQ(
      Show("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC\n SELECT CASE WHEN true THEN 1 END;\n"
           " SELECT 2; END;\nSELECT 3"),
      "1 CREATE FUNCTION\n4 SELECT\n");
  EXPECT_EQ(Show("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);\nSELECT 3"),
            "1 CREATE RULE\n2 SELECT\n");
}

TEST(SqlStatements, TellWhatControlsTransactions) {
  for (const char* sql : {"BEGIN", "commit", "END", "ROLLBACK", "abort", "savepoint a", "RELEASE a",
                          "START TRANSACTION", "PREPARE TRANSACTION 'x'", "/* ; */ COMMIT"}) {
    EXPECT_TRUE(ControlsTransaction(FindStatements(sql).at(0))) << sql;
  }
  for (const char* sql :
       {"SELECT 1", "PREPARE a AS SELECT 1", "DO $$ BEGIN END $$", "SET a = 'commit'"}) {
    EXPECT_FALSE(ControlsTransaction(FindStatements(sql).at(0))) << sql;
  }
}

TEST(SqlStatements, CountLinesByCharacters) {
  EXPECT_EQ(LineAt("a\nb\nc", 1), 1u);
  EXPECT_EQ(LineAt("a\nb\nc", 3), 2u);
  EXPECT_EQ(LineAt("ä€😀\nb", 5), 2u);
  EXPECT_EQ(LineAt("ä€😀\nb", 3), 1u);
  EXPECT_EQ(LineAt("", 7), 1u);
}

}  // namespace
}  // namespace latchkey
