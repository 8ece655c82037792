// The tables of jobs, read and written directly.
#include "extension/jobs/tables.hpp"

namespace latchkey::jobs {

namespace {

// Columns of jobs, as they are named in its list below.
enum Column {
  kAccountId = 1,
  kId,
  kType,
  kStatus,
  kPriority,
  kLane,
  kPosition,
  kRunAt,
  kAttempts,
  kMaxRetries,
  kLeaseToken,
  kLeaseExpiresAt,
  kDeadlineAt,
  kOccupies,
  kProcessed,
  kTarget,
  kResults,
  kCreatedAt,
  kStartedAt,
  kTimeout,
  kGroupKey,
  kWorker,
  kCorrelationId,
  kError,
  kCursor,
  kPayload
};

pg::DirectTable live("jobs", "jobs_pkey",
                     {"account_id",  "id",          "type",           "status",
                      "priority",    "lane",        "position",       "run_at",
                      "attempts",    "max_retries", "lease_token",    "lease_expires_at",
                      "deadline_at", "occupies",    "processed",      "target",
                      "results",     "created_at",  "started_at",     "timeout",
                      "group_key",   "worker",      "correlation_id", "error",
                      "cursor",      "payload"});
pg::DirectTable history("job_history", "job_history_pkey",
                        {"account_id",  "id",      "type",      "status",      "priority",
                         "lane",        "run_at",  "attempts",  "max_retries", "lease_token",
                         "processed",   "target",  "results",   "created_at",  "started_at",
                         "finished_at", "timeout", "group_key", "worker",      "correlation_id",
                         "error",       "cursor",  "payload",   "result"});

constexpr pg::Param kNull = {InvalidOid, 0, true};

pg::Param ParamOf(const pg::Raw& raw) { return {raw.type, raw.value, raw.is_null}; }

}  // namespace

bool MayInsertDirectly() { return live.IsUsable(pg::DirectTable::kInsert); }

bool MayClaimDirectly() { return live.IsUsable(pg::DirectTable::kUpdate); }

bool MayFinishDirectly() {
  return live.IsUsable(pg::DirectTable::kDelete) && history.IsUsable(pg::DirectTable::kInsert);
}

void InsertDirectly(const Uuid& account_id, const Uuid& id, const NewJob& job,
                    const std::optional<int64_t>& position, pg::Timestamp now) {
  live.Insert({pg::ToParam(account_id),
               pg::ToParam(id),
               pg::ToParam(job.type),
               pg::ToParam("pending"),
               pg::ToParam(job.priority),
               pg::ToParam(LaneOf(job.group_key, account_id)),
               pg::ToParam(position),
               pg::ToParam(job.run_at.value_or(now)),
               pg::ToParam(0),
               pg::ToParam(*job.max_retries),
               kNull,
               kNull,
               kNull,
               pg::ToParam(false),
               kNull,
               kNull,
               pg::ToParam(0),
               pg::ToParam(now),
               kNull,
               ParamOf(job.timeout),
               pg::ToParam(job.group_key),
               kNull,
               pg::ToParam(job.correlation_id),
               kNull,
               kNull,
               ParamOf(job.payload)});
}

std::vector<pg::Value> ClaimDirectly(const Uuid& account_id, const Uuid& id,
                                     const Claimed& claimed) {
  const pg::InResultContext scope;
  const pg::StoredRows rows = live.Find(account_id, &id);
  const pg::StoredRow& row = rows[0];
  const int32_t attempts = row.Get<int32_t>(kAttempts) + 1;
  std::optional<pg::Timestamp> deadline;
  if (const auto timeout = row.As(INTERVALOID, kTimeout); !timeout.is_null) {
    deadline = pg::AddInterval(claimed.now, timeout.value);
  }
  const pg::Timestamp lease_end =
      deadline ? std::min(*deadline, claimed.lease_end) : claimed.lease_end;
  live.Update(row.Stored(), {{kStatus, pg::ToParam("processing")},
                             {kPosition, kNull},
                             {kAttempts, pg::ToParam(attempts)},
                             {kLeaseToken, pg::ToParam(claimed.token)},
                             {kStartedAt, pg::ToParam(claimed.now)},
                             {kLeaseExpiresAt, pg::ToParam(lease_end)},
                             {kDeadlineAt, pg::ToParam(deadline)},
                             {kWorker, pg::ToParam(claimed.worker)},
                             {kOccupies, pg::ToParam(claimed.occupies)}});
  const auto same = [&](Oid type, Column column) { return pg::Value(row.As(type, column)); };
  return {same(UUIDOID, kAccountId),    same(UUIDOID, kId),       same(TEXTOID, kType),
          same(JSONBOID, kPayload),     pg::ToValue(attempts),    pg::ToValue(claimed.token),
          pg::ToValue(lease_end),       same(TEXTOID, kGroupKey), same(JSONBOID, kCursor),
          same(TEXTOID, kCorrelationId)};
}

bool CompleteDirectly(const Lease& lease, pg::Timestamp now, const pg::Raw& result) {
  const pg::StoredRows rows = live.Find(lease.account_id, &lease.job_id);
  if (rows.size() != 1 || rows[0].Optional<Uuid>(kLeaseToken) != lease.token) return false;
  const pg::StoredRow& row = rows[0];
  if (!live.Delete(row.Stored())) return false;
  history.Insert({row.As(UUIDOID, kAccountId),
                  row.As(UUIDOID, kId),
                  row.As(TEXTOID, kType),
                  pg::ToParam("completed"),
                  row.As(INT4OID, kPriority),
                  row.As(INT8OID, kLane),
                  row.As(TIMESTAMPTZOID, kRunAt),
                  row.As(INT4OID, kAttempts),
                  row.As(INT4OID, kMaxRetries),
                  row.As(UUIDOID, kLeaseToken),
                  row.As(INT8OID, kProcessed),
                  row.As(INT8OID, kTarget),
                  row.As(INT4OID, kResults),
                  row.As(TIMESTAMPTZOID, kCreatedAt),
                  row.As(TIMESTAMPTZOID, kStartedAt),
                  pg::ToParam(now),
                  row.As(INTERVALOID, kTimeout),
                  row.As(TEXTOID, kGroupKey),
                  row.As(TEXTOID, kWorker),
                  row.As(TEXTOID, kCorrelationId),
                  kNull,
                  row.As(JSONBOID, kCursor),
                  row.As(JSONBOID, kPayload),
                  ParamOf(result)});
  return true;
}

}  // namespace latchkey::jobs
