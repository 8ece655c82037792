// Checking an address and a password, with every bound on guessing: what login and change_password share.
#pragma once

#include "extension/accounts/throttle.hpp"
#include "extension/accounts/users.hpp"

namespace latchkey::accounts {

struct CredentialCheck {
  enum Outcome { kOk, kInvalid, kLockedOut } outcome = kInvalid;
  std::optional<pg::Timestamp> retry_at;  // when locked out
  std::optional<Credentials> user;        // when ok
};

// Does not raise for wrong credentials: the failure that it counts must be committed.
CredentialCheck CheckCredentials(pg::Spi& spi, const std::optional<Address>& address,
                                 std::string_view given_address, std::string_view password);

void ForgetLoginFailures(pg::Spi& spi, const std::string& email_key);

}  // namespace latchkey::accounts
