// What an account was entitled to at another time.
#include "extension/plans/entitlements.hpp"

namespace latchkey::plans {

namespace {

// Each feature's last override of that time, unless it was taken back.
std::vector<Override> OverridesAt(pg::Spi& spi, const Uuid& account_id, pg::Timestamp at) {
  static pg::Statement statement(R"(
    SELECT DISTINCT ON (feature COLLATE "C")
           feature, granted_limit, period, granted, ends_at
      FROM latchkey.feature_override_changes WHERE account_id = $1 AND since <= $2
     ORDER BY feature COLLATE "C", since DESC, id DESC)");
  const pg::Rows rows = spi.Read(statement, account_id, at);
  std::vector<Override> overrides;
  for (uint64_t i = 0; i < rows.size(); ++i) {
    const pg::Row row = rows[i];
    if (row.IsNull(4)) continue;
    overrides.push_back({{row.Text(1), row.Optional<int64_t>(2), row.Optional<std::string>(3)},
                         row.Get<bool>(4),
                         row.Optional<pg::Timestamp>(5)});
  }
  return overrides;
}

// None for what is the newest now.
std::optional<int32_t> NewestVersionAt(pg::Spi& spi, const std::string& plan, pg::Timestamp at) {
  static pg::Statement statement(R"(
    SELECT min(version) FROM latchkey.plan_versions WHERE plan = $1 AND superseded_at > $2)");
  return spi.Read(statement, plan, at)[0].Optional<int32_t>(1);
}

}  // namespace

Entitlements EntitlementsAt(pg::Spi& spi, const Uuid& account_id,
                            const accounts::Standing& standing, pg::Timestamp at) {
  auto account = std::make_shared<Account>();
  account->standing = standing;
  account->overrides = OverridesAt(spi, account_id, at);
  const std::string plan = accounts::EffectivePlan(spi, standing, at);
  auto version = plan == standing.plan ? standing.plan_version : std::nullopt;
  if (!version) version = NewestVersionAt(spi, plan, at);
  Entitlements result;
  result.account = std::move(account);
  result.plan = RequireVersion(spi, plan, version);
  result.at = at;
  return result;
}

}  // namespace latchkey::plans
