// Trials: one per account, with dates that take effect at their instant.
#pragma once

#include "extension/pg/args.hpp"
#include "extension/plans/standings.hpp"

namespace latchkey::trials {

struct Trial {
  Uuid account_id;
  std::string plan;
  std::string status;  // as stored: pending, active, expired, cancelled, converted
  pg::Timestamp requested_at;
  pg::Timestamp starts_at;
  pg::Timestamp ends_at;
  std::optional<pg::Timestamp> ended_at;

  bool IsOpen() const { return status == "pending" || status == "active"; }
  // What is stored may lag behind the clock, until expire_trials() has booked it.
  std::string StatusAt(pg::Timestamp at) const;
};

std::optional<Trial> FindTrial(pg::Spi& spi, const Uuid& account_id);

// Books what the clock has done to an open trial, with the events; the account's row is locked.
// True when there was anything to book.
bool CatchUp(pg::Spi& spi, Trial& trial, pg::Timestamp now);

// Puts the account on the free plan, since that moment.
void LeavePlan(pg::Spi& spi, const Uuid& account_id, pg::Timestamp since);

// Ends an open trial before its time, cancelled or converted; what plan follows is the caller's.
void End(pg::Spi& spi, Trial& trial, const char* status, pg::Timestamp now);

// The event of one of its steps, as trial.started.
void Record(pg::Spi& spi, const Trial& trial, const char* type);

// See plans/hooks.hpp.
void CloseTrial(pg::Spi& spi, const Uuid& account_id, bool converted);

std::vector<pg::Value> TrialRow(const Trial& trial, pg::Timestamp now);

#define LATCHKEY_TRIAL                                                                \
  "SELECT account_id, plan, status, requested_at, starts_at, ends_at, ended_at FROM " \
  "latchkey.trials "
Trial ReadTrial(const pg::Row& row);

}  // namespace latchkey::trials
