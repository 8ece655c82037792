// The claims of a session token (RFC 7519): written when a session starts, read at every request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "extension/core/uuid.hpp"

namespace latchkey {

struct SessionClaims {
  Uuid user_id;                // sub
  Uuid session_id;             // sid
  Uuid token_id;               // jti
  int64_t issued_at = 0;       // iat, seconds since 1970
  int64_t expires_at = 0;      // exp, seconds since 1970
  std::optional<Uuid> tenant;  // tid: for which tenant of the session it was made

  // For clients to show. Nothing is decided by these, so they are written and never read.
  std::string email;  // email
  std::string role;   // role
};

// One flat JSON object that begins with iss, sub, sid, jti, iat, exp and tid if there is one, in
// this order.
std::string WriteClaims(std::string_view issuer, const SessionClaims& claims);

// For payloads whose signature has been verified: they are ours, so what decides stands first and
// in one form, and reading is comparing. Empty for anything that WriteClaims would not have written
// there, another issuer included.
std::optional<SessionClaims> ReadClaims(std::string_view issuer, std::string_view payload);

}  // namespace latchkey
