// Blocking, unblocking and deleting users.
#include "extension/accounts/credentials.hpp"
#include "extension/accounts/hooks.hpp"
#include "extension/accounts/one_time_tokens.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/core/utf8.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"

namespace latchkey::accounts {

namespace {

constexpr size_t kMaxReason = 500;

// Takes the user's row lock, so that two administrators act one after the other. Raises LK404.
std::string LockStatus(pg::Spi& spi, const Uuid& user_id) {
  static pg::Statement statement(
      "SELECT status FROM latchkey.users WHERE id = $1 AND status <> 'deleted' FOR UPDATE");
  const pg::Rows rows = spi.RunLatest(statement, user_id);
  if (rows.empty()) throw Error(ErrorCode::kNotFound, "there is no such user");
  return rows[0].Text(1);
}

void SetStatus(pg::Spi& spi, const Uuid& user_id, const char* status,
               const std::optional<std::string>& reason) {
  static pg::Statement statement(R"(
    UPDATE latchkey.users SET status = $2, status_reason = $3, updated_at = $4 WHERE id = $1)");
  spi.RunLatest(statement, user_id, status, reason, pg::Now());
  hooks.user_changed(spi, user_id);
}

}  // namespace

LATCHKEY_FUNCTION(block_user, kOpen) {
  const auto user_id = args.Get<Uuid>(0, "user_id");
  auto reason = args.Optional<std::string>(1);
  permissions::RequireOver(args, user_id, "users.block");
  if (reason) reason = std::string(CutText(*reason, kMaxReason));
  pg::Spi spi;
  if (LockStatus(spi, user_id) != "blocked") {
    hooks.check_dispensable(spi, user_id);
    SetStatus(spi, user_id, "blocked", reason);
    hooks.end_sessions(spi, user_id, std::nullopt, "user_blocked");
    DeleteTokens(spi, user_id);
    events::Record(spi, {user_id, "user", user_id.ToString(), "user.blocked"});
  }
  const auto columns = LoadUserAccount(spi, user_id);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(unblock_user, kOpen) {
  const auto user_id = args.Get<Uuid>(0, "user_id");
  permissions::RequireOver(args, user_id, "users.block");
  pg::Spi spi;
  if (LockStatus(spi, user_id) == "blocked") {
    SetStatus(spi, user_id, "active", std::nullopt);
    events::Record(spi, {user_id, "user", user_id.ToString(), "user.unblocked"});
  }
  const auto columns = LoadUserAccount(spi, user_id);
  spi.Finish();
  return args.ReturnRow(columns);
}

// The ids stay (account, user, Stripe customer): ledgers and events refer to them. Everything that
// says who it was goes, so the address is free again.
LATCHKEY_FUNCTION(delete_user, kOpen) {
  const auto user_id = args.Get<Uuid>(0, "user_id");
  permissions::RequireSelfOrOver(args, user_id, "users.delete");
  static pg::Statement erase(R"(
    UPDATE latchkey.users
       SET status = 'deleted', status_reason = NULL, email = NULL, name = NULL, password_hash = NULL,
           profile = '{}', onboarding_step = NULL, last_login_at = NULL, email_verified_at = NULL,
           updated_at = $2
     WHERE id = $1)");
  static pg::Statement free_address(
      "DELETE FROM latchkey.user_emails WHERE email_key = $1 AND user_id = $2");
  pg::Spi spi;
  const std::string email_key = LoadCredentials(spi, user_id).email_key;
  // Their locks before the user's row, as who asks for a mail takes them; and the other way round
  // for login.
  ForgetFailures(spi, "password_reset", email_key);
  ForgetFailures(spi, "email_verification", email_key);
  ForgetFailures(spi, "invitation", email_key);
  LockStatus(spi, user_id);
  hooks.check_dispensable(spi, user_id);
  hooks.erase_roles(spi, user_id);
  hooks.erase_webhooks(spi, user_id);
  ForgetLoginFailures(spi, email_key);
  hooks.erase_sessions(spi, user_id);
  DeleteTokens(spi, user_id);
  spi.RunLatest(erase, user_id, pg::Now());
  spi.RunLatest(free_address, email_key, user_id);
  hooks.user_changed(spi, user_id);
  events::Record(spi, {user_id, "user", user_id.ToString(), "user.deleted"});
  events::EraseMetadata(spi, user_id);
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::accounts
