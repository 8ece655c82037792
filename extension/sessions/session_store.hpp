// Rows of latchkey.sessions: starting, rotating and ending sessions.
#pragma once

#include <optional>

#include "extension/accounts/users.hpp"

namespace latchkey::sessions {

struct IssuedSession {
  Uuid session_id;
  std::string token;
  pg::Timestamp expires_at;
  std::optional<Uuid> tenant_id;
};

// A new session of the user, in the tenant if there is one, with its first token; empty when the
// user is no longer active. Raises LK504 when there is no master key, and LK403 unless the tenant
// is active and the user belongs to it.
std::optional<IssuedSession> StartSession(pg::Spi& spi, const accounts::Credentials& user,
                                          const std::optional<Uuid>& tenant_id = std::nullopt);

// When a token that is issued now expires: setting sessions.lifetime from now, but never beyond
// sessions.max_lifetime from the session's start.
pg::Timestamp TokenExpiry(pg::Spi& spi, pg::Timestamp session_start, pg::Timestamp now);

// See accounts/session_hooks.hpp.
void EndSessions(pg::Spi& spi, const Uuid& user_id, const std::optional<Uuid>& keep,
                 const char* reason);
// Those of the user's sessions that are in the tenant.
void EndSessionsIn(pg::Spi& spi, const Uuid& user_id, const Uuid& tenant_id, const char* reason);
void EraseSessions(pg::Spi& spi, const Uuid& user_id);

}  // namespace latchkey::sessions
