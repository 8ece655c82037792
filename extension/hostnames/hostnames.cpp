// Adding, removing and listing a tenant's hostnames.
#include "extension/core/encoding.hpp"
#include "extension/core/error.hpp"
#include "extension/core/hostname.hpp"
#include "extension/core/random.hpp"
#include "extension/hostnames/store.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::hostnames {

namespace {

constexpr settings::IntegerSetting kMaxHostnames("tenants.max_hostnames");
constexpr size_t kDnsTokenBytes = 20;

// A list that is none reserves nothing.
bool IsReserved(pg::Spi& spi, const std::string& hostname) {
  static pg::Statement statement(R"(
    SELECT 1 FROM latchkey.settings s,
                  jsonb_path_query(s.value::jsonb, 'lax $[*] ? (@.type() == "string")') AS d(domain)
     WHERE s.key = 'tenants.reserved_hostnames'
       AND ('.' || $1) LIKE '%.' || replace(replace(replace(d.domain #>> '{}', '\', '\\'), '%', '\%'), '_', '\_'))");
  const std::string domain = PlatformDomain(spi);
  if (!domain.empty() && IsWithinDomain(hostname, domain)) return true;
  return !spi.Run(statement, hostname).empty();
}

bool Has(pg::Spi& spi, const Uuid& tenant_id, const std::string& hostname) {
  static pg::Statement statement(
      "SELECT 1 FROM latchkey.tenant_hostnames WHERE tenant_id = $1 AND hostname = $2");
  return !spi.RunLatest(statement, tenant_id, hostname).empty();
}

// The tenant's row is locked: of two at once the second sees the first.
void RequireRoom(pg::Spi& spi, const Uuid& tenant_id) {
  static pg::Statement statement(
      "SELECT count(*) FROM latchkey.tenant_hostnames WHERE tenant_id = $1");
  const int64_t most = kMaxHostnames.Get(spi);
  if (spi.RunLatest(statement, tenant_id)[0].Get<int64_t>(1) < most) return;
  throw Error(ErrorCode::kConflict,
              "the tenant has " + std::to_string(most) + " hostnames, as many as it can have");
}

}  // namespace

LATCHKEY_FUNCTION(add_hostname, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const std::string hostname = HostnameArgument(args, 1);
  permissions::Require(args, "hostnames.write", tenant_id);
  static pg::Statement insert(R"(
    INSERT INTO latchkey.tenant_hostnames (tenant_id, hostname, dns_token, created_at)
    VALUES ($1, $2, $3, $4))");
  pg::Spi spi;
  if (IsReserved(spi, hostname)) {
    throw Error(ErrorCode::kInvalidArgument, "this hostname is reserved");
  }
  tenants::LockLivingTenant(spi, tenant_id);
  if (!Has(spi, tenant_id, hostname)) {
    RequireRoom(spi, tenant_id);
    const std::string token = Base64UrlEncode(RandomBytes(kDnsTokenBytes));
    spi.Run(insert, tenant_id, hostname, token, pg::Now());
    RecordHostnameEvent(spi, tenant_id, "tenant.hostname_added", hostname);
  }
  const auto columns = LoadHostname(spi, tenant_id, hostname);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(remove_hostname, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const std::string hostname = HostnameArgument(args, 1);
  permissions::Require(args, "hostnames.write", tenant_id);
  static pg::Statement statement(
      "DELETE FROM latchkey.tenant_hostnames WHERE tenant_id = $1 AND hostname = $2");
  pg::Spi spi;
  LockHostname(spi, tenant_id, hostname);
  spi.RunLatest(statement, tenant_id, hostname);
  RecordHostnameEvent(spi, tenant_id, "tenant.hostname_removed", hostname);
  spi.Finish();
  return args.Return(true);
}

LATCHKEY_FUNCTION(set_primary_hostname, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const std::string hostname = HostnameArgument(args, 1);
  permissions::Require(args, "hostnames.write", tenant_id);
  static pg::Statement others(R"(
    UPDATE latchkey.tenant_hostnames SET is_primary = false
     WHERE tenant_id = $1 AND is_primary AND hostname <> $2)");
  static pg::Statement this_one(R"(
    UPDATE latchkey.tenant_hostnames SET is_primary = true WHERE tenant_id = $1 AND hostname = $2)");
  pg::Spi spi;
  tenants::LockLivingTenant(spi, tenant_id);
  if (!LockHostname(spi, tenant_id, hostname).is_verified) {
    throw Error(ErrorCode::kConflict, "the hostname is not verified");
  }
  spi.RunLatest(others, tenant_id, hostname);
  spi.RunLatest(this_one, tenant_id, hostname);
  RecordHostnameEvent(spi, tenant_id, "tenant.primary_hostname_set", hostname);
  const auto columns = LoadHostname(spi, tenant_id, hostname);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(list_hostnames, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  permissions::Require(args, "hostnames.read", tenant_id);
  static pg::Statement statement("SELECT " LATCHKEY_HOSTNAME_COLUMNS R"(
      FROM latchkey.tenant_hostnames WHERE tenant_id = $1 ORDER BY hostname COLLATE "C")");
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto hostnames = tenants::AllColumns(spi.Read(statement, tenant_id), kHostnameColumns);
  spi.Finish();
  return tenants::EmitAll(args, hostnames);
}

}  // namespace latchkey::hostnames
