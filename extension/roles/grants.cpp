// The cache of role grants, and the questions that are answered from it.
#include "extension/roles/grants.hpp"

#include <unordered_map>

#include "extension/core/permission_pattern.hpp"
#include "extension/permissions/tenant_hooks.hpp"
#include "extension/pg/table_cache.hpp"

namespace latchkey::roles {

namespace {

constexpr size_t kMaxCachedUsers = 1000;

pg::TableCache grants_cache("role_grants");

std::unordered_map<std::string, Grants>& Users() {
  static auto& users = *new std::unordered_map<std::string, Grants>;
  return users;
}

void ForgetWhatChanged(pg::Spi& spi) {
  static uint64_t seen_edition = 0, seen_tenants = 0;
  const uint64_t edition = RefreshRoles(spi);
  const uint64_t tenants = permissions::tenant_hooks.edition();
  const bool grants_changed = !grants_cache.IsFresh();
  if (edition != seen_edition || tenants != seen_tenants || grants_changed ||
      Users().size() >= kMaxCachedUsers) {
    Users().clear();
  }
  seen_edition = edition;
  seen_tenants = tenants;
  if (grants_changed) grants_cache.Watch();
}

Grants Load(pg::Spi& spi, const Uuid& user_id) {
  static pg::Statement statement(
      "SELECT tenant_id, role, expires_at FROM latchkey.role_grants WHERE user_id = $1");
  auto grants = std::make_shared<std::vector<Grant>>();
  grants_cache.ReadKey(
      spi, statement,
      [&](const pg::Row& row) {
        const auto tenant_id = row.Get<Uuid>(1);
        if (auto role = FindRole(tenant_id, row.Text(2))) {
          grants->push_back({tenant_id, std::move(role), row.Optional<pg::Timestamp>(3), false});
        }
      },
      user_id);
  for (Grant& grant : *grants) {
    grant.switched_off = grant.tenant_id != kNoTenant &&
                         permissions::tenant_hooks.is_switched_off(spi, grant.tenant_id);
  }
  return grants;
}

template <typename Test>
bool AnyGrant(const Grants& grants, const pg::Identity& identity,
              const std::optional<Uuid>& tenant_id, Test&& test) {
  for (const Grant& grant : *grants) {
    if (Counts(identity, grant, tenant_id) && test(*grant.role) && !grant.IsOver()) return true;
  }
  return false;
}

// An API key acts on the whole platform, or in its tenant only.
bool ServiceActsIn(const pg::Identity& identity, const std::optional<Uuid>& tenant_id) {
  return !identity.tenant_id || identity.tenant_id == tenant_id;
}

}  // namespace

Grants GrantsOf(pg::Spi& spi, const Uuid& user_id) {
  ForgetWhatChanged(spi);
  Grants& entry = Users()[std::string(user_id.AsBytes())];
  if (!entry) entry = Load(spi, user_id);
  return entry;
}

bool Counts(const pg::Identity& identity, const Grant& grant,
            const std::optional<Uuid>& tenant_id) {
  if (grant.tenant_id == kNoTenant) return true;
  if (tenant_id != grant.tenant_id || grant.switched_off) return false;
  return !identity.tenant_id || identity.tenant_id == grant.tenant_id;
}

bool Holds(pg::Spi& spi, const pg::Identity& identity, std::string_view permission,
           const std::optional<Uuid>& tenant_id) {
  if (identity.kind == pg::Identity::kService) {
    RefreshRoles(spi);
    RequirePermission(permission);
    return ServiceActsIn(identity, tenant_id) && AnyCovers(identity.permissions, permission);
  }
  // First the grants: getting them may give the permission another number.
  const Grants grants = GrantsOf(spi, identity.user_id);
  const size_t number = RequirePermission(permission);
  return AnyGrant(grants, identity, tenant_id,
                  [number](const Role& role) { return role.Holds(number); });
}

bool HoldsPattern(pg::Spi& spi, const pg::Identity& identity, std::string_view pattern,
                  const std::optional<Uuid>& tenant_id) {
  if (identity.kind == pg::Identity::kService) {
    return ServiceActsIn(identity, tenant_id) && AnyCovers(identity.permissions, pattern);
  }
  return AnyGrant(GrantsOf(spi, identity.user_id), identity, tenant_id,
                  [pattern](const Role& role) { return AnyCovers(role.patterns, pattern); });
}

bool PrincipalHolds(const pg::Identity& identity, std::string_view permission,
                    const std::optional<Uuid>& tenant_id) {
  pg::Spi spi(pg::Spi::kReadOnly);
  const bool holds = Holds(spi, identity, permission, tenant_id);
  spi.Finish();
  return holds;
}

bool PrincipalHoldsAllOf(const pg::Identity& identity, const Uuid& user_id) {
  pg::Spi spi(pg::Spi::kReadOnly);
  const Grants grants = GrantsOf(spi, user_id);
  for (const Grant& grant : *grants) {
    if (grant.IsOver()) continue;
    std::optional<Uuid> tenant_id;
    if (grant.tenant_id != kNoTenant) tenant_id = grant.tenant_id;
    for (const std::string& pattern : grant.role->patterns) {
      if (!HoldsPattern(spi, identity, pattern, tenant_id)) return spi.Finish(), false;
    }
  }
  spi.Finish();
  return true;
}

}  // namespace latchkey::roles
