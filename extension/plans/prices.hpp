// Stripe's price ids: each names one version of one plan.
#pragma once

#include "extension/plans/versions.hpp"

namespace latchkey::plans {

// Makes the id the one to check out with, for a billing interval (month or year), and lets the one
// before it name what it named. Nothing for none. Raises LK400, and LK409 when the id names another
// plan, version or interval.
void SetPrice(pg::Spi& spi, const LockedPlan& plan, const char* billing_interval,
              const std::optional<std::string>& price_id);

struct PricedPlan {
  std::string price_id;
  std::string plan;
  int32_t rank;
};

// The plan that the prices of a subscription name: of several the highest. None for none.
std::optional<PricedPlan> PlanOfPrices(pg::Spi& spi, const pg::Raw& price_ids);

// The version that a known price named at that time: what who took it then pays for.
int32_t VersionOfPrice(pg::Spi& spi, const std::string& price_id, pg::Timestamp at);

}  // namespace latchkey::plans
