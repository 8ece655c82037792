// What is dumped by whom, and what is left out.
#include "gateway/tenants/database_copy.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "gateway/tenants/statements.hpp"

namespace latchkey {
namespace {

constexpr char kOwnSchema[] = "latchkey";
constexpr char kRequiredSchema[] = "latchkey_required";

// "7; 3079 16385 EXTENSION - pgcrypto ", "8; 0 0 COMMENT - EXTENSION pgcrypto " and "9; 0 0 ACL
// latchkey FUNCTION …": they are the owner's of the extension.
bool IsOfExtension(const std::string& line, const std::vector<std::string>& names) {
  std::istringstream words(line);
  std::string id, table, oid, entry, word;
  words >> id >> table >> oid;
  while (words >> word) entry += (entry.empty() ? "" : " ") + word;
  // Privileges on what belongs to an extension are in every dump, whatever schemas it leaves out.
  for (const std::string schema : {kOwnSchema, kRequiredSchema}) {
    const bool is_there = std::find(names.begin(), names.end(), kOwnSchema) != names.end();
    if (is_there && (entry.rfind("ACL " + schema + " ", 0) == 0 ||
                     entry.rfind("ACL - SCHEMA " + schema + " ", 0) == 0)) {
      return true;
    }
  }
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return entry == "EXTENSION - " + name || entry == "COMMENT - EXTENSION " + name;
  });
}

bool Write(const std::string& file, const std::string& text) {
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  return close(fd) == 0 && written;
}

MakerFailure WriteList(const DumpPrograms& programs, const std::vector<std::string>& left_out,
                       const std::string& dump, const std::string& list_file) {
  std::string contents, kept, line;
  if (auto failure = programs.List(dump, contents)) return failure;
  std::istringstream lines(contents);
  while (std::getline(lines, line)) {
    if (!IsOfExtension(line, left_out)) kept += line + "\n";
  }
  if (Write(list_file, kept)) return std::nullopt;
  return SqlError{"", "the contents of the dump can't be written", "", ""};
}

// shop.theme is two names.
std::string SettingName(const Statements& sql, const std::string& setting) {
  std::string name, part;
  std::istringstream parts(setting);
  while (std::getline(parts, part, '.')) name += (name.empty() ? "" : ".") + sql.Name(part);
  return name;
}

}  // namespace

MakerFailure LookAtExtensions(PgConnection& connection, const std::string& role,
                              ForeignExtensions& found) {
  constexpr char kFind[] = R"(
    SELECT e.extname, e.extversion, e.extname = 'latchkey', n.nspname = $2
      FROM pg_catalog.pg_extension e
      JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
      JOIN pg_catalog.pg_roles r ON r.oid = e.extowner
     WHERE r.rolname <> $1 AND e.extname <> 'plpgsql' ORDER BY e.extname)";
  found = {};
  Statements sql(connection);
  if (!sql.Ask("SET search_path = pg_catalog, pg_temp") ||
      !sql.Ask(kFind, {role, kRequiredSchema})) {
    return sql.failure();
  }
  for (int row = 0; row < sql.RowCount(); ++row) {
    const std::string name = sql.Text(0, row);
    found.names.push_back(name);
    if (sql.Text(2, row) == "t") {
      found.has_latchkey = true;
      found.version = sql.Text(1, row);
    } else if (sql.Text(3, row) != "t") {
      sql.Fail({"", "the database has extension " + name + ", which is not its role's", "", ""});
    }
  }
  return sql.failure();
}

MakerFailure RequireExtension(PgConnection& server, const std::string& version) {
  constexpr char kLook[] = R"(
    SELECT r.rolsuper, a.default_version = $1
      FROM pg_catalog.pg_roles r
      LEFT JOIN pg_catalog.pg_available_extensions a ON a.name = 'latchkey'
     WHERE r.rolname = CURRENT_USER)";
  Statements sql(server);
  if (sql.Ask(kLook, {version}) && !(sql.IsTrue(0) && sql.IsTrue(1))) {
    sql.Fail({"",
              "the server can't have extension latchkey " + version +
                  ", which the database holds: it is not there in that version, or the server's"
                  " role is no superuser",
              "", ""});
  }
  return sql.failure();
}

MakerFailure ReadKeyUsage(PgConnection& connection, std::string& usage) {
  constexpr char kUsage[] = R"(
    SELECT pg_catalog.string_agg(DISTINCT pg_catalog.concat(u.key, u.current), ' ')
      FROM latchkey.master_key_usage() AS u)";
  Statements sql(connection);
  if (sql.Ask(kUsage)) usage = sql.Text(0);
  return sql.failure();
}

