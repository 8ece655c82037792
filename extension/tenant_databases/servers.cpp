// Registering, removing, listing and choosing servers.
#include "extension/tenant_databases/servers.hpp"

#include "extension/core/encoding.hpp"
#include "extension/core/error.hpp"
#include "extension/core/random.hpp"
#include "extension/core/slug.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/settings/master_key.hpp"
#include "extension/tenant_databases/store.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenant_databases {

namespace {

constexpr int kServerColumns = 5;
constexpr size_t kPasswordBytes = 24;
// Of a tenant's slug and id, in the name of its database.
constexpr size_t kMaxSlug = 40;
constexpr size_t kTail = 12;

[[noreturn]] void ThrowNoServer(const std::string& name) {
  throw Error(ErrorCode::kNotFound, "there is no server \"" + name + "\"");
}

void RecordServerEvent(pg::Spi& spi, const std::string& name, const char* type) {
  events::Record(spi, {events::kPlatform, "tenant_server", name, type});
}

}  // namespace

Server ChooseServer(pg::Spi& spi, const std::optional<std::string>& name) {
  static pg::Statement statement(R"(
    SELECT s.name, s.sealed_connection FROM latchkey.tenant_servers s
     WHERE CASE WHEN $1 IS NULL THEN s.accepts_new ELSE s.name = $1 END
     ORDER BY (SELECT count(*) FROM latchkey.tenant_databases d WHERE d.server = s.name), s.name
     LIMIT 1 FOR KEY SHARE OF s)");
  const pg::Rows rows = spi.RunLatest(statement, name);
  if (rows.empty()) {
    if (name) ThrowNoServer(*name);
    throw Error(ErrorCode::kConflict, "no server takes a new tenant's database", {},
                "An administrator adds one with register_server().");
  }
  const std::string chosen = rows[0].Text(1);
  const Secret json = kServerConnection.Open(rows[0].Text(2), chosen);
  return {chosen, ParseConnection(json.view())};
}

std::string SealedServer(pg::Spi& spi, const std::string& name) {
  static pg::Statement statement(
      "SELECT sealed_connection FROM latchkey.tenant_servers WHERE name = $1");
  return spi.RunLatest(statement, name)[0].Text(1);
}

ConnectionInfo NewConnection(const ConnectionInfo& server, const tenants::LockedTenant& tenant,
                             const std::string& suffix) {
  std::string slug = tenant.slug.substr(0, kMaxSlug - suffix.size());
  for (char& c : slug) c = c == '-' ? '_' : c;
  const std::string id = tenant.id.ToString();
  ConnectionInfo connection = server;
  connection.database = "tenant_" + slug + "_" + id.substr(id.size() - kTail) + suffix;
  connection.user = connection.database;
  connection.password = Base64UrlEncode(RandomBytes(kPasswordBytes));
  return connection;
}

LATCHKEY_FUNCTION(register_server, kSecret) {
  const std::string name(args.Text(0, "name"));
  args.RequireValue(1, "connection");
  const auto accepts_new = args.Get<bool>(2, "accepts_new");
  permissions::Require(args, "tenant_servers.write");
  if (!IsSlug(name)) {
    throw Error(ErrorCode::kInvalidArgument,
                "name must be 2 to 63 of a-z, 0-9 and single hyphens between them");
  }
  const ConnectionInfo connection = ParseConnection(pg::JsonText(args.AsIs(1, JSONBOID).value));
  settings::LoadMasterKey();  // before the row is locked
  const std::string sealed = kServerConnection.Seal(connection.ToJson(), name);
  static pg::Statement statement(R"(
    INSERT INTO latchkey.tenant_servers (name, sealed_connection, accepts_new, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $4)
    ON CONFLICT (name) DO UPDATE
       SET sealed_connection = EXCLUDED.sealed_connection, accepts_new = EXCLUDED.accepts_new,
           updated_at = EXCLUDED.updated_at)");
  pg::Spi spi;
  spi.RunLatest(statement, name, pg::Bytes{sealed}, accepts_new, pg::Now());
  RecordServerEvent(spi, name, "tenant_server.registered");
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(remove_server, kOpen) {
  const std::string name(args.Text(0, "name"));
  permissions::Require(args, "tenant_servers.write");
  static pg::Statement lock("SELECT FROM latchkey.tenant_servers WHERE name = $1 FOR UPDATE");
  static pg::Statement used(R"(
    SELECT FROM latchkey.tenant_databases WHERE server = $1 OR other_server = $1 LIMIT 1)");
  static pg::Statement remove("DELETE FROM latchkey.tenant_servers WHERE name = $1");
  pg::Spi spi;
  if (spi.RunLatest(lock, name).empty()) ThrowNoServer(name);
  if (!spi.RunLatest(used, name).empty()) {
    throw Error(ErrorCode::kConflict, "the server holds databases of tenants");
  }
  spi.RunLatest(remove, name);
  RecordServerEvent(spi, name, "tenant_server.removed");
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(list_servers, kOpen) {
  permissions::Require(args, "tenant_servers.read");
  static pg::Statement statement(R"(
    SELECT s.name, s.accepts_new,
           (SELECT count(*) FROM latchkey.tenant_databases d WHERE d.server = s.name),
           s.created_at, s.updated_at
      FROM latchkey.tenant_servers s ORDER BY s.name)");
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto rows = tenants::AllColumns(spi.Read(statement), kServerColumns);
  spi.Finish();
  return tenants::EmitAll(args, rows);
}

}  // namespace latchkey::tenant_databases
