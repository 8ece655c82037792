// Looking whether tenants' databases answer, and dropping those of deleted tenants.
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "gateway/http/connection_loop.hpp"
#include "gateway/http/log.hpp"
#include "gateway/tenants/database_maker.hpp"
#include "gateway/tenants/tenant_connector.hpp"
#include "gateway/work/outside_connection.hpp"
#include "gateway/work/worker.hpp"

namespace latchkey {
namespace {

constexpr int64_t kTimeoutMs = 30000;
constexpr size_t kChecksAtOnce = 8;
constexpr int64_t kAnswerTimeoutMs = 3000;
constexpr uint64_t kMaxAnswerBytes = 65536;
constexpr char kPage[] = "100";
constexpr char kListReady[] = "SELECT c.tenant_id, c.trusted, c.version, " LATCHKEY_ADDRESS_COLUMNS(
    "c.connection") ", c.connection IS NULL FROM latchkey.tenant_connections($1, $2) AS c";
constexpr char kRecordHealth[] = "SELECT latchkey.record_database_health($1, $2)";
constexpr char kListAbandoned[] =
    "SELECT p.tenant_id, p.server IS NOT NULL,"
    " " LATCHKEY_ADDRESS_COLUMNS("p.connection") ","
    " " LATCHKEY_ADDRESS_COLUMNS("p.server_connection")
    ", p.connection IS NULL OR (p.server IS NOT NULL AND p.server_connection IS NULL)"
    " FROM latchkey.abandoned_databases($1, $2) AS p";
constexpr char kSealed[] = "it is sealed under another master key, or damaged";
constexpr char kEndMoves[] = "SELECT latchkey.end_abandoned_moves()";
constexpr char kForget[] = "SELECT latchkey.forget_database($1)";

struct Check {
  std::string tenant;
  int64_t version = 0;
  std::optional<DatabaseAddress> address;  // empty: it can't be opened
  bool healthy = false;
};

std::vector<Check> ReadChecks(const PGresult* rows) {
  std::vector<Check> checks;
  for (int row = 0; row < PQntuples(rows); ++row) {
    Check check;
    check.tenant = PQgetvalue(rows, row, 0);
    check.version = std::stoll(PQgetvalue(rows, row, 2));
    if (*PQgetvalue(rows, row, 3 + kAddressColumns) != 't') {
      check.address = ReadAddress(rows, row, 3, *PQgetvalue(rows, row, 1) == 't');
    }
    checks.push_back(std::move(check));
  }
  return checks;
}

bool Answers(PgConnection& connection) {
  PGconn* handle = connection.handle();
  connection.LimitAnswer(kMaxAnswerBytes);
  if (PQsendQuery(handle, "SELECT 1") != 1) return false;
  const int64_t until_ms = MonotonicMs() + kAnswerTimeoutMs;
  while (PQflush(handle) > 0 || PQisBusy(handle)) {
    const int64_t left_ms = until_ms - MonotonicMs();
    pollfd ready = {PQsocket(handle), POLLIN, 0};
    if (left_ms <= 0 || poll(&ready, 1, static_cast<int>(left_ms)) <= 0) return false;
    if (!connection.Consume()) return false;
  }
  const PgResult result(PQgetResult(handle));
  return PQresultStatus(result.get()) == PGRES_TUPLES_OK;
}

// Several threads look at once. A server that has not answered is not asked again in this round:
// its other tenants would each take a timeout to tell the same.
class HealthRound {
 public:
  explicit HealthRound(int connect_timeout_s) : connect_(ConnectTenants(connect_timeout_s)) {}

  void Run(std::vector<Check>& checks, const std::atomic<bool>& stop) {
    std::atomic<size_t> next{0};
    std::vector<std::thread> threads;
    const auto work = [&] {
      for (size_t i = next++; i < checks.size() && !stop; i = next++) {
        checks[i].healthy = Look(checks[i]);
      }
    };
    for (size_t i = 0; i < std::min(kChecksAtOnce, checks.size()); ++i) threads.emplace_back(work);
    for (std::thread& thread : threads) thread.join();
  }

