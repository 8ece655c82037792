// From all that events have said of subscriptions to what each is now.
#include "extension/billing/subscription_states.hpp"

#include <algorithm>
#include <tuple>

namespace latchkey::billing {

namespace {

SubscriptionState FromRow(const pg::Row& row) {
  SubscriptionState s;
  s.id = row.Text(1);
  s.event_id = row.Text(2);
  s.since = s.priced_since = row.Get<pg::Timestamp>(3);
  s.status = row.Text(4);
  s.price_ids = row.Copy(5);
  s.started_at = row.Optional<pg::Timestamp>(6);
  s.period.starts_at = row.Optional<pg::Timestamp>(7);
  s.period.ends_at = row.Optional<pg::Timestamp>(8);
  s.trial_starts_at = row.Optional<pg::Timestamp>(9);
  s.trial_ends_at = row.Optional<pg::Timestamp>(10);
  s.period.cancel_at = row.Optional<pg::Timestamp>(11);
  if (!s.period.starts_at || !s.period.ends_at || *s.period.ends_at <= *s.period.starts_at) {
    s.period.starts_at = s.period.ends_at = std::nullopt;
  }
  if (ClassOf(s.status) >= 2) s.access_noted_at = row.Get<pg::Timestamp>(12);
  return s;
}

// What the state before says of how long this one has been so.
void Continue(SubscriptionState& next, const SubscriptionState& before) {
  if (before.status == next.status) next.since = before.since;
  if (before.plan && next.plan && before.plan->price_id == next.plan->price_id) {
    next.priced_since = before.priced_since;
  }
  next.access_noted_at = std::max(next.access_noted_at, before.access_noted_at);
}

auto Key(const SubscriptionState& s) {
  return std::make_tuple(ClassOf(s.status), s.plan ? s.plan->rank : -1,
                         s.started_at ? s.started_at->micros : 0, s.id);
}

}  // namespace

bool IsTerminal(std::string_view status) {
  return status == "canceled" || status == "incomplete_expired";
}

int ClassOf(std::string_view status) {
  if (status == "active" || status == "trialing") return 3;
  if (status == "past_due") return 2;
  return IsTerminal(status) ? 0 : 1;
}

std::vector<SubscriptionState> LoadSubscriptions(pg::Spi& spi, const Uuid& account_id) {
  static pg::Statement statement(R"(
    SELECT stripe_subscription_id, stripe_event_id, created_at, status, price_ids, started_at,
           period_starts_at, period_ends_at, trial_starts_at, trial_ends_at, ends_at, noted_at,
           price_ids IS NOT DISTINCT FROM lag(price_ids) OVER (
             PARTITION BY stripe_subscription_id
             ORDER BY terminal, created_at, rank, stripe_event_id)
      FROM latchkey.billing_subscription_changes WHERE account_id = $1
     ORDER BY stripe_subscription_id, terminal, created_at, rank, stripe_event_id)");
  std::vector<SubscriptionState> all;
  const pg::Rows rows = spi.RunLatest(statement, account_id);
  for (uint64_t i = 0; i < rows.size(); ++i) {
    SubscriptionState next = FromRow(rows[i]);
    const bool goes_on = !all.empty() && all.back().id == next.id;
    const bool same_prices = goes_on && rows[i].Get<bool>(13);
    next.plan = same_prices ? all.back().plan : plans::PlanOfPrices(spi, next.price_ids);
    if (!goes_on) {
      all.push_back(std::move(next));
      continue;
    }
    Continue(next, all.back());
    all.back() = std::move(next);
  }
  return all;
}

const SubscriptionState* BestOf(const std::vector<SubscriptionState>& all) {
  const SubscriptionState* best = nullptr;
  for (const SubscriptionState& s : all) {
    if (best == nullptr || Key(*best) < Key(s)) best = &s;
  }
  return best;
}

}  // namespace latchkey::billing
