// Reading and locking hostnames.
#include "extension/hostnames/store.hpp"

#include "extension/core/error.hpp"
#include "extension/core/hostname.hpp"
#include "extension/core/json_object.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::hostnames {

namespace {

constexpr settings::TextSetting kPlatformDomain("tenants.platform_domain");

[[noreturn]] void ThrowNoHostname() {
  throw Error(ErrorCode::kNotFound, "the tenant has no such hostname");
}

}  // namespace

std::string DnsName(const std::string& hostname) { return LATCHKEY_DNS_LABEL + hostname; }
std::string DnsValue(const std::string& dns_token) { return LATCHKEY_DNS_PREFIX + dns_token; }

std::string HostnameArgument(const pg::Args& args, int index) {
  auto hostname = NormaliseHostname(args.Text(index, "hostname"));
  if (hostname) return *std::move(hostname);
  throw Error(ErrorCode::kInvalidArgument, "this is no hostname", {},
              "A hostname has two labels or more and is no IP address.");
}

std::string PlatformDomain(pg::Spi& spi) { return kPlatformDomain.Get(spi); }

std::vector<pg::Value> LoadHostname(pg::Spi& spi, const Uuid& tenant_id,
                                    const std::string& hostname) {
  static pg::Statement statement("SELECT " LATCHKEY_HOSTNAME_COLUMNS R"(
      FROM latchkey.tenant_hostnames WHERE tenant_id = $1 AND hostname = $2)");
  const pg::Rows rows = spi.RunLatest(statement, tenant_id, hostname);
  if (rows.empty()) ThrowNoHostname();
  return tenants::Columns(rows[0], kHostnameColumns);
}

LockedHostname LockHostname(pg::Spi& spi, const Uuid& tenant_id, const std::string& hostname) {
  static pg::Statement statement(R"(
    SELECT dns_token, verified_at IS NOT NULL FROM latchkey.tenant_hostnames
     WHERE tenant_id = $1 AND hostname = $2 FOR NO KEY UPDATE)");
  const pg::Rows rows = spi.RunLatest(statement, tenant_id, hostname);
  if (rows.empty()) ThrowNoHostname();
  return {rows[0].Text(1), rows[0].Get<bool>(2)};
}

void RecordHostnameEvent(pg::Spi& spi, const Uuid& tenant_id, const char* type,
                         const std::string& hostname) {
  tenants::RecordEvent(spi, tenant_id, type, JsonObject().Add("hostname", hostname).ToString());
}

}  // namespace latchkey::hostnames
