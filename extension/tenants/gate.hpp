// Who gets into a tenant, by its status: what sessions, API keys and roles ask at each call.
#pragma once

#include "extension/pg/spi.hpp"

namespace latchkey::tenants {

struct Known {
  std::string slug;
  std::string status;
};

// From the backend's memory, which holds the tenants that were asked for lately; null when there is
// no such tenant. Until the next call.
const Known* FindTenant(pg::Spi& spi, const Uuid& tenant_id);

// Keeps what was read of a tenant since the last Edition().
void Remember(const Uuid& tenant_id, Known tenant);

// The tenant of a slug, also of one that it gave up lately.
std::optional<Uuid> FindBySlug(pg::Spi& spi, const std::string& slug);

// See permissions/tenant_hooks.hpp.
void RequireActive(pg::Spi& spi, const Uuid& tenant_id);
bool IsSwitchedOff(pg::Spi& spi, const Uuid& tenant_id);
bool IsOver(pg::Spi& spi, const Uuid& tenant_id);
uint64_t Edition();
void Admit(pg::Spi& spi, const Uuid& user_id, const Uuid& tenant_id, bool lock);
int64_t CountMemberships(pg::Spi& spi, const Uuid& user_id);

}  // namespace latchkey::tenants
