// Session tokens: signing and reading them, with the keys of latchkey.signing_keys.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "extension/core/session_claims.hpp"
#include "extension/pg/spi.hpp"

namespace latchkey::sessions {

// Makes ready what SignToken needs, so that it waits for nothing any more. Call it before a row is
// locked: the master key's command may take seconds. Raises LK504 without a master key.
void PrepareToSign(pg::Spi& spi);

// Signs with the newest key, and makes the first one when there is none.
std::string SignToken(pg::Spi& spi, const SessionClaims& claims);

// The claims of a token that one of our keys signed, for our issuer, and that has not expired. Empty for
// every other token, whatever is wrong with it. Whether the session lives is the caller's to check.
// `allow_expired` is for logout only.
std::optional<SessionClaims> ReadToken(pg::Spi& spi, std::string_view token,
                                       bool allow_expired = false);

}  // namespace latchkey::sessions
