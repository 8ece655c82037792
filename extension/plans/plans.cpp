// The cache of plans.
#include "extension/plans/plans.hpp"

#include <algorithm>
#include <map>

#include "extension/core/error.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/table_cache.hpp"

namespace latchkey::plans {

namespace {

pg::TableCache plans_cache("plans");
pg::TableCache features_cache("plan_features");
// Changes of their features are announced as changes of the versions.
pg::TableCache versions_cache("plan_versions");

// By rank, lowest first; each in its newest version.
std::vector<std::shared_ptr<Plan>>& Plans() {
  static auto& plans = *new std::vector<std::shared_ptr<Plan>>;
  return plans;
}

std::map<std::pair<std::string, int32_t>, std::shared_ptr<Plan>>& OldVersions() {
  static auto& versions = *new std::map<std::pair<std::string, int32_t>, std::shared_ptr<Plan>>;
  return versions;
}

std::shared_ptr<Plan> Find(std::string_view key) {
  for (const auto& plan : Plans()) {
    if (plan->key == key) return plan;
  }
  return nullptr;
}

void AddFeature(Plan& plan, const pg::Row& row, int column) {
  plan.features.push_back(
      {row.Text(column), row.Optional<int64_t>(column + 1), row.Optional<std::string>(column + 2)});
}

void AddToOldVersion(const pg::Row& row) {
  const auto newest = Find(row.Text(1));
  if (!newest) return;
  auto& plan = OldVersions()[{newest->key, row.Get<int32_t>(2)}];
  if (!plan) {
    plan = std::make_shared<Plan>(
        Plan{newest->key, row.Get<int32_t>(2), newest->rank, newest->active, {}});
  }
  if (!row.IsNull(3)) AddFeature(*plan, row, 3);
}

bool IsFresh() {
  return plans_cache.IsFresh() && features_cache.IsFresh() && versions_cache.IsFresh();
}

PlanPtr VersionOf(const PlanPtr& newest, std::optional<int32_t> version) {
  if (!version || *version == newest->version) return newest;
  const auto old = OldVersions().find({newest->key, *version});
  return old == OldVersions().end() ? newest : old->second;
}

void Refresh(pg::Spi& spi) {
  static pg::Statement plans(
      "SELECT key, version, rank, active FROM latchkey.plans ORDER BY rank, key");
  static pg::Statement features(R"(
    SELECT plan, feature, granted_limit, period FROM latchkey.plan_features
     WHERE granted ORDER BY feature COLLATE "C")");
  static pg::Statement versions(R"(
    SELECT plan, version, f.feature, f.granted_limit, f.period
      FROM latchkey.plan_versions v LEFT JOIN latchkey.plan_version_features f USING (plan, version)
     ORDER BY f.feature COLLATE "C")");
  // Either's change reloads all: a feature's plan may be new.
  if (IsFresh()) return;
  Plans().clear();
  OldVersions().clear();
  plans_cache.Reload(spi, plans, [](const pg::Row& row) {
    Plans().push_back(std::make_shared<Plan>(
        Plan{row.Text(1), row.Get<int32_t>(2), row.Get<int32_t>(3), row.Get<bool>(4), {}}));
  });
  features_cache.Reload(spi, features, [](const pg::Row& row) {
    if (const auto plan = Find(row.Text(1))) AddFeature(*plan, row, 2);
  });
  versions_cache.Reload(spi, versions, AddToOldVersion);
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

PlanPtr RequireVersion(pg::Spi& spi, std::string_view key, std::optional<int32_t> version) {
  return VersionOf(RequirePlan(spi, key), version);
}

PlanPtr RememberedVersion(std::string_view key, std::optional<int32_t> version) {
  if (!IsFresh()) return nullptr;
  const PlanPtr newest = Find(key);
  return newest ? VersionOf(newest, version) : nullptr;
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

std::optional<Uuid> AccountArgument(const pg::Args& args) {
  const auto account_id = args.Optional<Uuid>(0);
  if (account_id) permissions::RequireAccount(args, *account_id, "plans.read");
  return account_id;
}

}  // namespace latchkey::plans
