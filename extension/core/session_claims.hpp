// The claims of a session token (RFC 7519): written when a session starts, read at every request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "extension/core/uuid.hpp"

namespace latchkey {

struct SessionClaims {
  std::string issuer;          // iss
  Uuid user_id;                // sub
  Uuid session_id;             // sid
  Uuid token_id;               // jti
  int64_t issued_at = 0;       // iat, seconds since 1970
  int64_t expires_at = 0;      // exp, seconds since 1970
  std::string email;           // for clients to show: nothing is decided by it
  std::optional<Uuid> tenant;  // tid
  std::string role;            // for clients to show: nothing is decided by it
};

std::string WriteClaims(const SessionClaims& claims);

// Only what WriteClaims can write: one flat object, no duplicate and no unknown claim, every required
// claim there with its type. Empty otherwise.
std::optional<SessionClaims> ReadClaims(std::string_view payload);

}  // namespace latchkey
