// Changing, setting and resetting passwords; confirming addresses.
#include "extension/accounts/credentials.hpp"
#include "extension/accounts/hooks.hpp"
#include "extension/accounts/one_time_tokens.hpp"
#include "extension/accounts/passwords.hpp"
#include "extension/core/error.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/transaction_state.hpp"

namespace latchkey::accounts {

namespace {

void RecordUserEvent(pg::Spi& spi, const Uuid& user_id, const char* type) {
  events::Record(spi, {user_id, "user", user_id.ToString(), type});
}

void RequirePasswordRules(pg::Spi& spi, std::string_view password) {
  if (const auto problem = CheckPasswordRules(spi, password)) {
    throw Error(ErrorCode::kInvalidArgument, *problem);
  }
}

void EmitMailToken(pg::Args& args, const Credentials& user, const IssuedToken& issued) {
  args.EmitRow({pg::ToValue(user.user_id), pg::ToValue(user.email), pg::ToValue(user.name),
                pg::ToValue(issued.token), pg::ToValue(issued.expires_at)});
}

// What somebody who only names an address may ask for.
struct MailKind {
  const char* scope;  // of the throttle
  TokenPurpose purpose;
  bool unverified_only;
  const char* event;
};

// Emits a token when the first argument is the address of a user who may have one; else no row.
void RequestMailFor(pg::Args& args, const MailKind& kind) {
  const auto email = args.Text(0, "email");
  const auto address = TryParseAddress(email);
  pg::Spi spi;
  const bool allowed = MayMail(spi, kind.scope, address ? std::string_view(address->key) : email);
  const auto user = address ? FindCredentials(spi, *address) : std::nullopt;
  const bool due =
      user && user->status == "active" && !(kind.unverified_only && user->email_verified);
  std::optional<IssuedToken> issued;
  if (allowed && due) {
    issued = IssueToken(spi, *user, kind.purpose);
    RecordUserEvent(spi, user->user_id, kind.event);
  }
  spi.Finish();
  args.BeginSet();
  if (issued) EmitMailToken(args, *user, *issued);
}

}  // namespace

LATCHKEY_FUNCTION(change_password, kSecret) {
  const auto user_id = args.Get<Uuid>(0, "user_id");
  const auto current = args.Text(1, "current_password");
  const auto replacement = args.Text(2, "new_password");
  permissions::RequireSelf(args, user_id);
  pg::Spi spi;
  RequirePasswordRules(spi, replacement);
  const Credentials user = LoadCredentials(spi, user_id);
  const CredentialCheck check = CheckCredentials(spi, Address{user.email, user.email_key},
                                                 user.email_key, current, replacement);
  const char* outcome = "invalid_credentials";
  if (check.outcome == CredentialCheck::kLockedOut) outcome = "locked_out";
  if (check.outcome == CredentialCheck::kOk) {
    outcome = "ok";
    const pg::Identity* identity = pg::BoundIdentity();
    std::optional<Uuid> keep;
    if (identity != nullptr) keep = identity->session_id;
    hooks.end_sessions(spi, user_id, keep, "password_changed");
    DeleteTokens(spi, user_id);
    RecordUserEvent(spi, user_id, "user.password_changed");
  }
  spi.Finish();
  return args.ReturnRow({pg::ToValue(outcome), pg::ToValue(check.retry_at)});
}

LATCHKEY_FUNCTION(set_password, kSecret) {
  const auto user_id = args.Get<Uuid>(0, "user_id");
  const auto password = args.Text(1, "password");
  permissions::RequireOver(args, user_id, "users.write");
  pg::Spi spi;
  const Credentials user = LoadCredentials(spi, user_id);
  StorePasswordHash(spi, user_id, HashPassword(spi, password));
  hooks.end_sessions(spi, user_id, std::nullopt, "password_set");
  DeleteTokens(spi, user_id);
  ForgetLoginFailures(spi, user.email_key);
  RecordUserEvent(spi, user_id, "user.password_set");
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(request_password_reset, kSecret) {
  RequestMailFor(args, {"password_reset", TokenPurpose::kPasswordReset, false,
                        "user.password_reset_requested"});
  return args.Void();
}

LATCHKEY_FUNCTION(reset_password, kSecret) {
  const auto token = args.Text(0, "token");
  const auto password = args.Text(1, "new_password");
  static pg::Statement confirm(R"(
    UPDATE latchkey.users SET email_verified_at = coalesce(email_verified_at, $2) WHERE id = $1)");
  pg::Spi spi;
  RequirePasswordRules(spi, password);
  FindToken(spi, token, TokenPurpose::kPasswordReset);
  const std::string hash = HashPassword(spi, password);  // before any row is locked
  const Uuid user_id = RedeemToken(spi, token, TokenPurpose::kPasswordReset);
  const Credentials user = LoadCredentials(spi, user_id);
  if (user.status != "active") throw Error(ErrorCode::kForbidden, "the user is blocked");
  StorePasswordHash(spi, user_id, hash);
  spi.RunLatest(confirm, user_id, pg::Now());  // who has the token has the mailbox
  hooks.end_sessions(spi, user_id, std::nullopt, "password_reset");
  ForgetLoginFailures(spi, user.email_key);
  RecordUserEvent(spi, user_id, "user.password_reset");
  const auto columns = LoadUserAccount(spi, user_id);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(request_email_verification, kSecret) {
  const auto user_id = args.Get<Uuid>(0, "user_id");
  permissions::RequireAccount(args, user_id, "users.write");
  pg::Spi spi;
  Credentials user = LoadCredentials(spi, user_id);
  std::optional<IssuedToken> issued;
  if (!user.email_verified && MayMail(spi, "email_verification", user.email_key)) {
    // Again, behind the lock that delete_user takes as well: a deleted user gets no token.
    user = LoadCredentials(spi, user_id);
    issued = IssueToken(spi, user, TokenPurpose::kEmailVerification);
    RecordUserEvent(spi, user_id, "user.email_verification_requested");
  }
  spi.Finish();
  args.BeginSet();
  if (issued) EmitMailToken(args, user, *issued);
  return args.Void();
}

LATCHKEY_FUNCTION(request_email_verification_for, kSecret) {
  RequestMailFor(args, {"email_verification", TokenPurpose::kEmailVerification, true,
                        "user.email_verification_requested"});
  return args.Void();
}

LATCHKEY_FUNCTION(confirm_email, kSecret) {
  const auto token = args.Text(0, "token");
  static pg::Statement confirm(
      "UPDATE latchkey.users SET email_verified_at = $2, updated_at = $2 WHERE id = $1");
  pg::Spi spi;
  const Uuid user_id = RedeemToken(spi, token, TokenPurpose::kEmailVerification);
  spi.RunLatest(confirm, user_id, pg::Now());
  RecordUserEvent(spi, user_id, "user.email_verified");
  const auto columns = LoadUserAccount(spi, user_id);
  spi.Finish();
  return args.ReturnRow(columns);
}

}  // namespace latchkey::accounts
