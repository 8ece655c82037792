// Users: rows of accounts, users and user_emails, and the composite that callers see.
#pragma once

#include "extension/accounts/address.hpp"
#include "extension/pg/args.hpp"

namespace latchkey::accounts {

struct NewUser {
  Address address;
  std::optional<std::string> name;
  std::optional<std::string> password_hash;
  pg::Raw profile{JSONBOID, 0, true};
  const char* event = "user.registered";
};

// From the arguments that register_user and sign_up have in common: email, password, name, profile.
// Raises LK400, and hashes the password, so call it before anything is locked.
NewUser ReadNewUser(pg::Spi& spi, const pg::Args& args);

// Inserts account, user and address (name and profile are checked already), and records the event.
// Raises LK409 when the address is taken.
Uuid CreateUser(pg::Spi& spi, const NewUser& user);

// The columns of latchkey.user_account, copied to the caller's memory. Raises LK404.
std::vector<pg::Value> LoadUserAccount(pg::Spi& spi, const Uuid& user_id);

// The same for many, given as uuid[], in descending order of their ids; what is unknown is left
// out.
std::vector<std::vector<pg::Value>> LoadUserAccounts(pg::Spi& spi, const pg::Raw& user_ids);

// The same as a value for a column of another composite.
pg::Value UserAccountValue(const std::vector<pg::Value>& columns);

// Raises LK404 for an account that does not exist, or whose user was deleted.
void RequireLivingAccount(pg::Spi& spi, const Uuid& account_id);

struct Credentials {
  Uuid user_id;
  std::string email;
  std::string email_key;
  std::string name;
  std::string status;
  std::optional<std::string> password_hash;
  bool email_verified = false;
};

std::optional<Credentials> FindCredentials(pg::Spi& spi, const Address& address);
Credentials LoadCredentials(pg::Spi& spi, const Uuid& user_id);  // raises LK404; deleted users too

void StorePasswordHash(pg::Spi& spi, const Uuid& user_id, const std::string& hash);

struct ProfileChange {
  std::optional<std::string> name;
  pg::Raw profile{JSONBOID, 0, true};
  std::optional<std::string> onboarding_step;
  // Instead of changing what is given: name and step become what is given, the profile nothing else
  // than it.
  bool replace = false;
};

// Locks the user's row. Raises LK400, and LK404 for an unknown user.
void ChangeProfile(pg::Spi& spi, const Uuid& user_id, const ProfileChange& change);

// Checks what users write about themselves; raises LK400.
void CheckName(const std::optional<std::string>& name);
void CheckProfile(pg::Spi& spi, const pg::Raw& profile);

}  // namespace latchkey::accounts