 private:
  bool Look(const Check& check) {
    if (!check.address) {
      LogEvent("error", "the connection to a tenant's database can't be opened",
               {{"tenant", check.tenant}, {"reason", kSealed}});
      return false;
    }
    const std::string server = check.address->Server();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (dead_.count(server)) return false;
    }
    const TenantConnectResult result = connect_({check.tenant, check.version, *check.address});
    if (!result.server_answered) {
      const std::lock_guard<std::mutex> lock(mutex_);
      dead_.insert(server);
    }
    return result.link && Answers(static_cast<TenantConnection&>(*result.link).connection());
  }

  const TenantConnector connect_;
  std::mutex mutex_;
  std::set<std::string> dead_;
};

MakerFailure Drop(HeldJob& job, const PGresult* rows, int row, int connect_timeout_s) {
  if (*PQgetvalue(rows, row, 2 + 2 * kAddressColumns) == 't') {
    return SqlError{"LK504", kSealed, "", ""};
  }
  const DatabaseAddress former = ReadAddress(rows, row, 2, true);
  const DatabaseAddress server = ReadAddress(rows, row, 2 + kAddressColumns, true);
  OutsideConnection outside(job, server, connect_timeout_s);
  if (!outside.error().empty()) return SqlError{"08001", outside.error(), "", ""};
  return DropTenantDatabase(outside.connection(), former);
}

}  // namespace

std::optional<int64_t> Worker::CheckDatabases(WorkSession& session, HeldJob& job) {
  HealthRound round(options_.tenant_connect_timeout_s);
  Parameter after;
  int64_t count = 0;
  while (!Leave(session, job)) {
    const TransactionResult page = session.Run(kListReady, {after, kPage}, kTimeoutMs);
    if (page.error) return GiveUp(session, job, *page.error);
    std::vector<Check> checks = ReadChecks(page.rows.get());
    if (checks.empty()) return count;
    after = checks.back().tenant;
    round.Run(checks, job.interrupt);
    if (Leave(session, job)) return std::nullopt;
    for (const Check& check : checks) {
      const TransactionResult told =
          session.Run(kRecordHealth, {check.tenant, check.healthy ? "t" : "f"}, kTimeoutMs);
      // It may be gone meanwhile.
      if (told.error && told.error->sqlstate != "LK404") return GiveUp(session, job, *told.error);
      ++count;
    }
  }
  return std::nullopt;
}

std::optional<int64_t> Worker::DropDatabases(WorkSession& session, HeldJob& job) {
  Parameter after;
  int64_t count = 0;
  std::optional<SqlError> first = session.Run(kEndMoves, {}, kTimeoutMs).error;
  while (true) {
    if (Leave(session, job)) return std::nullopt;
    const TransactionResult page = session.Run(kListAbandoned, {after, kPage}, kTimeoutMs);
    if (page.error) return GiveUp(session, job, *page.error);
    const PGresult* rows = page.rows.get();
    if (PQntuples(rows) == 0) break;
    for (int row = 0; row < PQntuples(rows); ++row) {
      if (Leave(session, job)) return std::nullopt;
      after = PQgetvalue(rows, row, 0);
      MakerFailure failure;
      if (*PQgetvalue(rows, row, 1) == 't') {
        failure = Drop(job, rows, row, options_.tenant_connect_timeout_s);
      }
      if (!failure) failure = session.Run(kForget, {after}, kTimeoutMs).error;
      if (!failure) {
        ++count;
        continue;
      }
      // The others' turn comes nevertheless; this one's with the next attempt.
      LogEvent("error", "a deleted tenant's database was not dropped",
               {{"tenant", *after},
                {"sqlstate", failure->sqlstate},
                {"message", OneLine(failure->message)}});
      if (!first) first = failure;
    }
  }
  if (first) return GiveUp(session, job, *first);
  return count;
}

}  // namespace latchkey
