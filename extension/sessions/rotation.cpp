// Giving a session another token: what refresh and switch_tenant share.
#include "extension/sessions/rotation.hpp"

#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/sessions/tokens.hpp"
#include "extension/sessions/verification.hpp"

namespace latchkey::sessions {

// The row lock makes one successor of two refreshes at once: the second sees what the first wrote.
std::optional<LockedSession> LockSession(pg::Spi& spi, const SessionClaims& claims) {
  static pg::Statement statement(R"(
    SELECT s.token_id, s.previous_token_id, s.created_at, s.token_issued_at, s.expires_at, u.email,
           s.tenant_id
      FROM latchkey.sessions s JOIN latchkey.users u ON u.id = s.user_id
     WHERE s.user_id = $1 AND s.id = $2 AND s.revoked_at IS NULL AND u.status = 'active'
       FOR NO KEY UPDATE OF s)");
  const pg::Rows rows = spi.RunLatest(statement, claims.user_id, claims.session_id);
  if (rows.empty()) return std::nullopt;
  const pg::Row row = rows[0];
  return LockedSession{row.Get<Uuid>(1),          row.Optional<Uuid>(2),
                       row.Get<pg::Timestamp>(3), row.Get<pg::Timestamp>(4),
                       row.Get<pg::Timestamp>(5), row.Text(6),
                       row.Optional<Uuid>(7)};
}

void Rotate(pg::Spi& spi, const SessionClaims& claims, LockedSession& session) {
  static pg::Statement statement(R"(
    UPDATE latchkey.sessions s
       SET previous_token_id = s.token_id, token_id = $3, token_issued_at = $4, last_seen_at = $4,
           expires_at = $5, tenant_id = $6, email = u.email, name = u.name
      FROM latchkey.users u
     WHERE s.user_id = $1 AND s.id = $2 AND u.id = s.user_id)");
  const pg::Timestamp now = pg::Now().TruncatedToSeconds();
  session.previous_token_id = session.token_id;
  session.token_id = NewUuid();
  session.token_issued_at = now;
  session.expires_at = TokenExpiry(spi, session.created_at, now);
  // Past sessions.max_lifetime, which may have been lowered since: no token that is over when it is
  // made.
  if (session.expires_at <= pg::Now()) ThrowInvalidToken();
  spi.RunLatest(statement, claims.user_id, claims.session_id, session.token_id, now,
                session.expires_at, session.tenant_id);
}

// A token older than the last two was copied, or the client lost track: either way the session is
// not safe any more (RFC 9700, section 4.14.2).
void RevokeFamily(pg::Spi& spi, const SessionClaims& claims) {
  static pg::Statement statement(R"(
    UPDATE latchkey.sessions SET revoked_at = $3, revoked_reason = 'token_reused'
     WHERE user_id = $1 AND id = $2)");
  spi.RunLatest(statement, claims.user_id, claims.session_id, pg::Now());
  events::Record(spi, {claims.user_id, "session", claims.session_id.ToString(), "session.ended",
                       JsonObject().Add("reason", "token_reused").ToString()});
}

LoginResult Reissue(pg::Spi& spi, const SessionClaims& old_claims, const LockedSession& session) {
  SessionClaims claims;
  claims.user_id = old_claims.user_id;
  claims.session_id = old_claims.session_id;
  claims.token_id = session.token_id;
  claims.issued_at = session.token_issued_at.UnixSeconds();
  claims.expires_at = session.expires_at.UnixSeconds();
  claims.email = session.email;
  claims.tenant = session.tenant_id;
  const IssuedSession issued{claims.session_id, SignToken(spi, claims), session.expires_at,
                             session.tenant_id};
  return LoginResult::Ok(spi, claims.user_id, issued);
}

}  // namespace latchkey::sessions
