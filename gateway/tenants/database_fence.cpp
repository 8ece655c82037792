// Statements that close and open databases.
#include "gateway/tenants/database_fence.hpp"

#include <unistd.h>

#include "gateway/http/connection_loop.hpp"
#include "gateway/tenants/scram_verifier.hpp"
#include "gateway/tenants/statements.hpp"

namespace latchkey {
namespace {

constexpr int64_t kEndTimeoutMs = 10000;
constexpr useconds_t kPauseUs = 50000;

// Those that this role may end: a superuser all but superusers', others the tenant's.
constexpr char kEndSessions[] = R"(
  SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(a.pid))
    FROM pg_catalog.pg_stat_activity a
    JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
    JOIN pg_catalog.pg_roles me ON me.rolname = CURRENT_USER
   WHERE a.datname = $1 AND a.pid <> pg_catalog.pg_backend_pid() AND NOT r.rolsuper
     AND r.rolname <> $3 AND (r.rolname = $2 OR me.rolsuper))";

// Those that were not ended, a superuser's above all, and whose transaction has written something:
// it would be committed after everything was compared. Anyone may read locks; vacuum has no user.
constexpr char kWriter[] = R"(
  SELECT a.pid, a.usename FROM pg_catalog.pg_locks l
    JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = $1
    JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid AND a.usesysid IS NOT NULL
   WHERE l.locktype = 'relation' AND l.granted
     AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
                    'AccessExclusiveLock')
   LIMIT 1)";

bool EndSessions(Statements& sql, const DatabaseAddress& database, const std::string& reader) {
  const int64_t until_ms = MonotonicMs() + kEndTimeoutMs;
  while (sql.Ask(kEndSessions, {database.database, database.user, reader})) {
    if (sql.Text(0) == "0") return true;
    if (MonotonicMs() > until_ms) return sql.Fail({"", "sessions of the tenant don't end", "", ""});
    usleep(kPauseUs);
  }
  return false;
}

// Waits a little: it may be about to end.
bool RequireNoWriter(Statements& sql, const DatabaseAddress& database) {
  const int64_t until_ms = MonotonicMs() + kEndTimeoutMs;
  while (sql.Ask(kWriter, {database.database})) {
    if (!sql.AnyRow()) return true;
    if (MonotonicMs() > until_ms) {
      return sql.Fail({"",
                       "process " + sql.Text(0) + " of " + sql.Text(1) +
                           " has a transaction in the database that writes",
                       "", ""});
    }
    usleep(kPauseUs);
  }
  return false;
}

bool Exists(Statements& sql, const DatabaseAddress& database) {
  return sql.Ask("SELECT FROM pg_catalog.pg_database WHERE datname = $1", {database.database}) &&
         sql.AnyRow();
}

}  // namespace

MakerFailure MakeReader(PgConnection& server, const DatabaseAddress& database,
                        const DatabaseAddress& reader) {
  Statements sql(server);
  const std::string name = sql.Name(reader.user);
  if (!sql.Ask("SELECT FROM pg_catalog.pg_roles WHERE rolname = $1", {reader.user})) {
    return sql.failure();
  }
  const std::string verb = sql.AnyRow() ? "ALTER" : "CREATE";
  sql.Ask(verb + " ROLE " + name + " LOGIN PASSWORD '" + ScramVerifierOfRandom(reader.password) +
          "'");
  sql.Ask("GRANT " + sql.Name(database.user) + " TO " + name);
  return sql.failure();
}

MakerFailure RefuseWrites(PgConnection& server, const DatabaseAddress& database,
                          const std::string& reader) {
  Statements sql(server);
  const std::string name = sql.Name(database.database);
  const std::string off = " SET default_transaction_read_only = on";
  // The second outranks what the tenant may have set for its role.
  sql.Ask("ALTER DATABASE " + name + off);
  sql.Ask("ALTER ROLE " + sql.Name(database.user) + " IN DATABASE " + name + off);
  EndSessions(sql, database, reader);
  return sql.failure();
}

MakerFailure CloseDatabase(PgConnection& server, const DatabaseAddress& database,
                           const std::string& reader) {
  Statements sql(server);
  sql.Ask("ALTER ROLE " + sql.Name(database.user) + " NOLOGIN");
  EndSessions(sql, database, reader);
  if (sql.Ask("SELECT FROM pg_catalog.pg_prepared_xacts WHERE database = $1",
              {database.database}) &&
      sql.AnyRow()) {
    sql.Fail({"", "there are prepared transactions in the database", "", ""});
  }
  RequireNoWriter(sql, database);
  return sql.failure();
}

MakerFailure ReopenDatabase(PgConnection& server, const DatabaseAddress& database,
                            const std::string& reader) {
  Statements sql(server);
  if (Exists(sql, database)) {
    const std::string name = sql.Name(database.database);
    const std::string role = sql.Name(database.user);
    const std::string reset = " RESET default_transaction_read_only";
    sql.Ask("ALTER DATABASE " + name + reset);
    sql.Ask("ALTER ROLE " + role + " IN DATABASE " + name + reset);
    sql.Ask("ALTER ROLE " + role + " LOGIN");
    // They know no other setting than the one with which they began; the reader's as well.
    EndSessions(sql, database, "");
  }
  sql.Ask("DROP ROLE IF EXISTS " + sql.Name(reader));
  return sql.failure();
}

MakerFailure RequireDifferentServers(PgConnection& one, PgConnection& other) {
  constexpr char kIdentify[] = "SELECT system_identifier FROM pg_catalog.pg_control_system()";
  Statements first(one), second(other);
  if (!first.Ask(kIdentify)) return first.failure();
  if (second.Ask(kIdentify) && first.Text(0) == second.Text(0)) {
    second.Fail({"", "both are the same server", "", ""});
  }
  return second.failure();
}

}  // namespace latchkey
