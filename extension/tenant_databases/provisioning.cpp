// What workers ask and tell while they make, migrate and look after tenants' databases.
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/core/utf8.hpp"
#include "extension/settings/master_key.hpp"
#include "extension/tenant_databases/servers.hpp"
#include "extension/tenant_databases/store.hpp"
#include "extension/tenant_users/members.hpp"
#include "extension/tenants/status.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenant_databases {

namespace {

constexpr size_t kMaxStep = 100;
constexpr size_t kMaxError = 2000;

TenantDatabase Lock(pg::Spi& spi, const Uuid& tenant_id) {
  auto database = LockDatabase(spi, tenant_id);
  if (!database) ThrowNoDatabase();
  return std::move(*database);
}

void MarkProvisioning(pg::Spi& spi, const Uuid& tenant_id) {
  static pg::Statement statement(R"(
    UPDATE latchkey.tenant_databases SET status = 'provisioning', error = NULL, updated_at = $2
     WHERE tenant_id = $1 AND status IN ('pending', 'failed'))");
  spi.RunLatest(statement, tenant_id, pg::Now());
}

}  // namespace

LATCHKEY_FUNCTION(tenant_connection, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  RequireWorker(args);
  static pg::Statement statement(R"(
    SELECT sealed_connection, trusted, connection_version, template, status = 'ready'
      FROM latchkey.tenant_databases WHERE tenant_id = $1)");
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement, tenant_id);
  if (rows.empty()) ThrowNoDatabase();
  const std::string sealed = rows[0].Text(1);
  std::vector<pg::Value> rest;
  for (int column = 2; column <= 5; ++column) rest.push_back(pg::ToValue(rows[0].Copy(column)));
  spi.Finish();
  std::vector<pg::Value> columns = {
      pg::ToValue(tenant_id), ClearConnection(kTenantConnection, sealed, tenant_id.ToString())};
  columns.insert(columns.end(), rest.begin(), rest.end());
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(start_provisioning, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  RequireWorker(args);
  settings::LoadMasterKey();  // before rows are locked
  pg::Spi spi;
  const tenants::LockedTenant tenant = tenants::LockLivingTenant(spi, tenant_id);
  if (tenant.status == "archived") throw Error(ErrorCode::kConflict, "the tenant is archived");
  const TenantDatabase database = Lock(spi, tenant_id);
  RequireNotMoving(database);
  if (tenant.status == "pending") tenants::SetStatus(spi, tenant, "provisioning", std::nullopt);
  MarkProvisioning(spi, tenant_id);
  std::string sealed_server;
  if (database.server) sealed_server = SealedServer(spi, *database.server);
  // What is made while SPI is connected is gone with it: connections are opened afterwards.
  spi.Finish();
  pg::Value server_connection;
  if (database.server) {
    server_connection = ClearConnection(kServerConnection, sealed_server, *database.server);
  }
  return args.ReturnRow(
      {pg::ToValue(tenant_id), pg::ToValue(tenant.slug), pg::ToValue(database.template_name),
       ClearConnection(kTenantConnection, database.sealed_connection, tenant_id.ToString()),
       pg::ToValue(database.trusted), pg::ToValue(database.server), server_connection});
}

LATCHKEY_FUNCTION(record_provisioning, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const std::string step(CutText(args.Text(1, "step"), kMaxStep));
  auto error = args.Optional<std::string>(2);
  const auto template_version = args.Optional<std::string>(3);
  RequireWorker(args);
  if (error) error = std::string(CutText(*error, kMaxError));
  // What was ready stays so: a migration that fails takes nothing away.
  static pg::Statement statement(R"(
    UPDATE latchkey.tenant_databases
       SET step = $2, error = $3, template_version = coalesce($4, template_version),
           status = CASE WHEN $3 IS NULL OR status = 'ready' THEN status ELSE 'failed' END,
           updated_at = $5
     WHERE tenant_id = $1)");
  pg::Spi spi;
  spi.RunLatest(statement, tenant_id, step, error, template_version, pg::Now());
  if (spi.affected() == 0) ThrowNoDatabase();
  if (error) {
    tenants::RecordEvent(spi, tenant_id, "tenant.provisioning_failed",
                         JsonObject().Add("step", step).Add("error", *error).ToString());
  }
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(finish_provisioning, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto template_version = args.Optional<std::string>(1);
  RequireWorker(args);
  static pg::Statement statement(R"(
    UPDATE latchkey.tenant_databases
       SET status = 'ready', step = NULL, error = NULL,
           template_version = coalesce($2, template_version), healthy = true, checked_at = $3,
           updated_at = $3
     WHERE tenant_id = $1)");
  pg::Spi spi;
  const tenants::LockedTenant tenant = tenants::LockLivingTenant(spi, tenant_id);
  const TenantDatabase database = Lock(spi, tenant_id);
  spi.RunLatest(statement, tenant_id, template_version, pg::Now());
  if (tenant.status == "provisioning") tenants::SetStatus(spi, tenant, "active", std::nullopt);
  if (database.status != "ready") tenant_users::NoteAllMembers(spi, tenant_id);
  if (database.status != "ready" ||
      (template_version && template_version != database.template_version)) {
    JsonObject data;
    if (template_version) data.Add("template_version", *template_version);
    tenants::RecordEvent(spi, tenant_id, "tenant.provisioned", data.ToString());
  }
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(record_database_health, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto healthy = args.Get<bool>(1, "healthy");
  RequireWorker(args);
  static pg::Statement look(R"(
    SELECT healthy FROM latchkey.tenant_databases WHERE tenant_id = $1 FOR NO KEY UPDATE)");
  static pg::Statement note(R"(
    UPDATE latchkey.tenant_databases SET healthy = $2, checked_at = $3 WHERE tenant_id = $1)");
  pg::Spi spi;
  const pg::Rows rows = spi.RunLatest(look, tenant_id);
  if (rows.empty()) ThrowNoDatabase();
  const auto before = rows[0].Optional<bool>(1);
  spi.RunLatest(note, tenant_id, healthy, pg::Now());
  // The first look at it is no change.
  if (before && *before != healthy) {
    tenants::RecordEvent(spi, tenant_id, healthy ? "tenant.database_up" : "tenant.database_down");
  }
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::tenant_databases
