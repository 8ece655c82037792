// bcrypt, for hashes that came with imported users: computed by pgcrypto.
#pragma once

#include <string_view>

namespace latchkey::accounts {

constexpr size_t kMaxBcryptBytes = 72;

// The hash must be one that SchemeOf calls bcrypt. False for more than 72 bytes: bcrypt would look
// at the first 72 only, and every password that begins with them would do.
bool VerifyBcrypt(std::string_view password, std::string_view hash);

}  // namespace latchkey::accounts
