// Credential checks.
#include "extension/accounts/credentials.hpp"

#include "extension/accounts/passwords.hpp"
#include "extension/events/events.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::accounts {

namespace {

constexpr const char* kByAccount = "login";
constexpr const char* kByAddress = "address";

constexpr settings::IntegerSetting kAccountAttempts("throttle.account_attempts");
constexpr settings::IntegerSetting kAddressAttempts("throttle.address_attempts");
constexpr settings::DurationSetting kWindow("throttle.window");

struct Attempts {
  Attempt by_account;
  std::optional<Attempt> by_address;
};

// Both bounds, or when to come back.
std::optional<Attempts> AdmitBoth(pg::Spi& spi, std::string_view key,
                                  std::optional<pg::Timestamp>& retry_at) {
  const int64_t window = kWindow.Micros(spi);
  const Admission account = Admit(spi, kByAccount, key, {kAccountAttempts.Get(spi), window});
  if (!account.attempt) {
    retry_at = account.retry_at;
    return std::nullopt;
  }
  Attempts attempts{*account.attempt, std::nullopt};
  if (const auto network = ClientNetwork(spi)) {
    const Admission address = Admit(spi, kByAddress, *network, {kAddressAttempts.Get(spi), window});
    if (!address.attempt) {
      retry_at = address.retry_at;
      return std::nullopt;
    }
    attempts.by_address = address.attempt;
  }
  return attempts;
}

// Also for an address that nobody has, so that the two cost the same. Called with the lock of
// RecordFailure, which delete_user takes as well: an event with metadata must not come after the
// erasure.
void RecordLoginFailed(pg::Spi& spi, const std::optional<Address>& address) {
  static pg::Statement holder("SELECT user_id FROM latchkey.user_emails WHERE email_key = $1");
  Uuid id = events::kPlatform;
  if (address) {
    const pg::Rows rows = spi.RunLatest(holder, address->key);
    if (!rows.empty()) id = rows[0].Get<Uuid>(1);
  }
  events::Record(spi, {id, "user", id.ToString(), "user.login_failed"});
}

// Locks the user's row and reads its status again. False when the password was changed, or the user
// deleted, while we hashed: then the password that we checked is not the user's any more.
bool LockUnchanged(pg::Spi& spi, Credentials& user) {
  static pg::Statement statement(R"(
    SELECT status FROM latchkey.users WHERE id = $1 AND password_hash = $2 FOR NO KEY UPDATE)");
  const pg::Rows rows = spi.RunLatest(statement, user.user_id, user.password_hash);
  if (rows.empty()) return false;
  user.status = rows[0].Text(1);
  return true;
}

void RecordFailures(pg::Spi& spi, const Attempts& attempts, const std::optional<Address>& address) {
  RecordFailure(spi, attempts.by_account);
  if (attempts.by_address) RecordFailure(spi, *attempts.by_address);
  RecordLoginFailed(spi, address);
}

}  // namespace

CredentialCheck CheckCredentials(pg::Spi& spi, const std::optional<Address>& address,
                                 std::string_view given_address, std::string_view password,
                                 std::optional<std::string_view> replacement) {
  // Before the password is looked at: where nothing can be counted, nothing may be guessed.
  pg::RequireWritable("a check of credentials");
  CredentialCheck check;
  const std::string_view key = address ? std::string_view(address->key) : given_address;
  const auto attempts = AdmitBoth(spi, key, check.retry_at);
  if (!attempts) {
    check.outcome = CredentialCheck::kLockedOut;
    return check;
  }
  auto user = address ? FindCredentials(spi, *address) : std::nullopt;
  const PasswordCheck password_check =
      CheckPassword(spi, password, user ? user->password_hash : std::nullopt);
  if (!password_check.matches) {
    RecordFailures(spi, *attempts, address);
    return check;
  }
  // A hash of an old kind can be replaced only now. No lock is held while hashing.
  std::optional<std::string> new_hash;
  const bool rehash =
      password_check.needs_rehash && !replacement && !CheckPasswordRules(spi, password);
  if (rehash || replacement) new_hash = HashPassword(spi, replacement.value_or(password));
  if (!LockUnchanged(spi, *user)) {
    RecordFailures(spi, *attempts, address);
    return check;
  }
  ForgetLoginFailures(spi, user->email_key);
  if (new_hash) StorePasswordHash(spi, user->user_id, *new_hash);
  if (rehash) {
    events::Record(spi,
                   {user->user_id, "user", user->user_id.ToString(), "user.password_rehashed"});
  }
  check.outcome = CredentialCheck::kOk;
  check.user = std::move(user);
  return check;
}

void ForgetLoginFailures(pg::Spi& spi, const std::string& email_key) {
  ForgetFailures(spi, kByAccount, email_key);
}

}  // namespace latchkey::accounts
