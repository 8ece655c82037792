// Password rules, hashing and checking; hash_password and verify_password.
#include "extension/accounts/passwords.hpp"

#include "extension/accounts/bcrypt.hpp"
#include "extension/accounts/hash_slots.hpp"
#include "extension/core/error.hpp"
#include "extension/core/password_hash.hpp"
#include "extension/core/utf8.hpp"
#include "extension/pg/args.hpp"
#include "extension/pg/unicode.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::accounts {

namespace {

constexpr settings::IntegerSetting kMinLength("passwords.min_length");
constexpr settings::IntegerSetting kMemoryKib("passwords.argon2_memory_kib");
constexpr settings::IntegerSetting kPasses("passwords.argon2_passes");
constexpr settings::IntegerSetting kLanes("passwords.argon2_lanes");

Argon2Params CurrentParams(pg::Spi& spi) {
  return {static_cast<uint32_t>(kMemoryKib.Get(spi)), static_cast<uint32_t>(kPasses.Get(spi)),
          static_cast<uint32_t>(kLanes.Get(spi))};
}

void RequireLength(std::string_view password) {
  if (password.size() > kMaxPasswordBytes) {
    throw Error(ErrorCode::kInvalidArgument, "password is longer than 1024 bytes");
  }
}

bool IsBlocked(pg::Spi& spi, const std::string& normal) {
  static pg::Statement statement(
      "SELECT 1 FROM latchkey.blocked_passwords WHERE password IN ($1, lower($1))");
  return !spi.Read(statement, normal).empty();
}

// Old products hashed the bytes as they came, we hash NFKC: where the two differ, both count. Both
// are always computed, so that the time says nothing.
template <typename Verify>
bool MatchesEither(std::string_view password, const std::string& normal, Verify&& verify) {
  const bool matches = verify(normal);
  return (normal != password && verify(password)) || matches;
}

bool Verify(std::string_view password, const std::string& normal, const std::string& hash,
            const Argon2Params& params) {
  const auto pretend = [&](std::string_view text) {
    HashArgon2id(text, params);
    return false;
  };
  switch (SchemeOf(hash)) {
    case HashScheme::kArgon2id:
    case HashScheme::kScrypt:
      return MatchesEither(password, normal,
                           [&](std::string_view text) { return VerifyPhc(text, hash); });
    case HashScheme::kBcrypt:
      // bcrypt would cut the password: it never matches, and costs what another one does.
      return MatchesEither(password, normal, [&](std::string_view text) {
        return text.size() > kMaxBcryptBytes ? pretend(text) : VerifyBcrypt(text, hash);
      });
    case HashScheme::kUnknown:
      break;
  }
  return MatchesEither(password, normal, pretend);
}

}  // namespace

std::optional<std::string> CheckPasswordRules(pg::Spi& spi, std::string_view password) {
  if (password.size() > kMaxPasswordBytes) return "password is longer than 1024 bytes";
  const std::string normal = pg::Nfkc(password);
  const int64_t min_length = kMinLength.Get(spi);
  if (static_cast<int64_t>(CountCodePoints(normal).value_or(0)) < min_length) {
    return "password is shorter than " + std::to_string(min_length) + " characters";
  }
  if (normal.size() > kMaxPasswordBytes) return "password is longer than 1024 bytes";
  if (IsBlocked(spi, normal)) return "password is one that is guessed first";
  return std::nullopt;
}

std::string HashPassword(pg::Spi& spi, std::string_view password) {
  if (const auto problem = CheckPasswordRules(spi, password)) {
    throw Error(ErrorCode::kInvalidArgument, *problem);
  }
  const Argon2Params params = CurrentParams(spi);
  const std::string normal = pg::Nfkc(password);
  HashSlot slot;
  pg::CheckInterrupts();
  std::string hash = HashArgon2id(normal, params);
  slot.Release();
  pg::CheckInterrupts();
  return hash;
}

PasswordCheck CheckPassword(pg::Spi& spi, std::string_view password,
                            const std::optional<std::string>& hash) {
  RequireLength(password);
  const Argon2Params params = CurrentParams(spi);
  const std::string normal = pg::Nfkc(password);
  HashSlot slot;
  pg::CheckInterrupts();
  PasswordCheck check;
  check.matches = Verify(password, normal, hash.value_or(""), params);
  slot.Release();
  pg::CheckInterrupts();
  // A password that breaks today's rules keeps its old hash: it can't be hashed anew.
  check.needs_rehash = check.matches && NeedsRehash(*hash, params);
  return check;
}

LATCHKEY_FUNCTION(hash_password, kSecret) {
  const auto password = args.Text(0, "password");
  pg::Spi spi;
  const std::string hash = HashPassword(spi, password);
  spi.Finish();
  return args.Return(hash);
}

LATCHKEY_FUNCTION(verify_password, kSecret) {
  const auto password = args.Text(0, "password");
  const auto hash = args.Optional<std::string>(1);
  if (hash && SchemeOf(*hash) == HashScheme::kUnknown) {
    throw Error(ErrorCode::kInvalidArgument, "hash is of no known scheme, or its cost is too high",
                {}, "Known are argon2id and scrypt in PHC form, and bcrypt ($2a$, $2b$, $2y$).");
  }
  pg::Spi spi;
  const PasswordCheck check = CheckPassword(spi, password, hash);
  spi.Finish();
  return args.Return(check.matches);
}

}  // namespace latchkey::accounts
