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
};
inline TenantHooks tenant_hooks;

}  // namespace latchkey::permissions
