// Plans, their versions and their features, cached per backend.
#pragma once

#include <memory>

#include "extension/accounts/hooks.hpp"
#include "extension/pg/args.hpp"

namespace latchkey::plans {

struct Feature {
  std::string key;
  std::optional<int64_t> granted_limit;  // none: unlimited
  std::optional<std::string> period;

  // A limit of zero is a feature that is listed and can't be used.
  bool IsUsable() const { return granted_limit.value_or(1) > 0; }
};

// A plan in one of its versions. Rank and offer belong to the plan, and are the same in all.
struct Plan {
  std::string key;
  int32_t version = 1;
  int32_t rank = 0;
  bool active = true;
  std::vector<Feature> features;  // by key

  const Feature* UsableFeature(std::string_view key) const;  // null when it has none
};

// Shared, because a reload may replace the cache while a caller still looks at a plan.
using PlanPtr = std::shared_ptr<const Plan>;

PlanPtr RequirePlan(pg::Spi& spi, std::string_view key);  // the newest version; raises LK404

// That version; the newest for none and for one that is not known.
PlanPtr RequireVersion(pg::Spi& spi, std::string_view key, std::optional<int32_t> version);

// The same out of this backend's memory alone; null when it has to be read.
PlanPtr RememberedVersion(std::string_view key, std::optional<int32_t> version);

// See accounts/hooks.hpp.
accounts::PlanOffer OfferOf(pg::Spi& spi, std::string_view key);

// The lowest plan on offer in which the feature is usable; null when there is none.
PlanPtr CheapestPlanWith(pg::Spi& spi, std::string_view feature);

// The account that the first argument names, after the check that the caller may ask about it.
// Anybody may ask about nobody: that is the free tier.
std::optional<Uuid> AccountArgument(const pg::Args& args);

}  // namespace latchkey::plans
