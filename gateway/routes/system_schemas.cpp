// The schemas of what the routes of the modules `settings`, `events`, `jobs` and `schedules`
// answer.
#include "gateway/routes/schemas.hpp"

namespace latchkey {
namespace {

constexpr bool kNullable = true;
constexpr bool kAlways = false;

Schema Setting() {
  return {
      "Setting",
      "What can be changed while the product runs.",
      {{"key", "string", kAlways, "Its name: words joined by dots."},
       {"category", "string", kAlways, "The first word of the key."},
       {"value", "string", kAlways, "As text, whatever its type."},
       {"default_value", "string", kAlways, "What it was at first."},
       {"type", "string", kAlways, "integer, number, duration, boolean, text or json."},
       {"minimum", "number", kNullable, "The least; durations in seconds, texts in characters."},
       {"maximum", "number", kNullable, "The most, in the same units."},
       {"choices", "strings", kNullable, "All that it may be."},
       {"hot_reloadable", "boolean", kAlways, "Whether a change takes effect at once."},
       {"description", "string", kAlways, "What it does."},
       {"built_in", "boolean", kAlways, "Whether it came with Latchkey."},
       {"updated_at", "date-time", kAlways, "When its value was last changed."}}};
}

Schema Event() {
  return {"Event",
          "Something that happened.",
          {{"id", "uuid", kAlways, "Grows with time."},
           {"account_id", "uuid", kAlways, "Whose it is; the nil UUID for the platform."},
           {"aggregate", "string", kAlways, "The kind of thing that it happened to."},
           {"aggregate_id", "string", kAlways, "Which one."},
           {"type", "string", kAlways, "thing.verb"},
           {"version", "integer", kAlways, "Of the shape of data."},
           {"data", "object", kAlways, "What happened."},
           {"metadata", "object", kNullable, "Request id, client address and user agent."},
           {"source", "string", kAlways, "Who recorded it: latchkey, or an application."},
           {"correlation_id", "string", kNullable, "What it belongs to."},
           {"causation_id", "uuid", kNullable, "The event that led to it."},
           {"idempotency_key", "string", kNullable, "As it was given."},
           {"actor_id", "uuid", kNullable, "Who did it; null: from within the database."},
           {"actor_role", "string", kAlways, "The database role that recorded it."},
           {"recorded_at", "date-time", kAlways, "When."},
           {"position", "string", kAlways, "Where it stands in the feed."}}};
}

Schema EventFeedEnd() {
  return {"EventFeedEnd",
          "How far the feed of events goes now.",
          {{"position", "string", kAlways, "After it comes what is not shown yet."},
           {"waiting", "integer", kAlways, "Events that wait for older transactions to end."},
           {"waiting_since", "date-time", kNullable, "When the oldest of them was recorded."}}};
}

Schema EventConsumer() {
  return {"EventConsumer",
          "Who processes events.",
          {{"name", "string", kAlways, "Its name."},
           {"types", "strings", kNullable, "The types that it gets; null: all."},
           {"aggregates", "strings", kNullable, "The kinds of things that it gets; null: all."},
           {"max_attempts", "integer", kAlways, "After as many it gives an event up."},
           {"position", "string", kAlways, "How far it has come in the feed."},
           {"leased_until", "date-time", kNullable, "Until when a worker has a batch."},
           {"attempts", "integer", kAlways, "How often that batch was fetched."},
           {"waiting", "integer", kAlways, "Events of which another attempt follows."},
           {"dead", "integer", kAlways, "Events that it gave up."},
           {"behind_since", "date-time", kNullable, "When the next event was recorded."},
           {"created_at", "date-time", kAlways, "When it was made."}}};
}

Schema Job() {
  return {"Job",
          "Work to be done.",
          {{"id", "uuid", kAlways, "Grows with time."},
           {"account_id", "uuid", kAlways, "Whose it is; the nil UUID for the platform."},
           {"type", "string", kAlways, "What is to be done."},
           {"status", "string", kAlways,
            "pending, processing, completed, failed, timeout or cancelled."},
           {"priority", "integer", kAlways, "Lower first."},
           {"group_key", "string", kNullable, "Which jobs it takes turns with."},
           {"payload", "json", kAlways, "What the worker is told."},
           {"run_at", "date-time", kAlways, "Not before."},
           {"attempts", "integer", kAlways, "How often it was started."},
           {"max_retries", "integer", kAlways, "How often it is tried again."},
           {"timeout", "string", kNullable, "How long an attempt may take."},
           {"worker", "string", kNullable, "Who has it, or had it last."},
           {"lease_expires_at", "date-time", kNullable, "Until when that worker has it."},
           {"progress", "integer", kAlways, "0 to 100: processed of target."},
           {"processed", "integer", kNullable, "How much is done."},
           {"target", "integer", kNullable, "How much there is to do."},
           {"cursor", "json", kNullable, "Where the next attempt goes on."},
           {"results", "integer", kAlways, "How many partial results there are."},
           {"result", "json", kNullable, "The final result."},
           {"error", "string", kNullable, "Of the last attempt that failed."},
           {"correlation_id", "string", kNullable, "What it belongs to."},
           {"created_at", "date-time", kAlways, "When it was enqueued."},
           {"started_at", "date-time", kNullable, "When the last attempt began."},
           {"finished_at", "date-time", kNullable, "When it was over."}}};
}

Schema JobResult() {
  return {"JobResult",
          "A partial result of a job.",
          {{"position", "integer", kAlways, "Counts from 1."},
           {"result", "json", kAlways, "As the worker gave it."},
           {"recorded_at", "date-time", kAlways, "When."}}};
}

Schema JobRule() {
  return {"JobRule",
          "How jobs of a group run.",
          {{"type", "string", kAlways, "The type of the jobs."},
           {"group_key", "string", kNullable, "null: each group without a rule of its own."},
           {"max_running", "integer", kAlways, "How many at once; 0: no limit."},
           {"strict_order", "boolean", kAlways, "One at a time, in their order."},
           {"updated_at", "date-time", kAlways, "When it was set."}}};
}

Schema Schedule() {
  return {"Schedule",
          "Jobs by the calendar.",
          {{"name", "string", kAlways, "Its name."},
           {"cron", "string", kAlways, "When it is due."},
           {"time_zone", "string", kAlways, "Where that counts."},
           {"type", "string", kAlways, "The type of its jobs."},
           {"payload", "json", kAlways, "Of its jobs."},
           {"account_id", "uuid", kAlways, "Whose they are; the nil UUID for the platform."},
           {"priority", "integer", kAlways, "Of its jobs."},
           {"max_retries", "integer", kNullable, "Of its jobs; null: as jobs.max_retries says."},
           {"timeout", "string", kNullable, "How long an attempt may take."},
           {"group_key", "string", kNullable, "Which jobs they take turns with."},
           {"enabled", "boolean", kAlways, "Whether it enqueues jobs."},
           {"next_due_at", "date-time", kNullable, "When it is due next."},
           {"last_due_at", "date-time", kNullable, "When it was due last."},
           {"created_at", "date-time", kAlways, "When it was made."},
           {"updated_at", "date-time", kAlways, "When it was last changed."}}};
}

Schema ScheduleRun() {
  return {"ScheduleRun",
          "A job that a schedule has enqueued.",
          {{"due_at", "date-time", kAlways, "For which due time."},
           {"enqueued_at", "date-time", kAlways, "When."},
           {"missed", "integer", kAlways, "Due times before it that it makes up for."},
           {"account_id", "uuid", kAlways, "Whose the job is."},
           {"job_id", "uuid", kAlways, "The job."},
           {"status", "string", kNullable, "The job's; null when it was purged."}}};
}

}  // namespace

std::vector<Schema> SystemSchemas() {
  return {Setting(),   Event(),   EventFeedEnd(), EventConsumer(), Job(),
          JobResult(), JobRule(), Schedule(),     ScheduleRun()};
}

}  // namespace latchkey
