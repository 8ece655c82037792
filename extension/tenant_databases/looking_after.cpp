// What workers look after for all tenants: whether databases answer, and those that nobody needs.
#include "extension/core/error.hpp"
#include "extension/settings/master_key.hpp"
#include "extension/tenant_databases/store.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenant_databases {

namespace {

// Opened after SPI has finished: what is made while it is connected is gone with it.
struct Sealed {
  std::string row;
  std::string envelope;

  // Null when it can't be opened: one that was damaged, or sealed under a key that is gone, must
  // not keep workers from all others.
  pg::Value Open(const settings::SealedColumn& column) const {
    try {
      return ClearConnection(column, envelope, row);
    } catch (const Error&) {
      return {};
    }
  }
};

}  // namespace

LATCHKEY_FUNCTION(tenant_connections, kOpen) {
  const auto after = args.Optional<Uuid>(0);
  const int32_t max_rows = tenants::PageSize(args, 1);
  RequireWorker(args);
  static pg::Statement statement(R"(
    SELECT d.tenant_id, d.sealed_connection, d.trusted, d.connection_version, d.template, true
      FROM latchkey.tenant_databases d JOIN latchkey.tenants t ON t.id = d.tenant_id
     WHERE d.status = 'ready' AND t.status IN ('active', 'suspended')
       AND ($1 IS NULL OR d.tenant_id > $1)
     ORDER BY d.tenant_id LIMIT $2)",
                                 pg::Statement::kCustom);
  constexpr int kColumns = 6;
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement, after, int64_t{max_rows});
  std::vector<std::vector<pg::Value>> all = tenants::AllColumns(rows, kColumns);
  std::vector<Sealed> sealed;
  for (uint64_t i = 0; i < rows.size(); ++i) {
    sealed.push_back({rows[i].Get<Uuid>(1).ToString(), rows[i].Text(2)});
  }
  spi.Finish();
  if (!all.empty()) settings::LoadMasterKey();
  for (size_t i = 0; i < all.size(); ++i) all[i][1] = sealed[i].Open(kTenantConnection);
  return tenants::EmitAll(args, all);
}

LATCHKEY_FUNCTION(abandoned_databases, kOpen) {
  const auto after = args.Optional<Uuid>(0);
  const int32_t max_rows = tenants::PageSize(args, 1);
  RequireWorker(args);
  static pg::Statement statement(R"(
    SELECT d.tenant_id, t.slug, d.template, d.sealed_connection, d.trusted, d.server,
           s.sealed_connection
      FROM latchkey.tenant_databases d JOIN latchkey.tenants t ON t.id = d.tenant_id
      LEFT JOIN latchkey.tenant_servers s ON s.name = d.server
     WHERE t.status = 'deleted' AND d.other_server IS NULL AND ($1 IS NULL OR d.tenant_id > $1)
     ORDER BY d.tenant_id LIMIT $2)",
                                 pg::Statement::kCustom);
  constexpr int kColumns = 7;
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement, after, int64_t{max_rows});
  std::vector<std::vector<pg::Value>> all = tenants::AllColumns(rows, kColumns);
  std::vector<Sealed> databases;
  std::vector<std::optional<Sealed>> servers;
  for (uint64_t i = 0; i < rows.size(); ++i) {
    const pg::Row row = rows[i];
    databases.push_back({row.Get<Uuid>(1).ToString(), row.Text(4)});
    const auto server = row.Optional<std::string>(6);
    servers.push_back(server ? std::optional<Sealed>({*server, row.Text(7)}) : std::nullopt);
  }
  spi.Finish();
  if (!all.empty()) settings::LoadMasterKey();
  for (size_t i = 0; i < all.size(); ++i) {
    all[i][3] = databases[i].Open(kTenantConnection);
    if (servers[i]) all[i][6] = servers[i]->Open(kServerConnection);
  }
  return tenants::EmitAll(args, all);
}

LATCHKEY_FUNCTION(forget_database, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  RequireWorker(args);
  static pg::Statement statement("DELETE FROM latchkey.tenant_databases WHERE tenant_id = $1");
  pg::Spi spi;
  if (tenants::LockTenant(spi, tenant_id).status != "deleted") {
    throw Error(ErrorCode::kConflict, "the tenant is not deleted");
  }
  const auto database = LockDatabase(spi, tenant_id);
  if (database && database->other_server) {
    throw Error(ErrorCode::kConflict, "the move of the tenant's database is not over");
  }
  spi.RunLatest(statement, tenant_id);
  const bool forgotten = spi.affected() > 0;
  if (forgotten) tenants::RecordEvent(spi, tenant_id, "tenant.database_forgotten");
  spi.Finish();
  return args.Return(forgotten);
}

}  // namespace latchkey::tenant_databases
