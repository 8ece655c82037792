// Limits on giving and taking roles.
#include "extension/roles/escalation.hpp"

#include "extension/core/error.hpp"
#include "extension/permissions/tenant_hooks.hpp"
#include "extension/roles/grants.hpp"

namespace latchkey::roles {

namespace {

bool MustNotBeMissing(const Uuid& tenant_id, std::string_view role) {
  return role == (tenant_id == kNoTenant ? kPlatformAdmin : kTenantOwner);
}

// One row for all who are about to take this role from somebody: they go one after the other.
void LockHolders(pg::Spi& spi, const Uuid& tenant_id) {
  static pg::Statement platform(R"(
    SELECT 1 FROM latchkey.roles WHERE scope = 'platform' AND tenant_id = $1 AND name = 'admin'
       FOR NO KEY UPDATE)");
  static pg::Statement tenant("SELECT 1 FROM latchkey.accounts WHERE id = $1 FOR NO KEY UPDATE");
  spi.RunLatest(tenant_id == kNoTenant ? platform : tenant, tenant_id);
}

}  // namespace

void RequireHeld(pg::Spi& spi, const std::vector<std::string>& patterns,
                 const std::optional<Uuid>& tenant_id) {
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity == nullptr) return;
  for (const std::string& pattern : patterns) {
    if (HoldsPattern(spi, *identity, pattern, tenant_id)) continue;
    throw Error(ErrorCode::kForbidden, "nobody gives or takes what they don't hold", {},
                "Permission \"" + pattern + "\" is needed.");
  }
}

void RequireOther(const Uuid& user_id) {
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity == nullptr || identity->user_id != user_id) return;
  throw Error(ErrorCode::kForbidden, "nobody changes their own roles");
}

void CheckDispensable(pg::Spi& spi, const Uuid& user_id, const Uuid& tenant_id,
                      std::string_view role) {
  static pg::Statement lasting(R"(
    SELECT 1 FROM latchkey.role_grants
     WHERE user_id = $1 AND tenant_id = $2 AND role = $3 AND expires_at IS NULL)");
  static pg::Statement another(R"(
    SELECT 1 FROM latchkey.role_grants g JOIN latchkey.users u ON u.id = g.user_id
     WHERE g.tenant_id = $2 AND g.role = $3 AND g.user_id <> $1 AND g.expires_at IS NULL
       AND u.status = 'active' LIMIT 1)");
  if (!MustNotBeMissing(tenant_id, role)) return;
  LockHolders(spi, tenant_id);
  if (tenant_id != kNoTenant && permissions::tenant_hooks.is_over(spi, tenant_id)) return;
  if (spi.RunLatest(lasting, user_id, tenant_id, role).empty()) return;
  if (!spi.RunLatest(another, user_id, tenant_id, role).empty()) return;
  throw Error(ErrorCode::kConflict,
              tenant_id == kNoTenant ? "this is the last administrator of the platform"
                                     : "this is the last owner of a tenant",
              {}, "Give somebody else the role, without an end, first.");
}

void CheckUserDispensable(pg::Spi& spi, const Uuid& user_id) {
  static pg::Statement statement(R"(
    SELECT tenant_id, role FROM latchkey.role_grants
     WHERE user_id = $1 AND expires_at IS NULL ORDER BY tenant_id)");
  std::vector<std::pair<Uuid, std::string>> grants;
  const pg::Rows rows = spi.RunLatest(statement, user_id);
  for (uint64_t i = 0; i < rows.size(); ++i)
    grants.emplace_back(rows[i].Get<Uuid>(1), rows[i].Text(2));
  for (const auto& [tenant_id, role] : grants) CheckDispensable(spi, user_id, tenant_id, role);
}

void EraseGrants(pg::Spi& spi, const Uuid& user_id) {
  static pg::Statement statement("DELETE FROM latchkey.role_grants WHERE user_id = $1");
  spi.RunLatest(statement, user_id);
}

}  // namespace latchkey::roles
