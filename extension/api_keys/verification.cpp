// Checking API keys, and keeping when they were last used.
#include "extension/api_keys/verification.hpp"

#include "extension/api_keys/store.hpp"
#include "extension/core/api_key_token.hpp"
#include "extension/core/secret.hpp"
#include "extension/pg/subtransaction.hpp"

namespace latchkey::api_keys {

namespace {

constexpr int64_t kUseInterval = 60 * INT64_C(1000000);

// A cancel and a shutdown are for the whole call; whatever else fails is only the note.
bool IsForTheCaller(const pg::BackendError& error) {
  return ERRCODE_TO_CATEGORY(error.data()->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION;
}

}  // namespace

// Also at REPEATABLE READ as of now: a revoked key is refused within a long transaction.
std::optional<sessions::VerifiedService> FindService(pg::Spi& spi, std::string_view token) {
  static pg::Statement statement(R"(
    SELECT k.secret_hash, k.id, s.id, s.tenant_id, s.name, array_to_string(k.permissions, ' '),
           k.expires_at, u.last_used_at
      FROM latchkey.api_keys k JOIN latchkey.service_accounts s ON s.id = k.service_account_id
      LEFT JOIN latchkey.api_key_uses u ON u.key_id = k.id
     WHERE k.prefix = $1 AND k.revoked_at IS NULL AND s.disabled_at IS NULL)");
  const auto parsed = ParseApiKey(token);
  if (!parsed) return std::nullopt;
  const pg::Rows rows = spi.ReadLatest(statement, parsed->prefix);
  if (rows.empty()) return std::nullopt;
  const pg::Row row = rows[0];
  if (!SameBytes(row.Text(1), parsed->secret_hash)) return std::nullopt;
  sessions::VerifiedService service;
  service.identity.kind = pg::Identity::kService;
  service.identity.session_id = row.Get<Uuid>(2);
  service.identity.user_id = row.Get<Uuid>(3);
  service.identity.tenant_id = row.Optional<Uuid>(4);
  service.name = row.Text(5);
  service.identity.permissions = SplitPatterns(row.Text(6));
  service.expires_at = row.Optional<pg::Timestamp>(7);
  service.last_used_at = row.Optional<pg::Timestamp>(8);
  if (service.expires_at && *service.expires_at <= pg::Now()) return std::nullopt;
  return service;
}

// The row is skipped while another call holds it: that one notes the same minute.
void NoteUse(pg::Spi& spi, const sessions::VerifiedService& service) {
  static pg::Statement statement(R"(
    UPDATE latchkey.api_key_uses u SET last_used_at = $2
      FROM (SELECT key_id FROM latchkey.api_key_uses
             WHERE key_id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)
               FOR UPDATE SKIP LOCKED) AS free
     WHERE u.key_id = free.key_id)");
  const pg::Timestamp now = pg::Now();
  const pg::Timestamp due = now + -kUseInterval;
  if (service.last_used_at && due < *service.last_used_at) return;
  if (!pg::MayWriteAside("api_key_uses")) return;
  pg::Subtransaction attempt(spi);
  try {
    spi.RunLatest(statement, service.identity.session_id, now, due);
    attempt.Commit();
    return;
  } catch (const pg::BackendError& error) {
    if (IsForTheCaller(error)) throw;
    error.Free();
  }
  attempt.Rollback();
}

}  // namespace latchkey::api_keys
