// The jobs that keep the users of tenants' databases as the main database has them.
#include <cstdlib>

#include "gateway/http/log.hpp"
#include "gateway/tenants/tenant_target.hpp"
#include "gateway/work/outside_connection.hpp"
#include "gateway/work/worker.hpp"

namespace latchkey {
namespace {

constexpr int64_t kMainTimeoutMs = 30000;
constexpr int64_t kTenantTimeoutMs = 10000;

constexpr char kPending[] =
    "SELECT s.user_id, s.email, s.name, s.role, s.status, s.version"
    " FROM latchkey.pending_tenant_users($1, $2, 100) AS s";
constexpr char kRecord[] = "SELECT latchkey.record_tenant_users($1, $2, $3)";
constexpr char kCompare[] = "SELECT latchkey.record_tenant_user_comparison($1, $2, $3, $4)";

// What a batch came to, as arrays for record_tenant_users.
struct Written {
  std::string users, versions;

  void Add(const std::string& user, const std::string& version) {
    users += (users.empty() ? "{" : ",") + user;
    versions += (versions.empty() ? "{" : ",") + version;
  }
};

std::vector<Parameter> ValuesOf(const PGresult* rows, int row) {
  std::vector<Parameter> values;
  for (int column = 0; column < PQnfields(rows); ++column) {
    const bool null = PQgetisnull(rows, row, column);
    values.push_back(null ? Parameter() : Parameter(PQgetvalue(rows, row, column)));
  }
  return values;
}

TransactionOptions Within(Access access) {
  return {access, false, kTenantTimeoutMs, kMaxTenantAnswerBytes};
}

// The connection of one job, made of what the main database says.
struct Opened {
  std::unique_ptr<OutsideConnection> outside;  // null: there is nothing to do, or an error
  std::string template_name;
  std::optional<SqlError> error;

  PgConnection& connection() const { return outside->connection(); }
};

Opened Open(WorkSession& session, HeldJob& job, int connect_timeout_s) {
  Opened opened;
  const TransactionResult told = session.Run(kTenantDatabaseSql, {job.account_id}, kMainTimeoutMs);
  if (told.error) {
    // No database any more, so nobody to tell.
    if (told.error->sqlstate != "LK404") opened.error = told.error;
    return opened;
  }
  const TenantDatabase database = ReadTenantDatabase(told.rows.get());
  if (!database.ready || database.template_name.empty()) return opened;
  opened.template_name = database.template_name;
  opened.outside = std::make_unique<OutsideConnection>(job, database.address, connect_timeout_s);
  if (opened.outside->error().empty()) return opened;
  // Members of the tenant read the job's error: where the platform's servers are is not for them.
  LogEvent("error", "no connection to a tenant's database",
           {{"tenant", job.account_id},
            {"server", database.address.Server()},
            {"reason", opened.outside->error()}});
  opened.error = SqlError{"", "the tenant's database can't be reached", "", ""};
  opened.outside.reset();
  return opened;
}

// The statements of one template, whose name is a lower-case word.
struct TenantUsersSql {
  explicit TenantUsersSql(const std::string& name)
      : write("SELECT \"" + name + "\".sync_user($1, $2, $3, $4, $5, $6)"),
        page(
            "SELECT coalesce(json_agg(u), '[]'), count(*), (array_agg(u.id))[count(*)::integer]"
            " FROM (SELECT id, email, name, role, status, version FROM \"" +
            name +
            "\".users WHERE id > coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid)"
            " ORDER BY id LIMIT 500) AS u") {}

  const std::string write, page;
};

}  // namespace

// One user that the tenant's database refuses does not keep the others away, but the job fails, and
// is tried again.
std::optional<int64_t> Worker::SyncTenantUsers(WorkSession& session, HeldJob& job) {
  const Opened opened = Open(session, job, options_.tenant_connect_timeout_s);
  std::optional<SqlError> failure = opened.error;
  const TenantUsersSql sql(opened.template_name);
  int64_t count = 0;
  Parameter after;
  while (opened.outside) {
    if (Leave(session, job)) return std::nullopt;
    const TransactionResult batch =
        session.Run(kPending, {job.account_id, after}, kMainTimeoutMs, &job.interrupt);
    if (batch.error) return FailOrRelease(session, job, *batch.error);
    const int rows = PQntuples(batch.rows.get());
    if (rows == 0) break;
    Written written;
    const Statement statement = {kFirstStatementId, sql.write.c_str()};
    for (int row = 0; row < rows && opened.connection().ok(); ++row) {
      after = PQgetvalue(batch.rows.get(), row, 0);
      const TransactionResult result =
          RunTransaction(opened.connection(), {{&statement, ValuesOf(batch.rows.get(), row)}},
                         Within(Access::kWrite));
      if (result.error) {
        failure = result.error;
      } else {
        written.Add(*after, PQgetvalue(batch.rows.get(), row, 5));
        ++count;
      }
    }
    if (!written.users.empty()) {
      const TransactionResult told = session.Run(
          kRecord, {job.account_id, written.users + "}", written.versions + "}"}, kMainTimeoutMs);
      if (told.error) return FailOrRelease(session, job, *told.error);
    }
    if (!opened.connection().ok() || (failure && failure->sqlstate.empty())) break;
  }
  if (failure) return FailOrRelease(session, job, *failure);
  return count;
}

// The main database reads its side after the tenant's: what changes in between is found there as
// waiting, and no difference.
std::optional<int64_t> Worker::CompareTenantUsers(WorkSession& session, HeldJob& job) {
  const Opened opened = Open(session, job, options_.tenant_connect_timeout_s);
  if (opened.error) return FailOrRelease(session, job, *opened.error);
  if (!opened.outside) return 0;
  const TenantUsersSql sql(opened.template_name);
  const Statement statement = {kFirstStatementId, sql.page.c_str()};
  int64_t count = 0;
  Parameter after;
  while (true) {
    if (Leave(session, job)) return std::nullopt;
    const TransactionResult page =
        RunTransaction(opened.connection(), {{&statement, {after}}}, Within(Access::kRead));
    if (page.error) return FailOrRelease(session, job, *page.error);
    std::vector<Parameter> values = ValuesOf(page.rows.get(), 0);
    const int64_t rows = std::atoll(values[1]->c_str());
    const Parameter until = rows < 500 ? Parameter() : values[2];
    const TransactionResult told = session.Run(kCompare, {job.account_id, values[0], after, until},
                                               kMainTimeoutMs, &job.interrupt);
    if (told.error) return FailOrRelease(session, job, *told.error);
    count += rows;
    if (!until) return count;
    after = until;
  }
}

}  // namespace latchkey
