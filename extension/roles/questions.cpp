// Asking what an identity or a user may: has_permission and its siblings.
#include <algorithm>

#include "extension/core/error.hpp"
#include "extension/core/permission_pattern.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/catalog.hpp"
#include "extension/roles/grants.hpp"

extern "C" {
#include "utils/array.h"
}

namespace latchkey::roles {

namespace {

// The bound identity, else the database role: latchkey_admin stands for the platform's
// administrator.
bool CallerHolds(pg::Spi& spi, std::string_view permission, const std::optional<Uuid>& tenant_id) {
  if (const pg::Identity* identity = pg::BoundIdentity()) {
    return Holds(spi, *identity, permission, tenant_id);
  }
  // Before a statement makes the owner the current user.
  const bool is_admin = pg::CallerHasRole("latchkey_admin");
  RefreshRoles(spi);
  RequirePermission(permission);
  return is_admin;
}

// Tenants in which a role of the identity passes the test, each once.
template <typename Test>
std::vector<Uuid> TenantsWhere(const pg::Identity& identity, const Grants& grants, Test&& test) {
  std::vector<Uuid> tenants;
  for (const Grant& grant : *grants) {
    const bool counts = grant.tenant_id != kNoTenant && Counts(identity, grant, grant.tenant_id);
    if (counts && test(*grant.role) && !grant.IsOver()) tenants.push_back(grant.tenant_id);
  }
  std::sort(tenants.begin(), tenants.end());
  tenants.erase(std::unique(tenants.begin(), tenants.end()), tenants.end());
  return tenants;
}

Datum UuidArray(const std::vector<Uuid>& ids) {
  std::vector<Datum> datums;
  for (const Uuid& id : ids) datums.push_back(pg::UuidDatum(id));
  Datum* values = datums.data();
  const int count = static_cast<int>(datums.size());
  return pg::Call([=] {
    return PointerGetDatum(construct_array(values, count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
  });
}

std::vector<Uuid> PermittedTenants(pg::Spi& spi, std::string_view permission) {
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity == nullptr || identity->kind == pg::Identity::kService) {
    const bool in_tenant = identity != nullptr && identity->tenant_id &&
                           Holds(spi, *identity, permission, identity->tenant_id);
    RefreshRoles(spi);
    RequirePermission(permission);
    return in_tenant ? std::vector<Uuid>{*identity->tenant_id} : std::vector<Uuid>{};
  }
  const Grants grants = GrantsOf(spi, identity->user_id);
  const size_t number = RequirePermission(permission);
  return TenantsWhere(*identity, grants, [number](const Role& role) { return role.Holds(number); });
}

// What somebody is on the platform is no business of a tenant's staff.
bool SeesAllGrantsOf(pg::Spi& spi, const Uuid& user_id) {
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity == nullptr) return true;
  const bool own = identity->kind == pg::Identity::kUser && identity->user_id == user_id;
  return own || Holds(spi, *identity, "roles.read", std::nullopt);
}

// Bounds of an owner column: of everything for who holds the permission platform-wide, of one's own
// rows for users when the column is the owner's, else of nothing.
struct Bounds {
  Uuid from;
  Uuid to;
};

Bounds VisibleBounds(pg::Spi& spi, std::string_view permission, bool owned) {
  Bounds bounds;
  bounds.to.bytes.fill(0xff);
  if (CallerHolds(spi, permission, std::nullopt)) return bounds;
  const pg::Identity* identity = pg::BoundIdentity();
  if (owned && identity != nullptr && identity->kind == pg::Identity::kUser) {
    return {identity->user_id, identity->user_id};
  }
  std::swap(bounds.from, bounds.to);
  return bounds;
}

}  // namespace

LATCHKEY_FUNCTION(has_permission, kOpen) {
  const auto permission = args.Text(0, "permission");
  const auto tenant_id = args.Optional<Uuid>(1);
  pg::Spi spi(pg::Spi::kReadOnly);
  const bool holds = CallerHolds(spi, permission, tenant_id);
  spi.Finish();
  return args.Return(holds);
}

LATCHKEY_FUNCTION(require_permission, kOpen) {
  const auto permission = args.Text(0, "permission");
  const auto tenant_id = args.Optional<Uuid>(1);
  pg::Spi spi(pg::Spi::kReadOnly);
  if (!CallerHolds(spi, permission, tenant_id)) {
    throw Error(ErrorCode::kForbidden, "the caller lacks a permission", {},
                "Permission \"" + std::string(permission) + "\" is needed.");
  }
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(permitted_tenants, kOpen) {
  const auto permission = args.Text(0, "permission");
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto tenants = PermittedTenants(spi, permission);
  spi.Finish();
  return UuidArray(tenants);
}

LATCHKEY_FUNCTION(member_tenants, kOpen) {
  std::vector<Uuid> tenants;
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity != nullptr && identity->kind == pg::Identity::kUser) {
    tenants =
        TenantsWhere(*identity, GrantsOf(spi, identity->user_id), [](const Role&) { return true; });
  }
  spi.Finish();
  return UuidArray(tenants);
}

LATCHKEY_FUNCTION(visible_from, kOpen) {
  const auto permission = args.Text(0, "permission");
  const auto owned = args.Get<bool>(1, "owned");
  pg::Spi spi(pg::Spi::kReadOnly);
  const Bounds bounds = VisibleBounds(spi, permission, owned);
  spi.Finish();
  return args.Return(bounds.from);
}

LATCHKEY_FUNCTION(visible_to, kOpen) {
  const auto permission = args.Text(0, "permission");
  const auto owned = args.Get<bool>(1, "owned");
  pg::Spi spi(pg::Spi::kReadOnly);
  const Bounds bounds = VisibleBounds(spi, permission, owned);
  spi.Finish();
  return args.Return(bounds.to);
}

LATCHKEY_FUNCTION(current_role_name, kOpen) {
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity == nullptr || identity->kind != pg::Identity::kUser) return args.Null();
  const Uuid where = identity->tenant_id.value_or(kNoTenant);
  RolePtr strongest;
  pg::Spi spi(pg::Spi::kReadOnly);
  const Grants grants = GrantsOf(spi, identity->user_id);
  for (const Grant& grant : *grants) {
    if (grant.tenant_id != where || grant.IsOver()) continue;
    const bool stronger =
        !strongest || grant.role->count > strongest->count ||
        (grant.role->count == strongest->count && grant.role->name < strongest->name);
    if (stronger) strongest = grant.role;
  }
  spi.Finish();
  return strongest ? args.Return(strongest->name) : args.Null();
}

