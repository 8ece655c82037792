// What the functions of the module share: rows, checks of the caller, secrets and signatures.
#include "extension/core/digest.hpp"
#include "extension/core/encoding.hpp"
#include "extension/core/error.hpp"
#include "extension/core/random.hpp"
#include "extension/events/events.hpp"
#include "extension/events/following.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/settings/sealed_column.hpp"
#include "extension/webhooks/webhooks.hpp"

namespace latchkey::webhooks {

namespace {

const settings::SealedColumn kSecretColumn("webhook_endpoints", "secret", {"account_id", "id"});
const settings::SealedColumn kPreviousColumn("webhook_endpoints", "previous_secret",
                                             {"account_id", "id"});
constexpr size_t kSecretBytes = 32;

std::string RowOf(const Uuid& account_id, const Uuid& id) {
  return account_id.ToString() + "\n" + id.ToString();
}

}  // namespace

void RequireEndpoints(const pg::Args& args, const Uuid& account_id, const char* permission) {
  if (account_id == events::kPlatform) {
    permissions::Require(args, permission);
  } else {
    permissions::RequireAccount(args, account_id, permission);
  }
}

void ThrowNoEndpoint() { throw Error(ErrorCode::kNotFound, "there is no such webhook endpoint"); }

std::vector<pg::Value> LoadEndpoint(pg::Spi& spi, const Uuid& account_id, const Uuid& id) {
  static pg::Statement statement(LATCHKEY_WEBHOOK_ENDPOINT "WHERE account_id = $1 AND id = $2");
  const pg::Rows rows = spi.RunLatest(statement, account_id, id);
  if (rows.empty()) ThrowNoEndpoint();
  return Columns(rows[0], kEndpointColumns);
}

std::vector<pg::Value> Columns(const pg::Row& row, int count) {
  std::vector<pg::Value> columns;
  for (int i = 1; i <= count; ++i) columns.push_back(pg::ToValue(row.Copy(i)));
  return columns;
}

void AwakeConsumer(pg::Spi& spi) {
  static pg::Statement active("SELECT 1 FROM latchkey.webhook_endpoints WHERE active LIMIT 1");
  events::LockFollower(spi, kConsumer);
  if (spi.RunLatest(active).empty()) events::SkipToEnd(spi, kConsumer);
}

void RecordEvent(pg::Spi& spi, const Uuid& account_id, const Uuid& id, const char* type,
                 const std::string& data) {
  events::Record(spi, {account_id, "webhook", id.ToString(), type, data});
}

std::string NewSecret() { return "whsec_" + Base64UrlEncode(RandomBytes(kSecretBytes)); }

std::string SealSecret(std::string_view secret, const Uuid& account_id, const Uuid& id) {
  return kSecretColumn.Seal(secret, RowOf(account_id, id));
}

std::string ResealAsPrevious(std::string_view current, const Uuid& account_id, const Uuid& id) {
  const std::string row = RowOf(account_id, id);
  return kPreviousColumn.Seal(kSecretColumn.Open(current, row).view(), row);
}

Secrets OpenSecrets(const SealedSecrets& sealed, const Uuid& account_id, const Uuid& id) {
  const std::string row = RowOf(account_id, id);
  Secrets secrets{kSecretColumn.Open(sealed.current, row), std::nullopt};
  if (sealed.previous && sealed.previous_expires_at && pg::Now() < *sealed.previous_expires_at) {
    secrets.previous = kPreviousColumn.Open(*sealed.previous, row);
  }
  return secrets;
}

std::string Sign(const Secrets& secrets, int64_t unix_seconds, std::string_view body) {
  const std::string seconds = std::to_string(unix_seconds);
  const std::string signed_text = seconds + "." + std::string(body);
  const auto with = [&](const Secret& secret) {
    return ",v1=" + HexEncode(HmacSha256(secret.view()).Compute(signed_text));
  };
  std::string signature = "t=" + seconds + with(secrets.current);
  if (secrets.previous) signature += with(*secrets.previous);
  return signature;
}

void EraseEndpoints(pg::Spi& spi, const Uuid& account_id) {
  static pg::Statement endpoints("DELETE FROM latchkey.webhook_endpoints WHERE account_id = $1");
  static pg::Statement deliveries("DELETE FROM latchkey.webhook_deliveries WHERE account_id = $1");
  spi.RunLatest(endpoints, account_id);
  spi.RunLatest(deliveries, account_id);
}

}  // namespace latchkey::webhooks