MakerFailure ReadLocale(PgConnection& source_server, const DatabaseAddress& source,
                        PgConnection& target_server, std::string& options) {
  // Columns that some versions have not got, or by another name, are read as JSON. From 15 on a
  // server has a provider of its own, which is not to be taken instead.
  constexpr int kHasProviders = 150000;
  constexpr char kRead[] = R"(
    SELECT pg_catalog.format(' LC_COLLATE %L LC_CTYPE %L', d.datcollate, d.datctype),
           CASE j ->> 'datlocprovider'
             WHEN 'i' THEN pg_catalog.format(' LOCALE_PROVIDER icu ICU_LOCALE %L',
                                             coalesce(j ->> 'datlocale', j ->> 'daticulocale'))
                           || coalesce(' ICU_RULES '
                                       || pg_catalog.quote_literal(j ->> 'daticurules'), '')
             WHEN 'b' THEN pg_catalog.format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L',
                                             j ->> 'datlocale')
             ELSE ' LOCALE_PROVIDER libc' END
      FROM pg_catalog.pg_database d, pg_catalog.to_jsonb(d) AS j WHERE d.datname = $1)";
  Statements from(source_server);
  if (!from.Ask(kRead, {source.database})) return from.failure();
  if (!from.AnyRow()) from.Fail({"", "the source has no such database", "", ""});
  if (from.failure()) return from.failure();
  options = from.Text(0);
  if (PQserverVersion(target_server.handle()) >= kHasProviders) options += from.Text(1);
  return std::nullopt;
}

MakerFailure DumpForCopy(const DumpPrograms& programs, const CopyAddresses& addresses,
                         const ForeignExtensions& extensions, const std::string& tenant_file,
                         const std::string& extension_file) {
  std::vector<std::string> options;
  if (extensions.has_latchkey) {
    for (const char* schema : {kOwnSchema, kRequiredSchema}) {
      options.push_back(std::string("--exclude-schema=") + schema);
    }
    if (auto failure = programs.Dump(addresses.source_administration,
                                     {std::string("--schema=") + kOwnSchema,
                                      std::string("--extension=") + kOwnSchema, "--no-privileges"},
                                     extension_file)) {
      return failure;
    }
  }
  return programs.Dump(addresses.source_reader, options, tenant_file);
}

MakerFailure RestoreCopy(const DumpPrograms& programs, const CopyAddresses& addresses,
                         const ForeignExtensions& extensions, const std::string& tenant_file,
                         const std::string& extension_file, const std::string& list_file) {
  if (extensions.has_latchkey) {
    if (auto failure = programs.Restore(addresses.target_administration, {}, extension_file)) {
      return failure;
    }
  }
  if (auto failure = WriteList(programs, extensions.names, tenant_file, list_file)) return failure;
  return programs.Restore(addresses.target, {"--no-owner", "--use-list=" + list_file}, tenant_file);
}

MakerFailure FinishCopy(PgConnection& source_server, const DatabaseAddress& source,
                        PgConnection& target, const DatabaseAddress& copy) {
  constexpr char kSettings[] = R"(
    SELECT s.setrole <> 0, pg_catalog.split_part(c.entry, '=', 1),
           pg_catalog.substr(c.entry, pg_catalog.strpos(c.entry, '=') + 1), s.setdatabase <> 0
      FROM pg_catalog.pg_db_role_setting s
      LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
      LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole,
           pg_catalog.unnest(s.setconfig) AS c (entry)
     WHERE d.datname = $1 AND s.setrole = 0
        OR r.rolname = $2 AND (s.setdatabase = 0 OR d.datname = $1))";
  Statements from(source_server), to(target);
  if (!from.Ask(kSettings, {source.database, source.user})) return from.failure();
  for (int row = 0; row < from.RowCount(); ++row) {
    const std::string setting = from.Text(1, row);
    const bool is_roles = from.Text(0, row) == "t", is_databases = from.Text(3, row) == "t";
    if (is_databases && setting == "default_transaction_read_only") continue;  // the fence's
    const std::string database = "DATABASE " + to.Name(copy.database);
    std::string whose = is_roles ? "ROLE " + to.Name(copy.user) : database;
    if (is_roles && is_databases) whose += " IN " + database;
    // FROM CURRENT writes lists and quotes as the server wants them.
    to.Ask("SELECT pg_catalog.set_config($1, $2, false)", {setting, from.Text(2, row)});
    to.Ask("ALTER " + whose + " SET " + SettingName(to, setting) + " FROM CURRENT");
    to.Ask("RESET " + SettingName(to, setting));
  }
  to.Ask("ANALYZE");
  return to.failure();
}

}  // namespace latchkey
