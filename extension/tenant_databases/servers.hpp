// Servers on which databases of tenants are made.
#pragma once

#include <string>

#include "extension/core/connection_info.hpp"
#include "extension/pg/spi.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenant_databases {

struct Server {
  std::string name;
  ConnectionInfo connection;
};

// The named one, else the one with the fewest databases that takes new ones; kept from being
// removed. Raises LK404, or LK410 when none takes it.
Server ChooseServer(pg::Spi& spi, const std::optional<std::string>& name);

// What opens the server, sealed.
std::string SealedServer(pg::Spi& spi, const std::string& name);

// A database and a login role of the tenant's own, of one name, which ends in the suffix. Decided
// before anything is created, so that whoever creates it finds the same names and password each
// time.
ConnectionInfo NewConnection(const ConnectionInfo& server, const tenants::LockedTenant& tenant,
                             const std::string& suffix);

}  // namespace latchkey::tenant_databases
