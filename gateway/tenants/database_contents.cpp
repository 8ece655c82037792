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

// Temporary objects come and go with sessions; vacuum and ANALYZE change no row's xmin here.
constexpr char kDefinitions[] = R"(
  WITH places AS (SELECT oid, xmin FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'),
       relations AS (SELECT oid, xmin FROM pg_class WHERE relnamespace IN (SELECT oid FROM places)),
       rows (at, id, part, stamp) AS (
    SELECT 'namespace', oid, 0, xmin FROM places
     UNION ALL SELECT 'class', oid, 0, xmin FROM relations
     UNION ALL SELECT 'attribute', attrelid, attnum, xmin FROM pg_attribute
                WHERE attrelid IN (SELECT oid FROM relations)
     UNION ALL SELECT 'attrdef', oid, 0, xmin FROM pg_attrdef
                WHERE adrelid IN (SELECT oid FROM relations)
     UNION ALL SELECT 'index', indexrelid, 0, xmin FROM pg_index
                WHERE indrelid IN (SELECT oid FROM relations)
     UNION ALL SELECT 'type', oid, 0, xmin FROM pg_type
                WHERE typnamespace IN (SELECT oid FROM places)
     UNION ALL SELECT 'constraint', oid, 0, xmin FROM pg_constraint
                WHERE connamespace IN (SELECT oid FROM places)
     UNION ALL SELECT 'proc', oid, 0, xmin FROM pg_proc
     UNION ALL SELECT 'trigger', oid, 0, xmin FROM pg_trigger
     UNION ALL SELECT 'rewrite', oid, 0, xmin FROM pg_rewrite
     UNION ALL SELECT 'policy', oid, 0, xmin FROM pg_policy
     UNION ALL SELECT 'sequence', seqrelid, 0, xmin FROM pg_sequence
                WHERE seqrelid IN (SELECT oid FROM relations)
     UNION ALL SELECT 'enum', oid, 0, xmin FROM pg_enum
     UNION ALL SELECT 'inherits', inhrelid, inhseqno, xmin FROM pg_inherits
     UNION ALL SELECT 'description', objoid, objsubid, xmin FROM pg_description
     UNION ALL SELECT 'default_acl', oid, 0, xmin FROM pg_default_acl
     UNION ALL SELECT 'extension', oid, 0, xmin FROM pg_extension
     UNION ALL SELECT 'operator', oid, 0, xmin FROM pg_operator
     UNION ALL SELECT 'cast', oid, 0, xmin FROM pg_cast
     UNION ALL SELECT 'collation', oid, 0, xmin FROM pg_collation
     UNION ALL SELECT 'statistic_ext', oid, 0, xmin FROM pg_statistic_ext
     UNION ALL SELECT 'ts_config', oid, 0, xmin FROM pg_ts_config
     UNION ALL SELECT 'ts_dict', oid, 0, xmin FROM pg_ts_dict
     UNION ALL SELECT 'large object', oid, 0, xmin FROM pg_largeobject_metadata)
  SELECT concat(count(*), ' ',
                sum(hashtextextended(concat(at, ' ', id, ' ', part, ' ', stamp), 0)::numeric))
    FROM rows)";

}  // namespace

MakerFailure ReadDefinitions(PgConnection& connection, std::string& definitions) {
  Statements sql(connection);
  for (const char* setting : kSettings) sql.Ask(std::string("SET ") + setting);
  if (sql.Ask(kDefinitions)) definitions = sql.Text(0);
  return sql.failure();
}

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
