// enqueue_job: one job in the caller's transaction.
#include "extension/jobs/enqueue.hpp"
#include "extension/core/utf8.hpp"
#include "extension/jobs/tables.hpp"
#include "extension/jobs/waiting.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/transaction_state.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::jobs {

namespace {

constexpr size_t kMaxCorrelation = 128;

NewJob Arguments(const pg::Args& args) {
  NewJob job;
  job.type = args.Text(0, "type");
  job.payload = args.AsIs(1, JSONBOID);
  job.priority = args.Get<int32_t>(3, "priority");
  job.run_at = args.Optional<pg::Timestamp>(4);
  job.max_retries = args.Optional<int32_t>(5);
  job.timeout = args.AsIs(6, INTERVALOID);
  job.idempotency_key = args.Optional<std::string>(7);
  job.group_key = args.Optional<std::string>(8);
  job.correlation_id = CorrelationOr(args.Optional<std::string>(9));
  Check(job);
  return job;
}

// The row as _job_states would show it.
std::vector<pg::Value> Columns(const Uuid& account_id, const Uuid& id, const NewJob& job,
                               pg::Timestamp now, int32_t max_retries) {
  const pg::Value null;
  return {pg::ToValue(id),
          pg::ToValue(account_id),
          pg::ToValue(job.type),
          pg::ToValue("pending"),
          pg::ToValue(job.priority),
          pg::ToValue(job.group_key),
          pg::ToValue(job.payload),
          pg::ToValue(job.run_at.value_or(now)),
          pg::ToValue(0),
          pg::ToValue(max_retries),
          pg::ToValue(job.timeout),
          null,
          null,
          pg::ToValue(0),
          null,
          null,
          null,
          pg::ToValue(0),
          null,
          null,
          pg::ToValue(job.correlation_id),
          pg::ToValue(now),
          null,
          null};
}

}  // namespace

std::optional<std::string> CorrelationOr(const std::optional<std::string>& given) {
  if (given) return std::string(CutText(*given, kMaxCorrelation));
  const pg::RequestContext* request = pg::BoundRequest();
  if (request == nullptr || request->request_id.empty()) return std::nullopt;
  return request->request_id;
}

int32_t DefaultMaxRetries(pg::Spi& spi) {
  static constexpr settings::IntegerSetting kMaxRetries("jobs.max_retries");
  return static_cast<int32_t>(kMaxRetries.Get(spi));
}

Uuid RequireEnqueuer(const pg::Args& args, int account_index) {
  const Uuid account_id = args.Optional<Uuid>(account_index).value_or(DefaultAccount());
  if (account_id == Uuid{}) {
    permissions::Require(args, "jobs.write");
  } else {
    permissions::RequireAccount(args, account_id, "jobs.write");
  }
  return account_id;
}

Uuid Insert(pg::Spi& spi, const Uuid& account_id, const Uuid& id, const NewJob& job,
            pg::Timestamp now) {
  static pg::Statement insert(R"(
    INSERT INTO latchkey.jobs (account_id, id, type, priority, lane, position, run_at, max_retries,
                               created_at, timeout, group_key, correlation_id, payload)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13))");
  if (job.idempotency_key) {
    if (const auto first = ClaimKey(spi, account_id, id, job)) return *first;
  }
  std::optional<int64_t> position;
  if (!job.run_at || *job.run_at <= now) position = ReservePositions(1);
  if (MayInsertDirectly()) {
    InsertDirectly(account_id, id, job, position, now);
  } else {
    spi.Run(insert, account_id, id, job.type, job.priority, LaneOf(job.group_key, account_id),
            position, job.run_at.value_or(now), *job.max_retries, now, job.timeout, job.group_key,
            job.correlation_id, job.payload);
  }
  if (position) WakeWorkers(job.type);
  return id;
}

Uuid Enqueue(pg::Spi& spi, const Uuid& account_id, NewJob job) {
  if (!job.max_retries) job.max_retries = DefaultMaxRetries(spi);
  return Insert(spi, account_id, NewUuid(), job, pg::Now());
}

bool IsWaiting(pg::Spi& spi, const Uuid& account_id, std::string_view type) {
  static pg::Statement statement(R"(
    SELECT FROM latchkey.jobs
     WHERE account_id = $1 AND type = $2 AND lease_token IS NULL LIMIT 1)");
  return !spi.RunLatest(statement, account_id, type).empty();
}

// A retry that is due by then is not worth another job: where what it needs is down, changes would
// pile up jobs that fail as well.
constexpr int64_t kSoonMicros = int64_t{10} * 1000000;

bool HoldWaiting(pg::Spi& spi, const Uuid& account_id, std::string_view type) {
  static pg::Statement statement(R"(
    SELECT FROM latchkey.jobs
     WHERE account_id = $1 AND type = $2 AND lease_token IS NULL
       AND (run_at <= $3 OR attempts > 0 AND run_at <= $4)
     LIMIT 1 FOR UPDATE SKIP LOCKED)");
  const pg::Timestamp now = pg::Now();
  if (spi.RunLatest(statement, account_id, type, now, now + kSoonMicros).empty()) return false;
  WakeWorkers(type);  // who looks for work meanwhile does not find it
  return true;
}

LATCHKEY_FUNCTION(enqueue_job, kOpen) {
  NewJob job = Arguments(args);
  const Uuid account_id = RequireEnqueuer(args, 2);
  pg::Spi spi;
  const pg::Timestamp now = pg::Now();
  const Uuid id = NewUuid();
  if (!job.max_retries) job.max_retries = DefaultMaxRetries(spi);
  const Uuid enqueued = Insert(spi, account_id, id, job, now);
  std::vector<pg::Value> columns;
  if (enqueued != id) columns = ReadJob(spi, account_id, enqueued);
  spi.Finish();
  if (enqueued == id) columns = Columns(account_id, id, job, now, *job.max_retries);
  return args.ReturnRow(columns);
}

}  // namespace latchkey::jobs
