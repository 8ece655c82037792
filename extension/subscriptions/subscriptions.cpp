// An account's subscription in one row, and what is told about it from outside.
#include "extension/subscriptions/subscriptions.hpp"
#include "extension/accounts/users.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/plans/standings.hpp"
#include "extension/trials/trials.hpp"

namespace latchkey::subscriptions {

namespace {

void CheckInterval(const std::optional<std::string>& billing_interval) {
  if (!billing_interval || *billing_interval == "month" || *billing_interval == "year") return;
  throw Error(ErrorCode::kInvalidArgument, "billing_interval must be month or year");
}

struct ProviderTrial {
  std::optional<pg::Timestamp> starts_at, ends_at;
};

// A trial of ours, or else the provider's.
std::vector<pg::Value> TrialColumns(const std::optional<trials::Trial>& trial,
                                    const ProviderTrial& provided,
                                    const accounts::Standing& standing, pg::Timestamp now) {
  const bool is_open = trial && trial->IsOpen();
  if (!is_open && provided.ends_at) {
    const bool is_on = standing.subscription_status == "trialing" && now < *provided.ends_at;
    return {pg::ToValue(standing.plan), pg::ToValue(is_on ? "active" : "expired"),
            pg::ToValue(provided.starts_at), pg::ToValue(provided.ends_at)};
  }
  if (!trial) return {pg::Value(), pg::Value(), pg::Value(), pg::Value()};
  return {pg::ToValue(trial->plan), pg::ToValue(trial->StatusAt(now)),
          pg::ToValue(trial->starts_at), pg::ToValue(trial->ended_at.value_or(trial->ends_at))};
}

}  // namespace

void SetPeriod(pg::Spi& spi, const Uuid& account_id, const Period& period) {
  static pg::Statement dates(R"(
    UPDATE latchkey.accounts SET billing_starts_at = $2, billing_ends_at = $3
     WHERE id = $1 AND (billing_starts_at IS DISTINCT FROM $2
                        OR billing_ends_at IS DISTINCT FROM $3))");
  static pg::Statement rest(R"(
    INSERT INTO latchkey.subscriptions (account_id, cancel_at) VALUES ($1, $2)
    ON CONFLICT (account_id) DO UPDATE SET cancel_at = $2)");
  accounts::RequireLivingAccount(spi, account_id);
  spi.RunLatest(dates, account_id, period.starts_at, period.ends_at);
  spi.RunLatest(rest, account_id, period.cancel_at);
  JsonObject data;
  if (period.starts_at) {
    data.Add("starts_at", period.starts_at->UnixSeconds());
    data.Add("ends_at", period.ends_at->UnixSeconds());
  }
  if (period.cancel_at) data.Add("cancel_at", period.cancel_at->UnixSeconds());
  events::Record(spi, {account_id, "account", account_id.ToString(), "subscription.period_set",
                       data.ToString()});
}

void SetProviderTrial(pg::Spi& spi, const Uuid& account_id,
                      const std::optional<pg::Timestamp>& starts_at,
                      const std::optional<pg::Timestamp>& ends_at) {
  static pg::Statement upsert(R"(
    INSERT INTO latchkey.subscriptions (account_id, trial_starts_at, trial_ends_at)
    VALUES ($1, $2, $3)
    ON CONFLICT (account_id) DO UPDATE SET trial_starts_at = $2, trial_ends_at = $3)");
  spi.RunLatest(upsert, account_id, starts_at, ends_at);
}

void NoteWebhook(pg::Spi& spi, const Uuid& account_id, pg::Timestamp at) {
  static pg::Statement upsert(R"(
    INSERT INTO latchkey.subscriptions AS s (account_id, last_webhook_at) VALUES ($1, $2)
    ON CONFLICT (account_id) DO UPDATE SET last_webhook_at = greatest(s.last_webhook_at, $2))");
  spi.RunLatest(upsert, account_id, at);
}

LATCHKEY_FUNCTION(subscription, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  permissions::RequireAccount(args, account_id, "plans.read");
  static pg::Statement statement(R"(
    SELECT a.plan, a.plan_version, a.subscription_status, a.status_changed_at, a.trial_starts_at,
           a.trial_ends_at, a.billing_starts_at, a.billing_ends_at, s.cancel_at, s.intended_plan,
           s.intended_interval, a.stripe_customer_id, s.last_webhook_at, s.trial_starts_at,
           s.trial_ends_at
      FROM latchkey.accounts a LEFT JOIN latchkey.subscriptions s ON s.account_id = a.id
     WHERE a.id = $1)");
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto trial = trials::FindTrial(spi, account_id);
  const pg::Rows rows = spi.Read(statement, account_id);
  if (rows.empty()) throw Error(ErrorCode::kNotFound, "there is no such account");
  const accounts::Standing standing = plans::ReadStanding(rows[0]);
  std::vector<pg::Value> told;
  for (int column = 7; column <= 13; ++column) told.push_back(pg::ToValue(rows[0].Copy(column)));
  const ProviderTrial provided{rows[0].Optional<pg::Timestamp>(14),
                               rows[0].Optional<pg::Timestamp>(15)};
  const pg::Timestamp now = pg::Now();
  const std::string tier = accounts::EffectivePlan(spi, standing, now);
  spi.Finish();
  std::vector<pg::Value> columns = {pg::ToValue(account_id),
                                    pg::ToValue(tier),
                                    pg::ToValue(standing.plan),
                                    pg::ToValue(standing.plan_version),
                                    pg::ToValue(accounts::EffectiveStatus(standing, now)),
                                    pg::ToValue(standing.status_changed_at)};
  for (const pg::Value& value : TrialColumns(trial, provided, standing, now)) {
    columns.push_back(value);
  }
  columns.insert(columns.end(), told.begin(), told.end());
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(set_intended_plan, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto plan = args.Optional<std::string>(1);
  const auto billing_interval = args.Optional<std::string>(2);
  permissions::RequireAccount(args, account_id, "plans.assign");
  CheckInterval(billing_interval);
  static pg::Statement upsert(R"(
    INSERT INTO latchkey.subscriptions (account_id, intended_plan, intended_interval)
    VALUES ($1, $2, $3)
    ON CONFLICT (account_id) DO UPDATE SET intended_plan = $2, intended_interval = $3)");
  pg::Spi spi;
  if (plan) plans::NewestVersion(spi, *plan).RequireOnOffer();
  accounts::RequireLivingAccount(spi, account_id);
  spi.RunLatest(upsert, account_id, plan, plan ? billing_interval : std::nullopt);
  JsonObject data;
  if (plan) data.Add("plan", *plan);
  if (plan && billing_interval) data.Add("billing_interval", *billing_interval);
  events::Record(spi, {account_id, "account", account_id.ToString(),
                       "subscription.intended_plan_set", data.ToString()});
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(set_billing_period, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto starts_at = args.Optional<pg::Timestamp>(1);
  const auto ends_at = args.Optional<pg::Timestamp>(2);
  const auto cancel_at = args.Optional<pg::Timestamp>(3);
  const auto webhook_at = args.Optional<pg::Timestamp>(4);
  permissions::Require(args, "plans.assign");
  if (starts_at.has_value() != ends_at.has_value() || (starts_at && *ends_at <= *starts_at)) {
    throw Error(ErrorCode::kInvalidArgument, "a billing period begins before it ends");
  }
  pg::Spi spi;
  SetPeriod(spi, account_id, {starts_at, ends_at, cancel_at});
  if (webhook_at) NoteWebhook(spi, account_id, *webhook_at);
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::subscriptions
