// Each of an account's subscriptions at Stripe in its last state.
#pragma once

#include "extension/billing/application.hpp"
#include "extension/plans/prices.hpp"
#include "extension/subscriptions/subscriptions.hpp"

namespace latchkey::billing {

bool IsTerminal(std::string_view status);

// What gives access first (3, past due: 2), what may come back next (1).
int ClassOf(std::string_view status);

struct SubscriptionState {
  std::string id, event_id, status;
  pg::Raw price_ids;
  std::optional<pg::Timestamp> started_at, trial_starts_at, trial_ends_at;
  subscriptions::Period period;
  pg::Timestamp since;  // when it came to this status, by Stripe's time
  std::optional<plans::PricedPlan> plan;
  pg::Timestamp priced_since;                    // when it came to the price of its plan
  std::optional<pg::Timestamp> access_noted_at;  // when we last heard of a state with access
};

// A function of the set of changes, whatever the order in which they came.
std::vector<SubscriptionState> LoadSubscriptions(pg::Spi& spi, const Uuid& account_id);

// The one that the account's standing follows from; null when there is none.
const SubscriptionState* BestOf(const std::vector<SubscriptionState>& all);

}  // namespace latchkey::billing
