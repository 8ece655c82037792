// Which plan an account is entitled to, at this moment or at another.
#pragma once

#include <string>
#include <string_view>

#include "extension/pg/spi.hpp"

namespace latchkey::accounts {

inline constexpr const char* kFreePlan = "free";

struct Standing {
  std::string plan = kFreePlan;                  // what it is subscribed to
  std::optional<int32_t> plan_version;           // none: always the newest
  std::string subscription_status = "inactive";  // as Stripe names them, or inactive
  pg::Timestamp status_changed_at;
  // Of a trial of ours; none when somebody else says when the trial ends, as Stripe does.
  std::optional<pg::Timestamp> trial_starts_at;
  std::optional<pg::Timestamp> trial_ends_at;

  // A trial begins and ends at its instant, whether or not anybody swept.
  bool IsOutsideTrial(pg::Timestamp at) const {
    return (trial_starts_at && at < *trial_starts_at) || (trial_ends_at && *trial_ends_at <= at);
  }
};

// Stripe's subscription statuses, and inactive for who never subscribed.
bool IsKnownStatus(std::string_view status);

// The plan while the status grants it: active does, trialing within the trial's dates, past_due for
// the grace period of setting plans.past_due_grace, the others not; else free.
std::string EffectivePlan(pg::Spi& spi, const Standing& standing, pg::Timestamp at);

// The same without settings, and so without SPI; none for what is past due.
std::optional<std::string_view> EffectivePlanByStatus(const Standing& standing, pg::Timestamp at);

// The status, but inactive instead of trialing outside of the trial's dates.
std::string EffectiveStatus(const Standing& standing, pg::Timestamp at);

// The same for a statement that looks for rows of latchkey.accounts, here `a`: whether the status
// grants the plan at time `now`. `past_due_since` is a parameter with the value of PastDueSince().
#define LATCHKEY_GRANTS_PLAN(a, now, past_due_since)                                         \
  "(" a ".subscription_status = 'active' OR (" a                                             \
  ".subscription_status = 'trialing' AND ("                                                  \
  "coalesce(" a ".trial_starts_at <= " now ", true) AND coalesce(" a ".trial_ends_at > " now \
  ", true))) OR (" a ".subscription_status = 'past_due' AND " a                              \
  ".status_changed_at > " past_due_since "))"

// What became past due later than this is within its grace now.
pg::Timestamp PastDueSince(pg::Spi& spi);

// Whether somebody has seen to paying: the account has a Stripe customer, or another plan than
// free, and that not by a trial alone.
bool HasPayments(pg::Spi& spi, const Uuid& account_id);

}  // namespace latchkey::accounts
