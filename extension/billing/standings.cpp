// Subscriptions at Stripe, and the standing that follows from them: a function of the set of
// changes, so that their order doesn't matter.
#include "extension/billing/standings.hpp"

#include <algorithm>

#include "extension/accounts/standing.hpp"
#include "extension/billing/subscription_states.hpp"
#include "extension/core/error.hpp"
#include "extension/pg/array.hpp"
#include "extension/plans/standings.hpp"

namespace latchkey::billing {

namespace {

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
      ends_at, noted_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    ON CONFLICT DO NOTHING)");
  a.spi.RunLatest(statement, a.account_id, s.id, a.event.id, a.At(), RankOf(a.event.type), s.status,
                  IsTerminal(s.status), TextArray(s.price_ids), ToTimestamp(s.started_at),
                  ToTimestamp(s.period_starts_at), ToTimestamp(s.period_ends_at),
                  ToTimestamp(s.trial_starts_at), ToTimestamp(s.trial_ends_at),
                  ToTimestamp(s.ends_at), pg::Now());
}

// Whether we have heard since then of any that it gives, or gave, access.
bool GaveAccessSince(const std::vector<SubscriptionState>& all, pg::Timestamp since) {
  return std::any_of(all.begin(), all.end(), [&](const SubscriptionState& s) {
    return s.access_noted_at && !(*s.access_noted_at < since);
  });
}

// What never gave access, as a checkout that isn't paid yet, takes nothing away: neither a plan
// that was set by hand nor a trial of ours, for which only what we heard since it was asked for
// counts.
bool TakesEffect(pg::Spi& spi, const std::vector<SubscriptionState>& all,
                 const accounts::Standing& standing, pg::Timestamp now) {
  if (standing.trial_ends_at && now < *standing.trial_ends_at) {
    return GaveAccessSince(all, standing.status_changed_at);
  }
  return GaveAccessSince(all, {PG_INT64_MIN}) ||
         accounts::EffectivePlan(spi, standing, now) == accounts::kFreePlan;
}

// What was last set for the account from Stripe's events.
std::optional<int32_t> AppliedVersion(pg::Spi& spi, const Uuid& account_id,
                                      const std::string& plan) {
  static pg::Statement statement(R"(
    SELECT applied_version FROM latchkey.billing_accounts
     WHERE account_id = $1 AND applied_plan = $2)");
  const pg::Rows rows = spi.RunLatest(statement, account_id, plan);
  if (rows.empty()) return std::nullopt;
  return rows[0].Optional<int32_t>(1);
}

// Whether the account's standing was set from something else before.
bool NoteApplied(pg::Spi& spi, const Uuid& account_id, const SubscriptionState& s,
                 const std::string& plan, const std::optional<int32_t>& version) {
  static pg::Statement statement(R"(
    UPDATE latchkey.billing_accounts
       SET applied_event_id = $2, applied_plan = $3, applied_version = $4, status_since = $5
     WHERE account_id = $1
       AND (applied_event_id, applied_plan, applied_version, status_since)
           IS DISTINCT FROM ($2, $3, $4, $5))");
  spi.RunLatest(statement, account_id, s.event_id, plan, version, s.since);
  return spi.affected() > 0;
}

// Whoever was moved to a newer version than the one that the price names stays there.
std::optional<int32_t> VersionToHave(pg::Spi& spi, const Uuid& account_id,
                                     const accounts::Standing& standing, const std::string& plan,
                                     const std::optional<int32_t>& paid, pg::Timestamp now) {
  if (!paid || !standing.plan_version || !plans::KeepsVersion(standing, plan, now)) return paid;
  const auto applied = AppliedVersion(spi, account_id, plan);
  const bool was_moved = applied && *standing.plan_version > *applied;
  return was_moved ? std::max(*paid, *standing.plan_version) : paid;
}

void SetStanding(pg::Spi& spi, const Uuid& account_id) {
  const std::vector<SubscriptionState> all = LoadSubscriptions(spi, account_id);
  const SubscriptionState* best = BestOf(all);
  if (best == nullptr) return;
  const std::string plan = best->plan ? best->plan->plan : accounts::kFreePlan;
  // The plan is locked first, as by everybody who changes what an account has.
  const plans::NewestVersion newest(spi, plan);
  const accounts::Standing standing = plans::LockStanding(spi, account_id);
  const pg::Timestamp now = pg::Now();
  if (!TakesEffect(spi, all, standing, now)) return;
  std::optional<int32_t> paid;
  if (best->plan) paid = plans::VersionOfPrice(spi, best->plan->price_id, best->priced_since);
  plans::Terms terms;
  terms.version = VersionToHave(spi, account_id, standing, plan, paid, now);
  terms.status_since = best->since;
  terms.gave_access = GaveAccessSince(all, {PG_INT64_MIN});
  if (!NoteApplied(spi, account_id, *best, plan, paid)) return;
  plans::Subscribe(spi, account_id, plan, best->status, terms);
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
