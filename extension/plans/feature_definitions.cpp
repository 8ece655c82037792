// set_plan_feature: what a plan includes.
#include "extension/plans/feature_definitions.hpp"

#include "extension/accounts/standing.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/plans/versions.hpp"

namespace latchkey::plans {

namespace {

bool IsPeriod(std::string_view text) {
  return text == "day" || text == "month" || text == "billing" || text == "ever";
}

FeatureChange ReadCurrent(pg::Spi& spi, const LockedPlan& plan, const Feature& feature) {
  static pg::Statement statement(R"(
    SELECT granted_limit, period, granted
      FROM latchkey.plan_features WHERE plan = $1 AND feature = $2)");
  const pg::Rows rows = spi.RunLatest(statement, plan.key, feature.key);
  FeatureChange current;
  current.granted = false;
  if (rows.empty()) return current;
  return {{feature.key, rows[0].Optional<int64_t>(1), rows[0].Optional<std::string>(2)},
          rows[0].Get<bool>(3)};
}

}  // namespace

FeatureChange ReadFeatureChange(const pg::Args& args) {
  FeatureChange change;
  change.feature.key = std::string(args.Text(1, "feature"));
  change.feature.granted_limit = args.Optional<int64_t>(2);
  change.feature.period = args.Optional<std::string>(3);
  change.granted = args.Get<bool>(4, "granted");
  return change;
}

void CheckFeatureChange(pg::Spi& spi, const FeatureChange& change) {
  static pg::Statement form("SELECT $1 ~ '^[a-z][a-z0-9_]*(:[^[:cntrl:] ]{1,200})?$'");
  const Feature& feature = change.feature;
  if (!spi.Read(form, feature.key)[0].Get<bool>(1)) {
    throw Error(ErrorCode::kInvalidArgument, "the name of a feature is malformed", {},
                "It is kind or kind:name, as export or model:gpt-4.");
  }
  if (feature.granted_limit.value_or(0) < 0) {
    throw Error(ErrorCode::kInvalidArgument, "granted_limit must not be negative");
  }
  if (feature.period && !IsPeriod(*feature.period)) {
    throw Error(ErrorCode::kInvalidArgument, "period \"" + *feature.period + "\" is not known", {},
                "Known are day, month, billing and ever.");
  }
}

std::string FeatureFacts(const FeatureChange& change, std::optional<int32_t> version,
                         const std::optional<pg::Timestamp>& ends_at) {
  JsonObject data;
  data.Add("feature", change.feature.key).Add("granted", change.granted);
  if (change.feature.granted_limit) data.Add("granted_limit", *change.feature.granted_limit);
  if (change.feature.period) data.Add("period", *change.feature.period);
  if (version) data.Add("version", int64_t{*version});
  if (ends_at) data.Add("ends_at", ends_at->UnixSeconds());
  return data.ToString();
}

LATCHKEY_FUNCTION(set_plan_feature, kOpen) {
  const auto key = args.Text(0, "plan");
  const FeatureChange change = ReadFeatureChange(args);
  const bool for_subscribers = args.Get<bool>(5, "apply_to_existing");
  permissions::Require(args, "plans.write");
  static pg::Statement upsert(R"(
    INSERT INTO latchkey.plan_features (plan, feature, granted, granted_limit, period)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (plan, feature) DO UPDATE SET granted = $3, granted_limit = $4, period = $5)");
  pg::Spi spi;
  CheckFeatureChange(spi, change);
  LockedPlan plan = LockPlan(spi, key);
  const FeatureChange current = ReadCurrent(spi, plan, change.feature);
  const bool stays = current == change || (!current.granted && !change.granted);
  if (!stays) {
    BeginChange(spi, plan, for_subscribers, true, true);
    spi.RunLatest(upsert, plan.key, change.feature.key, change.granted,
                  change.feature.granted_limit, change.feature.period);
    events::Record(spi, {events::kPlatform, "plan", plan.key, "plan.feature_changed",
                         FeatureFacts(change, plan.version, std::nullopt)});
  }
  spi.Finish();
  return args.Return(plan.version);
}

}  // namespace latchkey::plans
