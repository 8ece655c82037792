// Permissions and roles as they are defined, cached per backend.
#pragma once

#include <memory>

#include "extension/core/uuid.hpp"
#include "extension/pg/spi.hpp"

namespace latchkey::roles {

inline constexpr Uuid kNoTenant{};  // in tables: the whole platform, or a role for all tenants
inline constexpr const char* kPlatformAdmin = "admin";
inline constexpr const char* kTenantOwner = "owner";

struct Role {
  std::string name;
  std::vector<std::string> patterns;
  std::vector<bool> held;  // by the number of the permission
  size_t count = 0;        // of those it holds

  bool Holds(size_t permission) const { return held[permission]; }
};
using RolePtr = std::shared_ptr<const Role>;

// Reads again what has changed. Returns another number than before when anything had: then all that
// was got from here, numbers of permissions too, is out of date.
uint64_t RefreshRoles(pg::Spi& spi);

// All of these answer from what RefreshRoles has read.
const std::vector<std::string>& PermissionNames();  // in their order
size_t RequirePermission(std::string_view name);    // its number; raises LK404
// A role of the platform (tenant_id nil) or within a tenant: its own, or one for all tenants. Null
// when there is none.
RolePtr FindRole(const Uuid& tenant_id, std::string_view name);

}  // namespace latchkey::roles
