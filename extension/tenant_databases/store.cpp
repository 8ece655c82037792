// Reading and locking rows of tenant databases.
#include "extension/tenant_databases/store.hpp"

#include <algorithm>

#include "extension/core/error.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenant_databases {

const settings::SealedColumn kTenantConnection("tenant_databases", "sealed_connection",
                                               {"tenant_id"});
const settings::SealedColumn kServerConnection("tenant_servers", "sealed_connection", {"name"});

void RequireWorker(const pg::Args& args) {
  permissions::RequireNoIdentity();
  permissions::Require(args, "tenant_databases.write");
}

std::vector<pg::Value> LoadState(pg::Spi& spi, const Uuid& tenant_id) {
  static pg::Statement statement("SELECT " LATCHKEY_TENANT_DATABASE_COLUMNS
                                 " FROM latchkey.tenant_databases WHERE tenant_id = $1");
  const pg::Rows rows = spi.Run(statement, tenant_id);
  if (rows.empty()) return std::vector<pg::Value>(kTenantDatabaseColumns);
  return tenants::Columns(rows[0], kTenantDatabaseColumns);
}

std::optional<TenantDatabase> LockDatabase(pg::Spi& spi, const Uuid& tenant_id) {
  static pg::Statement statement(R"(
    SELECT server, template, template_version, status, trusted, sealed_connection,
           connection_version, other_server, moving
      FROM latchkey.tenant_databases WHERE tenant_id = $1 FOR NO KEY UPDATE)");
  const pg::Rows rows = spi.RunLatest(statement, tenant_id);
  if (rows.empty()) return std::nullopt;
  const pg::Row row = rows[0];
  return TenantDatabase{row.Optional<std::string>(1),
                        row.Optional<std::string>(2),
                        row.Optional<std::string>(3),
                        row.Text(4),
                        row.Get<bool>(5),
                        row.Text(6),
                        row.Get<int64_t>(7),
                        row.Optional<std::string>(8),
                        row.Get<bool>(9)};
}

bool IsReady(pg::Spi& spi, const Uuid& tenant_id) {
  static pg::Statement statement(
      "SELECT 1 FROM latchkey.tenant_databases WHERE tenant_id = $1 AND status = 'ready'");
  return !spi.RunLatest(statement, tenant_id).empty();
}

void ThrowNoDatabase() { throw Error(ErrorCode::kNotFound, "the tenant has no database"); }

void RequireNotMoving(const TenantDatabase& database) {
  if (database.moving) throw Error(ErrorCode::kConflict, "the tenant's database is being moved");
}

void CheckTemplate(const std::optional<std::string>& name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789_";
  constexpr size_t kMaxName = 63;
  if (!name || (!name->empty() && name->size() <= kMaxName && (*name)[0] >= 'a' &&
                (*name)[0] <= 'z' && name->find_first_not_of(kAllowed) == std::string::npos)) {
    return;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "template must be a lower-case word of at most 63 letters, digits and _");
}

pg::Value ClearConnection(const settings::SealedColumn& column, std::string_view envelope,
                          const std::string& row) {
  const Secret json = column.Open(envelope, row);
  return pg::Value(pg::JsonParam(std::string(json.view())));
}

}  // namespace latchkey::tenant_databases
