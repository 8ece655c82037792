// sweep_jobs, and the part of it that each claim does.
#include "extension/jobs/sweep.hpp"

#include "extension/jobs/store.hpp"
#include "extension/jobs/waiting.hpp"
#include "extension/permissions/principal.hpp"

namespace latchkey::jobs {

namespace {

constexpr int32_t kMaxBatch = 100000;
constexpr int32_t kTendBatch = 1000;
constexpr int64_t kSecond = 1000000;
constexpr int64_t kPromoteEvery = kSecond / 10;
constexpr int64_t kExpireEvery = kSecond;
// A claim reads neither index from its beginning, where dead entries gather while an old snapshot
// is held, but from a little before where it last ended; and all of it once in a while, for what
// was committed late.
constexpr int64_t kOverlap = 60 * kSecond;
constexpr int64_t kReadAllEvery = 60 * kSecond;

constexpr pg::Timestamp kBeginning{INT64_MIN + 1};

// When this backend last did a thing.
class Pace {
 public:
  explicit Pace(int64_t every) : every_(every) {}

  // A clock that was set back is no reason to wait.
  bool IsDue(pg::Timestamp now) const { return now < last_ || last_ + every_ <= now; }
  pg::Timestamp Begin(pg::Timestamp now) {
    const bool all = now < read_all_ || read_all_ + kReadAllEvery <= now;
    const pg::Timestamp from = all ? kBeginning : last_ + -kOverlap;
    if (all) read_all_ = now;
    last_ = now;
    return from;
  }

 private:
  const int64_t every_;
  pg::Timestamp last_{};
  pg::Timestamp read_all_{};
};

// Jobs whose time has come stand in line from now on: at its end, or at its head when their group
// waits for them.
int32_t Promote(pg::Spi& spi, pg::Timestamp from, pg::Timestamp now, int32_t batch) {
  static pg::Statement due(R"(
    SELECT 1 FROM latchkey.jobs
     WHERE position IS NULL AND lease_token IS NULL AND run_at >= $1 AND run_at <= $2 LIMIT 1)",
                           pg::Statement::kIndexed);
  static pg::Statement statement(R"(
    WITH due AS (
      SELECT account_id, id FROM latchkey.jobs
       WHERE position IS NULL AND lease_token IS NULL AND run_at >= $1 AND run_at <= $2
       ORDER BY run_at LIMIT $3 FOR UPDATE SKIP LOCKED),
    numbered AS (SELECT account_id, id, row_number() OVER () - 1 AS n FROM due),
    done AS (
      UPDATE latchkey.jobs AS j
         SET position = CASE WHEN occupies THEN $5 ELSE $4 + n END, occupies = false
        FROM numbered d WHERE j.account_id = d.account_id AND j.id = d.id RETURNING type)
    SELECT type, count(*)::integer FROM done GROUP BY type)",
                                 pg::Statement::kIndexed);
  if (spi.RunLatest(due, from, now).empty()) return 0;
  const pg::Rows rows =
      spi.RunLatest(statement, from, now, batch, ReservePositions(batch), kHeadPosition);
  int32_t promoted = 0;
  for (uint64_t i = 0; i < rows.size(); ++i) {
    promoted += rows[i].Get<int32_t>(2);
    WakeWorkers(rows[i].Text(1));
  }
  return promoted;
}

struct Expired {
  int32_t requeued = 0;
  int32_t failed = 0;
  int32_t timed_out = 0;
};

// Leases that are over. What was tried often enough, or is past its timeout, is over itself.
Expired Expire(pg::Spi& spi, pg::Timestamp from, pg::Timestamp now, int32_t batch) {
  static pg::Statement find(R"(
    SELECT account_id, id, type, deadline_at <= $2, attempts > max_retries
      FROM latchkey.jobs
     WHERE lease_token IS NOT NULL AND lease_expires_at >= $1 AND lease_expires_at <= $2
     ORDER BY lease_expires_at LIMIT $3 FOR UPDATE SKIP LOCKED)",
                            pg::Statement::kIndexed);
  static pg::Statement requeue(R"(
    UPDATE latchkey.jobs
       SET status = 'pending', lease_token = NULL, lease_expires_at = NULL, deadline_at = NULL,
           position = CASE WHEN occupies THEN $4 ELSE $3 END, occupies = false,
           error = 'the lease was over'
     WHERE account_id = $1 AND id = $2)");
  struct Over {
    Uuid account_id;
    Uuid id;
    std::string type;
    bool past_timeout;
    bool is_last;
  };
  const pg::Rows rows = spi.RunLatest(find, from, now, batch);
  std::vector<Over> all;
  for (uint64_t i = 0; i < rows.size(); ++i) {
    const pg::Row row = rows[i];
    all.push_back({row.Get<Uuid>(1), row.Get<Uuid>(2), row.Text(3),
                   row.Optional<bool>(4).value_or(false), row.Get<bool>(5)});
  }
  Expired expired;
  for (const Over& job : all) {
    if (job.past_timeout) {
      Finish(spi, job.account_id, job.id, "timeout", "the timeout is over");
      RecordJobEvent(spi, job.account_id, job.id, "job.failed", job.type);
      ++expired.timed_out;
    } else if (job.is_last) {
      Finish(spi, job.account_id, job.id, "failed", "the lease was over");
      RecordJobEvent(spi, job.account_id, job.id, "job.failed", job.type);
      ++expired.failed;
    } else {
      spi.RunLatest(requeue, job.account_id, job.id, ReservePositions(1), kHeadPosition);
      WakeWorkers(job.type);
      ++expired.requeued;
    }
  }
  return expired;
}

}  // namespace

void Tend(pg::Spi& spi) {
  static Pace promoting(kPromoteEvery);
  static Pace expiring(kExpireEvery);
  const pg::Timestamp now = pg::Now();
  if (promoting.IsDue(now)) Promote(spi, promoting.Begin(now), now, kTendBatch);
  if (expiring.IsDue(now)) Expire(spi, expiring.Begin(now), now, kTendBatch);
}

LATCHKEY_FUNCTION(sweep_jobs, kOpen) {
  const int32_t batch = Bounded(args, 0, "batch", kMaxBatch);
  permissions::Require(args, "jobs.write");
  pg::Spi spi;
  const pg::Timestamp now = pg::Now();
  const int32_t promoted = Promote(spi, kBeginning, now, batch);
  const Expired expired = Expire(spi, kBeginning, now, batch);
  spi.Finish();
  return args.ReturnRow({pg::ToValue(promoted), pg::ToValue(expired.requeued),
                         pg::ToValue(expired.failed), pg::ToValue(expired.timed_out)});
}

}  // namespace latchkey::jobs
