// What an account may use: single features, features by prefix, and the model menu made of them.
#include "extension/core/error.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"
#include "extension/plans/plans.hpp"

namespace latchkey::plans {

namespace {

constexpr std::string_view kModelPrefix = "model:";

// A copy of the feature of the account's plan. Raises LK413 when another plan has it, LK404 when
// none has.
Feature RequireFeature(pg::Spi& spi, const std::optional<Uuid>& account_id, std::string_view key,
                       const char* what) {
  const PlanPtr own = PlanOf(spi, account_id);
  if (const Feature* feature = own->UsableFeature(key)) return *feature;
  const PlanPtr cheapest = CheapestPlanWith(spi, key);
  if (!cheapest) throw Error(ErrorCode::kNotFound, std::string("no plan has this ") + what);
  throw Error(ErrorCode::kTierRequired, "the account's plan does not include this", {},
              "Plan \"" + cheapest->key + "\" includes it.");
}

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

std::vector<pg::Value> EntitlementRow(const Feature& feature) {
  return {pg::ToValue(feature.key), pg::ToValue(feature.granted_limit),
          pg::ToValue(feature.period)};
}

std::vector<pg::Value> ModelRow(const std::string& feature, const std::string& tier) {
  return {pg::ToValue(feature.substr(kModelPrefix.size())), pg::ToValue(feature), pg::ToValue(tier),
          pg::ToValue(true)};
}

std::vector<Feature> UsableFeatures(pg::Spi& spi, const std::optional<Uuid>& account_id,
                                    std::string_view prefix) {
  std::vector<Feature> features;
  const PlanPtr plan = PlanOf(spi, account_id);
  for (const Feature& feature : plan->features) {
    if (StartsWith(feature.key, prefix) && feature.IsUsable()) features.push_back(feature);
  }
  return features;
}

// Of the plans on offer; a retired plan's own feature names that plan.
std::string LowestTierWith(pg::Spi& spi, const std::optional<Uuid>& account_id,
                           std::string_view feature) {
  const PlanPtr cheapest = CheapestPlanWith(spi, feature);
  return cheapest ? cheapest->key : PlanOf(spi, account_id)->key;
}

}  // namespace

LATCHKEY_FUNCTION(can_use, kOpen) {
  const auto account_id = AccountArgument(args);
  const auto key = args.Text(1, "feature");
  pg::Spi spi(pg::Spi::kReadOnly);
  const bool usable = PlanOf(spi, account_id)->UsableFeature(key) != nullptr;
  spi.Finish();
  return args.Return(usable);
}

LATCHKEY_FUNCTION(require_feature, kOpen) {
  const auto account_id = AccountArgument(args);
  const auto key = args.Text(1, "feature");
  pg::Spi spi(pg::Spi::kReadOnly);
  const Feature feature = RequireFeature(spi, account_id, key, "feature");
  spi.Finish();
  return args.ReturnRow(EntitlementRow(feature));
}

LATCHKEY_FUNCTION(available, kOpen) {
  const auto account_id = AccountArgument(args);
  const auto prefix = args.Text(1, "prefix");
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto features = UsableFeatures(spi, account_id, prefix);
  spi.Finish();
  args.BeginSet();
  for (const Feature& feature : features) args.EmitRow(EntitlementRow(feature));
  return args.Void();
}

LATCHKEY_FUNCTION(list_models, kOpen) {
  const auto account_id = AccountArgument(args);
  std::vector<std::pair<std::string, std::string>> models;
  pg::Spi spi(pg::Spi::kReadOnly);
  for (const Feature& feature : UsableFeatures(spi, account_id, kModelPrefix)) {
    models.emplace_back(feature.key, LowestTierWith(spi, account_id, feature.key));
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
  RequireFeature(spi, account_id, key, "model");
  const std::string tier = LowestTierWith(spi, account_id, key);
  spi.Finish();
  return args.ReturnRow(ModelRow(key, tier));
}

}  // namespace latchkey::plans
