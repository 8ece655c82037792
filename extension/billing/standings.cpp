// Subscriptions at Stripe, and the standing that follows from them: a function of the set of
// changes, so that their order doesn't matter.
#include "extension/billing/standings.hpp"

#include <tuple>

#include "extension/accounts/standing.hpp"
#include "extension/core/error.hpp"
#include "extension/pg/array.hpp"
#include "extension/plans/prices.hpp"
#include "extension/plans/standings.hpp"
#include "extension/subscriptions/subscriptions.hpp"

namespace latchkey::billing {

namespace {

bool IsTerminal(std::string_view status) {
  return status == "canceled" || status == "incomplete_expired";
}

// What gives access first, what may come back next.
int ClassOf(std::string_view status) {
  if (status == "active" || status == "trialing") return 3;
  if (status == "past_due") return 2;
  return IsTerminal(status) ? 0 : 1;
}

// Events of one second: deleted beats updated beats created.
int32_t RankOf(std::string_view type) {
  if (type == "customer.subscription.created") return 1;
  if (type == "customer.subscription.trial_will_end") return 2;
  if (type == "customer.subscription.deleted") return 5;
  return type == "customer.subscription.updated" ? 3 : 4;
}

pg::Raw TextArray(const std::vector<std::string>& texts) {
  std::vector<pg::Value> values;
  for (const std::string& text : texts) values.push_back(pg::ToValue(text));
  return pg::ToArray(TEXTOID, values);
}

void Insert(Application& a, const StripeSubscription& s) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.billing_subscription_changes (
      account_id, stripe_subscription_id, stripe_event_id, created_at, rank, status, terminal,
      price_ids, started_at, period_starts_at, period_ends_at, trial_starts_at, trial_ends_at,
      ends_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING)");
  a.spi.RunLatest(statement, a.account_id, s.id, a.event.id, a.At(), RankOf(a.event.type), s.status,
                  IsTerminal(s.status), TextArray(s.price_ids), ToTimestamp(s.started_at),
                  ToTimestamp(s.period_starts_at), ToTimestamp(s.period_ends_at),
                  ToTimestamp(s.trial_starts_at), ToTimestamp(s.trial_ends_at),
                  ToTimestamp(s.ends_at));
}

struct Current {
  std::string id, event_id, status;
  pg::Raw price_ids;
  std::optional<pg::Timestamp> started_at, trial_starts_at, trial_ends_at;
  subscriptions::Period period;
  pg::Timestamp since;       // when it came to this status
  bool gave_access = false;  // in this state, or in one before
  std::optional<plans::PricedPlan> plan;

  auto Key() const {
    return std::make_tuple(ClassOf(status), plan ? plan->rank : -1,
                           started_at ? started_at->micros : 0, id);
  }
};

Current FromRow(const pg::Row& row) {
  Current s;
  s.id = row.Text(1);
  s.event_id = row.Text(2);
  s.since = row.Get<pg::Timestamp>(3);
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
  return s;
}

// Each subscription in its last state, and since when it has had its status.
std::vector<Current> LoadSubscriptions(pg::Spi& spi, const Uuid& account_id) {
  static pg::Statement statement(R"(
    SELECT stripe_subscription_id, stripe_event_id, created_at, status, price_ids, started_at,
           period_starts_at, period_ends_at, trial_starts_at, trial_ends_at, ends_at
      FROM latchkey.billing_subscription_changes WHERE account_id = $1
     ORDER BY stripe_subscription_id, terminal, created_at, rank, stripe_event_id)");
  std::vector<Current> all;
  const pg::Rows rows = spi.RunLatest(statement, account_id);
  for (uint64_t i = 0; i < rows.size(); ++i) {
    Current next = FromRow(rows[i]);
    next.gave_access = ClassOf(next.status) >= 2;
    if (all.empty() || all.back().id != next.id) {
      all.push_back(std::move(next));
      continue;
    }
    if (all.back().status == next.status) next.since = all.back().since;
    next.gave_access = next.gave_access || all.back().gave_access;
    all.back() = std::move(next);
  }
  for (Current& s : all) s.plan = plans::PlanOfPrices(spi, s.price_ids);
  return all;
}

// Whether the account's standing was set from something else before.
bool NoteApplied(pg::Spi& spi, const Uuid& account_id, const Current& s, const std::string& plan) {
  static pg::Statement statement(R"(
    UPDATE latchkey.billing_accounts
       SET applied_event_id = $2, applied_plan = $3, status_since = $4
     WHERE account_id = $1
       AND (applied_event_id, applied_plan, status_since) IS DISTINCT FROM ($2, $3, $4))");
  spi.RunLatest(statement, account_id, s.event_id, plan, s.since);
  return spi.affected() > 0;
}

bool EverGaveAccess(const std::vector<Current>& all) {
  for (const Current& s : all) {
    if (s.gave_access) return true;
  }
  return false;
}

// The plan is locked first, as by everybody who changes what an account has.
bool HasPlanFromElsewhere(pg::Spi& spi, const Uuid& account_id, const std::string& plan) {
  const plans::NewestVersion newest(spi, plan);
  const accounts::Standing standing = plans::LockStanding(spi, account_id);
  return accounts::EffectivePlan(spi, standing, pg::Now()) != accounts::kFreePlan;
}

void SetStanding(pg::Spi& spi, const Uuid& account_id) {
  const std::vector<Current> all = LoadSubscriptions(spi, account_id);
  const Current* best = nullptr;
  for (const Current& s : all) {
    if (best == nullptr || best->Key() < s.Key()) best = &s;
  }
  if (best == nullptr) return;
  const std::string plan = best->plan ? best->plan->plan : accounts::kFreePlan;
  // What never gave access, as a checkout that isn't paid yet, takes nothing away: neither a trial
  // of ours nor a plan that was set by hand.
  if (!EverGaveAccess(all) && HasPlanFromElsewhere(spi, account_id, plan)) return;
  if (!NoteApplied(spi, account_id, *best, plan)) return;
  std::optional<int32_t> version;
  if (best->plan) version = best->plan->version;
  plans::Subscribe(spi, account_id, plan, best->status, version, best->since);
  subscriptions::SetPeriod(spi, account_id, best->period);
  subscriptions::SetProviderTrial(spi, account_id, best->trial_starts_at, best->trial_ends_at);
}

}  // namespace

void ApplySubscription(Application& application, const StripeSubscription& subscription) {
  if (!accounts::IsKnownStatus(subscription.status) || subscription.status == "inactive") {
    throw Error(ErrorCode::kInvalidArgument,
                "status \"" + subscription.status + "\" of a subscription is not known");
  }
  const bool is_priced =
      plans::PlanOfPrices(application.spi, TextArray(subscription.price_ids)).has_value();
  if (!is_priced) {
    std::optional<std::string> price;
    if (!subscription.price_ids.empty()) price = subscription.price_ids[0];
    application.Park("unknown_price", price);
    if (ClassOf(subscription.status) >= 2) return;
  }
  Insert(application, subscription);
  SetStanding(application.spi, application.account_id);
}

}  // namespace latchkey::billing
