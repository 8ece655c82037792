// Issuing and redeeming single-use tokens.
#include "extension/accounts/one_time_tokens.hpp"

#include <algorithm>

#include "extension/core/digest.hpp"
#include "extension/core/email.hpp"
#include "extension/core/encoding.hpp"
#include "extension/core/error.hpp"
#include "extension/core/random.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::accounts {

namespace {

constexpr settings::DurationSetting kResetLifetime("accounts.password_reset_lifetime");
constexpr settings::DurationSetting kVerificationLifetime("accounts.email_verification_lifetime");
constexpr settings::DurationSetting kInvitationLifetime("accounts.invitation_lifetime");

constexpr size_t kUserIdBytes = 16;
constexpr size_t kSecretBytes = 32;

struct Purpose {
  const char* name;  // in user_tokens
  settings::DurationSetting lifetime;
};

Purpose Describe(TokenPurpose purpose) {
  switch (purpose) {
    case TokenPurpose::kPasswordReset:
      return {"password_reset", kResetLifetime};
    case TokenPurpose::kEmailVerification:
      return {"email_verification", kVerificationLifetime};
    case TokenPurpose::kInvitation:
      break;
  }
  return {"invitation", kInvitationLifetime};
}

[[noreturn]] void ThrowInvalid() {
  throw Error(ErrorCode::kInvalidToken, "the token is not valid, or no longer", {},
              "Request a new one.");
}

}  // namespace

// The token carries the user's id, so that its row is found by account, wherever that lives.
IssuedToken IssueToken(pg::Spi& spi, const Credentials& user, TokenPurpose purpose) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.user_tokens (user_id, token_hash, purpose, email_key, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6))");
  const Purpose described = Describe(purpose);
  const pg::Timestamp now = pg::Now();
  IssuedToken issued;
  issued.token = Base64UrlEncode(std::string(user.user_id.AsBytes()) + RandomBytes(kSecretBytes));
  issued.expires_at = now + described.lifetime.Micros(spi);
  const std::string hash = Sha256(issued.token);
  spi.Run(statement, user.user_id, pg::Bytes{hash}, described.name, user.email_key, now,
          issued.expires_at);
  return issued;
}

Uuid FindToken(pg::Spi& spi, std::string_view token, TokenPurpose purpose) {
  static pg::Statement find(R"(
    SELECT u.email, t.email_key
      FROM latchkey.user_tokens t JOIN latchkey.users u ON u.id = t.user_id
     WHERE t.user_id = $1 AND t.token_hash = $2 AND t.purpose = $3 AND t.expires_at > $4
       AND u.status <> 'deleted' AND ($3 <> 'invitation' OR u.password_hash IS NULL))");
  const auto bytes = Base64UrlDecode(token);
  if (!bytes || bytes->size() != kUserIdBytes + kSecretBytes) ThrowInvalid();
  Uuid user_id;
  std::copy_n(bytes->begin(), kUserIdBytes, user_id.bytes.begin());
  const std::string hash = Sha256(token);
  const pg::Rows rows =
      spi.RunLatest(find, user_id, pg::Bytes{hash}, Describe(purpose).name, pg::Now());
  if (rows.empty() || EmailKey(rows[0].Text(1)) != rows[0].Text(2)) ThrowInvalid();
  return user_id;
}

Uuid RedeemToken(pg::Spi& spi, std::string_view token, TokenPurpose purpose) {
  static pg::Statement lock(R"(
    SELECT email FROM latchkey.users
     WHERE id = $1 AND status <> 'deleted' AND ($2 <> 'invitation' OR password_hash IS NULL)
       FOR NO KEY UPDATE)");
  static pg::Statement redeem(R"(
    DELETE FROM latchkey.user_tokens
     WHERE user_id = $1 AND token_hash = $2 AND purpose = $3 AND email_key = $4 AND expires_at > $5)");
  const Uuid user_id = FindToken(spi, token, purpose);
  const char* name = Describe(purpose).name;
  const pg::Rows rows = spi.RunLatest(lock, user_id, name);
  if (rows.empty()) ThrowInvalid();
  const std::string email_key = EmailKey(rows[0].Text(1));
  const std::string hash = Sha256(token);
  spi.RunLatest(redeem, user_id, pg::Bytes{hash}, name, email_key, pg::Now());
  if (spi.affected() != 1) ThrowInvalid();
  DeleteTokens(spi, user_id, purpose);
  return user_id;
}

void DeleteTokens(pg::Spi& spi, const Uuid& user_id) {
  static pg::Statement statement("DELETE FROM latchkey.user_tokens WHERE user_id = $1");
  spi.RunLatest(statement, user_id);
}

void DeleteTokens(pg::Spi& spi, const Uuid& user_id, TokenPurpose purpose) {
  static pg::Statement statement(
      "DELETE FROM latchkey.user_tokens WHERE user_id = $1 AND purpose = $2");
  spi.RunLatest(statement, user_id, Describe(purpose).name);
}

}  // namespace latchkey::accounts
