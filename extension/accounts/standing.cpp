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

std::optional<std::string_view> EffectivePlanByStatus(const Standing& standing, pg::Timestamp at) {
  const std::string& status = standing.subscription_status;
  if (status == "past_due") return std::nullopt;
  if (status == "active") return standing.plan;
  if (status == "trialing" && !standing.IsOutsideTrial(at)) return standing.plan;
  return kFreePlan;
}

std::string EffectivePlan(pg::Spi& spi, const Standing& standing, pg::Timestamp at) {
  if (const auto plan = EffectivePlanByStatus(standing, at)) return std::string(*plan);
  const bool is_in_grace = at < standing.status_changed_at + kPastDueGrace.Micros(spi);
  return is_in_grace ? standing.plan : kFreePlan;
}

std::string EffectiveStatus(const Standing& standing, pg::Timestamp at) {
  const bool over = standing.subscription_status == "trialing" && standing.IsOutsideTrial(at);
  return over ? "inactive" : standing.subscription_status;
}

bool HasPayments(pg::Spi& spi, const Uuid& account_id) {
  static pg::Statement statement(R"(
    SELECT 1 FROM latchkey.accounts
     WHERE id = $1 AND (stripe_customer_id IS NOT NULL
                        OR (plan <> $2 AND subscription_status IN ('active', 'past_due'))))");
  return !spi.RunLatest(statement, account_id, kFreePlan).empty();
}

pg::Timestamp PastDueSince(pg::Spi& spi) { return pg::Now() + -kPastDueGrace.Micros(spi); }

}  // namespace latchkey::accounts
