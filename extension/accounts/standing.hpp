// Which plan an account is entitled to at this moment.
#pragma once

#include <string>
#include <string_view>

#include "extension/pg/spi.hpp"

namespace latchkey::accounts {

inline constexpr const char* kFreePlan = "free";

struct Standing {
  std::string plan;                 // what it is subscribed to
  std::string subscription_status;  // as Stripe names them, or inactive
  pg::Timestamp status_changed_at;
};

// Stripe's subscription statuses, and inactive for who never subscribed.
bool IsKnownStatus(std::string_view status);

// The plan while the status grants it: trialing and active do, past_due for the grace period of
// setting plans.past_due_grace, the others not; else free.
std::string EffectivePlan(pg::Spi& spi, const Standing& standing);

// The same for a statement that looks for rows of latchkey.accounts, here `a`: whether the status
// grants the plan. `past_due_since` is a parameter with the value of PastDueSince().
#define LATCHKEY_GRANTS_PLAN(a, past_due_since)                 \
  "(" a ".subscription_status IN ('active', 'trialing') OR (" a \
  ".subscription_status = 'past_due' AND " a ".status_changed_at > " past_due_since "))"

// What became past due later than this is within its grace.
pg::Timestamp PastDueSince(pg::Spi& spi);

}  // namespace latchkey::accounts
