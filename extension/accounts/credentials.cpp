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

// Also for an address that nobody has, so that the two cost the same.
void RecordLoginFailed(pg::Spi& spi, const std::optional<Credentials>& user) {
  const Uuid id = user ? user->user_id : events::kPlatform;
  events::Record(spi, {id, "user", id.ToString(), "user.login_failed"});
}

// The password is right: its hash may be of an old kind, and only now can it be replaced.
void Rehash(pg::Spi& spi, const Credentials& user, std::string_view password) {
  if (CheckPasswordRules(spi, password)) return;
  StorePasswordHash(spi, user.user_id, HashPassword(spi, password));
  events::Record(spi, {user.user_id, "user", user.user_id.ToString(), "user.password_rehashed"});
}

}  // namespace

CredentialCheck CheckCredentials(pg::Spi& spi, const std::optional<Address>& address,
                                 std::string_view given_address, std::string_view password) {
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
    RecordFailure(spi, attempts->by_account);
    if (attempts->by_address) RecordFailure(spi, *attempts->by_address);
    RecordLoginFailed(spi, user);
    return check;
  }
  ForgetLoginFailures(spi, user->email_key);
  if (password_check.needs_rehash) Rehash(spi, *user, password);
  check.outcome = CredentialCheck::kOk;
  check.user = std::move(user);
  return check;
}

void ForgetLoginFailures(pg::Spi& spi, const std::string& email_key) {
  ForgetFailures(spi, kByAccount, email_key);
}

}  // namespace latchkey::accounts
