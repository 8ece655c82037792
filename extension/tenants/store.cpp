// Reading, locking and checking tenants.
#include "extension/tenants/store.hpp"

#include "extension/accounts/users.hpp"
#include "extension/core/error.hpp"
#include "extension/events/events.hpp"
#include "extension/pg/transaction_state.hpp"

namespace latchkey::tenants {

namespace {

constexpr int32_t kMaxRows = 1000;
constexpr int64_t kMaxSettingsBytes = 16384;

}  // namespace

void ThrowNoTenant() { throw Error(ErrorCode::kNotFound, "there is no such tenant"); }

std::vector<pg::Value> LoadTenant(pg::Spi& spi, const Uuid& tenant_id) {
  static pg::Statement statement("SELECT " LATCHKEY_TENANT_COLUMNS
                                 " FROM latchkey.tenants WHERE id = $1");
  const pg::Rows rows = spi.RunLatest(statement, tenant_id);
  if (rows.empty()) ThrowNoTenant();
  return Columns(rows[0], kTenantColumns);
}

LockedTenant LockTenant(pg::Spi& spi, const Uuid& tenant_id) {
  static pg::Statement statement(R"(
    SELECT slug, status, delete_after FROM latchkey.tenants WHERE id = $1 FOR NO KEY UPDATE)");
  const pg::Rows rows = spi.RunLatest(statement, tenant_id);
  if (rows.empty()) ThrowNoTenant();
  const pg::Row row = rows[0];
  return {tenant_id, row.Text(1), row.Text(2), row.Optional<pg::Timestamp>(3)};
}

LockedTenant LockLivingTenant(pg::Spi& spi, const Uuid& tenant_id) {
  LockedTenant tenant = LockTenant(spi, tenant_id);
  if (tenant.status == "deleted") throw Error(ErrorCode::kConflict, "the tenant is deleted");
  return tenant;
}

void RequireActiveForChange(pg::Spi& spi, const Uuid& tenant_id) {
  static pg::Statement statement("SELECT status FROM latchkey.tenants WHERE id = $1 FOR SHARE");
  const pg::Rows rows = spi.RunLatest(statement, tenant_id);
  if (rows.empty()) ThrowNoTenant();
  const std::string status = rows[0].Text(1);
  if (status != "active") throw Error(ErrorCode::kConflict, "the tenant is " + status);
}

void RecordEvent(pg::Spi& spi, const Uuid& tenant_id, const char* type, const std::string& data) {
  events::Record(spi, {tenant_id, "tenant", tenant_id.ToString(), type, data});
}

std::optional<Uuid> Actor() {
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity == nullptr) return std::nullopt;
  return identity->user_id;
}

std::vector<pg::Value> Columns(const pg::Row& row, int count) {
  std::vector<pg::Value> columns;
  for (int column = 1; column <= count; ++column) {
    columns.push_back(pg::ToValue(row.Copy(column)));
  }
  return columns;
}

std::vector<std::vector<pg::Value>> AllColumns(const pg::Rows& rows, int count) {
  std::vector<std::vector<pg::Value>> all;
  for (uint64_t i = 0; i < rows.size(); ++i) all.push_back(Columns(rows[i], count));
  return all;
}

Datum EmitAll(pg::Args& args, const std::vector<std::vector<pg::Value>>& rows) {
  args.BeginSet();
  for (const auto& row : rows) args.EmitRow(row);
  return args.Void();
}

int32_t PageSize(const pg::Args& args, int index) {
  const auto count = args.Get<int32_t>(index, "max_rows");
  if (count < 1 || count > kMaxRows) {
    throw Error(ErrorCode::kInvalidArgument, "max_rows must lie between 1 and 1000");
  }
  return count;
}

void CheckTenantName(const std::string& name) {
  accounts::CheckName(name);
  if (name.find_first_not_of(' ') == std::string::npos) {
    throw Error(ErrorCode::kInvalidArgument, "name must not be empty");
  }
}

void CheckSettings(pg::Spi& spi, const pg::Raw& settings) {
  static pg::Statement statement(
      "SELECT jsonb_typeof($1) = 'object', octet_length($1::text)::bigint");
  if (settings.is_null) return;
  const pg::Row row = spi.Read(statement, settings)[0];
  if (!row.Get<bool>(1)) throw Error(ErrorCode::kInvalidArgument, "settings must be a JSON object");
  if (row.Get<int64_t>(2) > kMaxSettingsBytes) {
    throw Error(ErrorCode::kInvalidArgument, "settings are larger than 16 KiB");
  }
}

}  // namespace latchkey::tenants
