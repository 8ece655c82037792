// What an account may use: single features, features by prefix, and the model menu made of them.
#include "extension/core/error.hpp"
#include "extension/pg/args.hpp"
#include "extension/plans/entitlements.hpp"

namespace latchkey::plans {

namespace {

constexpr std::string_view kModelPrefix = "model:";

std::vector<pg::Value> EntitlementRow(const Feature& feature) {
  return {pg::ToValue(feature.key), pg::ToValue(feature.granted_limit),
          pg::ToValue(feature.period)};
}

std::vector<pg::Value> ModelRow(const std::string& feature, const std::string& tier) {
  return {pg::ToValue(feature.substr(kModelPrefix.size())), pg::ToValue(feature), pg::ToValue(tier),
          pg::ToValue(true)};
}

// Of the plans on offer; what only a retired plan or an override gives names the own plan.
std::string LowestTierWith(pg::Spi& spi, const Entitlements& own, std::string_view feature) {
  const PlanPtr cheapest = CheapestPlanWith(spi, feature);
  return cheapest ? cheapest->key : own.plan->key;
}

}  // namespace

LATCHKEY_FUNCTION(can_use, kOpen) {
  const auto account_id = AccountArgument(args);
  const auto key = args.Text(1, "feature");
  // Asked at every request: mostly nothing has to be read.
  if (account_id) {
    if (const auto own = RememberedEntitlements(*account_id)) {
      return args.Return(own->UsableFeature(key) != nullptr);
    }
  }
  pg::Spi spi(pg::Spi::kReadOnly);
  const bool usable = EntitlementsOf(spi, account_id).UsableFeature(key) != nullptr;
  spi.Finish();
  return args.Return(usable);
}

LATCHKEY_FUNCTION(require_feature, kOpen) {
  const auto account_id = AccountArgument(args);
  const auto key = args.Text(1, "feature");
  pg::Spi spi(pg::Spi::kReadOnly);
  const Entitlements own = EntitlementsOf(spi, account_id);
  const Feature& feature = RequireFeature(spi, own, key, "feature");
  spi.Finish();
  return args.ReturnRow(EntitlementRow(feature));
}

LATCHKEY_FUNCTION(limit_of, kOpen) {
  const auto account_id = AccountArgument(args);
  const auto key = args.Text(1, "feature");
  pg::Spi spi(pg::Spi::kReadOnly);
  const Entitlements own = EntitlementsOf(spi, account_id);
  const Feature* feature = own.UsableFeature(key);
  spi.Finish();
  if (feature == nullptr) return args.Return(int64_t{0});
  return args.Return(feature->granted_limit);
}

LATCHKEY_FUNCTION(available, kOpen) {
  const auto account_id = AccountArgument(args);
  const auto prefix = args.Text(1, "prefix");
  pg::Spi spi(pg::Spi::kReadOnly);
  const Entitlements own = EntitlementsOf(spi, account_id);
  spi.Finish();
  args.BeginSet();
  for (const auto& item : own.UsableFeatures(prefix)) args.EmitRow(EntitlementRow(*item.feature));
  return args.Void();
}

LATCHKEY_FUNCTION(features, kOpen) {
  const auto account_id = AccountArgument(args);
  pg::Spi spi(pg::Spi::kReadOnly);
  const Entitlements own = EntitlementsOf(spi, account_id);
  spi.Finish();
  args.BeginSet();
  for (const auto& item : own.UsableFeatures("")) {
    std::vector<pg::Value> row = EntitlementRow(*item.feature);
    row.push_back(pg::ToValue(item.override_ == nullptr ? "plan" : "override"));
    row.push_back(item.override_ == nullptr ? pg::Value() : pg::ToValue(item.override_->ends_at));
    args.EmitRow(row);
  }
  return args.Void();
}

LATCHKEY_FUNCTION(features_of_plan, kOpen) {
  const auto key = args.Text(0, "plan");
  const auto version = args.Optional<int32_t>(1);
  pg::Spi spi(pg::Spi::kReadOnly);
  const PlanPtr plan = RequireVersion(spi, key, version);
  if (version && *version != plan->version) {
    throw Error(ErrorCode::kNotFound, "plan \"" + plan->key + "\" has no such version");
  }
  spi.Finish();
  args.BeginSet();
  for (const Feature& feature : plan->features) args.EmitRow(EntitlementRow(feature));
  return args.Void();
}

LATCHKEY_FUNCTION(list_models, kOpen) {
  const auto account_id = AccountArgument(args);
  std::vector<std::pair<std::string, std::string>> models;
  pg::Spi spi(pg::Spi::kReadOnly);
  const Entitlements own = EntitlementsOf(spi, account_id);
  for (const auto& item : own.UsableFeatures(kModelPrefix)) {
    models.emplace_back(item.feature->key, LowestTierWith(spi, own, item.feature->key));
  }
  spi.Finish();
  args.BeginSet();
  for (const auto& [feature, tier] : models) args.EmitRow(ModelRow(feature, tier));
  return args.Void();
}

LATCHKEY_FUNCTION(get_model, kOpen) {
  const auto account_id = AccountArgument(args);
  const std::string key = std::string(kModelPrefix) + std::string(args.Text(1, "name"));
  pg::Spi spi(pg::Spi::kReadOnly);
  const Entitlements own = EntitlementsOf(spi, account_id);
  RequireFeature(spi, own, key, "model");
  const std::string tier = LowestTierWith(spi, own, key);
  spi.Finish();
  return args.ReturnRow(ModelRow(key, tier));
}

}  // namespace latchkey::plans
