// Checking an address and a password, with every bound on guessing: what login and change_password
// share.
#pragma once

#include "extension/accounts/throttle.hpp"
#include "extension/accounts/users.hpp"

namespace latchkey::accounts {

struct CredentialCheck {
  enum Outcome { kOk, kInvalid, kLockedOut } outcome = kInvalid;
  std::optional<pg::Timestamp> retry_at;  // when locked out; empty: until the password is reset
  std::optional<Credentials> user;        // when ok
};

// Does not raise for wrong credentials: the failure that it counts must be committed. When ok, the
// user's row is locked, and the password is still the stored one: a change of it that was under way
// has won. `replacement` is then stored in its place.
CredentialCheck CheckCredentials(pg::Spi& spi, const std::optional<Address>& address,
                                 std::string_view given_address, std::string_view password,
                                 std::optional<std::string_view> replacement = std::nullopt);

void ForgetLoginFailures(pg::Spi& spi, const std::string& email_key);
void DropLoginFailures(pg::Spi& spi, const std::string& email_key);  // of a new user's address

}  // namespace latchkey::accounts
