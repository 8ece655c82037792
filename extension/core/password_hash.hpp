// Stored password hashes: argon2id is made and checked here, scrypt is checked, bcrypt is
// recognised.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace latchkey {

// RFC 9106. The default is OWASP's first recommendation.
struct Argon2Params {
  uint32_t memory_kib = 19456;
  uint32_t passes = 2;
  uint32_t lanes = 1;

  friend bool operator==(const Argon2Params& a, const Argon2Params& b) {
    return a.memory_kib == b.memory_kib && a.passes == b.passes && a.lanes == b.lanes;
  }
};

enum class HashScheme { kUnknown, kArgon2id, kScrypt, kBcrypt };

// kUnknown also for a hash whose parameters are beyond the caps: checking it could take minutes or
// gigabytes (argon2id: 256 MiB, 16 passes; scrypt: 256 MiB; bcrypt: cost 15).
HashScheme SchemeOf(std::string_view hash);

// True for what has the form of a stored hash ($scheme$…), known or not: an import must not take it
// for a password, or whoever has the old file could log in with it.
bool LooksLikeHash(std::string_view text);

// A PHC string with a fresh 16-byte salt and a 32-byte hash. Not interruptible: ~20 ms by default.
// Throws std::bad_alloc when the memory can't be had.
std::string HashArgon2id(std::string_view password, const Argon2Params& params);

// For argon2id and scrypt. Constant in time with regard to the hash; false when malformed.
bool VerifyPhc(std::string_view password, std::string_view hash);

// True unless the hash is argon2id with exactly these parameters.
bool NeedsRehash(std::string_view hash, const Argon2Params& params);

// The three prefixes name one function; crypt implementations know `$2a$` alone.
std::string BcryptAs2a(std::string_view hash);

}  // namespace latchkey
