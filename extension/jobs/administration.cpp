// cancel_job, retry_job, purge_jobs.
#include "extension/core/error.hpp"
#include "extension/jobs/lanes.hpp"
#include "extension/jobs/store.hpp"
#include "extension/jobs/waiting.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::jobs {

namespace {

constexpr int32_t kMaxPurge = 100000;

// Of a job that is over; empty when there is none.
std::optional<std::string> LockOver(pg::Spi& spi, const Uuid& account_id, const Uuid& id) {
  static pg::Statement statement(
      "SELECT status FROM latchkey.job_history WHERE account_id = $1 AND id = $2 FOR UPDATE");
  const pg::Rows rows = spi.RunLatest(statement, account_id, id);
  if (rows.empty()) return std::nullopt;
  return rows[0].Text(1);
}

// Back into the queue from the history; at once when it waits there for its time.
void PutBack(pg::Spi& spi, const Uuid& account_id, const Uuid& id) {
  static pg::Statement restore(R"(
    WITH gone AS (
      DELETE FROM latchkey.job_history WHERE account_id = $1 AND id = $2 RETURNING *)
    INSERT INTO latchkey.jobs (account_id, id, type, priority, lane, position, run_at, max_retries,
                               processed, target, results, created_at, timeout, group_key,
                               correlation_id, error, cursor, payload)
    SELECT account_id, id, type, priority, lane, $3, $4, max_retries, processed, target, results,
           created_at, timeout, group_key, correlation_id, error, cursor, payload FROM gone)");
  spi.RunLatest(restore, account_id, id, ReservePositions(1), pg::Now());
}

}  // namespace

void ComeDue(pg::Spi& spi, const Uuid& account_id, const Uuid& id) {
  static pg::Statement statement(R"(
    UPDATE latchkey.jobs
       SET position = CASE WHEN occupies THEN $4 ELSE $3 END, occupies = false, run_at = $5
     WHERE account_id = $1 AND id = $2)");
  spi.RunLatest(statement, account_id, id, ReservePositions(1), kHeadPosition, pg::Now());
}

LATCHKEY_FUNCTION(cancel_job, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto id = args.Get<Uuid>(1, "job_id");
  permissions::Require(args, "jobs.write", account_id);
  pg::Spi spi;
  if (const auto job = LockJob(spi, account_id, id)) {
    Finish(spi, account_id, id, "cancelled", std::nullopt);
    RecordJobEvent(spi, account_id, id, "job.cancelled", job->type);
    NoteTaken();
  } else {
    const auto status = LockOver(spi, account_id, id);
    if (status && *status != "cancelled") {
      throw Error(ErrorCode::kConflict, "the job is over", "It is " + *status + ".");
    }
  }
  const std::vector<pg::Value> columns = ReadJob(spi, account_id, id);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(retry_job, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto id = args.Get<Uuid>(1, "job_id");
  permissions::Require(args, "jobs.write", account_id);
  pg::Spi spi;
  if (const auto job = LockJob(spi, account_id, id)) {
    if (job->lease_token) throw Error(ErrorCode::kConflict, "the job is being processed");
    if (!job->is_ready) ComeDue(spi, account_id, id);
  } else if (const auto status = LockOver(spi, account_id, id)) {
    if (*status == "completed") throw Error(ErrorCode::kConflict, "the job is completed");
    PutBack(spi, account_id, id);
  }
  const std::vector<pg::Value> columns = ReadJob(spi, account_id, id);
  const auto type = pg::FromDatum<std::string>(columns[2].datum);
  RecordJobEvent(spi, account_id, id, "job.retried", type);
  WakeWorkers(type);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(purge_jobs, kOpen) {
  const int32_t batch = Bounded(args, 0, "batch", kMaxPurge);
  permissions::Require(args, "jobs.write");
  static constexpr settings::DurationSetting kRetention("jobs.retention");
  static pg::Statement statement(R"(
    WITH over AS (
      SELECT account_id, id FROM latchkey.job_history WHERE finished_at < $1
       ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED),
    gone AS (
      DELETE FROM latchkey.job_history AS h USING over o
       WHERE h.account_id = o.account_id AND h.id = o.id RETURNING h.account_id, h.id),
    results AS (
      DELETE FROM latchkey.job_results AS r USING gone g
       WHERE r.account_id = g.account_id AND r.job_id = g.id),
    keys AS (
      DELETE FROM latchkey.job_keys AS k USING gone g
       WHERE k.account_id = g.account_id AND k.job_id = g.id)
    SELECT count(*)::integer FROM gone)",
                                 pg::Statement::kIndexed);
  static pg::Statement runs(R"(
    DELETE FROM latchkey.job_schedule_runs WHERE enqueued_at < $1 AND due_at < $1)",
                            pg::Statement::kIndexed);
  pg::Spi spi;
  const pg::Timestamp before = pg::Now() + -kRetention.Micros(spi);
  const auto purged = spi.RunLatest(statement, before, batch)[0].Get<int32_t>(1);
  spi.RunLatest(runs, before);
  spi.Finish();
  return args.Return(purged);
}

}  // namespace latchkey::jobs