LATCHKEY_FUNCTION(permissions_of, kOpen) {
  const auto user_id = args.Get<Uuid>(0, "user_id");
  const auto tenant_id = args.Optional<Uuid>(1);
  permissions::RequireAccount(args, user_id, "roles.read", tenant_id);
  static pg::Statement statement(R"(
    SELECT name, module, description FROM latchkey.permissions ORDER BY name COLLATE "C")");
  std::vector<std::vector<pg::Value>> result;
  pg::Spi spi(pg::Spi::kReadOnly);
  const bool all = !tenant_id || SeesAllGrantsOf(spi, user_id);
  const Grants grants = GrantsOf(spi, user_id);
  const pg::Rows rows = spi.Read(statement);
  for (uint64_t i = 0; i < rows.size(); ++i) {
    const std::string name = rows[i].Text(1);
    const bool held = std::any_of(grants->begin(), grants->end(), [&](const Grant& grant) {
      const bool counts = grant.tenant_id == tenant_id || (all && grant.tenant_id == kNoTenant);
      return counts && AnyCovers(grant.role->patterns, name) && !grant.IsOver();
    });
    if (!held) continue;
    result.push_back(
        {pg::ToValue(rows[i].Copy(1)), pg::ToValue(rows[i].Copy(2)), pg::ToValue(rows[i].Copy(3))});
  }
  spi.Finish();
  args.BeginSet();
  for (const auto& columns : result) args.EmitRow(columns);
  return args.Void();
}

}  // namespace latchkey::roles
