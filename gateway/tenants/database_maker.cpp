// Statements that make and drop databases and roles.
#include "gateway/tenants/database_maker.hpp"

#include "gateway/tenants/scram_verifier.hpp"
#include "gateway/tenants/statements.hpp"

namespace latchkey {
namespace {

constexpr char kFindRole[] =
    "SELECT FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) $1";

// A member that inherits may make and drop what the role owns; superusers may anyway.
constexpr char kMayActAs[] = "SELECT pg_catalog.pg_has_role($1::pg_catalog.name, 'USAGE')";

constexpr char kFindDatabase[] =
    "SELECT pg_catalog.pg_get_userbyid(datdba) OPERATOR(pg_catalog.=) $2, datallowconn"
    " FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.=) $1";

bool MakeRole(Statements& sql, const DatabaseAddress& wanted) {
  const std::string role = sql.Name(wanted.user);
  if (!sql.Ask(kFindRole, {wanted.user})) return false;
  const std::string verb = sql.AnyRow() ? "ALTER" : "CREATE";
  const std::string verifier = ScramVerifierOfRandom(wanted.password);
  if (!sql.Ask(verb + " ROLE " + role + " LOGIN PASSWORD '" + verifier + "'")) return false;
  if (!sql.Ask(kMayActAs, {wanted.user})) return false;
  return sql.IsTrue(0) || sql.Ask("GRANT " + role + " TO CURRENT_USER");
}

// Whether there is one, and whether it takes connections. False: it is not the role's.
bool FindDatabase(Statements& sql, const DatabaseAddress& wanted, bool& exists, bool& open) {
  if (!sql.Ask(kFindDatabase, {wanted.database, wanted.user})) return false;
  exists = sql.AnyRow();
  open = exists && sql.IsTrue(1);
  if (!exists || sql.IsTrue(0)) return true;
  return sql.Fail({"42P04", "there is a database of that name that the role does not own", "", ""});
}

bool MakeDatabase(Statements& sql, const DatabaseAddress& wanted, const std::string& locale) {
  const std::string name = sql.Name(wanted.database);
  bool exists = false, open = false;
  if (!FindDatabase(sql, wanted, exists, open)) return false;
  // Nobody gets in before PUBLIC has lost its rights.
  if (!exists && !sql.Ask("CREATE DATABASE " + name + " OWNER " + sql.Name(wanted.user) +
                          " TEMPLATE template0 ENCODING 'UTF8' ALLOW_CONNECTIONS false" + locale)) {
    return false;
  }
  if (!sql.Ask("REVOKE ALL ON DATABASE " + name + " FROM PUBLIC")) return false;
  return open || sql.Ask("ALTER DATABASE " + name + " ALLOW_CONNECTIONS true");
}

}  // namespace

MakerFailure CreateTenantDatabase(PgConnection& server, const DatabaseAddress& wanted,
                                  const std::string& locale) {
  Statements sql(server);
  if (sql.Ask(kTakeTurns, {wanted.database}) && MakeRole(sql, wanted)) {
    MakeDatabase(sql, wanted, locale);
  }
  return sql.failure();
}

MakerFailure DropTenantDatabase(PgConnection& server, const DatabaseAddress& former) {
  Statements sql(server);
  bool exists = false, open = false;
  if (!sql.Ask(kTakeTurns, {former.database}) || !FindDatabase(sql, former, exists, open)) {
    return sql.failure();
  }
  if (sql.Ask("DROP DATABASE IF EXISTS " + sql.Name(former.database) + " WITH (FORCE)")) {
    sql.Ask("DROP ROLE IF EXISTS " + sql.Name(former.user));
  }
  return sql.failure();
}

namespace {

// False: it can't be done, or is better not. What the extension requires goes to a schema of ours,
// since its script's path leads there: in one that the tenant may write, or that holds an extension
// which it has made itself, functions could wait for a superuser to call them.
bool CreateExtension(Statements& sql) {
  constexpr char kIsOurs[] =
      "SELECT n.nspowner = r.oid AND NOT EXISTS (SELECT FROM pg_extension e"
      "   WHERE e.extname IN ('pgcrypto', 'pg_trgm') AND e.extnamespace <> n.oid)"
      " FROM pg_namespace n JOIN pg_roles r ON r.rolname = CURRENT_USER"
      " WHERE n.nspname = 'latchkey_required'";
  return sql.Ask("CREATE SCHEMA IF NOT EXISTS latchkey_required") && sql.Ask(kIsOurs) &&
         sql.IsTrue(0) && sql.Ask("GRANT USAGE ON SCHEMA latchkey_required TO PUBLIC") &&
         sql.Ask("SET search_path = latchkey_required, pg_temp") &&
         sql.Ask("CREATE EXTENSION latchkey CASCADE") &&
         sql.Ask("SET search_path = pg_catalog, pg_temp");
}

}  // namespace

MakerFailure InstallExtension(PgConnection& connection, const std::string& role) {
  constexpr char kLook[] =
      "SELECT a.installed_version IS NULL,"
      " a.installed_version OPERATOR(pg_catalog.<>) a.default_version"
      " FROM pg_catalog.pg_available_extensions a"
      " JOIN pg_catalog.pg_roles r ON r.rolname OPERATOR(pg_catalog.=) CURRENT_USER AND r.rolsuper"
      " WHERE a.name OPERATOR(pg_catalog.=) 'latchkey'";
  // Routines, relations and columns that latchkey_app has been granted something on, and the
  // schema.
  constexpr char kGrants[] = R"(
    SELECT pg_catalog.string_agg(pg_catalog.format('GRANT %s TO %I', what, $1::text), '; ') FROM (
      SELECT 'USAGE ON SCHEMA latchkey'
       UNION ALL
      SELECT pg_catalog.format('EXECUTE ON ROUTINE %s', p.oid::pg_catalog.regprocedure)
        FROM pg_catalog.pg_proc p, pg_catalog.aclexplode(p.proacl) a
       WHERE p.pronamespace = 'latchkey'::pg_catalog.regnamespace
         AND a.grantee = 'latchkey_app'::pg_catalog.regrole
       UNION ALL
      SELECT pg_catalog.format('%s ON TABLE latchkey.%I', a.privilege_type, c.relname)
        FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
       WHERE c.relnamespace = 'latchkey'::pg_catalog.regnamespace
         AND c.relkind IN ('r', 'p', 'v', 'm')
         AND a.grantee = 'latchkey_app'::pg_catalog.regrole
       UNION ALL
      SELECT pg_catalog.format('%s (%I) ON TABLE latchkey.%I',
                               a.privilege_type, t.attname, c.relname)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute t ON t.attrelid = c.oid,
             pg_catalog.aclexplode(t.attacl) a
       WHERE c.relnamespace = 'latchkey'::pg_catalog.regnamespace
         AND a.grantee = 'latchkey_app'::pg_catalog.regrole) AS granted (what))";
  Statements sql(connection);
  // The tenant's role owns the database, and so may have set a path for whoever comes.
  if (!sql.Ask("SET search_path = pg_catalog, pg_temp") || !sql.Ask(kLook)) return sql.failure();
  if (!sql.AnyRow()) return std::nullopt;
  const bool missing = sql.IsTrue(0), old = sql.IsTrue(1);
  if (missing && !CreateExtension(sql)) return sql.failure();
  if (old) sql.Ask("ALTER EXTENSION latchkey UPDATE");
  if (sql.Ask(kGrants, {role})) {
    const std::string grants = sql.Text(0);
    // Several at once: no parameters, then.
    sql.Ask("DO $grants$ BEGIN " + grants + "; END $grants$");
  }
  return sql.failure();
}

MakerFailure VerifyDatabase(PgConnection& connection, const Template* source) {
  Statements sql(connection);
  sql.Ask("BEGIN READ WRITE");
  // Refused where nothing can be written; takes a number that WAL will tell of.
  sql.Ask("SELECT pg_catalog.pg_current_xact_id()");
  if (source) {
    const TemplateFile& last = source->files.back();
    sql.Ask(
        "UPDATE latchkey_templates.applied SET applied_at = applied_at"
        " WHERE template = $1 AND file = $2 AND checksum = $3",
        {source->name, last.name, last.checksum});
    if (!sql.failure() && sql.Affected() != 1) {
      sql.Fail({"", "the last file of the template is not recorded: " + last.name, "", ""});
    }
    sql.Ask(
        "SELECT pg_catalog.count(*) = $2::bigint FROM latchkey_templates.applied WHERE template = "
        "$1",
        {source->name, std::to_string(source->files.size())});
    if (!sql.failure() && !sql.IsTrue(0)) {
      sql.Fail({"", "files of the template are missing", "", ""});
    }
  }
  const MakerFailure failure = sql.failure();
  connection.Execute("ROLLBACK");
  return failure;
}

}  // namespace latchkey
