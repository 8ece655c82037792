// Inviting users, and accepting invitations.
#include "extension/accounts/credentials.hpp"
#include "extension/accounts/hooks.hpp"
#include "extension/accounts/one_time_tokens.hpp"
#include "extension/accounts/passwords.hpp"
#include "extension/core/error.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/roles/granting.hpp"
#include "extension/sessions/login_result.hpp"
#include "extension/sessions/tokens.hpp"

namespace latchkey::users {

namespace {

using accounts::Credentials;
using accounts::TokenPurpose;

struct Invitation {
  accounts::Address address;
  std::optional<std::string> name;
  std::optional<std::string> role;
  std::optional<Uuid> tenant_id;
};

Invitation ReadInvitation(const pg::Args& args) {
  Invitation invitation;
  invitation.address = accounts::ParseAddress(args.Text(0, "email"));
  invitation.name = args.Optional<std::string>(1);
  invitation.role = args.Optional<std::string>(2);
  invitation.tenant_id = args.Optional<Uuid>(3);
  accounts::CheckName(invitation.name);
  if (invitation.tenant_id && !invitation.role) {
    throw Error(ErrorCode::kInvalidArgument, "who is invited to a tenant needs a role in it");
  }
  return invitation;
}

// Who never chose a password nor proved the address may be invited again. Nobody is invited to a
// tenant by another's name for them: the stored one stays.
bool IsPending(const Credentials& user) {
  return user.status == "active" && !user.password_hash && !user.email_verified;
}

// The one with the address, or a new one.
Credentials FindOrCreate(pg::Spi& spi, const Invitation& invitation) {
  if (auto existing = accounts::FindCredentials(spi, invitation.address)) {
    if (IsPending(*existing) || invitation.tenant_id) return std::move(*existing);
    throw Error(ErrorCode::kAlreadyExists, "a user with this email already exists", {},
                "SELECT latchkey.grant_role(…) gives them a role.");
  }
  accounts::NewUser user;
  user.address = invitation.address;
  user.name = invitation.name;
  return accounts::LoadCredentials(spi, accounts::CreateUser(spi, user));
}

// Behind the row's lock, which whoever blocks, deletes or accepts takes as well.
std::optional<accounts::IssuedToken> Invite(pg::Spi& spi, const Uuid& user_id) {
  static pg::Statement lock(
      "SELECT 1 FROM latchkey.users WHERE id = $1 AND status <> 'deleted' FOR NO KEY UPDATE");
  spi.RunLatest(lock, user_id);
  const Credentials user = accounts::LoadCredentials(spi, user_id);
  if (!IsPending(user)) return std::nullopt;
  accounts::DeleteTokens(spi, user_id, TokenPurpose::kInvitation);
  auto issued = accounts::IssueToken(spi, user, TokenPurpose::kInvitation);
  events::Record(spi, {user_id, "user", user_id.ToString(), "user.invited"});
  return issued;
}

}  // namespace

LATCHKEY_FUNCTION(invite_user, kSecret) {
  const Invitation invitation = ReadInvitation(args);
  permissions::Require(args, "users.create", invitation.tenant_id);
  if (invitation.role) permissions::Require(args, "roles.grant", invitation.tenant_id);
  pg::Spi spi;
  if (!accounts::MayMail(spi, "invitation", invitation.address.key)) {
    throw Error(ErrorCode::kLockedOut, "this address was invited too often; try again later");
  }
  const Credentials user = FindOrCreate(spi, invitation);
  const auto issued = Invite(spi, user.user_id);
  if (invitation.role) {
    roles::GrantRole(spi, user.user_id, invitation.tenant_id, *invitation.role);
  }
  spi.Finish();
  std::optional<std::string> token;
  std::optional<pg::Timestamp> expires_at;
  if (issued) {
    token = issued->token;
    expires_at = issued->expires_at;
  }
  return args.ReturnRow({pg::ToValue(user.user_id), pg::ToValue(user.email), pg::ToValue(user.name),
                         pg::ToValue(token), pg::ToValue(expires_at)});
}

LATCHKEY_FUNCTION(accept_invitation, kSecret) {
  const auto token = args.Text(0, "token");
  const auto password = args.Text(1, "password");
  const auto name = args.Optional<std::string>(2);
  accounts::CheckName(name);
  static pg::Statement confirm(R"(
    UPDATE latchkey.users SET email_verified_at = $2, name = coalesce($3, name) WHERE id = $1)");
  pg::Spi spi;
  sessions::PrepareToSign(spi);
  accounts::FindToken(spi, token, TokenPurpose::kInvitation);
  const std::string hash = accounts::HashPassword(spi, password);  // before any row is locked
  const Uuid user_id = accounts::RedeemToken(spi, token, TokenPurpose::kInvitation);
  accounts::StorePasswordHash(spi, user_id, hash);
  spi.RunLatest(confirm, user_id, pg::Now(), name);  // who has the token has the mailbox
  if (name) accounts::hooks.user_changed(spi, user_id);
  accounts::DeleteTokens(spi, user_id);
  const Credentials user = accounts::LoadCredentials(spi, user_id);
  accounts::ForgetLoginFailures(spi, user.email_key);
  events::Record(spi, {user_id, "user", user_id.ToString(), "user.invitation_accepted"});
  const auto session = sessions::StartSession(spi, user);
  if (!session) throw Error(ErrorCode::kForbidden, "the user is blocked");
  const auto result = sessions::LoginResult::Ok(spi, user_id, *session);
  spi.Finish();
  return result.Return(args);
}

}  // namespace latchkey::users
