// Checking a token against its session.
#pragma once

#include "extension/core/session_claims.hpp"
#include "extension/pg/spi.hpp"

namespace latchkey::sessions {

struct VerifiedSession {
  Uuid user_id;
  Uuid session_id;
  std::optional<Uuid> tenant_id;
  std::string email;
  std::optional<std::string> name;
  pg::Timestamp expires_at;
};

// Writes nothing, so it runs on a standby. Raises LK411, with one message for whatever is wrong.
VerifiedSession VerifyToken(pg::Spi& spi, std::string_view token);

[[noreturn]] void ThrowInvalidToken();

}  // namespace latchkey::sessions
