// The plan cache, and an account's plan.
#include "extension/plans/plans.hpp"

#include <algorithm>

#include "extension/accounts/standing.hpp"
#include "extension/core/error.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/table_cache.hpp"

namespace latchkey::plans {

namespace {

pg::TableCache plans_cache("plans");
pg::TableCache features_cache("plan_features");

// By rank, lowest first.
std::vector<std::shared_ptr<Plan>>& Plans() {
  static auto& plans = *new std::vector<std::shared_ptr<Plan>>;
  return plans;
}

std::shared_ptr<Plan> Find(std::string_view key) {
  for (const auto& plan : Plans()) {
    if (plan->key == key) return plan;
  }
  return nullptr;
}

void Refresh(pg::Spi& spi) {
  static pg::Statement plans("SELECT key, rank, active FROM latchkey.plans ORDER BY rank, key");
  static pg::Statement features(R"(
    SELECT plan, feature, granted_limit, period FROM latchkey.plan_features
     WHERE granted ORDER BY feature COLLATE "C")");
  // Either's change reloads both: a feature's plan may be new.
  const bool plans_fresh = plans_cache.IsFresh();
  if (plans_fresh && features_cache.IsFresh()) return;
  Plans().clear();
  plans_cache.Reload(spi, plans, [](const pg::Row& row) {
    Plans().push_back(
        std::make_shared<Plan>(Plan{row.Text(1), row.Get<int32_t>(2), row.Get<bool>(3), {}}));
  });
  features_cache.Reload(spi, features, [](const pg::Row& row) {
    if (const auto plan = Find(row.Text(1))) {
      plan->features.push_back(
          {row.Text(2), row.Optional<int64_t>(3), row.Optional<std::string>(4)});
    }
  });
}

}  // namespace

const Feature* Plan::UsableFeature(std::string_view wanted) const {
  const auto found =
      std::lower_bound(features.begin(), features.end(), wanted,
                       [](const Feature& feature, std::string_view k) { return feature.key < k; });
  const bool usable = found != features.end() && found->key == wanted && found->IsUsable();
  return usable ? &*found : nullptr;
}

PlanPtr RequirePlan(pg::Spi& spi, std::string_view key) {
  Refresh(spi);
  PlanPtr plan = Find(key);
  if (!plan) throw Error(ErrorCode::kNotFound, "there is no plan \"" + std::string(key) + "\"");
  return plan;
}

accounts::PlanOffer OfferOf(pg::Spi& spi, std::string_view key) {
  Refresh(spi);
  const PlanPtr plan = Find(key);
  if (!plan) return accounts::PlanOffer::kUnknown;
  return plan->active ? accounts::PlanOffer::kOnOffer : accounts::PlanOffer::kWithdrawn;
}

PlanPtr CheapestPlanWith(pg::Spi& spi, std::string_view feature) {
  Refresh(spi);
  for (const auto& plan : Plans()) {
    if (plan->active && plan->UsableFeature(feature) != nullptr) return plan;
  }
  return nullptr;
}

PlanPtr PlanOf(pg::Spi& spi, const std::optional<Uuid>& account_id) {
  static pg::Statement statement(
      "SELECT plan, subscription_status, status_changed_at FROM latchkey.accounts WHERE id = $1");
  if (!account_id) return RequirePlan(spi, accounts::kFreePlan);
  const pg::Rows rows = spi.Read(statement, *account_id);
  if (rows.empty()) return RequirePlan(spi, accounts::kFreePlan);
  const accounts::Standing standing{rows[0].Text(1), rows[0].Text(2),
                                    rows[0].Get<pg::Timestamp>(3)};
  return RequirePlan(spi, accounts::EffectivePlan(spi, standing));
}

std::optional<Uuid> AccountArgument(const pg::Args& args) {
  const auto account_id = args.Optional<Uuid>(0);
  if (account_id) permissions::RequireAccount(args, *account_id, "plans.read");
  return account_id;
}

}  // namespace latchkey::plans
