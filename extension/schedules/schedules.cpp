// Schedules: making, changing, listing.
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/jobs/enqueue.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/schedules/time_zone.hpp"

namespace latchkey::schedules {

namespace {

constexpr size_t kScheduleColumns = 15;
constexpr size_t kRunColumns = 6;
constexpr int32_t kMaxRows = 1000;

void Record(pg::Spi& spi, const std::string& name, const char* event) {
  events::Record(
      spi, {events::kPlatform, "schedule", name, event, JsonObject().Add("name", name).ToString()});
}

[[noreturn]] void ThrowUnknown() { throw Error(ErrorCode::kNotFound, "there is no such schedule"); }

std::vector<pg::Value> Columns(const pg::Row& row, size_t count) {
  std::vector<pg::Value> columns;
  for (size_t i = 1; i <= count; ++i) columns.push_back(pg::ToValue(row.Copy(i)));
  return columns;
}

// Names are as types are.
void CheckName(const std::string& name) {
  try {
    jobs::CheckType(name);
  } catch (const Error& error) {
    throw Error(error.code(), "the name of the schedule is malformed", {}, error.hint());
  }
}

}  // namespace

LATCHKEY_FUNCTION(schedule_job, kOpen) {
  const std::string name(args.Text(0, "name"));
  const std::string expression(args.Text(1, "cron"));
  jobs::NewJob job;
  job.type = args.Text(2, "type");
  job.payload = args.AsIs(3, JSONBOID);
  const std::string zone_name(args.Text(4, "time_zone"));
  const Uuid account_id = args.Optional<Uuid>(5).value_or(events::kPlatform);
  job.priority = args.Get<int32_t>(6, "priority");
  job.max_retries = args.Optional<int32_t>(7);
  job.timeout = args.AsIs(8, INTERVALOID);
  job.group_key = args.Optional<std::string>(9);
  permissions::Require(args, "jobs.write");
  CheckName(name);
  jobs::Check(job);
  const Cron cron = Cron::Parse(expression);
  const pg::Timestamp now = pg::Now();
  const pg::Timestamp due = NextDue(cron, ZoneOf(zone_name), now);
  static pg::Statement statement(R"(
    INSERT INTO latchkey.job_schedules AS s (
           name, cron, time_zone, type, payload, account_id, priority, max_retries, timeout,
           group_key, next_due_at, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
    ON CONFLICT (name) DO UPDATE
       SET cron = $2, time_zone = $3, type = $4, payload = $5, account_id = $6, priority = $7,
           max_retries = $8, timeout = $9, group_key = $10,
           next_due_at = CASE WHEN s.enabled THEN $11 END, updated_at = $12
    RETURNING name, cron, time_zone, type, payload, account_id, priority, max_retries, timeout,
              group_key, enabled, next_due_at, last_due_at, created_at, updated_at)");
  pg::Spi spi;
  const pg::Rows rows =
      spi.RunLatest(statement, name, expression, zone_name, job.type, job.payload, account_id,
                    job.priority, job.max_retries, job.timeout, job.group_key, due, now);
  const std::vector<pg::Value> columns = Columns(rows[0], kScheduleColumns);
  Record(spi, name, "schedule.changed");
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(unschedule_job, kOpen) {
  const std::string name(args.Text(0, "name"));
  permissions::Require(args, "jobs.write");
  static pg::Statement find("SELECT seeded FROM latchkey.job_schedules WHERE name = $1 FOR UPDATE");
  static pg::Statement erase("DELETE FROM latchkey.job_schedules WHERE name = $1");
  pg::Spi spi;
  const pg::Rows rows = spi.RunLatest(find, name);
  if (rows.empty()) ThrowUnknown();
  if (rows[0].Get<bool>(1)) {
    throw Error(ErrorCode::kInvalidArgument, "a schedule that came with the extension stays", {},
                "Disable it: enable_schedule(name, false).");
  }
  spi.RunLatest(erase, name);
  Record(spi, name, "schedule.deleted");
  spi.Finish();
  return args.Return(true);
}

LATCHKEY_FUNCTION(enable_schedule, kOpen) {
  const std::string name(args.Text(0, "name"));
  const auto enabled = args.Get<bool>(1, "enabled");
  permissions::Require(args, "jobs.write");
  static pg::Statement find(
      "SELECT cron, time_zone FROM latchkey.job_schedules WHERE name = $1 FOR UPDATE");
  static pg::Statement update(R"(
    UPDATE latchkey.job_schedules SET enabled = $2, next_due_at = $3, updated_at = $4
     WHERE name = $1
    RETURNING name, cron, time_zone, type, payload, account_id, priority, max_retries, timeout,
              group_key, enabled, next_due_at, last_due_at, created_at, updated_at)");
  pg::Spi spi;
  const pg::Timestamp now = pg::Now();
  const pg::Rows found = spi.RunLatest(find, name);
  if (found.empty()) ThrowUnknown();
  std::optional<pg::Timestamp> due;
  if (enabled) due = NextDue(Cron::Parse(found[0].Text(1)), ZoneOf(found[0].Text(2)), now);
  const pg::Rows rows = spi.RunLatest(update, name, enabled, due, now);
  const std::vector<pg::Value> columns = Columns(rows[0], kScheduleColumns);
  Record(spi, name, "schedule.changed");
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(list_schedules, kOpen) {
  permissions::Require(args, "jobs.read");
  static pg::Statement statement(R"(
    SELECT name, cron, time_zone, type, payload, account_id, priority, max_retries, timeout,
           group_key, enabled, next_due_at, last_due_at, created_at, updated_at
      FROM latchkey.job_schedules ORDER BY name COLLATE "C")");
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement);
  args.BeginSet();
  for (uint64_t i = 0; i < rows.size(); ++i) args.EmitRow(Columns(rows[i], kScheduleColumns));
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(list_schedule_runs, kOpen) {
  const std::string name(args.Text(0, "name"));
  const auto before = args.Optional<pg::Timestamp>(1);
  const int32_t max_rows = jobs::Bounded(args, 2, "max_rows", kMaxRows);
  permissions::Require(args, "jobs.read");
  static pg::Statement statement(R"(
    SELECT r.due_at, r.enqueued_at, r.missed, r.account_id, r.job_id,
           (SELECT s.status FROM latchkey._job_states s
             WHERE s.account_id = r.account_id AND s.id = r.job_id)
      FROM latchkey.job_schedule_runs r
     WHERE r.schedule = $1 AND r.due_at < coalesce($2, 'infinity')
     ORDER BY r.schedule, r.due_at DESC LIMIT $3)");
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement, name, before, max_rows);
  args.BeginSet();
  for (uint64_t i = 0; i < rows.size(); ++i) args.EmitRow(Columns(rows[i], kRunColumns));
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(cron_times, kOpen) {
  const Cron cron = Cron::Parse(args.Text(0, "cron"));
  const ToCivil zone = ZoneOf(std::string(args.Text(1, "time_zone")));
  pg::Timestamp after = args.Optional<pg::Timestamp>(2).value_or(pg::Now());
  const int32_t max_rows = jobs::Bounded(args, 3, "max_rows", kMaxRows);
  if (TIMESTAMP_NOT_FINITE(after.micros)) {
    throw Error(ErrorCode::kInvalidArgument, "after must be finite");
  }
  args.BeginSet();
  for (int32_t i = 0; i < max_rows; ++i) {
    after = NextDue(cron, zone, after);
    args.EmitRow({pg::ToValue(i + 1), pg::ToValue(after)});
    pg::CheckInterrupts();
  }
  return args.Void();
}

}  // namespace latchkey::schedules
