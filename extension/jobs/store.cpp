// Reading, locking and ending jobs.
#include "extension/jobs/store.hpp"

#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::jobs {

std::vector<pg::Value> JobColumns(const pg::Row& row) {
  std::vector<pg::Value> columns;
  columns.reserve(kJobColumns);
  for (size_t i = 1; i <= kJobColumns; ++i) columns.push_back(pg::ToValue(row.Copy(i)));
  return columns;
}

std::vector<pg::Value> FindJob(pg::Spi& spi, const Uuid& account_id, const Uuid& id) {
  static pg::Statement statement(
      "SELECT * FROM latchkey._job_states WHERE account_id = $1 AND id = $2");
  const pg::Rows rows = spi.RunLatest(statement, account_id, id);
  if (rows.empty()) return {};
  return JobColumns(rows[0]);
}

std::vector<pg::Value> ReadJob(pg::Spi& spi, const Uuid& account_id, const Uuid& id) {
  std::vector<pg::Value> columns = FindJob(spi, account_id, id);
  if (columns.empty()) throw Error(ErrorCode::kNotFound, "there is no such job");
  return columns;
}

std::optional<LiveJob> LockJob(pg::Spi& spi, const Uuid& account_id, const Uuid& id) {
  static pg::Statement statement(R"(
    SELECT type, lane, attempts, max_retries, position IS NOT NULL, lease_token
      FROM latchkey.jobs WHERE account_id = $1 AND id = $2 FOR UPDATE)");
  const pg::Rows rows = spi.RunLatest(statement, account_id, id);
  if (rows.empty()) return std::nullopt;
  const pg::Row row = rows[0];
  return LiveJob{row.Text(1),         row.Get<int64_t>(2), row.Get<int32_t>(3),
                 row.Get<int32_t>(4), row.Get<bool>(5),    row.Optional<Uuid>(6)};
}

void ThrowNotLeased(pg::Spi& spi, const Uuid& account_id, const Uuid& id) {
  static pg::Statement statement(
      "SELECT status FROM latchkey._job_states WHERE account_id = $1 AND id = $2");
  const pg::Rows rows = spi.RunLatest(statement, account_id, id);
  if (rows.empty()) throw Error(ErrorCode::kNotFound, "there is no such job");
  throw Error(ErrorCode::kConflict, "the job is not leased to this worker any more",
              "It is " + rows[0].Text(1) + " now.",
              "What was done for it will be done again by whoever claims it, or is no longer "
              "wanted.");
}

LiveJob LockLeased(pg::Spi& spi, const Uuid& account_id, const Uuid& id, const Uuid& lease_token) {
  const auto job = LockJob(spi, account_id, id);
  if (!job || job->lease_token != lease_token) ThrowNotLeased(spi, account_id, id);
  return *job;
}

void Finish(pg::Spi& spi, const Uuid& account_id, const Uuid& id, const char* status,
            const std::optional<std::string>& error) {
  static pg::Statement statement(R"(
    WITH gone AS (DELETE FROM latchkey.jobs WHERE account_id = $1 AND id = $2 RETURNING *)
    INSERT INTO latchkey.job_history (
           account_id, id, type, status, priority, lane, run_at, attempts, max_retries, lease_token,
           processed, target, results, created_at, started_at, finished_at, timeout, group_key,
           worker, correlation_id, error, cursor, payload)
    SELECT account_id, id, type, $3, priority, lane, run_at, attempts, max_retries, lease_token,
           processed, target, results, created_at, started_at, $5, timeout, group_key, worker,
           correlation_id, coalesce($4, error), cursor, payload FROM gone)");
  spi.RunLatest(statement, account_id, id, status, error, pg::Now());
}

void RecordJobEvent(pg::Spi& spi, const Uuid& account_id, const Uuid& id, const char* event,
                    std::string_view type) {
  events::Record(
      spi, {account_id, "job", id.ToString(), event, JsonObject().Add("type", type).ToString()});
}

Lease LeaseArguments(const pg::Args& args) {
  const Lease lease{args.Get<Uuid>(0, "account_id"), args.Get<Uuid>(1, "job_id"),
                    args.Get<Uuid>(2, "lease_token")};
  permissions::Require(args, "jobs.write");
  return lease;
}

pg::Timestamp LeaseEnd(pg::Spi& spi, const pg::Args& args, int index) {
  static constexpr settings::DurationSetting kLease("jobs.lease");
  int64_t micros = 0;
  if (args.IsNull(index)) {
    micros = kLease.Micros(spi);
  } else {
    micros = pg::IntervalMicros(args.AsIs(index, INTERVALOID).value);
  }
  if (micros < 1000000 || micros > kMicrosPerDay) {
    throw Error(ErrorCode::kInvalidArgument, "lease must lie between 1 second and 1 day");
  }
  return pg::Now() + micros;
}

int32_t Bounded(const pg::Args& args, int index, const char* name, int32_t most) {
  const auto number = args.Get<int32_t>(index, name);
  if (number < 1 || number > most) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string(name) + " must lie between 1 and " + std::to_string(most));
  }
  return number;
}

}  // namespace latchkey::jobs
