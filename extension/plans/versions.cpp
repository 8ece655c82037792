// Beginning a version of a plan, and moving accounts to the newest.
#include "extension/plans/versions.hpp"

#include "extension/accounts/standing.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"
#include "extension/plans/standings.hpp"

namespace latchkey::plans {

namespace {

constexpr int32_t kMaxAccounts = 10000;

void KeepAsOldVersion(pg::Spi& spi, const LockedPlan& plan) {
  static pg::Statement version(R"(
    INSERT INTO latchkey.plan_versions (plan, version, monthly_price_cents, yearly_price_cents,
                                        currency, superseded_at)
    SELECT key, version, monthly_price_cents, yearly_price_cents, currency, $2
      FROM latchkey.plans WHERE key = $1)");
  static pg::Statement features(R"(
    INSERT INTO latchkey.plan_version_features (plan, version, feature, granted_limit, period)
    SELECT plan, $2, feature, granted_limit, period
      FROM latchkey.plan_features WHERE plan = $1 AND granted)");
  spi.RunLatest(version, plan.key, pg::Now());
  spi.RunLatest(features, plan.key, plan.version);
}

// Not the account's row: LockStanding does, and looks again.
std::vector<Uuid> FindOnOldVersions(pg::Spi& spi, std::string_view plan,
                                    const NewestVersion& newest,
                                    const std::optional<Uuid>& account_id, int32_t max_accounts) {
#define LATCHKEY_ON_OLD_VERSION                                 \
  "SELECT a.id FROM latchkey.accounts a"                        \
  " WHERE a.plan = $1 AND a.plan_version < $2 AND NOT EXISTS (" \
  "   SELECT FROM latchkey.users u WHERE u.id = a.id AND u.status = 'deleted')"
  static pg::Statement one(LATCHKEY_ON_OLD_VERSION " AND a.id = $3");
  static pg::Statement many(LATCHKEY_ON_OLD_VERSION " ORDER BY a.id LIMIT $3");
  const pg::Rows rows = account_id
                            ? spi.RunLatest(one, plan, newest.number(), *account_id)
                            : spi.RunLatest(many, plan, newest.number(), int64_t{max_accounts});
  std::vector<Uuid> ids;
  for (uint64_t i = 0; i < rows.size(); ++i) ids.push_back(rows[i].Get<Uuid>(1));
  return ids;
}

bool MoveToNewest(pg::Spi& spi, const Uuid& account_id, std::string_view plan,
                  const NewestVersion& newest) {
  accounts::Standing standing = LockStanding(spi, account_id);
  const auto old = standing.plan_version;
  if (standing.plan != plan || !old || *old >= newest.number()) return false;
  standing.plan_version = newest.Take(spi);
  StoreStanding(spi, account_id, standing, pg::Now());
  events::Record(spi, {account_id, "account", account_id.ToString(), "plan.version_changed",
                       JsonObject()
                           .Add("plan", plan)
                           .Add("from", int64_t{*old})
                           .Add("to", int64_t{newest.number()})
                           .ToString()});
  return true;
}

}  // namespace

LockedPlan LockPlan(pg::Spi& spi, std::string_view key) {
  static pg::Statement statement(
      "SELECT version, subscribed FROM latchkey.plans WHERE key = $1 FOR UPDATE");
  const pg::Rows rows = spi.RunLatest(statement, key);
  if (rows.empty()) {
    throw Error(ErrorCode::kNotFound, "there is no plan \"" + std::string(key) + "\"");
  }
  return {std::string(key), rows[0].Get<int32_t>(1), rows[0].Get<bool>(2)};
}

void BeginChange(pg::Spi& spi, LockedPlan& plan, bool for_subscribers, bool keeps_monthly,
                 bool keeps_yearly) {
  static pg::Statement next(
      "UPDATE latchkey.plans SET version = $2, subscribed = false WHERE key = $1");
  static pg::Statement take_along(R"(
    UPDATE latchkey.plan_prices SET version = $2
     WHERE plan = $1 AND active AND (billing_interval = 'month' AND $3
                                     OR billing_interval = 'year' AND $4))");
  static pg::Statement leave(
      "UPDATE latchkey.plan_prices SET active = false WHERE plan = $1 AND active AND version < $2");
  if (for_subscribers || !plan.subscribed) return;
  KeepAsOldVersion(spi, plan);
  ++plan.version;
  plan.subscribed = false;
  spi.RunLatest(next, plan.key, plan.version);
  spi.RunLatest(take_along, plan.key, plan.version, keeps_monthly, keeps_yearly);
  spi.RunLatest(leave, plan.key, plan.version);
}

LATCHKEY_FUNCTION(move_to_newest_version, kOpen) {
  const auto key = args.Text(0, "plan");
  const auto account_id = args.Optional<Uuid>(1);
  const auto max_accounts = args.Get<int32_t>(2, "max_accounts");
  permissions::Require(args, "plans.assign");
  if (max_accounts < 1 || max_accounts > kMaxAccounts) {
    throw Error(ErrorCode::kInvalidArgument, "max_accounts must lie between 1 and 10000");
  }
  pg::Spi spi;
  const NewestVersion newest(spi, key);
  int32_t moved = 0;
  for (const Uuid& id : FindOnOldVersions(spi, key, newest, account_id, max_accounts)) {
    if (MoveToNewest(spi, id, key, newest)) ++moved;
  }
  spi.Finish();
  return args.Return(moved);
}

}  // namespace latchkey::plans
