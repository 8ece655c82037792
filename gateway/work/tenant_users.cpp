// The jobs that keep the users of tenants' databases as the main database has them.
#include <cstdlib>

#include "gateway/tenants/tenant_target.hpp"
#include "gateway/work/worker.hpp"

namespace latchkey {
namespace {

constexpr int64_t kMainTimeoutMs = 30000;
constexpr int64_t kTenantTimeoutMs = 10000;
constexpr int kConnectTimeoutS = 5;

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

TransactionOptions Within(Access access) { return {access, false, kTenantTimeoutMs}; }

SqlError Failure(const std::string& message) { return {"", message, "", ""}; }

// The connection of one job, made of what the main database says.
struct Opened {
  std::unique_ptr<PgConnection> connection;  // null: there is nothing to do, or an error
  std::string template_name;
  std::optional<SqlError> error;
};

Opened Open(WorkSession& session, const std::string& tenant, const TrustedProxies& allowed) {
  Opened opened;
  const TransactionResult told = session.Run(kTenantDatabaseSql, {tenant}, kMainTimeoutMs);
  if (told.error) {
    // No database any more, so nobody to tell.
    if (told.error->sqlstate != "LK404") opened.error = told.error;
    return opened;
  }
  const TenantDatabase database = ReadTenantDatabase(told.rows.get(), allowed);
  if (!database.ready || database.template_name.empty()) return opened;
  opened.template_name = database.template_name;
  if (!database.error.empty()) {
    opened.error = Failure(database.error);
    return opened;
  }
  ConnectOptions options;
  options.url = database.target.url;
  options.connect_timeout_s = kConnectTimeoutS;
  options.application_name = "latchkey-worker";
  opened.connection = std::make_unique<PgConnection>(options);
  if (opened.connection->ok()) return opened;
  opened.error = Failure("the tenant's database can't be reached");
  opened.connection.reset();
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

std::optional<int64_t> Worker::Ended(WorkSession& session, HeldJob& job, int64_t rows,
                                     const std::optional<SqlError>& error) {
  if (job.lost) return std::nullopt;
  if (!error) return rows;
  job.interrupt ? Release(session, job) : Fail(session, job, *error);
  return std::nullopt;
}

// One user that the tenant's database refuses does not keep the others away, but the job fails, and
// is tried again.
std::optional<int64_t> Worker::SyncTenantUsers(WorkSession& session, HeldJob& job) {
  const Opened opened = Open(session, job.account_id, options_.webhook_networks);
  std::optional<SqlError> failure = opened.error;
  const TenantUsersSql sql(opened.template_name);
  int64_t count = 0;
  Parameter after;
  while (opened.connection && !job.lost) {
    if (board_.closed()) {
      Release(session, job);
      return std::nullopt;
    }
    const TransactionResult batch =
        session.Run(kPending, {job.account_id, after}, kMainTimeoutMs, &job.interrupt);
    if (batch.error) return Ended(session, job, count, batch.error);
    const int rows = PQntuples(batch.rows.get());
    if (rows == 0) break;
    Written written;
    const Statement statement = {kFirstStatementId, sql.write.c_str()};
    for (int row = 0; row < rows && opened.connection->ok(); ++row) {
      after = PQgetvalue(batch.rows.get(), row, 0);
      const TransactionResult result =
          RunTransaction(*opened.connection, {{&statement, ValuesOf(batch.rows.get(), row)}},
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
      if (told.error) return Ended(session, job, count, told.error);
    }
    if (!opened.connection->ok() || (failure && failure->sqlstate.empty())) break;
  }
  return Ended(session, job, count, failure);
}

// The main database reads its side after the tenant's: what changes in between is found there as
// waiting, and no difference.
std::optional<int64_t> Worker::CompareTenantUsers(WorkSession& session, HeldJob& job) {
  const Opened opened = Open(session, job.account_id, options_.webhook_networks);
  if (!opened.connection) return Ended(session, job, 0, opened.error);
  const TenantUsersSql sql(opened.template_name);
  const Statement statement = {kFirstStatementId, sql.page.c_str()};
  int64_t count = 0;
  Parameter after;
  while (!job.lost) {
    if (board_.closed()) {
      Release(session, job);
      return std::nullopt;
    }
    const TransactionResult page =
        RunTransaction(*opened.connection, {{&statement, {after}}}, Within(Access::kRead));
    if (page.error) return Ended(session, job, count, page.error);
    std::vector<Parameter> values = ValuesOf(page.rows.get(), 0);
    const int64_t rows = std::atoll(values[1]->c_str());
    const Parameter until = rows < 500 ? Parameter() : values[2];
    const TransactionResult told = session.Run(kCompare, {job.account_id, values[0], after, until},
                                               kMainTimeoutMs, &job.interrupt);
    if (told.error) return Ended(session, job, count, told.error);
    count += rows;
    if (!until) break;
    after = until;
  }
  return Ended(session, job, count, std::nullopt);
}

}  // namespace latchkey
