// Subscribing accounts to plans, and the history of their standings.
#include "extension/plans/standings.hpp"

#include "extension/accounts/users.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/plans/hooks.hpp"

namespace latchkey::plans {

namespace {

bool Is(std::string_view status, std::initializer_list<std::string_view> any) {
  for (const auto one : any) {
    if (status == one) return true;
  }
  return false;
}

// What has ended is not taken up again: who subscribes anew has what is on offer now.
bool IsOver(std::string_view status) {
  return Is(status, {"inactive", "canceled", "incomplete_expired"});
}

bool Pays(std::string_view status) { return Is(status, {"active", "trialing", "past_due"}); }

}  // namespace

accounts::Standing ReadStanding(const pg::Row& row) {
  return {row.Text(1),
          row.Optional<int32_t>(2),
          row.Text(3),
          row.Get<pg::Timestamp>(4),
          row.Optional<pg::Timestamp>(5),
          row.Optional<pg::Timestamp>(6)};
}

accounts::Standing LockStanding(pg::Spi& spi, const Uuid& account_id) {
  static pg::Statement statement(R"(
    SELECT plan, plan_version, subscription_status, status_changed_at, trial_starts_at,
           trial_ends_at
      FROM latchkey.accounts WHERE id = $1 FOR NO KEY UPDATE)");
  const pg::Rows rows = spi.Run(statement, account_id);
  if (rows.empty()) throw Error(ErrorCode::kNotFound, "there is no such account");
  return ReadStanding(rows[0]);
}

void StoreStanding(pg::Spi& spi, const Uuid& account_id, const accounts::Standing& standing,
                   pg::Timestamp since) {
  static pg::Statement update(R"(
    UPDATE latchkey.accounts
       SET plan = $2, plan_version = $3, subscription_status = $4, status_changed_at = $5,
           trial_starts_at = $6, trial_ends_at = $7
     WHERE id = $1)");
  static pg::Statement history(R"(
    INSERT INTO latchkey.account_standings (account_id, since, id, plan, plan_version,
                                            subscription_status, status_changed_at,
                                            trial_starts_at, trial_ends_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9))");
  const auto& s = standing;
  spi.Run(update, account_id, s.plan, s.plan_version, s.subscription_status, s.status_changed_at,
          s.trial_starts_at, s.trial_ends_at);
  spi.Run(history, account_id, since, NewUuid(), s.plan, s.plan_version, s.subscription_status,
          s.status_changed_at, s.trial_starts_at, s.trial_ends_at);
}

NewestVersion::NewestVersion(pg::Spi& spi, std::string_view plan) : plan_(plan) {
  static pg::Statement lock(
      "SELECT version, active, subscribed FROM latchkey.plans WHERE key = $1 FOR KEY SHARE");
  const pg::Rows rows = spi.RunLatest(lock, plan);
  if (rows.empty()) throw Error(ErrorCode::kNotFound, "there is no plan \"" + plan_ + "\"");
  number_ = rows[0].Get<int32_t>(1);
  active_ = rows[0].Get<bool>(2);
  subscribed_ = rows[0].Get<bool>(3);
}

void NewestVersion::RequireOnOffer() const {
  if (active_) return;
  throw Error(ErrorCode::kInvalidArgument, "plan \"" + plan_ + "\" is not on offer");
}

std::optional<int32_t> NewestVersion::Take(pg::Spi& spi) const {
  static pg::Statement mark("UPDATE latchkey.plans SET subscribed = true WHERE key = $1");
  if (plan_ == accounts::kFreePlan) return std::nullopt;
  if (!subscribed_) spi.RunLatest(mark, plan_);
  return number_;
}

bool KeepsVersion(const accounts::Standing& standing, std::string_view plan, pg::Timestamp now) {
  return standing.plan == plan && !IsOver(accounts::EffectiveStatus(standing, now));
}

void Subscribe(pg::Spi& spi, const Uuid& account_id, const std::string& plan,
               const std::string& status, const Terms& terms) {
  const NewestVersion newest(spi, plan);
  accounts::RequireLivingAccount(spi, account_id);
  const accounts::Standing from = LockStanding(spi, account_id);
  const pg::Timestamp now = pg::Now();
  accounts::Standing to;
  to.plan = plan;
  to.subscription_status = status;
  to.status_changed_at = from.subscription_status == status ? from.status_changed_at : now;
  if (terms.status_since) to.status_changed_at = *terms.status_since;
  if (terms.version && plan != accounts::kFreePlan) {
    if (*terms.version == newest.number()) newest.Take(spi);
    to.plan_version = terms.version;
  } else if (KeepsVersion(from, plan, now)) {
    to.plan_version = from.plan_version;
  } else {
    newest.RequireOnOffer();
    to.plan_version = newest.Take(spi);
  }
  const bool had_trial = from.trial_ends_at.has_value();
  if (from.plan == to.plan && from.subscription_status == status && !had_trial &&
      from.plan_version == to.plan_version && from.status_changed_at == to.status_changed_at) {
    return;
  }
  if (had_trial) hooks.close_trial(spi, account_id, terms.gave_access || Pays(status));
  StoreStanding(spi, account_id, to, now);
  JsonObject data;
  data.Add("from", from.plan).Add("to", plan);
  data.Add("from_status", accounts::EffectiveStatus(from, now)).Add("to_status", status);
  if (to.plan_version) data.Add("version", int64_t{*to.plan_version});
  events::Record(spi,
                 {account_id, "account", account_id.ToString(), "tier.changed", data.ToString()});
}

void SubscribeNewAccount(pg::Spi& spi, const Uuid& account_id, std::string_view plan,
                         std::string_view status) {
  accounts::Standing standing;
  if (plan == standing.plan && status == standing.subscription_status) return;
  standing.plan = plan;
  standing.subscription_status = status;
  standing.status_changed_at = pg::Now();
  const NewestVersion newest(spi, plan);
  standing.plan_version = newest.Take(spi);
  StoreStanding(spi, account_id, standing, standing.status_changed_at);
}

}  // namespace latchkey::plans
