// Giving a session another token: what refresh and switch_tenant share.
#pragma once

#include "extension/core/session_claims.hpp"
#include "extension/sessions/login_result.hpp"

namespace latchkey::sessions {

struct LockedSession {
  Uuid token_id;
  std::optional<Uuid> previous_token_id;
  pg::Timestamp created_at, token_issued_at, expires_at;
  std::string email;
  std::optional<Uuid> tenant_id;

  bool IsCurrent(const SessionClaims& claims) const { return token_id == claims.token_id; }
  // The token before the current one: it gets the current one, however late.
  bool IsPredecessor(const SessionClaims& claims) const {
    return previous_token_id == claims.token_id;
  }
};

// Empty for a session that is over, or whose user is not active.
std::optional<LockedSession> LockSession(pg::Spi& spi, const SessionClaims& claims);

// Writes a new token id, with the tenant that stands in `session`. Raises LK411 when the session
// has reached its longest life.
void Rotate(pg::Spi& spi, const SessionClaims& claims, LockedSession& session);

// Ends the session of a token that is older than the last two. Return then, don't raise: an error
// would roll the end back.
void RevokeFamily(pg::Spi& spi, const SessionClaims& claims);

// Signs the session's current token.
LoginResult Reissue(pg::Spi& spi, const SessionClaims& old_claims, const LockedSession& session);

}  // namespace latchkey::sessions
