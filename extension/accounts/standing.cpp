// Effective plans.
#include "extension/accounts/standing.hpp"

#include "extension/settings/settings.hpp"

namespace latchkey::accounts {

namespace {
constexpr settings::DurationSetting kPastDueGrace("plans.past_due_grace");
}

bool IsKnownStatus(std::string_view status) {
  constexpr std::string_view kStatuses[] = {"inactive", "trialing",   "active",
                                            "past_due", "canceled",   "unpaid",
                                            "paused",   "incomplete", "incomplete_expired"};
  for (const auto known : kStatuses) {
    if (status == known) return true;
  }
  return false;
}

std::string EffectivePlan(pg::Spi& spi, const Standing& standing) {
  const std::string& status = standing.subscription_status;
  if (status == "active" || status == "trialing") return standing.plan;
  if (status == "past_due" && PastDueSince(spi) < standing.status_changed_at) return standing.plan;
  return kFreePlan;
}

pg::Timestamp PastDueSince(pg::Spi& spi) { return pg::Now() + -kPastDueGrace.Micros(spi); }

}  // namespace latchkey::accounts
