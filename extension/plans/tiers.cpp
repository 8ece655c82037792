// Tiers of accounts: setting, reading, comparing.
#include "extension/accounts/standing.hpp"
#include "extension/accounts/users.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"
#include "extension/pg/transaction_state.hpp"
#include "extension/plans/plans.hpp"

namespace latchkey::plans {

namespace {

void CheckStatus(std::string_view status) {
  if (accounts::IsKnownStatus(status)) return;
  throw Error(ErrorCode::kInvalidArgument, "status \"" + std::string(status) + "\" is not known",
              {}, "Known are inactive and the statuses of Stripe subscriptions.");
}

}  // namespace

LATCHKEY_FUNCTION(set_tier, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto key = args.Text(1, "plan");
  const auto status = args.Text(2, "status");
  permissions::Require(args, "plans.assign");
  CheckStatus(status);
  static pg::Statement current(
      "SELECT plan, subscription_status FROM latchkey.accounts WHERE id = $1 FOR NO KEY UPDATE");
  static pg::Statement update(R"(
    UPDATE latchkey.accounts
       SET plan = $2, subscription_status = $3,
           status_changed_at = CASE WHEN subscription_status = $3 THEN status_changed_at ELSE $4 END
     WHERE id = $1)");
  pg::Spi spi;
  const PlanPtr plan = RequirePlan(spi, key);
  if (!plan->active) {
    throw Error(ErrorCode::kInvalidArgument, "plan \"" + plan->key + "\" is not on offer");
  }
  accounts::RequireLivingAccount(spi, account_id);
  const pg::Rows rows = spi.Run(current, account_id);
  if (rows.empty()) throw Error(ErrorCode::kNotFound, "there is no such account");
  const std::string old_plan = rows[0].Text(1);
  const std::string old_status = rows[0].Text(2);
  if (old_plan != key || old_status != status) {
    spi.Run(update, account_id, key, status, pg::Now());
    events::Record(spi, {account_id, "account", account_id.ToString(), "tier.changed",
                         JsonObject()
                             .Add("from", old_plan)
                             .Add("to", key)
                             .Add("from_status", old_status)
                             .Add("to_status", status)
                             .ToString()});
  }
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(tier_of, kOpen) {
  const auto account_id = AccountArgument(args);
  pg::Spi spi(pg::Spi::kReadOnly);
  const std::string tier = PlanOf(spi, account_id)->key;
  spi.Finish();
  return args.Return(tier);
}

LATCHKEY_FUNCTION(current_tier, kOpen) {
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity == nullptr) return args.Null();
  const Uuid account_id = identity->tenant_id.value_or(identity->user_id);
  pg::Spi spi(pg::Spi::kReadOnly);
  const std::string tier = PlanOf(spi, account_id)->key;
  spi.Finish();
  return args.Return(tier);
}

LATCHKEY_FUNCTION(has_tier, kOpen) {
  const auto account_id = AccountArgument(args);
  const auto key = args.Text(1, "plan");
  pg::Spi spi(pg::Spi::kReadOnly);
  const bool has = PlanOf(spi, account_id)->rank >= RequirePlan(spi, key)->rank;
  spi.Finish();
  return args.Return(has);
}

LATCHKEY_FUNCTION(require_tier, kOpen) {
  const auto account_id = AccountArgument(args);
  const auto key = args.Text(1, "plan");
  pg::Spi spi(pg::Spi::kReadOnly);
  const PlanPtr needed = RequirePlan(spi, key);
  if (PlanOf(spi, account_id)->rank < needed->rank) {
    throw Error(ErrorCode::kTierRequired, "this needs a higher plan", {},
                "Plan \"" + needed->key + "\" is needed.");
  }
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::plans
