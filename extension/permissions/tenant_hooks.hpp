// What permissions depend on that the tenants module knows; set by _PG_init.
#pragma once

#include "extension/core/uuid.hpp"
#include "extension/pg/spi.hpp"

namespace latchkey::permissions {

struct TenantHooks {
  // Raises LK403 unless the tenant is active. From the backend's memory; writes nothing.
  void (*require_active)(pg::Spi& spi, const Uuid& tenant_id);
  // Whether roles in the tenant count for nothing: it is suspended, archived or deleted.
  bool (*is_switched_off)(pg::Spi& spi, const Uuid& tenant_id);
  // Whether it needs no owner any more: it is archived or deleted.
  bool (*is_over)(pg::Spi& spi, const Uuid& tenant_id);
  // Another number than before when the answers may have become others.
  uint64_t (*edition)();
  // Raises LK403 unless the tenant is active and the user has a role in it. `lock` keeps both so
  // until the end of the transaction.
  void (*admit)(pg::Spi& spi, const Uuid& user_id, const Uuid& tenant_id, bool lock);
  // In how many tenants the user has a role, whatever their status but deleted.
  int64_t (*count_memberships)(pg::Spi& spi, const Uuid& user_id);
  // The tenant that a user logs in to: the one named by id or slug; else the one of the host; else,
  // for a host that is no tenant's, the only active one where the user has a role. Raises LK403 for
  // a name that is nobody's, as for a tenant to which the user does not belong.
  std::optional<Uuid> (*tenant_of_login)(pg::Spi& spi, const Uuid& user_id,
                                         const std::optional<std::string>& name,
                                         const std::optional<std::string>& host);
  // After a role of the user in the tenant was given or taken.
  void (*member_changed)(pg::Spi& spi, const Uuid& user_id, const Uuid& tenant_id);
};
inline TenantHooks tenant_hooks;

}  // namespace latchkey::permissions
