// How an attempt ends: complete_job, complete_jobs, fail_job, release_job.
#include <algorithm>

#include "extension/core/error.hpp"
#include "extension/core/random.hpp"
#include "extension/core/utf8.hpp"
#include "extension/jobs/rules.hpp"
#include "extension/jobs/store.hpp"
#include "extension/jobs/tables.hpp"
#include "extension/jobs/waiting.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/array.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::jobs {

namespace {

constexpr int kMaxBatch = 10000;
constexpr size_t kMaxError = 4000;

// Between a half and all of it is random, so that what failed together is not retried together.
int64_t RetryDelay(pg::Spi& spi, int32_t attempts) {
  static constexpr settings::DurationSetting kFirst("jobs.retry_delay");
  static constexpr settings::DurationSetting kMost("jobs.max_retry_delay");
  const int64_t most = kMost.Micros(spi);
  int64_t delay = std::min(kFirst.Micros(spi), most);
  for (int32_t i = 1; i < attempts && delay > 0 && delay < most; ++i) {
    delay = std::min(delay * 2, most);
  }
  uint32_t random = 0;
  FillRandom(&random, sizeof(random));
  return delay / 2 + static_cast<int64_t>(static_cast<double>(delay / 2) * random / UINT32_MAX);
}

// Null is what array_agg makes of no rows.
int SizeOf(const pg::Raw& array) { return array.is_null ? 0 : pg::ShapeOf(array).size; }

// A worker whose answer got lost asks again.
bool WasCompletedSo(pg::Spi& spi, const Lease& lease) {
  static pg::Statement statement(R"(
    SELECT FROM latchkey.job_history
     WHERE account_id = $1 AND id = $2 AND lease_token = $3 AND status = 'completed')");
  return !spi.RunLatest(statement, lease.account_id, lease.job_id, lease.token).empty();
}

pg::Raw RefusedOf(pg::Spi& spi, const pg::Raw (&arrays)[3]) {
  static pg::Statement statement(R"(
    SELECT coalesce(array_agg(d.id ORDER BY d.n), '{}')
      FROM unnest($1, $2, $3) WITH ORDINALITY AS d (account_id, id, token, n)
     WHERE NOT EXISTS (SELECT FROM latchkey.job_history h
                        WHERE h.account_id = d.account_id AND h.id = d.id
                          AND h.lease_token = d.token AND h.status = 'completed'))");
  return spi.RunLatest(statement, arrays[0], arrays[1], arrays[2])[0].Copy(1);
}

}  // namespace

// "Not distinct", here and elsewhere, as an equation would prove that the token is not null: the
// server could then take the index of all that is leased for the quickest way to a single job.
void Complete(pg::Spi& spi, const Lease& lease, const pg::Raw& result) {
  static pg::Statement statement(R"(
    WITH gone AS (
      DELETE FROM latchkey.jobs
       WHERE account_id = $1 AND id = $2 AND lease_token IS NOT DISTINCT FROM $3 RETURNING *)
    INSERT INTO latchkey.job_history (
           account_id, id, type, status, priority, lane, run_at, attempts, max_retries, lease_token,
           processed, target, results, created_at, started_at, finished_at, timeout, group_key,
           worker, correlation_id, cursor, payload, result)
    SELECT account_id, id, type, 'completed', priority, lane, run_at, attempts, max_retries,
           lease_token, processed, target, results, created_at, started_at, $4, timeout, group_key,
           worker, correlation_id, cursor, payload, $5 FROM gone)");
  spi.RunLatest(statement, lease.account_id, lease.job_id, lease.token, pg::Now(), result);
  if (spi.affected() == 0 && !WasCompletedSo(spi, lease)) {
    ThrowNotLeased(spi, lease.account_id, lease.job_id);
  }
}

