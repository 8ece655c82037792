// Routes of the module `schedules`: jobs by the calendar.
#include "gateway/routes/route.hpp"

namespace latchkey {
namespace {

constexpr size_t kMaxPage = 1000;
constexpr size_t kMaxType = 100;
constexpr size_t kMaxCron = 200;
constexpr size_t kMaxTimeZone = 100;
constexpr size_t kMaxPriority = 1000000;
constexpr size_t kMaxRetries = 1000;
constexpr size_t kMaxInterval = 100;
constexpr size_t kMaxGroup = 255;

Argument ScheduleName() {
  return PathPart("name", Type::kText, kMaxType, "The name of the schedule.");
}

Route ListSchedules() {
  return Route("GET", "/api/schedules", "listSchedules", "schedules")
      .Summary("All schedules by name. Needs jobs.read on the whole platform.")
      .Reads("SELECT coalesce(json_agg(s), '[]') FROM latchkey.list_schedules() AS s")
      .As(Who::kBearer)
      .Returns("schedules", "Schedule", true)
      .Fails({ErrorId::Forbidden});
}

Route SetSchedule() {
  return Route("PUT", "/api/schedules/{name}", "setSchedule", "schedules")
      .Summary(
          "Makes a schedule or replaces the one of this name: enqueues such a job at each due "
          "time, "
          "from now on. Needs jobs.write on the whole platform.")
      .Writes(
          "SELECT row_to_json(s) FROM latchkey.schedule_job($1, $2, $3, coalesce($4::jsonb, '{}'), "
          "coalesce($5, 'UTC'), $6::uuid, coalesce($7::integer, 100), $8::integer, $9::interval, "
          "$10) AS s")
      .As(Who::kBearer)
      .Takes(ScheduleName())
      .Takes(BodyField("cron", Type::kText, kRequired, kMaxCron,
                       "Minute, hour, day of month, month, day of week; six fields have seconds "
                       "first; or @hourly, @daily, @weekly, @monthly, @yearly."))
      .Takes(BodyField("type", Type::kText, kRequired, kMaxType, "The type of the job."))
      .Takes(BodyField("payload", Type::kObject, kOptional, 0, "Of the job; empty by default."))
      .Takes(BodyField("time_zone", Type::kText, kOptional, kMaxTimeZone,
                       "As Europe/Berlin; UTC by default."))
      .Takes(BodyField("account_id", Type::kUuid, kOptional, kUuidLength,
                       "Whose job it is; the platform's when absent."))
      .Takes(BodyField("priority", Type::kInteger, kOptional, kMaxPriority,
                       "Lower first; 100 by default."))
      .Takes(BodyField("max_retries", Type::kInteger, kOptional, kMaxRetries,
                       "The setting jobs.max_retries when absent."))
      .Takes(BodyField("timeout", Type::kText, kOptional, kMaxInterval,
                       "How long an attempt may take, as 5 minutes; without end when absent."))
      .Takes(BodyField("group_key", Type::kText, kOptional, kMaxGroup,
                       "Which jobs it takes turns with; those of its account when absent."))
      .Returns("schedule", "Schedule")
      .Fails({ErrorId::Forbidden});
}

Route EnableSchedule() {
  return Route("PATCH", "/api/schedules/{name}", "enableSchedule", "schedules")
      .Summary(
          "Switches a schedule off, or on from now on. Needs jobs.write on the whole platform.")
      .Writes("SELECT row_to_json(s) FROM latchkey.enable_schedule($1, $2::boolean) AS s")
      .As(Who::kBearer)
      .Takes(ScheduleName())
      .Takes(BodyField("enabled", Type::kBoolean, kRequired, 0, "Whether it enqueues jobs."))
      .Returns("schedule", "Schedule")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route DeleteSchedule() {
  return Route("DELETE", "/api/schedules/{name}", "deleteSchedule", "schedules")
      .Summary(
          "Deletes a schedule; jobs that it has enqueued stay. Needs jobs.write on the whole "
          "platform.")
      .Writes("SELECT null::json FROM latchkey.unschedule_job($1)")
      .As(Who::kBearer)
      .Takes(ScheduleName())
      .Message("Schedule deleted")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route ListRuns() {
  return Route("GET", "/api/schedules/{name}/runs", "listScheduleRuns", "schedules")
      .Summary(
          "The jobs that a schedule has enqueued, newest first, a page at a time. Needs jobs.read "
          "on "
          "the whole platform.")
      .Reads(
          "SELECT coalesce(json_agg(r), '[]') FROM latchkey.list_schedule_runs($1, "
          "$2::timestamptz, coalesce($3::integer, 100)) AS r")
      .As(Who::kBearer)
      .Takes(ScheduleName())
      .Takes(QueryField("before", Type::kTimestamp, kMaxTimestamp,
                        "The due_at of the last one of the page before."))
      .Takes(QueryField("limit", Type::kInteger, kMaxPage, "How many at most; 100 by default."))
      .Returns("runs", "ScheduleRun", true)
      .Fails({ErrorId::Forbidden});
}

}  // namespace

std::vector<Route> ScheduleRoutes() {
  return {ListSchedules(), SetSchedule(), EnableSchedule(), DeleteSchedule(), ListRuns()};
}

}  // namespace latchkey
