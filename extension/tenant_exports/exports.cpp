// Asking for exports, listing and deleting them.
#include "extension/core/error.hpp"
#include "extension/core/idempotency.hpp"
#include "extension/core/json_object.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/tenant_exports/store.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenant_exports {

namespace {

constexpr size_t kTail = 12;

std::optional<Uuid> FindKey(pg::Spi& spi, const Uuid& tenant_id,
                            const std::optional<std::string>& key) {
  static pg::Statement statement(R"(
    SELECT export_id FROM latchkey.tenant_export_keys
     WHERE tenant_id = $1 AND idempotency_key = $2)");
  if (!key) return std::nullopt;
  const pg::Rows rows = spi.RunLatest(statement, tenant_id, *key);
  if (rows.empty()) return std::nullopt;
  return rows[0].Get<Uuid>(1);
}

void KeepKey(pg::Spi& spi, const Uuid& tenant_id, const std::optional<std::string>& key,
             const Uuid& id) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.tenant_export_keys (tenant_id, idempotency_key, export_id)
    VALUES ($1, $2, $3))");
  if (key) spi.RunLatest(statement, tenant_id, *key, id);
}

// Tenant, time and export: a second attempt writes the same file, another export never does.
Uuid Insert(pg::Spi& spi, const tenants::LockedTenant& tenant) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.tenant_exports (tenant_id, id, job_id, status, file_name, requested_at)
    VALUES ($1, $2, $3, 'pending',
            concat($4, '-', to_char($5 AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24MISS"Z"'), '-', $6,
                   '.dump'), $5))");
  const Uuid id = NewUuid();
  const std::string text = id.ToString();
  const Uuid job_id = EnqueueExport(spi, tenant.id);
  spi.RunLatest(statement, tenant.id, id, job_id, tenant.slug, pg::Now(),
                text.substr(text.size() - kTail));
  tenants::RecordEvent(spi, tenant.id, "tenant.export_requested",
                       JsonObject().Add("export_id", text).ToString());
  return id;
}

void RequireReady(pg::Spi& spi, const Uuid& tenant_id) {
  const auto database = tenant_databases::LockDatabase(spi, tenant_id);
  if (!database) tenant_databases::ThrowNoDatabase();
  if (database->status == "ready") return;
  throw Error(ErrorCode::kConflict, "the tenant's database is not ready");
}

}  // namespace

LATCHKEY_FUNCTION(export_tenant, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const Idempotency idempotency = MakeIdempotency(args.Optional<std::string>(1), {});
  permissions::Require(args, kWrite);
  pg::Spi spi;
  const tenants::LockedTenant tenant = tenants::LockLivingTenant(spi, tenant_id);
  auto id = FindKey(spi, tenant_id, idempotency.key);
  if (!id) {
    RequireReady(spi, tenant_id);
    id = Insert(spi, tenant);
    KeepKey(spi, tenant_id, idempotency.key, *id);
  }
  const auto columns = LoadExport(spi, tenant_id, *id);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(list_tenant_exports, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto after = args.Optional<Uuid>(1);
  const int32_t max_rows = tenants::PageSize(args, 2);
  permissions::Require(args, kRead);
  static pg::Statement statement("SELECT " LATCHKEY_TENANT_EXPORT_COLUMNS
                                 R"( FROM latchkey.tenant_exports
     WHERE tenant_id = $1 AND ($2 IS NULL OR id < $2) ORDER BY id DESC LIMIT $3)",
                                 pg::Statement::kCustom);
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto rows =
      tenants::AllColumns(spi.Read(statement, tenant_id, after, int64_t{max_rows}), kExportColumns);
  spi.Finish();
  return tenants::EmitAll(args, rows);
}

// By a job, as the file is a worker's: the row is the last to go.
LATCHKEY_FUNCTION(delete_tenant_export, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto id = args.Get<Uuid>(1, "export_id");
  permissions::Require(args, kWrite);
  static pg::Statement statement(R"(
    UPDATE latchkey.tenant_exports SET status = 'deleting', error = NULL, job_id = $3
     WHERE tenant_id = $1 AND id = $2)");
  pg::Spi spi;
  tenants::LockTenant(spi, tenant_id);
  spi.RunLatest(statement, tenant_id, id, EnqueueExport(spi, tenant_id));
  if (spi.affected() == 0) throw Error(ErrorCode::kNotFound, "there is no such export");
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::tenant_exports
