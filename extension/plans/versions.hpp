// Versions of plans.
#pragma once

#include "extension/pg/spi.hpp"

namespace latchkey::plans {

// A plan whose row is locked: nobody subscribes to it, and nobody else changes it.
struct LockedPlan {
  std::string key;
  int32_t version = 1;
  bool subscribed = false;  // somebody has, or has had, this version
};

// Raises LK404.
LockedPlan LockPlan(pg::Spi& spi, std::string_view key);

// Before what subscribers pay for changes: when there are any, and the change is not meant for
// them, keeps the plan as it is as an old version and begins a new one. Prices of `monthly` and of
// `yearly`, when they stay, come along: their ids name the new version then.
void BeginChange(pg::Spi& spi, LockedPlan& plan, bool for_subscribers, bool keeps_monthly,
                 bool keeps_yearly);

}  // namespace latchkey::plans
