// From the row of a connection to where it leads.
#include "gateway/tenants/tenant_target.hpp"

#include <cstdlib>

namespace latchkey {

TenantDatabase ReadTenantDatabase(const PGresult* rows) {
  const auto text = [rows](int column) { return PQgetvalue(rows, 0, column); };
  TenantDatabase database;
  database.address = ReadAddress(rows, 0, 0, *text(kAddressColumns) == 't');
  database.version = std::atoll(text(kAddressColumns + 1));
  database.template_name = text(kAddressColumns + 2);
  database.ready = *text(kAddressColumns + 3) == 't';
  database.tenant = text(kAddressColumns + 4);
  return database;
}

}  // namespace latchkey
