// Routes of the module `jobs`: looking at jobs, cancelling and retrying them, rules for groups.
#include "gateway/routes/account_argument.hpp"

namespace latchkey {
namespace {

constexpr size_t kMaxPage = 1000;
constexpr size_t kMaxStatus = 20;
constexpr size_t kMaxType = 100;
constexpr size_t kMaxGroup = 255;
constexpr size_t kMaxRunning = 100000;
constexpr size_t kMaxPosition = 999999999;

Argument JobId() { return PathPart("id", Type::kUuid, kUuidLength, "The id of the job."); }
Argument Status() {
  return QueryField("status", Type::kText, kMaxStatus,
                    "Only pending, processing, completed, failed, timeout or cancelled.");
}
Argument JobType() { return QueryField("type", Type::kText, kMaxType, "Only of this type."); }
Argument After() {
  return QueryField("after", Type::kUuid, kUuidLength, "The last id of the page before.");
}
Argument PageSize() {
  return QueryField("limit", Type::kInteger, kMaxPage, "How many at most; 100 by default.");
}
Argument RuleType() { return PathPart("type", Type::kText, kMaxType, "The type of the jobs."); }

Route ListJobs() {
  return Route("GET", "/api/jobs", "listJobs", "jobs")
      .Summary("An account's jobs, newest first, a page at a time. Another's need jobs.read.")
      .Reads("SELECT coalesce(json_agg(j), '[]') FROM latchkey.list_jobs(" LATCHKEY_ACCOUNT
             ", $2, $3, $4::uuid, coalesce($5::integer, 100)) AS j")
      .As(Who::kBearer)
      .Takes(AccountInQuery())
      .Takes(Status())
      .Takes(JobType())
      .Takes(After())
      .Takes(PageSize())
      .Returns("jobs", "Job", true)
      .Fails({ErrorId::Forbidden});
}

Route ListAllJobs() {
  return Route("GET", "/api/jobs/all", "listAllJobs", "jobs")
      .Summary(
          "The jobs of all accounts and of the platform, newest first, a page at a time. Needs "
          "jobs.read on the whole platform.")
      .Reads(
          "SELECT coalesce(json_agg(j), '[]') FROM latchkey.list_jobs(NULL, $1, $2, $3::uuid, "
          "coalesce($4::integer, 100)) AS j")
      .As(Who::kBearer)
      .Takes(Status())
      .Takes(JobType())
      .Takes(After())
      .Takes(PageSize())
      .Returns("jobs", "Job", true)
      .Fails({ErrorId::Forbidden});
}

Route GetJob() {
  return Route("GET", "/api/jobs/{id}", "getJob", "jobs")
      .Summary("A job, its progress and its result. Another account's needs jobs.read.")
      .Reads("SELECT row_to_json(j) FROM latchkey.get_job(" LATCHKEY_ACCOUNT ", $2::uuid) AS j")
      .As(Who::kBearer)
      .Takes(AccountInQuery())
      .Takes(JobId())
      .Returns("job", "Job")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route ListResults() {
  return Route("GET", "/api/jobs/{id}/results", "listJobResults", "jobs")
      .Summary(
          "The partial results of a job in their order, also while it runs. Another account's need "
          "jobs.read.")
      .Reads("SELECT coalesce(json_agg(r), '[]') FROM latchkey.list_job_results(" LATCHKEY_ACCOUNT
             ", $2::uuid, coalesce($3::integer, 0), coalesce($4::integer, 100)) AS r")
      .As(Who::kBearer)
      .Takes(AccountInQuery())
      .Takes(JobId())
      .Takes(QueryField("after", Type::kInteger, kMaxPosition,
                        "The last position of the page before."))
      .Takes(PageSize())
      .Returns("results", "JobResult", true)
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route StreamJob() {
  return Route("GET", "/api/jobs/{id}/events", "streamJob", "jobs")
      .Summary(
          "What happens to a job, as server-sent events: state (its status has changed; at first "
          "as "
          "it is), progress, result (a partial one; its id is its position), and end, each with "
          "JSON as data, or error with a code, when the caller may not see the job any more. Then "
          "the stream ends. Connecting again with the header Last-Event-ID goes on after that "
          "result. Another account's job needs jobs.read.")
      .Reads(
          "SELECT j.account_id, j.id, coalesce($3::integer, 0) FROM "
          "latchkey.get_job(" LATCHKEY_ACCOUNT ", $2::uuid) AS j")
      .As(Who::kBearer)
      .Takes(AccountInQuery())
      .Takes(JobId())
      .Takes(QueryField("after", Type::kInteger, kMaxPosition,
                        "The position of the last partial result that is known already."))
      .Streams()
      .Plain("text")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::TooBusy});
}

Route CancelJob() {
  return Route("POST", "/api/jobs/{id}/cancel", "cancelJob", "jobs")
      .Summary(
          "Cancels a job that waits or runs; a worker at it learns so when it reports next. Needs "
          "jobs.write.")
      .Writes("SELECT row_to_json(j) FROM latchkey.cancel_job(" LATCHKEY_ACCOUNT ", $2::uuid) AS j")
      .As(Who::kBearer)
      .Takes(AccountInBody())
      .Takes(JobId())
      .Returns("job", "Job")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

Route RetryJob() {
  return Route("POST", "/api/jobs/{id}/retry", "retryJob", "jobs")
      .Summary(
          "Makes a job that failed, timed out or was cancelled wait for a worker again, or one "
          "that "
          "waits for its time come due at once. Needs jobs.write.")
      .Writes("SELECT row_to_json(j) FROM latchkey.retry_job(" LATCHKEY_ACCOUNT ", $2::uuid) AS j")
      .As(Who::kBearer)
      .Takes(AccountInBody())
      .Takes(JobId())
      .Returns("job", "Job")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

Route ListRules() {
  return Route("GET", "/api/job-rules", "listJobRules", "jobs")
      .Summary(
          "How many jobs of a type run at once in a group. Needs jobs.read on the whole platform.")
      .Reads("SELECT coalesce(json_agg(r), '[]') FROM latchkey.list_job_rules() AS r")
      .As(Who::kBearer)
      .Returns("rules", "JobRule", true)
      .Fails({ErrorId::Forbidden});
}

Route SetRule() {
  return Route("PUT", "/api/job-rules/{type}", "setJobRule", "jobs")
      .Summary(
          "Limits how many jobs of a type run at once in a group, or has them run in order. Needs "
          "jobs.write on the whole platform.")
      .Writes(
          "SELECT row_to_json(r) FROM latchkey.set_job_rule($1, $2, coalesce($3::integer, 0), "
          "coalesce($4::boolean, false)) AS r")
      .As(Who::kBearer)
      .Takes(RuleType())
      .Takes(BodyField("group_key", Type::kText, kOptional, kMaxGroup,
                       "The group; each that has no rule of its own when absent."))
      .Takes(BodyField("max_running", Type::kInteger, kOptional, kMaxRunning,
                       "0, the default: no limit."))
      .Takes(BodyField("strict_order", Type::kBoolean, kOptional, 0,
                       "true: one at a time, in the order of enqueueing; false by default."))
      .Returns("rule", "JobRule")
      .Fails({ErrorId::Forbidden});
}

Route RemoveRule() {
  return Route("DELETE", "/api/job-rules/{type}", "removeJobRule", "jobs")
      .Summary("Removes a rule. Needs jobs.write on the whole platform.")
      .Writes("SELECT null::json FROM latchkey.remove_job_rule($1, $2)")
      .As(Who::kBearer)
      .Takes(RuleType())
      .Takes(QueryField("group_key", Type::kText, kMaxGroup,
                        "The group; the rule for all others when absent."))
      .Message("Rule removed")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

}  // namespace

std::vector<Route> JobRoutes() {
  return {ListJobs(),  ListAllJobs(), GetJob(),    ListResults(), StreamJob(),
          CancelJob(), RetryJob(),    ListRules(), SetRule(),     RemoveRule()};
}

}  // namespace latchkey