bool Fail(pg::Spi& spi, const Lease& lease, std::string_view error, bool retryable) {
  // What waits for its retry holds its group up, when that has an order.
  static pg::Statement retry(R"(
    UPDATE latchkey.jobs
       SET status = 'pending', lease_token = NULL, lease_expires_at = NULL, deadline_at = NULL,
           occupies = $5, run_at = $3, error = $4
     WHERE account_id = $1 AND id = $2)");
  const std::string text(CutText(error, kMaxError));
  RefreshRules(spi);
  const LiveJob job = LockLeased(spi, lease.account_id, lease.job_id, lease.token);
  if (retryable && job.attempts <= job.max_retries) {
    const pg::Timestamp run_at = pg::Now() + RetryDelay(spi, job.attempts);
    spi.RunLatest(retry, lease.account_id, lease.job_id, run_at, text,
                  RuleOf(job.type, job.lane).strict_order);
    return true;
  }
  Finish(spi, lease.account_id, lease.job_id, "failed", text);
  RecordJobEvent(spi, lease.account_id, lease.job_id, "job.failed", job.type);
  return false;
}

LATCHKEY_FUNCTION(complete_job, kOpen) {
  const Lease lease = LeaseArguments(args);
  const pg::Raw result = args.AsIs(3, JSONBOID);
  if (MayFinishDirectly() && CompleteDirectly(lease, pg::Now(), result)) return args.Void();
  pg::Spi spi;
  Complete(spi, lease, result);
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(complete_jobs, kOpen) {
  pg::Raw arrays[3];
  for (int i = 0; i < 3; ++i) arrays[i] = args.AsIs(i, UUIDARRAYOID);
  const pg::Raw results = args.AsIs(3, JSONBARRAYOID);
  permissions::Require(args, "jobs.write");
  const int size = SizeOf(arrays[0]);
  bool fits = size <= kMaxBatch && (results.is_null || SizeOf(results) == size);
  for (const pg::Raw& array : arrays) {
    fits = fits && SizeOf(array) == size && (array.is_null || !pg::ShapeOf(array).has_nulls);
  }
  if (!fits) {
    throw Error(ErrorCode::kInvalidArgument,
                "the arrays must have the same number of elements, at most 10000, and no nulls",
                "Only results may have nulls, or be null.");
  }
  static pg::Statement statement(R"(
    WITH gone AS (
      DELETE FROM latchkey.jobs AS j
       USING unnest($1, $2, $3, $4) AS d (account_id, id, token, result)
       WHERE j.account_id = d.account_id AND j.id = d.id AND j.lease_token IS NOT DISTINCT FROM d.token
      RETURNING j.*, d.result)
    INSERT INTO latchkey.job_history (
           account_id, id, type, status, priority, lane, run_at, attempts, max_retries, lease_token,
           processed, target, results, created_at, started_at, finished_at, timeout, group_key,
           worker, correlation_id, cursor, payload, result)
    SELECT account_id, id, type, 'completed', priority, lane, run_at, attempts, max_retries,
           lease_token, processed, target, results, created_at, started_at, $5, timeout, group_key,
           worker, correlation_id, cursor, payload, result FROM gone)",
                                 pg::Statement::kIndexed);
  pg::Spi spi;
  spi.RunLatest(statement, arrays[0], arrays[1], arrays[2], results, pg::Now());
  pg::Raw refused = pg::ToArray(std::vector<Uuid>{});
  if (spi.affected() != static_cast<uint64_t>(size)) refused = RefusedOf(spi, arrays);
  spi.Finish();
  return refused.value;
}

LATCHKEY_FUNCTION(fail_job, kOpen) {
  const Lease lease = LeaseArguments(args);
  const auto error = args.Text(3, "error");
  const auto retryable = args.Get<bool>(4, "retryable");
  pg::Spi spi;
  Fail(spi, lease, error, retryable);
  const std::vector<pg::Value> columns = ReadJob(spi, lease.account_id, lease.job_id);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(release_job, kOpen) {
  const Lease lease = LeaseArguments(args);
  static pg::Statement statement(R"(
    UPDATE latchkey.jobs
       SET status = 'pending', lease_token = NULL, lease_expires_at = NULL, deadline_at = NULL,
           position = CASE WHEN occupies THEN $4 ELSE $3 END, occupies = false,
           attempts = attempts - 1
     WHERE account_id = $1 AND id = $2)");
  pg::Spi spi;
  const LiveJob job = LockLeased(spi, lease.account_id, lease.job_id, lease.token);
  spi.RunLatest(statement, lease.account_id, lease.job_id, ReservePositions(1), kHeadPosition);
  WakeWorkers(job.type);
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::jobs
