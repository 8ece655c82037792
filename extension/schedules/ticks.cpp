// run_due_schedules: what is due is enqueued, by one of those who ask.
#include "extension/core/error.hpp"
#include "extension/jobs/enqueue.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/schedules/time_zone.hpp"

namespace latchkey::schedules {

namespace {

constexpr int kMaxMissed = 10000;

struct Due {
  std::string name;
  std::string cron;
  std::string time_zone;
  std::string type;
  std::optional<pg::Timestamp> due_at;
  Uuid account_id;
  jobs::NewJob job;
};

std::vector<Due> LockDue(pg::Spi& spi, pg::Timestamp now) {
  static pg::Statement statement(R"(
    SELECT name, cron, time_zone, type, next_due_at, account_id, priority, max_retries, group_key,
           timeout, payload
      FROM latchkey.job_schedules WHERE enabled AND (next_due_at IS NULL OR next_due_at <= $1)
     ORDER BY name FOR UPDATE SKIP LOCKED)");
  const pg::Rows rows = spi.RunLatest(statement, now);
  std::vector<Due> all(rows.size());
  for (uint64_t i = 0; i < rows.size(); ++i) {
    const pg::Row row = rows[i];
    Due& due = all[i];
    due.name = row.Text(1);
    due.cron = row.Text(2);
    due.time_zone = row.Text(3);
    due.type = row.Text(4);
    due.due_at = row.Optional<pg::Timestamp>(5);
    due.account_id = row.Get<Uuid>(6);
    due.job.type = due.type;
    due.job.priority = row.Get<int32_t>(7);
    due.job.max_retries = row.Optional<int32_t>(8);
    due.job.group_key = row.Optional<std::string>(9);
    due.job.timeout = row.Copy(10);
    due.job.payload = row.Copy(11);
  }
  return all;
}

// The last due time that is over, and how many before it were missed. A schedule that was down for
// longer than so many due times begins anew.
struct Late {
  pg::Timestamp last;
  pg::Timestamp next;
  int32_t missed = 0;
};
Late CatchUp(const Cron& cron, const ToCivil& zone, pg::Timestamp due_at, pg::Timestamp now) {
  Late late{due_at, NextDue(cron, zone, due_at)};
  while (late.next <= now && late.missed < kMaxMissed) {
    late.last = late.next;
    late.next = NextDue(cron, zone, late.last);
    ++late.missed;
  }
  if (late.next <= now) late.next = NextDue(cron, zone, now);
  return late;
}

void Advance(pg::Spi& spi, const std::string& name, pg::Timestamp next,
             const std::optional<pg::Timestamp>& last) {
  static pg::Statement statement(R"(
    UPDATE latchkey.job_schedules SET next_due_at = $2, last_due_at = coalesce($3, last_due_at)
     WHERE name = $1)");
  spi.RunLatest(statement, name, next, last);
}

// The run's row decides whether a due time has been enqueued, whatever clocks and restores say.
bool Enqueue(pg::Spi& spi, const Due& due, const Late& late, pg::Timestamp now) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.job_schedule_runs (schedule, due_at, job_id, account_id, missed,
                                            enqueued_at)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING)");
  const Uuid id = NewUuid();
  spi.RunLatest(statement, due.name, late.last, id, due.account_id, late.missed, now);
  if (spi.affected() == 0) return false;
  jobs::NewJob job = due.job;
  if (!job.max_retries) job.max_retries = jobs::DefaultMaxRetries(spi);
  jobs::Insert(spi, due.account_id, id, job, now);
  return true;
}

}  // namespace

LATCHKEY_FUNCTION(run_due_schedules, kOpen) {
  permissions::Require(args, "jobs.write");
  pg::Spi spi;
  const pg::Timestamp now = pg::Now();
  int32_t enqueued = 0;
  for (const Due& due : LockDue(spi, now)) {
    const Cron cron = Cron::Parse(due.cron);
    const ToCivil zone = ZoneOf(due.time_zone);
    if (!due.due_at) {  // a row that was not made by schedule_job
      Advance(spi, due.name, NextDue(cron, zone, now), std::nullopt);
      continue;
    }
    const Late late = CatchUp(cron, zone, *due.due_at, now);
    if (Enqueue(spi, due, late, now)) ++enqueued;
    Advance(spi, due.name, late.next, late.last);
  }
  spi.Finish();
  return args.Return(enqueued);
}

}  // namespace latchkey::schedules
