// Password rules, hashing and checking.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "extension/pg/spi.hpp"

namespace latchkey::accounts {

inline constexpr size_t kMaxPasswordBytes = 1024;

// In words for its chooser; empty when the password may be used: length in characters after
// normalisation, at most 1,024 bytes, not in latchkey.blocked_passwords.
std::optional<std::string> CheckPasswordRules(pg::Spi& spi, std::string_view password);

// argon2id with the parameters of the settings, over the password in NFKC. Raises LK400 when a rule
// is broken, LK503 when too many hash at once. Interruptible before and after, not during.
std::string HashPassword(pg::Spi& spi, std::string_view password);

struct PasswordCheck {
  bool matches = false;
  bool needs_rehash = false;
};

// Costs the same whether there is a hash or not, so that time does not tell who exists. (A bcrypt
// hash that came with an import costs what its own parameter says, until the first login replaces
// it.)
PasswordCheck CheckPassword(pg::Spi& spi, std::string_view password,
                            const std::optional<std::string>& hash);

}  // namespace latchkey::accounts
