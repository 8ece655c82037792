// The cache of permissions and roles.
#include "extension/roles/role_book.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "extension/core/error.hpp"
#include "extension/core/permission_pattern.hpp"
#include "extension/pg/table_cache.hpp"

namespace latchkey::roles {

namespace {

pg::TableCache permissions_cache("permissions");
pg::TableCache roles_cache("roles");

std::vector<std::string>& Names() {
  static auto& names = *new std::vector<std::string>;
  return names;
}

// scope, tenant, name
using Key = std::tuple<std::string, std::string, std::string>;
using Book = std::map<Key, RolePtr>;

Book& Roles() {
  static auto& roles = *new Book;
  return roles;
}

Key MakeKey(const char* scope, const Uuid& tenant_id, std::string_view name) {
  return {scope, std::string(tenant_id.AsBytes()), std::string(name)};
}

void AddPattern(const pg::Row& row) {
  RolePtr& entry = Roles()[{row.Text(1), std::string(row.Get<Uuid>(2).AsBytes()), row.Text(3)}];
  auto role = entry ? std::make_shared<Role>(*entry) : std::make_shared<Role>();
  role->name = row.Text(3);
  if (auto pattern = row.Optional<std::string>(4)) role->patterns.push_back(std::move(*pattern));
  entry = std::move(role);
}

void Resolve(Role& role) {
  role.held.assign(Names().size(), false);
  for (size_t i = 0; i < Names().size(); ++i) {
    role.held[i] = AnyCovers(role.patterns, Names()[i]);
    role.count += role.held[i] ? 1 : 0;
  }
}

}  // namespace

uint64_t RefreshRoles(pg::Spi& spi) {
  static uint64_t edition = 0;
  static pg::Statement permissions(
      "SELECT name FROM latchkey.permissions ORDER BY name COLLATE \"C\"");
  static pg::Statement roles(R"(
    SELECT r.scope, r.tenant_id, r.name, p.pattern
      FROM latchkey.roles r LEFT JOIN LATERAL unnest(r.permissions) AS p(pattern) ON true)");
  // A permission's number is its place: either's change makes both new.
  const bool permissions_fresh = permissions_cache.IsFresh();
  if (permissions_fresh && roles_cache.IsFresh()) return edition;
  ++edition;
  Names().clear();
  Roles().clear();
  permissions_cache.Reload(spi, permissions,
                           [](const pg::Row& row) { Names().push_back(row.Text(1)); });
  roles_cache.Reload(spi, roles, AddPattern);
  for (auto& [key, role] : Roles()) {
    auto resolved = std::make_shared<Role>(*role);
    Resolve(*resolved);
    role = std::move(resolved);
  }
  return edition;
}

const std::vector<std::string>& PermissionNames() { return Names(); }

size_t RequirePermission(std::string_view name) {
  const auto found = std::lower_bound(Names().begin(), Names().end(), name);
  if (found == Names().end() || *found != name) {
    throw Error(ErrorCode::kNotFound, "there is no permission \"" + std::string(name) + "\"", {},
                "SELECT latchkey.register_permission(…) adds one.");
  }
  return static_cast<size_t>(found - Names().begin());
}

RolePtr FindRole(const Uuid& tenant_id, std::string_view name) {
  const bool platform = tenant_id == kNoTenant;
  auto found = Roles().find(MakeKey(platform ? "platform" : "tenant", tenant_id, name));
  if (found == Roles().end() && !platform) found = Roles().find(MakeKey("tenant", kNoTenant, name));
  return found == Roles().end() ? nullptr : found->second;
}

}  // namespace latchkey::roles
