// Tiers of accounts: setting, reading, comparing.
#include "extension/core/error.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"
#include "extension/pg/transaction_state.hpp"
#include "extension/plans/entitlements.hpp"
#include "extension/plans/standings.hpp"

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
  const std::string plan(args.Text(1, "plan"));
  const std::string status(args.Text(2, "status"));
  permissions::Require(args, "plans.assign");
  CheckStatus(status);
  pg::Spi spi;
  Subscribe(spi, account_id, plan, status);
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(tier_of, kOpen) {
  const auto account_id = AccountArgument(args);
  pg::Spi spi(pg::Spi::kReadOnly);
  const std::string tier = EntitlementsOf(spi, account_id).plan->key;
  spi.Finish();
  return args.Return(tier);
}

LATCHKEY_FUNCTION(current_tier, kOpen) {
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity == nullptr) return args.Null();
  const Uuid account_id = identity->tenant_id.value_or(identity->user_id);
  pg::Spi spi(pg::Spi::kReadOnly);
  const std::string tier = EntitlementsOf(spi, account_id).plan->key;
  spi.Finish();
  return args.Return(tier);
}

LATCHKEY_FUNCTION(has_tier, kOpen) {
  const auto account_id = AccountArgument(args);
  const auto key = args.Text(1, "plan");
  pg::Spi spi(pg::Spi::kReadOnly);
  const bool has = EntitlementsOf(spi, account_id).plan->rank >= RequirePlan(spi, key)->rank;
  spi.Finish();
  return args.Return(has);
}

LATCHKEY_FUNCTION(require_tier, kOpen) {
  const auto account_id = AccountArgument(args);
  const auto key = args.Text(1, "plan");
  pg::Spi spi(pg::Spi::kReadOnly);
  const PlanPtr needed = RequirePlan(spi, key);
  if (EntitlementsOf(spi, account_id).plan->rank < needed->rank) {
    throw Error(ErrorCode::kTierRequired, "this needs a higher plan", {},
                "Plan \"" + needed->key + "\" is needed.");
  }
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::plans
