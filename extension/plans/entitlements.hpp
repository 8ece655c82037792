// What an account is entitled to: its standing and its overrides, cached per backend and account.
#pragma once

#include "extension/accounts/standing.hpp"
#include "extension/plans/plans.hpp"

namespace latchkey::plans {

// What an account has instead of what its plan says about one feature.
struct Override {
  Feature feature;
  bool granted = true;
  std::optional<pg::Timestamp> ends_at;

  bool IsOver(pg::Timestamp at) const { return ends_at && *ends_at <= at; }
};

struct Account {
  accounts::Standing standing;
  std::optional<pg::Timestamp> billing_starts_at;
  std::optional<pg::Timestamp> billing_ends_at;
  std::string time_zone = "UTC";
  bool deleted = false;             // its user was
  std::vector<Override> overrides;  // by feature, also those that are over
};
using AccountPtr = std::shared_ptr<const Account>;

struct Entitlements {
  AccountPtr account;  // null for nobody and for an unknown account
  PlanPtr plan;        // the one in force, in the account's version
  pg::Timestamp at;

  const Override* OverrideOf(std::string_view feature) const;  // in force; null when there is none
  const Feature* UsableFeature(std::string_view feature) const;

  struct Item {
    const Feature* feature;
    const Override* override_;  // null: from the plan
  };
  // Usable features whose keys begin with prefix, by key.
  std::vector<Item> UsableFeatures(std::string_view prefix) const;
};

// Now; nobody, and an unknown account, has the free plan.
Entitlements EntitlementsOf(pg::Spi& spi, const std::optional<Uuid>& account_id);

// The same out of this backend's memory alone, without SPI; none when something has to be read.
std::optional<Entitlements> RememberedEntitlements(const Uuid& account_id);

// At another time, with the standing of that time; overrides are read from their history.
Entitlements EntitlementsAt(pg::Spi& spi, const Uuid& account_id,
                            const accounts::Standing& standing, pg::Timestamp at);

// The feature, which lives as long as `own`. Raises LK413 when another plan has it, LK404 when none
// has. `what` it is called.
const Feature& RequireFeature(pg::Spi& spi, const Entitlements& own, std::string_view key,
                              const char* what = "feature");

}  // namespace latchkey::plans
