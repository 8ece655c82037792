// Single-use tokens that prove the control of a mailbox. Only their hash is stored.
#pragma once

#include "extension/accounts/users.hpp"

namespace latchkey::accounts {

// An invitation is good only until the user has a password.
enum class TokenPurpose { kPasswordReset, kEmailVerification, kInvitation };

struct IssuedToken {
  std::string token;
  pg::Timestamp expires_at;
};

IssuedToken IssueToken(pg::Spi& spi, const Credentials& user, TokenPurpose purpose);

// Whose token it is; changes nothing. Raises LK411 as RedeemToken does.
Uuid FindToken(pg::Spi& spi, std::string_view token, TokenPurpose purpose);

// Uses the token up, and every other of the user and purpose with it. Raises LK411 for one that is
// malformed, unknown, expired, used, or was made for an address that is no longer the user's.
// Locks the user's row first, as all that ends tokens does.
Uuid RedeemToken(pg::Spi& spi, std::string_view token, TokenPurpose purpose);

void DeleteTokens(pg::Spi& spi, const Uuid& user_id);
void DeleteTokens(pg::Spi& spi, const Uuid& user_id, TokenPurpose purpose);

}  // namespace latchkey::accounts
