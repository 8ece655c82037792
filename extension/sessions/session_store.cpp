// Starting and ending sessions.
#include "extension/sessions/session_store.hpp"

#include <algorithm>

#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/tenant_hooks.hpp"
#include "extension/pg/transaction_state.hpp"
#include "extension/sessions/tokens.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::sessions {

namespace {

constexpr settings::DurationSetting kLifetime("sessions.lifetime");
constexpr settings::DurationSetting kMaxLifetime("sessions.max_lifetime");

void RecordEnd(pg::Spi& spi, const Uuid& user_id, const char* reason, uint64_t count) {
  if (count == 0) return;
  const auto ended = static_cast<int64_t>(count);
  events::Record(spi, {user_id, "user", user_id.ToString(), "sessions.ended",
                       JsonObject().Add("reason", reason).Add("count", ended).ToString()});
}

}  // namespace

pg::Timestamp TokenExpiry(pg::Spi& spi, pg::Timestamp session_start, pg::Timestamp now) {
  const pg::Timestamp sliding = now + kLifetime.Micros(spi);
  const pg::Timestamp absolute = session_start + kMaxLifetime.Micros(spi);
  // Whole seconds, as the token's claim: row and token expire at the same instant.
  return std::min(sliding, absolute).TruncatedToSeconds();
}

std::optional<IssuedSession> StartSession(pg::Spi& spi, const accounts::Credentials& user,
                                          const std::optional<Uuid>& tenant_id) {
  static pg::Statement insert(R"(
    INSERT INTO latchkey.sessions (user_id, id, token_id, created_at, token_issued_at, last_seen_at,
                                   expires_at, client_address, user_agent, email, name, tenant_id)
    SELECT u.id, $2, $3, $4, $4, $4, $5, $6::inet, $7, u.email, u.name, $8
      FROM latchkey.users u WHERE u.id = $1)");
  // The row lock orders a login and a block: whichever comes second sees the first.
  static pg::Statement touch(
      "UPDATE latchkey.users SET last_login_at = $2 WHERE id = $1 AND status = 'active'");
  const pg::Timestamp now = pg::Now().TruncatedToSeconds();
  spi.RunLatest(touch, user.user_id, now);
  if (spi.affected() == 0) return std::nullopt;
  // After the user's row, as who deletes a user locks them.
  if (tenant_id) permissions::tenant_hooks.admit(spi, user.user_id, *tenant_id, true);
  IssuedSession session;
  session.session_id = NewUuid();
  session.tenant_id = tenant_id;
  session.expires_at = TokenExpiry(spi, now, now);
  SessionClaims claims;
  claims.user_id = user.user_id;
  claims.session_id = session.session_id;
  claims.token_id = NewUuid();
  claims.issued_at = now.UnixSeconds();
  claims.expires_at = session.expires_at.UnixSeconds();
  claims.email = user.email;
  claims.tenant = tenant_id;
  session.token = SignToken(spi, claims);
  const pg::RequestContext* request = pg::BoundRequest();
  std::optional<std::string> address, agent;
  if (request != nullptr && !request->client_address.empty()) address = request->client_address;
  if (request != nullptr && !request->user_agent.empty()) agent = request->user_agent;
  spi.Run(insert, user.user_id, session.session_id, claims.token_id, now, session.expires_at,
          address, agent, tenant_id);
  events::Record(spi, {user.user_id, "session", session.session_id.ToString(), "session.started"});
  return session;
}

void EndSessions(pg::Spi& spi, const Uuid& user_id, const std::optional<Uuid>& keep,
                 const char* reason) {
  static pg::Statement statement(R"(
    UPDATE latchkey.sessions SET revoked_at = $3, revoked_reason = $4
     WHERE user_id = $1 AND revoked_at IS NULL AND id IS DISTINCT FROM $2)");
  spi.RunLatest(statement, user_id, keep, pg::Now(), reason);
  RecordEnd(spi, user_id, reason, spi.affected());
}

void EndSessionsIn(pg::Spi& spi, const Uuid& user_id, const Uuid& tenant_id, const char* reason) {
  static pg::Statement statement(R"(
    UPDATE latchkey.sessions SET revoked_at = $3, revoked_reason = $4
     WHERE user_id = $1 AND revoked_at IS NULL AND tenant_id = $2)");
  spi.RunLatest(statement, user_id, tenant_id, pg::Now(), reason);
  RecordEnd(spi, user_id, reason, spi.affected());
}

void EraseSessions(pg::Spi& spi, const Uuid& user_id) {
  static pg::Statement statement("DELETE FROM latchkey.sessions WHERE user_id = $1");
  spi.RunLatest(statement, user_id);
}

}  // namespace latchkey::sessions
