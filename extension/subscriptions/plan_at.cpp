// plan_at: what an account was entitled to at another time.
#include "extension/core/json_object.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"
#include "extension/plans/entitlements.hpp"
#include "extension/plans/standings.hpp"

namespace latchkey::subscriptions {

namespace {

std::string ToJson(pg::Spi& spi, const plans::Entitlements::Item& item) {
  static pg::Statement in_json("SELECT to_json($1)::text");
  const plans::Feature& feature = *item.feature;
  JsonObject json;
  json.Add("feature", feature.key);
  if (feature.granted_limit) {
    json.Add("granted_limit", *feature.granted_limit);
  } else {
    json.AddRaw("granted_limit", "null");
  }
  json.AddRaw("period", feature.period ? JsonString(*feature.period) : "null");
  json.Add("source", item.override_ == nullptr ? "plan" : "override");
  const bool ends = item.override_ != nullptr && item.override_->ends_at;
  json.AddRaw("ends_at", ends ? spi.Read(in_json, *item.override_->ends_at)[0].Text(1) : "null");
  return json.ToString();
}

std::string FeaturesJson(pg::Spi& spi, const plans::Entitlements& then) {
  std::string json;
  for (const auto& item : then.UsableFeatures("")) {
    json += (json.empty() ? "" : ",") + ToJson(spi, item);
  }
  return "[" + json + "]";
}

}  // namespace

LATCHKEY_FUNCTION(plan_at, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto time = args.Get<pg::Timestamp>(1, "time");
  permissions::RequireAccount(args, account_id, "plans.read");
  static pg::Statement statement(R"(
    SELECT plan, plan_version, subscription_status, status_changed_at, trial_starts_at,
           trial_ends_at, since
      FROM latchkey.account_standings WHERE account_id = $1 AND since <= $2
     ORDER BY since DESC, id DESC LIMIT 1)");
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement, account_id, time);
  accounts::Standing standing;
  std::optional<pg::Timestamp> since;
  if (!rows.empty()) {
    standing = plans::ReadStanding(rows[0]);
    since = rows[0].Get<pg::Timestamp>(7);
  }
  const plans::Entitlements then = plans::EntitlementsAt(spi, account_id, standing, time);
  const std::string features = FeaturesJson(spi, then);
  spi.Finish();
  const std::string& tier = then.plan->key;
  std::optional<int32_t> version;
  if (tier == standing.plan) version = standing.plan_version;
  return args.ReturnRow({pg::ToValue(tier), pg::ToValue(version), pg::ToValue(standing.plan),
                         pg::ToValue(accounts::EffectiveStatus(standing, time)), pg::ToValue(since),
                         pg::Value(pg::JsonParam(features))});
}

}  // namespace latchkey::subscriptions
