// Servers on which databases of tenants are made.
#pragma once

#include <string>

#include "extension/core/connection_info.hpp"
#include "extension/pg/spi.hpp"

namespace latchkey::tenant_databases {

struct Server {
  std::string name;
  ConnectionInfo connection;
};

// The named one, else the one with the fewest databases that takes new ones; kept from being
// removed. Raises LK404, or LK410 when none takes it.
Server ChooseServer(pg::Spi& spi, const std::optional<std::string>& name);

}  // namespace latchkey::tenant_databases
