// Changing users on their behalf: name, profile, and the address that they log in with.
#include "extension/accounts/credentials.hpp"
#include "extension/accounts/hooks.hpp"
#include "extension/accounts/one_time_tokens.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"

namespace latchkey::users {

namespace {

// The new key is taken before the old one is given up: of two users who are to change theirs with
// each other at once, neither waits for the other.
void MoveKey(pg::Spi& spi, const Uuid& user_id, const std::string& from, const std::string& to) {
  static pg::Statement take(
      "INSERT INTO latchkey.user_emails (email_key, user_id) VALUES ($1, $2)"
      " ON CONFLICT (email_key) DO NOTHING");
  static pg::Statement give_up(
      "DELETE FROM latchkey.user_emails WHERE email_key = $1 AND user_id = $2");
  spi.RunLatest(take, to, user_id);
  if (spi.affected() == 0) {
    throw Error(ErrorCode::kAlreadyExists, "a user with this email already exists");
  }
  spi.RunLatest(give_up, from, user_id);
  // Rows that name whose address it is, and that nothing else would ever delete.
  accounts::ForgetLoginFailures(spi, from);
  accounts::DropLoginFailures(spi, to);
}

// False when it is the user's already. Whoever has the new mailbox has not proven it, and whatever
// stands on the old address ends: tokens that were mailed to it, sessions whose tokens name it.
bool ChangeAddress(pg::Spi& spi, const Uuid& user_id, const accounts::Address& address) {
  static pg::Statement update(R"(
    UPDATE latchkey.users SET email = $2, email_verified_at = NULL, updated_at = $3 WHERE id = $1)");
  const accounts::Credentials user = accounts::LoadCredentials(spi, user_id);
  if (user.email == address.text) return false;
  if (user.email_key != address.key) MoveKey(spi, user_id, user.email_key, address.key);
  spi.RunLatest(update, user_id, address.text, pg::Now());
  accounts::hooks.user_changed(spi, user_id);
  accounts::DeleteTokens(spi, user_id);
  accounts::hooks.end_sessions(spi, user_id, std::nullopt, "email_changed");
  return true;
}

}  // namespace

LATCHKEY_FUNCTION(update_user, kOpen) {
  const auto user_id = args.Get<Uuid>(0, "user_id");
  const auto email = args.Optional<std::string>(1);
  accounts::ProfileChange change;
  change.name = args.Optional<std::string>(2);
  change.profile = args.AsIs(3, JSONBOID);
  change.onboarding_step = args.Optional<std::string>(4);
  change.replace = args.Get<bool>(5, "replace");
  permissions::RequireOver(args, user_id, "users.write");
  std::optional<accounts::Address> address;
  if (email) address = accounts::ParseAddress(*email);
  pg::Spi spi;
  accounts::ChangeProfile(spi, user_id, change);
  const bool moved = address && ChangeAddress(spi, user_id, *address);
  events::Record(spi,
                 {user_id, "user", user_id.ToString(), "user.updated",
                  JsonObject()
                      .Add("email", moved)
                      .Add("name", change.replace || change.name.has_value())
                      .Add("profile", change.replace || !change.profile.is_null)
                      .Add("onboarding_step", change.replace || change.onboarding_step.has_value())
                      .ToString()});
  const auto columns = accounts::LoadUserAccount(spi, user_id);
  spi.Finish();
  return args.ReturnRow(columns);
}

}  // namespace latchkey::users
