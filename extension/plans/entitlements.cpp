// The cache of accounts' standings and overrides.
#include "extension/plans/entitlements.hpp"

#include <algorithm>
#include <unordered_map>

#include "extension/core/error.hpp"
#include "extension/pg/table_cache.hpp"

namespace latchkey::plans {

namespace {

constexpr size_t kMaxCachedAccounts = 5000;

// Changes of accounts are announced as changes of overrides: as changes of their own table they
// would make every backend plan all its statements on accounts anew.
pg::TableCache cache("feature_overrides");

struct HashId {
  size_t operator()(const Uuid& id) const {
    return std::hash<std::string_view>()(std::string_view(id.AsBytes()));
  }
};

std::unordered_map<Uuid, AccountPtr, HashId>& Accounts() {
  static auto& accounts = *new std::unordered_map<Uuid, AccountPtr, HashId>;
  return accounts;
}

AccountPtr Load(pg::Spi& spi, const Uuid& account_id) {
  static pg::Statement statement(R"(
    SELECT a.plan, a.plan_version, a.subscription_status, a.status_changed_at, a.trial_starts_at,
           a.trial_ends_at, a.billing_starts_at, a.billing_ends_at, a.time_zone,
           o.feature, o.granted_limit, o.period, o.granted, o.ends_at,
           EXISTS (SELECT FROM latchkey.users u WHERE u.id = $1 AND u.status = 'deleted')
      FROM latchkey.accounts a LEFT JOIN latchkey.feature_overrides o ON o.account_id = a.id
     WHERE a.id = $1 ORDER BY o.feature COLLATE "C")");
  std::shared_ptr<Account> account;
  cache.ReadKey(
      spi, statement,
      [&](const pg::Row& row) {
        if (!account) {
          account = std::make_shared<Account>();
          account->standing = {row.Text(1),
                               row.Optional<int32_t>(2),
                               row.Text(3),
                               row.Get<pg::Timestamp>(4),
                               row.Optional<pg::Timestamp>(5),
                               row.Optional<pg::Timestamp>(6)};
          account->billing_starts_at = row.Optional<pg::Timestamp>(7);
          account->billing_ends_at = row.Optional<pg::Timestamp>(8);
          account->time_zone = row.Text(9);
          account->deleted = row.Get<bool>(15);
        }
        if (row.IsNull(10)) return;
        account->overrides.push_back(
            {{row.Text(10), row.Optional<int64_t>(11), row.Optional<std::string>(12)},
             row.Get<bool>(13),
             row.Optional<pg::Timestamp>(14)});
      },
      account_id);
  return account;
}

// An account that is not there is asked for again: making it announces nothing.
AccountPtr FindAccount(pg::Spi& spi, const Uuid& account_id) {
  if (!cache.IsFresh()) {
    Accounts().clear();
    cache.Watch();
  }
  const auto known = Accounts().find(account_id);
  if (known != Accounts().end()) return known->second;
  AccountPtr account = Load(spi, account_id);
  if (Accounts().size() >= kMaxCachedAccounts) Accounts().clear();
  if (account) Accounts()[account_id] = account;
  return account;
}

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

}  // namespace

const Override* Entitlements::OverrideOf(std::string_view feature) const {
  if (!account) return nullptr;
  for (const Override& entry : account->overrides) {
    if (entry.feature.key == feature && !entry.IsOver(at)) return &entry;
  }
  return nullptr;
}

const Feature* Entitlements::UsableFeature(std::string_view feature) const {
  const Override* entry = OverrideOf(feature);
  if (entry == nullptr) return plan->UsableFeature(feature);
  return entry->granted && entry->feature.IsUsable() ? &entry->feature : nullptr;
}

std::vector<Entitlements::Item> Entitlements::UsableFeatures(std::string_view prefix) const {
  std::vector<Item> items;
  for (const Feature& feature : plan->features) {
    if (!StartsWith(feature.key, prefix) || !feature.IsUsable()) continue;
    if (OverrideOf(feature.key) == nullptr) items.push_back({&feature, nullptr});
  }
  if (!account) return items;
  for (const Override& entry : account->overrides) {
    if (!StartsWith(entry.feature.key, prefix) || entry.IsOver(at)) continue;
    if (entry.granted && entry.feature.IsUsable()) items.push_back({&entry.feature, &entry});
  }
  std::sort(items.begin(), items.end(),
            [](const Item& a, const Item& b) { return a.feature->key < b.feature->key; });
  return items;
}

Entitlements EntitlementsOf(pg::Spi& spi, const std::optional<Uuid>& account_id) {
  Entitlements result;
  result.at = pg::Now();
  if (account_id) result.account = FindAccount(spi, *account_id);
  if (!result.account) {
    result.plan = RequirePlan(spi, accounts::kFreePlan);
    return result;
  }
  const accounts::Standing& standing = result.account->standing;
  const std::string plan = accounts::EffectivePlan(spi, standing, result.at);
  // The version is the subscribed plan's.
  const bool subscribed = plan == standing.plan;
  result.plan = RequireVersion(spi, plan, subscribed ? standing.plan_version : std::nullopt);
  return result;
}

std::optional<Entitlements> RememberedEntitlements(const Uuid& account_id) {
  if (!cache.IsFresh()) return std::nullopt;
  const auto known = Accounts().find(account_id);
  if (known == Accounts().end()) return std::nullopt;
  const accounts::Standing& standing = known->second->standing;
  Entitlements result;
  result.at = pg::Now();
  const auto plan = accounts::EffectivePlanByStatus(standing, result.at);
  if (!plan) return std::nullopt;
  const bool subscribed = *plan == standing.plan;
  result.plan = RememberedVersion(*plan, subscribed ? standing.plan_version : std::nullopt);
  if (!result.plan) return std::nullopt;
  result.account = known->second;
  return result;
}

const Feature& RequireFeature(pg::Spi& spi, const Entitlements& own, std::string_view key,
                              const char* what) {
  if (const Feature* feature = own.UsableFeature(key)) return *feature;
  const PlanPtr cheapest = CheapestPlanWith(spi, key);
  if (!cheapest) throw Error(ErrorCode::kNotFound, std::string("no plan has this ") + what);
  std::string hint = "Plan \"" + cheapest->key + "\" includes it.";
  if (own.OverrideOf(key) != nullptr) {
    hint = "It was taken from this account.";
  } else if (cheapest->key == own.plan->key) {
    hint = "The newest version of plan \"" + cheapest->key + "\" includes it.";
  }
  throw Error(ErrorCode::kTierRequired, "the account's plan does not include this", {}, hint);
}

}  // namespace latchkey::plans
