// Rows of latchkey.tenant_hostnames.
#pragma once

#include "extension/tenants/store.hpp"

namespace latchkey::hostnames {

// Where the DNS record of a hostname stands, and what is in it.
#define LATCHKEY_DNS_LABEL "_latchkey-challenge."
#define LATCHKEY_DNS_PREFIX "latchkey-verification="
std::string DnsName(const std::string& hostname);
std::string DnsValue(const std::string& dns_token);

// The argument, normalised. Raises LK400 for what is no hostname.
std::string HostnameArgument(const pg::Args& args, int index);

// The domain of SLUG.domain, normalised; empty when there is none.
std::string PlatformDomain(pg::Spi& spi);

// The columns of latchkey.tenant_hostname, for a SELECT.
#define LATCHKEY_HOSTNAME_COLUMNS                                      \
  "tenant_id, hostname, is_primary, verified_at, '" LATCHKEY_DNS_LABEL \
  "' || hostname, '" LATCHKEY_DNS_PREFIX "' || dns_token, created_at, checked_at, check_error"
inline constexpr int kHostnameColumns = 9;

// The columns. Raises LK404.
std::vector<pg::Value> LoadHostname(pg::Spi& spi, const Uuid& tenant_id,
                                    const std::string& hostname);

struct LockedHostname {
  std::string dns_token;
  bool is_verified = false;
};
// Raises LK404.
LockedHostname LockHostname(pg::Spi& spi, const Uuid& tenant_id, const std::string& hostname);

void RecordHostnameEvent(pg::Spi& spi, const Uuid& tenant_id, const char* type,
                         const std::string& hostname);

}  // namespace latchkey::hostnames
