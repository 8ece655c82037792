// The tenant of a host, and of a login.
#pragma once

#include <optional>
#include <string>

#include "extension/pg/spi.hpp"

namespace latchkey::hostnames {

// Of a normalised hostname; whatever the tenant's status.
std::optional<Uuid> FindByHost(pg::Spi& spi, const std::string& hostname);

// See permissions/tenant_hooks.hpp.
std::optional<Uuid> TenantOfLogin(pg::Spi& spi, const Uuid& user_id,
                                  const std::optional<std::string>& name,
                                  const std::optional<std::string>& host);

}  // namespace latchkey::hostnames
