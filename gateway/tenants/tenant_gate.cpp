// Asking for a tenant's database, and running a transaction there.
#include "gateway/tenants/tenant_gate.hpp"

#include "gateway/http/connection_loop.hpp"
#include "gateway/http/log.hpp"
#include "gateway/routes/sql_failure.hpp"
#include "gateway/tenants/tenant_connector.hpp"

namespace latchkey {
namespace {

constexpr int64_t kKnownMs = 1000;
constexpr size_t kMaxKnown = 20000;
constexpr int64_t kAskTimeoutMs = 5000;
constexpr int64_t kWaitMs = 1000;
constexpr int kMaxAttempts = 3;
const Statement kFind = {kFirstStatementId, kTenantDatabaseSql};

Failure Unavailable() {
  return {ErrorId::TenantUnavailable, "the tenant's database can't be reached now", "", 1};
}

// The connection is lost, or was taken away.
bool IsLost(const std::string& sqlstate) {
  return sqlstate.empty() || sqlstate.compare(0, 2, "08") == 0 ||
         sqlstate.compare(0, 4, "57P0") == 0;
}

bool IsWorthRepeating(const std::string& sqlstate) {
  return sqlstate == "40001" || sqlstate == "40P01" || sqlstate == "0A000" || sqlstate == "26000";
}

// What the constraints of a template say about the values of a request.
std::optional<Failure> FailureOfConstraint(const SqlError& error) {
  if (error.sqlstate == "23505") return Failure{ErrorId::AlreadyExists, error.message};
  if (error.sqlstate == "23503") return Failure{ErrorId::Conflict, error.message};
  if (error.sqlstate == "23514" || error.sqlstate == "23502") {
    return Failure{ErrorId::InvalidArgument, error.message};
  }
  return std::nullopt;
}

// The tenant's database is not ours to believe: what it says about tokens and passwords is no
// answer to a request that the main database has let in.
Failure FailureThere(const SqlError& error, const std::string& request_id) {
  if (auto failure = FailureOfConstraint(error)) return *failure;
  if (error.sqlstate == "25006") {
    return {ErrorId::TenantUnavailable, "the tenant's database takes no writes now: it is moving",
            "", 1};
  }
  const Failure failure = FailureOf(error, request_id);
  if (failure.id == ErrorId::Unavailable) return Unavailable();
  return InfoOf(failure.id).status == 401 ? Failure{ErrorId::InternalError} : failure;
}

}  // namespace

TenantGate::TenantGate(const Config& config, TenantPools& pools) : pools_(pools) {
  if (config.worker_database_url.empty()) return;
  main_ = std::make_unique<Pool>(
      Pool::Options{{config.worker_database_url}, config.connection_lifetime_s * 1000});
}

std::optional<Failure> TenantGate::Find(const std::string& tenant, const std::string& request_id,
                                        TenantDatabase& database) {
  const int64_t now_ms = MonotonicMs();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto known = known_.find(tenant);
    if (known != known_.end() && known->second.until_ms > now_ms) {
      database = known->second.database;
      return std::nullopt;
    }
  }
  TransactionResult told;
  {
    std::lock_guard<std::mutex> lock(asking_);
    told = RunPooled(*main_, {{&kFind, {tenant}}}, {Access::kRead, false, kAskTimeoutMs});
  }
  if (told.error && told.error->sqlstate == "LK404") return std::nullopt;  // it has none
  if (told.error) return FailureOf(*told.error, request_id);
  database = ReadTenantDatabase(told.rows.get());
  std::lock_guard<std::mutex> lock(mutex_);
  if (known_.size() >= kMaxKnown) known_.clear();
  known_[tenant] = {database, now_ms + kKnownMs};
  return std::nullopt;
}

std::optional<Failure> TenantGate::Run(const TenantDatabase& database,
                                       const std::vector<BoundStatement>& statements,
                                       const TransactionOptions& options,
                                       const std::string& request_id, PgResult& rows) {
  const TenantTarget target = {database.tenant, database.version, database.address};
  TransactionOptions bounded = options;
  bounded.max_answer_bytes = kMaxTenantAnswerBytes;
  TransactionResult result;
  for (int attempt = 1; attempt <= kMaxAttempts; ++attempt) {
    TenantPools::Lease lease = pools_.Acquire(target, kWaitMs);
    if (lease.outcome() == TenantOutcome::kDown) return Unavailable();
    if (lease.outcome() == TenantOutcome::kBusy) {
      return Failure{ErrorId::TooBusy, "too many requests wait for the tenant's database", "", 1};
    }
    const int64_t began_ms = MonotonicMs();
    auto& connection = static_cast<TenantConnection&>(lease.link()).connection();
    result = RunTransaction(connection, statements, bounded);
    if (!result.error) {
      rows = std::move(result.rows);
      return std::nullopt;
    }
    if (connection.flooded()) {
      LogEvent("error", "a tenant's database sent too much",
               {{"tenant", target.tenant}, {"server", target.address.Server()}});
      return Failure{ErrorId::TenantUnavailable,
                     "the tenant's database answers with more than is taken"};
    }
    const std::string& sqlstate = result.error->sqlstate;
    const bool lost = IsLost(sqlstate);
    if (lost || IsWorthRepeating(sqlstate)) lease.Break();
    // A writer whose connection died may have committed: only the caller can know what to do.
    const bool slow = MonotonicMs() - began_ms >= options.timeout_ms;
    const bool again = lost ? options.access == Access::kRead && !slow : IsWorthRepeating(sqlstate);
    if (!again) break;
  }
  return FailureThere(*result.error, request_id);
}

void TenantGate::Prune() {
  if (main_) main_->Prune();
}

}  // namespace latchkey
