// What set_plan_feature and set_feature_override have in common.
#pragma once

#include "extension/pg/args.hpp"
#include "extension/plans/plans.hpp"

namespace latchkey::plans {

struct FeatureChange {
  Feature feature;
  bool granted = true;

  bool operator==(const FeatureChange& other) const {
    return feature.granted_limit == other.feature.granted_limit &&
           feature.period == other.feature.period && granted == other.granted;
  }
};

// From the arguments feature, granted_limit, period and granted, which follow the first one.
FeatureChange ReadFeatureChange(const pg::Args& args);
void CheckFeatureChange(pg::Spi& spi, const FeatureChange& change);  // raises LK400

// Facts for an event.
std::string FeatureFacts(const FeatureChange& change, std::optional<int32_t> version,
                         const std::optional<pg::Timestamp>& ends_at);

}  // namespace latchkey::plans
