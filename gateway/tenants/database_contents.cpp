// Counting and hashing tables. Everything that is called is pg_catalog's own: the tenant's casts
// and functions have no say in it.
#include "gateway/tenants/database_contents.hpp"

#include "gateway/tenants/sha256.hpp"
#include "gateway/tenants/statements.hpp"

namespace latchkey {
namespace {

// Texts of values depend on these.
constexpr const char* kSettings[] = {"search_path = pg_catalog, pg_temp",
                                     "TimeZone = 'UTC'",
                                     "DateStyle = 'ISO, YMD'",
                                     "IntervalStyle = 'postgres'",
                                     "extra_float_digits = 3",
                                     "bytea_output = 'hex'",
                                     "lc_monetary = 'C'",
                                     "xmlbinary = 'base64'",
                                     "quote_all_identifiers = off",
                                     "row_security = off",
                                     "statement_timeout = 0",
                                     "lock_timeout = 0",
                                     "idle_in_transaction_session_timeout = 0"};

constexpr char kList[] = R"(
  SELECT format('%I.%I', n.nspname, c.relname), c.relkind = 'S',
         coalesce(e.extcondition[array_position(e.extconfig, c.oid)], '')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
          AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
    LEFT JOIN pg_extension e ON e.oid = d.refobjid
   WHERE c.relkind IN ('r', 'S') AND c.relpersistence <> 't'
     AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
     AND (e.oid IS NULL OR c.oid = ANY (e.extconfig))
     AND (n.nspname = 'latchkey' AND $2::boolean) = $1::boolean
   ORDER BY n.nspname, c.relname)";

constexpr char kRows[] =
    "SELECT count(*), coalesce(sum(hashtextextended(textin(record_out(latchkey_row.*)), 0)"
    "::numeric), 0) FROM ONLY ";

constexpr char kLargeObjects[] =
    "SELECT count(*), coalesce(sum(hashtextextended(concat(oid, ':', encode(lo_get(oid),"
    " 'base64')), 0)::numeric), 0) FROM pg_largeobject_metadata";

}  // namespace

MakerFailure DatabaseContents::Read(PgConnection& connection, ContentsPart part, bool has_extension,
                                    const std::function<bool()>& go_on) {
  Statements sql(connection);
  for (const char* setting : kSettings) sql.Ask(std::string("SET ") + setting);
  sql.Ask("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const bool platforms = part == ContentsPart::kExtension;
  if (!sql.Ask(kList, {platforms ? "t" : "f", has_extension ? "t" : "f"})) return sql.failure();
  struct Relation {
    std::string name, query;
  };
  std::vector<Relation> relations;
  for (int row = 0; row < sql.RowCount(); ++row) {
    const std::string name = sql.Text(0, row);
    const bool is_sequence = sql.Text(1, row) == "t";
    relations.push_back({name, is_sequence
                                   ? "SELECT 0, concat(last_value, '/', is_called) FROM " + name
                                   : kRows + name + " AS latchkey_row " + sql.Text(2, row)});
  }
  if (!platforms) relations.push_back({"(large objects)", kLargeObjects});
  for (const Relation& relation : relations) {
    if (!go_on() || !sql.Ask(relation.query)) break;
    figures_[relation.name] = {sql.Text(0), sql.Text(1)};
    rows_ += std::atoll(sql.Text(0).c_str());
  }
  const MakerFailure failure = sql.failure();
  PgResult(PQexec(connection.handle(), "ROLLBACK"));
  return failure;
}

std::string DatabaseContents::Checksum() const {
  Sha256Sum sum;
  for (const auto& [name, figures] : figures_) {
    sum.Add(name + "\t" + figures.rows + "\t" + figures.sum + "\n");
  }
  return sum.Finish();
}

std::string DatabaseContents::DifferenceFrom(const DatabaseContents& copy) const {
  for (const auto& [name, figures] : figures_) {
    const auto there = copy.figures_.find(name);
    if (there == copy.figures_.end()) return name + " is missing in the copy";
    if (there->second.rows != figures.rows) {
      return name + " has " + figures.rows + " rows, and " + there->second.rows + " in the copy";
    }
    if (there->second.sum != figures.sum) return name + " differs in the copy";
  }
  for (const auto& [name, figures] : copy.figures_) {
    if (!figures_.count(name)) return name + " is in the copy alone";
  }
  return "";
}

}  // namespace latchkey
