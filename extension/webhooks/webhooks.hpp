// Webhook endpoints: their rows, their secrets, and what the module's functions share.
#pragma once

#include "extension/core/secret.hpp"
#include "extension/pg/args.hpp"

namespace latchkey::webhooks {

inline constexpr const char* kJobType = "latchkey.webhook";
inline constexpr const char* kConsumer = "latchkey.webhooks";
inline constexpr int kEndpointColumns = 11;  // of type latchkey.webhook_endpoint

// In the type's order.
#define LATCHKEY_WEBHOOK_ENDPOINT                                                  \
  "SELECT id, account_id, url, event_types, description, active, disabled_reason," \
  " failing_since, previous_secret_expires_at, created_at, updated_at"             \
  " FROM latchkey.webhook_endpoints "

// The account's own user, or who holds the permission there. Endpoints of the platform get
// everybody's events, so they need it platform-wide. LK403.
void RequireEndpoints(const pg::Args& args, const Uuid& account_id, const char* permission);

// Raises LK404.
[[noreturn]] void ThrowNoEndpoint();
std::vector<pg::Value> LoadEndpoint(pg::Spi& spi, const Uuid& account_id, const Uuid& id);

// All columns of a row of the result, copied to the caller's memory.
std::vector<pg::Value> Columns(const pg::Row& row, int count);

// The consumer that follows the feed begins at its end, unless an endpoint is active already.
// Before one becomes active: the two who do so at once go one after the other.
void AwakeConsumer(pg::Spi& spi);

void RecordEvent(pg::Spi& spi, const Uuid& account_id, const Uuid& id, const char* type,
                 const std::string& data = "{}");

// A new secret, as its owner sees it.
std::string NewSecret();
std::string SealSecret(std::string_view secret, const Uuid& account_id, const Uuid& id);

// The secrets of an endpoint that sign now: one, or two while a rotation overlaps.
struct Secrets {
  Secret current;
  std::optional<Secret> previous;
};
// For a row that is locked or read just now: what is sealed, and until when the previous one
// counts.
struct SealedSecrets {
  std::string current;
  std::optional<std::string> previous;
  std::optional<pg::Timestamp> previous_expires_at;
};
Secrets OpenSecrets(const SealedSecrets& sealed, const Uuid& account_id, const Uuid& id);
// The current secret, to be kept as the previous one.
std::string ResealAsPrevious(std::string_view current, const Uuid& account_id, const Uuid& id);

// t=SECONDS,v1=HEX[,v1=HEX]: HMAC-SHA256 over "SECONDS.BODY", keyed with the secret's text.
std::string Sign(const Secrets& secrets, int64_t unix_seconds, std::string_view body);

// Deletes the endpoints of a user who goes (accounts/hooks.hpp).
void EraseEndpoints(pg::Spi& spi, const Uuid& account_id);

}  // namespace latchkey::webhooks
