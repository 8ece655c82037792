// Jobs in their table: what a new one is made of, where it stands in line, and how one ends.
#pragma once

#include "extension/pg/args.hpp"

namespace latchkey::jobs {

inline constexpr size_t kJobColumns = 24;  // of type latchkey.job and view _job_states
inline constexpr int32_t kMaxPriority = 1000000;
inline constexpr int64_t kMicrosPerDay = int64_t{86400} * 1000000;

// Positions count the jobs of a transaction below this many bits, and its number above.
inline constexpr int kPositionShift = 20;

// Where a job that is put back before all others of its lane stands.
inline constexpr int64_t kHeadPosition = 1;

struct NewJob {
  std::string_view type;
  int32_t priority = 100;
  std::optional<pg::Timestamp> run_at;  // empty: now
  std::optional<int32_t> max_retries;
  std::optional<std::string> idempotency_key;
  std::optional<std::string> group_key;
  std::optional<std::string> correlation_id;
  pg::Raw timeout{INTERVALOID};
  pg::Raw payload{JSONBOID};
};

// LK400 when something of it is malformed.
void Check(const NewJob& job);
void CheckType(std::string_view type);

// The lane is what takes turns with others: the group, or the account of a job that has none. Not
// negative, and below the largest number.
int64_t LaneOf(std::string_view group_key);
int64_t LaneOf(const std::optional<std::string>& group_key, const Uuid& account_id);

// The first of `count` positions behind all that transactions that are over have taken; gives this
// transaction a number.
int64_t ReservePositions(int64_t count);

// What an idempotency key stands for.
std::string FingerprintOf(const NewJob& job);

// Writes the key. Empty when it is new; else the job that was enqueued with it. LK419 when that had
// other arguments.
std::optional<Uuid> ClaimKey(pg::Spi& spi, const Uuid& account_id, const Uuid& job_id,
                             const NewJob& job);

// The account of what is enqueued without one: the bound user's, else the platform.
Uuid DefaultAccount();

// The columns of a row of _job_states; they outlive the SPI session.
std::vector<pg::Value> JobColumns(const pg::Row& row);
// Empty when there is none.
std::vector<pg::Value> FindJob(pg::Spi& spi, const Uuid& account_id, const Uuid& id);
// LK404 when there is none.
std::vector<pg::Value> ReadJob(pg::Spi& spi, const Uuid& account_id, const Uuid& id);

// A live job, locked.
struct LiveJob {
  std::string type;
  int64_t lane = 0;
  int32_t attempts = 0;
  int32_t max_retries = 0;
  bool is_ready = false;
  std::optional<Uuid> lease_token;
};
std::optional<LiveJob> LockJob(pg::Spi& spi, const Uuid& account_id, const Uuid& id);
// The job when it is this lease's. Else LK410, or LK404 when there is no such job.
LiveJob LockLeased(pg::Spi& spi, const Uuid& account_id, const Uuid& id, const Uuid& lease_token);
[[noreturn]] void ThrowNotLeased(pg::Spi& spi, const Uuid& account_id, const Uuid& id);

// Moves a locked live job to the history.
void Finish(pg::Spi& spi, const Uuid& account_id, const Uuid& id, const char* status,
            const std::optional<std::string>& error);

// A locked live job that waits comes due at once.
void ComeDue(pg::Spi& spi, const Uuid& account_id, const Uuid& id);

// Event of a job: job.failed, job.cancelled, job.retried.
void RecordJobEvent(pg::Spi& spi, const Uuid& account_id, const Uuid& id, const char* event,
                    std::string_view type);

// The account, job and lease that a worker's call is about. LK403 and LK400 as documented.
struct Lease {
  Uuid account_id;
  Uuid job_id;
  Uuid token;
};
Lease LeaseArguments(const pg::Args& args);

// Ends the attempt at a job; a null result is none. Raise LK410 and LK404 when it is not this
// lease's.
void Complete(pg::Spi& spi, const Lease& lease, const pg::Raw& result);
// False: there is no other attempt, the job is over.
bool Fail(pg::Spi& spi, const Lease& lease, std::string_view error, bool retryable);

// When a lease that begins now ends: argument `index`, or setting jobs.lease.
pg::Timestamp LeaseEnd(pg::Spi& spi, const pg::Args& args, int index);

// An argument that bounds how much one call does: 1 to `most`, else LK400.
int32_t Bounded(const pg::Args& args, int index, const char* name, int32_t most);

}  // namespace latchkey::jobs
