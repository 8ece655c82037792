// Proving that a hostname is a tenant's: asking for a check, and what it found.
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/core/utf8.hpp"
#include "extension/hostnames/store.hpp"
#include "extension/jobs/enqueue.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/array.hpp"

namespace latchkey::hostnames {

namespace {

constexpr const char* kJob = "hostname.verify";
constexpr size_t kMaxError = 500;
constexpr int64_t kSecondsPerMinute = 60;

void EnqueueCheck(pg::Spi& spi, const Uuid& tenant_id, const std::string& hostname) {
  const std::string payload = JsonObject()
                                  .Add("tenant_id", tenant_id.ToString())
                                  .Add("hostname", hostname)
                                  .Add("dns_name", DnsName(hostname))
                                  .ToString();
  const pg::Param json = pg::JsonParam(payload);
  const int64_t minute = pg::Now().UnixSeconds() / kSecondsPerMinute;
  jobs::NewJob job;
  job.type = kJob;
  job.payload = {json.type, json.value, json.is_null};
  job.idempotency_key =
      std::string(kJob) + ':' + hostname.substr(0, 200) + ':' + std::to_string(minute);
  jobs::Enqueue(spi, tenant_id, job);
}

bool IsVerifiedElsewhere(pg::Spi& spi, const Uuid& tenant_id, const std::string& hostname) {
  static pg::Statement statement(R"(
    SELECT 1 FROM latchkey.tenant_hostnames
     WHERE hostname = $2 AND verified_at IS NOT NULL AND tenant_id <> $1)");
  return !spi.RunLatest(statement, tenant_id, hostname).empty();
}

bool HasPrimary(pg::Spi& spi, const Uuid& tenant_id) {
  static pg::Statement statement(
      "SELECT 1 FROM latchkey.tenant_hostnames WHERE tenant_id = $1 AND is_primary");
  return !spi.RunLatest(statement, tenant_id).empty();
}

// All that claim the hostname are locked, in one order: of two tenants whose checks end at once,
// the second finds what the first did.
void LockClaims(pg::Spi& spi, const std::string& hostname) {
  static pg::Statement statement(R"(
    SELECT 1 FROM latchkey.tenant_hostnames WHERE hostname = $1
     ORDER BY tenant_id FOR NO KEY UPDATE)");
  spi.RunLatest(statement, hostname);
}

void MarkVerified(pg::Spi& spi, const Uuid& tenant_id, const std::string& hostname) {
  static pg::Statement statement(R"(
    UPDATE latchkey.tenant_hostnames
       SET verified_at = $3, is_primary = $4, checked_at = $3, check_error = NULL
     WHERE tenant_id = $1 AND hostname = $2)");
  const bool is_first = !HasPrimary(spi, tenant_id);
  spi.RunLatest(statement, tenant_id, hostname, pg::Now(), is_first);
  RecordHostnameEvent(spi, tenant_id, "tenant.hostname_verified", hostname);
}

void MarkChecked(pg::Spi& spi, const Uuid& tenant_id, const std::string& hostname,
                 const std::optional<std::string>& error) {
  static pg::Statement statement(R"(
    UPDATE latchkey.tenant_hostnames SET checked_at = $3, check_error = $4
     WHERE tenant_id = $1 AND hostname = $2)");
  spi.RunLatest(statement, tenant_id, hostname, pg::Now(), error);
}

bool Contains(const std::vector<std::optional<std::string>>& values, const std::string& wanted) {
  for (const auto& value : values) {
    if (value == wanted) return true;
  }
  return false;
}

}  // namespace

LATCHKEY_FUNCTION(verify_hostname, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const std::string hostname = HostnameArgument(args, 1);
  permissions::Require(args, "hostnames.write", tenant_id);
  pg::Spi spi;
  const auto columns = LoadHostname(spi, tenant_id, hostname);
  EnqueueCheck(spi, tenant_id, hostname);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(record_hostname_check, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const std::string hostname = HostnameArgument(args, 1);
  std::vector<std::optional<std::string>> values;
  if (!args.IsNull(2)) values = pg::FromTextArray(args.AsIs(2, TEXTARRAYOID));
  auto error = args.Optional<std::string>(3);
  permissions::Require(args, "hostnames.write");
  pg::Spi spi;
  tenants::LockLivingTenant(spi, tenant_id);
  LockClaims(spi, hostname);
  const LockedHostname claim = LockHostname(spi, tenant_id, hostname);
  if (!Contains(values, DnsValue(claim.dns_token))) {
    if (!error) error = "no DNS record of type TXT has the expected value";
    MarkChecked(spi, tenant_id, hostname, std::string(CutText(*error, kMaxError)));
  } else if (claim.is_verified) {
    MarkChecked(spi, tenant_id, hostname, std::nullopt);
  } else if (IsVerifiedElsewhere(spi, tenant_id, hostname)) {
    MarkChecked(spi, tenant_id, hostname, "the hostname is verified for another tenant");
  } else {
    MarkVerified(spi, tenant_id, hostname);
  }
  const auto columns = LoadHostname(spi, tenant_id, hostname);
  spi.Finish();
  return args.ReturnRow(columns);
}

}  // namespace latchkey::hostnames
