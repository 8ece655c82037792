// What workers ask and tell while they write and remove exports.
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/core/utf8.hpp"
#include "extension/jobs/enqueue.hpp"
#include "extension/settings/master_key.hpp"
#include "extension/tenant_databases/servers.hpp"
#include "extension/tenant_exports/store.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenant_exports {

namespace {

constexpr size_t kMaxError = 2000;

struct Export {
  Uuid id;
  std::string status;
  std::string file_name;
  std::optional<std::string> host;
};

Export LockExport(pg::Spi& spi, const Uuid& tenant_id, const Uuid& job_id) {
  static pg::Statement statement(R"(
    SELECT id, status, file_name, host FROM latchkey.tenant_exports
     WHERE tenant_id = $1 AND job_id = $2 AND status <> 'done' FOR NO KEY UPDATE)");
  const pg::Rows rows = spi.RunLatest(statement, tenant_id, job_id);
  if (rows.empty()) throw Error(ErrorCode::kNotFound, "there is no such export to be made");
  return {rows[0].Get<Uuid>(1), rows[0].Text(2), rows[0].Text(3), rows[0].Optional<std::string>(4)};
}

void Forget(pg::Spi& spi, const Uuid& tenant_id, const Uuid& id) {
  static pg::Statement row("DELETE FROM latchkey.tenant_exports WHERE tenant_id = $1 AND id = $2");
  static pg::Statement keys(
      "DELETE FROM latchkey.tenant_export_keys WHERE tenant_id = $1 AND export_id = $2");
  spi.RunLatest(row, tenant_id, id);
  spi.RunLatest(keys, tenant_id, id);
}

}  // namespace

std::vector<pg::Value> LoadExport(pg::Spi& spi, const Uuid& tenant_id, const Uuid& id) {
  static pg::Statement statement("SELECT " LATCHKEY_TENANT_EXPORT_COLUMNS
                                 " FROM latchkey.tenant_exports WHERE tenant_id = $1 AND id = $2");
  return tenants::Columns(spi.RunLatest(statement, tenant_id, id)[0], kExportColumns);
}

Uuid EnqueueExport(pg::Spi& spi, const Uuid& tenant_id) {
  const pg::Param payload = pg::JsonParam("{}");
  jobs::NewJob job;
  job.type = kExportJob;
  job.payload = {payload.type, payload.value, false};
  return jobs::Enqueue(spi, tenant_id, job);
}

LATCHKEY_FUNCTION(start_export, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto job_id = args.Get<Uuid>(1, "job_id");
  tenant_databases::RequireWorker(args);
  static pg::Statement note(R"(
    UPDATE latchkey.tenant_exports SET status = 'running' WHERE tenant_id = $1 AND id = $2)");
  settings::LoadMasterKey();  // before rows are locked
  pg::Spi spi;
  const Export planned = LockExport(spi, tenant_id, job_id);
  const bool deleting = planned.status == "deleting";
  std::optional<tenant_databases::TenantDatabase> database;
  std::string sealed_server;
  if (!deleting) {
    spi.RunLatest(note, tenant_id, planned.id);
    database = tenant_databases::LockDatabase(spi, tenant_id);
    if (!database) tenant_databases::ThrowNoDatabase();
    if (database->server) sealed_server = tenant_databases::SealedServer(spi, *database->server);
  }
  // What is made while SPI is connected is gone with it: connections are opened afterwards.
  spi.Finish();
  using tenant_databases::ClearConnection;
  pg::Value connection, server, trusted;
  if (database) {
    connection = ClearConnection(tenant_databases::kTenantConnection, database->sealed_connection,
                                 tenant_id.ToString());
    trusted = pg::ToValue(database->trusted);
  }
  if (!sealed_server.empty()) {
    server = ClearConnection(tenant_databases::kServerConnection, sealed_server, *database->server);
  }
  return args.ReturnRow({pg::ToValue(tenant_id), pg::ToValue(planned.id),
                         pg::ToValue(deleting ? "deleting" : "running"),
                         pg::ToValue(planned.file_name), pg::ToValue(planned.host), connection,
                         trusted, server});
}

LATCHKEY_FUNCTION(finish_export, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto job_id = args.Get<Uuid>(1, "job_id");
  const auto host = args.Optional<std::string>(2);
  const auto bytes = args.Optional<int64_t>(3);
  const auto sha256 = args.Optional<std::string>(4);
  auto error = args.Optional<std::string>(5);
  tenant_databases::RequireWorker(args);
  if (error) error = std::string(CutText(*error, kMaxError));
  static pg::Statement done(R"(
    UPDATE latchkey.tenant_exports
       SET status = 'done', error = NULL, host = $3, bytes = $4, sha256 = $5, finished_at = $6
     WHERE tenant_id = $1 AND id = $2)");
  static pg::Statement failed(R"(
    UPDATE latchkey.tenant_exports
       SET status = CASE status WHEN 'deleting' THEN status ELSE 'failed' END, error = $3,
           finished_at = $4
     WHERE tenant_id = $1 AND id = $2)");
  pg::Spi spi;
  const Export planned = LockExport(spi, tenant_id, job_id);
  JsonObject data;
  data.Add("export_id", planned.id.ToString());
  const char* event = "tenant.exported";
  if (error) {
    spi.RunLatest(failed, tenant_id, planned.id, *error, pg::Now());
    data.Add("error", *error);
    event = "tenant.export_failed";
  } else if (planned.status == "deleting") {
    Forget(spi, tenant_id, planned.id);
    event = "tenant.export_deleted";
  } else {
    spi.RunLatest(done, tenant_id, planned.id, host, bytes, sha256, pg::Now());
    if (sha256) data.Add("sha256", *sha256);
  }
  tenants::RecordEvent(spi, tenant_id, event, data.ToString());
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::tenant_exports
