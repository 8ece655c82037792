// Rows of latchkey.tenant_databases, and the columns in which connections are sealed.
#pragma once

#include "extension/core/connection_info.hpp"
#include "extension/pg/args.hpp"
#include "extension/settings/sealed_column.hpp"

namespace latchkey::tenant_databases {

inline constexpr char kProvisioningJob[] = "latchkey.provision_tenant";

// Of latchkey.tenant_databases and latchkey.tenant_servers.
extern const settings::SealedColumn kTenantConnection;
extern const settings::SealedColumn kServerConnection;

// The columns of latchkey.tenant_database.
#define LATCHKEY_TENANT_DATABASE_COLUMNS                                                     \
  "tenant_id, server, template, template_version, status, step, error, healthy, checked_at," \
  " created_at, updated_at, moving"
inline constexpr int kTenantDatabaseColumns = 12;

// Connections in clear are for workers: EXECUTE keeps others out, and no identity changes that.
void RequireWorker(const pg::Args& args);

// All null when the tenant has none.
std::vector<pg::Value> LoadState(pg::Spi& spi, const Uuid& tenant_id);

struct TenantDatabase {
  std::optional<std::string> server;
  std::optional<std::string> template_name;
  std::optional<std::string> template_version;
  std::string status;
  bool trusted = false;
  std::string sealed_connection;
  int64_t connection_version = 0;
  std::optional<std::string> other_server;
  bool moving = false;
};

// Locked against other changes; the tenant is to be locked before.
std::optional<TenantDatabase> LockDatabase(pg::Spi& spi, const Uuid& tenant_id);
// Whether the tenant has one that is ready.
bool IsReady(pg::Spi& spi, const Uuid& tenant_id);
// Raises LK404.
[[noreturn]] void ThrowNoDatabase();
// Raises LK410 for one that is on its way to another server.
void RequireNotMoving(const TenantDatabase& database);

// The name of a template: a folder's. LK400.
void CheckTemplate(const std::optional<std::string>& name);

// A connection as latchkey.tenant_connection shows it.
pg::Value ClearConnection(const settings::SealedColumn& column, std::string_view envelope,
                          const std::string& row);

}  // namespace latchkey::tenant_databases
