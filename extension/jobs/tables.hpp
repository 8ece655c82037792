// The tables of jobs without SPI, for what each job passes through one by one; where they are not
// ordinary ones here, the statements beside each call run instead.
#pragma once

#include "extension/jobs/store.hpp"
#include "extension/pg/direct_table.hpp"

namespace latchkey::jobs {

bool MayInsertDirectly();
bool MayClaimDirectly();
bool MayFinishDirectly();

// A job that is ready, or waits for its time when it has no position.
void InsertDirectly(const Uuid& account_id, const Uuid& id, const NewJob& job,
                    const std::optional<int64_t>& position, pg::Timestamp now);

// What a claim writes to a job.
struct Claimed {
  Uuid token;
  pg::Timestamp now;
  pg::Timestamp lease_end;
  std::string_view worker;
  bool occupies;
};
// Hands a job that is locked to a worker, and returns what claim_jobs() does: type claimed_job.
std::vector<pg::Value> ClaimDirectly(const Uuid& account_id, const Uuid& id,
                                     const Claimed& claimed);

// Moves a job of this lease to the history. False, and nothing is written, when it is not there, or
// somebody else is just changing it.
bool CompleteDirectly(const Lease& lease, pg::Timestamp now, const pg::Raw& result);

}  // namespace latchkey::jobs
