// Credential checks.
#include "extension/accounts/credentials.hpp"

#include "extension/accounts/passwords.hpp"
#include "extension/events/events.hpp"
#include "extension/pg/subtransaction.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::accounts {

namespace {

constexpr const char* kByAccount = "login";
constexpr const char* kByAddress = "address";

constexpr settings::IntegerSetting kAccountAttempts("throttle.account_attempts");
constexpr settings::IntegerSetting kConsecutiveFailures("throttle.consecutive_failures");
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
  const Limit per_account{kAccountAttempts.Get(spi), window, kConsecutiveFailures.Get(spi)};
  const Admission account = Admit(spi, kByAccount, key, per_account);
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

// Whose address it is now. Called with the lock of RecordFailure, which delete_user takes as well:
// nothing of the user's must be written after the erasure.
std::optional<Uuid> HolderOf(pg::Spi& spi, const std::optional<Address>& address) {
  static pg::Statement statement("SELECT user_id FROM latchkey.user_emails WHERE email_key = $1");
  const pg::Rows rows =
      spi.RunLatest(statement, address ? std::string_view(address->key) : std::string_view());
  if (rows.empty()) return std::nullopt;
  return rows[0].Get<Uuid>(1);
}

// For an address that nobody has the event is written and taken back: so the two cost the same, and
// what strangers make up does not pile up in a log that is never purged.
void RecordLoginFailed(pg::Spi& spi, const std::optional<Uuid>& holder) {
  const Uuid id = holder.value_or(events::kPlatform);
  pg::Subtransaction attempt;
  events::Record(spi, {id, "user", id.ToString(), "user.login_failed"});
  if (holder) {
    attempt.Commit();
  } else {
    attempt.Rollback();
  }
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

CredentialCheck::Outcome RecordFailures(pg::Spi& spi, const Attempts& attempts,
                                        const std::optional<Address>& address) {
  LockRecord(attempts.by_account);
  const std::optional<Uuid> holder = HolderOf(spi, address);
  const bool heard = RecordFailure(spi, attempts.by_account, holder);
  if (attempts.by_address) RecordFailure(spi, *attempts.by_address);
  if (!heard) return CredentialCheck::kLockedOut;
  RecordLoginFailed(spi, holder);
  return CredentialCheck::kInvalid;
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
    check.outcome = RecordFailures(spi, *attempts, address);
    return check;
  }
  // A hash of an old kind can be replaced only now. No lock is held while hashing.
  std::optional<std::string> new_hash;
  const bool rehash =
      password_check.needs_rehash && !replacement && !CheckPasswordRules(spi, password);
  if (rehash || replacement) new_hash = HashPassword(spi, replacement.value_or(password));
  if (!LockUnchanged(spi, *user)) {
    check.outcome = RecordFailures(spi, *attempts, address);
    return check;
  }
  if (!RecordSuccess(spi, attempts->by_account)) {
    check.outcome = CredentialCheck::kLockedOut;
    return check;
  }
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

void DropLoginFailures(pg::Spi& spi, const std::string& email_key) {
  DropFailures(spi, kByAccount, email_key);
}

}  // namespace latchkey::accounts
