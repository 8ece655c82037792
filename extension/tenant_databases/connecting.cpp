// Giving a tenant a database: its own, or one that is made on a server of the platform's.
#include "extension/core/error.hpp"
#include "extension/jobs/enqueue.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/settings/master_key.hpp"
#include "extension/tenant_databases/servers.hpp"
#include "extension/tenant_databases/store.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenant_databases {

namespace {

constexpr char kWrite[] = "tenant_databases.write";

// Whether the caller acts for the whole platform, and so may name any host.
bool IsTrusted() {
  const pg::Identity* identity = pg::BoundIdentity();
  return identity == nullptr || permissions::hooks.holds(*identity, kWrite, std::nullopt);
}

tenants::LockedTenant LockTenant(pg::Spi& spi, const Uuid& tenant_id) {
  tenants::LockedTenant tenant = tenants::LockLivingTenant(spi, tenant_id);
  if (tenant.status == "archived") throw Error(ErrorCode::kConflict, "the tenant is archived");
  return tenant;
}

// The template to install: what is asked for, else the one that is there.
std::optional<std::string> TemplateFor(const std::optional<TenantDatabase>& database,
                                       const std::optional<std::string>& asked) {
  if (!database || !database->template_name || !asked || *asked == *database->template_name) {
    return asked || !database ? asked : database->template_name;
  }
  if (!database->template_version) return asked;
  throw Error(ErrorCode::kConflict, "the database has another template already");
}

void Insert(pg::Spi& spi, const Uuid& tenant_id, const TenantDatabase& database) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.tenant_databases
           (tenant_id, server, template, status, trusted, sealed_connection, connection_version,
            moving, created_at, updated_at)
    VALUES ($1, $2, $3, 'pending', $4, $5, 1, false, $6, $6))");
  spi.RunLatest(statement, tenant_id, database.server, database.template_name, database.trusted,
                pg::Bytes{database.sealed_connection}, pg::Now());
}

void ChangeConnection(pg::Spi& spi, const Uuid& tenant_id, const TenantDatabase& database) {
  static pg::Statement statement(R"(
    UPDATE latchkey.tenant_databases
       SET template = $2, trusted = $3, sealed_connection = $4, status = 'pending', step = NULL,
           error = NULL, connection_version = connection_version + 1, updated_at = $5
     WHERE tenant_id = $1)");
  spi.RunLatest(statement, tenant_id, database.template_name, database.trusted,
                pg::Bytes{database.sealed_connection}, pg::Now());
}

void ChangeTemplate(pg::Spi& spi, const Uuid& tenant_id,
                    const std::optional<std::string>& template_name) {
  static pg::Statement statement(R"(
    UPDATE latchkey.tenant_databases
       SET template = $2, status = CASE status WHEN 'failed' THEN 'pending' ELSE status END,
           error = NULL, updated_at = $3
     WHERE tenant_id = $1)");
  spi.RunLatest(statement, tenant_id, template_name, pg::Now());
}

void EnqueueProvisioning(pg::Spi& spi, const Uuid& tenant_id) {
  jobs::NewJob job;
  job.type = kProvisioningJob;
  const pg::Param payload = pg::JsonParam("{}");
  job.payload = {payload.type, payload.value, false};
  jobs::Enqueue(spi, tenant_id, job);
}

Datum Return(pg::Args& args, pg::Spi& spi, const Uuid& tenant_id) {
  const auto columns = LoadState(spi, tenant_id);
  spi.Finish();
  return args.ReturnRow(columns);
}

}  // namespace

LATCHKEY_FUNCTION(connect_database, kSecret) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  args.RequireValue(1, "connection");
  const auto asked = args.Optional<std::string>(2);
  permissions::Require(args, kWrite, tenant_id);
  CheckTemplate(asked);
  const ConnectionInfo connection = ParseConnection(pg::JsonText(args.AsIs(1, JSONBOID).value));
  const bool trusted = IsTrusted();
  if (!trusted) RequirePublicHost(connection);
  settings::LoadMasterKey();  // before rows are locked
  pg::Spi spi;
  LockTenant(spi, tenant_id);
  const auto former = LockDatabase(spi, tenant_id);
  if (former && former->server) {
    throw Error(ErrorCode::kConflict, "the tenant's database is on a server of the platform's");
  }
  TenantDatabase database;
  database.template_name = TemplateFor(former, asked);
  database.trusted = trusted;
  database.sealed_connection = kTenantConnection.Seal(connection.ToJson(), tenant_id.ToString());
  if (former) {
    ChangeConnection(spi, tenant_id, database);
  } else {
    Insert(spi, tenant_id, database);
  }
  tenants::RecordEvent(spi, tenant_id, "tenant.database_connected");
  EnqueueProvisioning(spi, tenant_id);
  return Return(args, spi, tenant_id);
}

LATCHKEY_FUNCTION(provision_tenant, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto asked = args.Optional<std::string>(1);
  const auto server_name = args.Optional<std::string>(2);
  permissions::Require(args, kWrite, server_name ? std::nullopt : std::optional<Uuid>(tenant_id));
  CheckTemplate(asked);
  settings::LoadMasterKey();  // before rows are locked
  pg::Spi spi;
  const tenants::LockedTenant tenant = LockTenant(spi, tenant_id);
  const auto former = LockDatabase(spi, tenant_id);
  if (former) RequireNotMoving(*former);
  if (former && server_name && former->server != server_name) {
    throw Error(ErrorCode::kConflict, "the tenant has its database elsewhere");
  }
  if (former) {
    ChangeTemplate(spi, tenant_id, TemplateFor(former, asked));
  } else {
    const Server server = ChooseServer(spi, server_name);
    TenantDatabase database;
    database.server = server.name;
    database.template_name = asked;
    database.trusted = true;
    database.sealed_connection = kTenantConnection.Seal(
        NewConnection(server.connection, tenant, "").ToJson(), tenant_id.ToString());
    Insert(spi, tenant_id, database);
  }
  tenants::RecordEvent(spi, tenant_id, "tenant.provisioning_requested");
  EnqueueProvisioning(spi, tenant_id);
  return Return(args, spi, tenant_id);
}

}  // namespace latchkey::tenant_databases
