// Where a tenant's database is, as the main database tells a worker.
#pragma once

#include <string>

#include "gateway/tenants/database_address.hpp"

namespace latchkey {

// Columns for ReadTenantDatabase. $1: the tenant. Raises LK404 for one without a database.
constexpr char kTenantDatabaseSql[] = "SELECT " LATCHKEY_ADDRESS_COLUMNS(
    "c.connection") ", c.trusted, c.version, c.template, c.ready, c.tenant_id"
    " FROM latchkey.tenant_connection($1) AS c";

struct TenantDatabase {
  std::string tenant;
  int64_t version = 0;  // of the connection
  DatabaseAddress address;
  std::string template_name;  // empty: none was installed
  bool ready = false;
};

TenantDatabase ReadTenantDatabase(const PGresult* rows);

}  // namespace latchkey
