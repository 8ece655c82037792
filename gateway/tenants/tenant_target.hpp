// Where a tenant's database is, as the main database tells a worker.
#pragma once

#include <string>

#include "gateway/db/connection.hpp"
#include "gateway/http/client_address.hpp"
#include "gateway/tenants/tenant_pools.hpp"

namespace latchkey {

// Columns for ReadTenantDatabase. $1: the tenant. Raises LK404 for one without a database.
constexpr char kTenantDatabaseSql[] =
    "SELECT c.connection ->> 'host', c.connection ->> 'port', c.connection ->> 'database',"
    " c.connection ->> 'user', c.connection ->> 'password', c.connection ->> 'sslmode', c.trusted,"
    " c.version, c.template, c.ready, c.tenant_id FROM latchkey.tenant_connection($1) AS c";

struct TenantDatabase {
  TenantTarget target;
  std::string template_name;  // empty: none was installed
  bool ready = false;
  std::string error;  // why nobody may connect there; empty: anybody of ours may
};

// A host that the tenant has named is looked up here, and connected to at the address that was
// looked at: it may not lead into networks that are not public, but for those in `allowed`.
TenantDatabase ReadTenantDatabase(const PGresult* rows, const TrustedProxies& allowed);

}  // namespace latchkey
