// Logging out, listing, revoking and purging sessions.
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"
#include "extension/pg/transaction_state.hpp"
#include "extension/sessions/tokens.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::sessions {

namespace {

constexpr settings::DurationSetting kRetention("sessions.retention");
constexpr int32_t kMaxRows = 1000;
constexpr int32_t kMaxBatch = 100000;

bool EndOne(pg::Spi& spi, const Uuid& user_id, const Uuid& session_id, const char* reason) {
  static pg::Statement statement(R"(
    UPDATE latchkey.sessions SET revoked_at = $3, revoked_reason = $4
     WHERE user_id = $1 AND id = $2 AND revoked_at IS NULL AND expires_at > $3)");
  spi.RunLatest(statement, user_id, session_id, pg::Now(), reason);
  if (spi.affected() == 0) return false;
  events::Record(spi, {user_id, "session", session_id.ToString(), "session.ended",
                       JsonObject().Add("reason", reason).ToString()});
  return true;
}

int32_t RequireCount(const pg::Args& args, int index, const char* name, int32_t maximum) {
  const auto count = args.Get<int32_t>(index, name);
  if (count < 1 || count > maximum) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string(name) + " must lie between 1 and " + std::to_string(maximum));
  }
  return count;
}

}  // namespace

LATCHKEY_FUNCTION(logout, kSecret) {
  const auto token = args.Text(0, "token");
  pg::Spi spi;
  const auto claims = ReadToken(spi, token, true);
  const bool ended = claims && EndOne(spi, claims->user_id, claims->session_id, "logout");
  spi.Finish();
  return args.Return(ended);
}

LATCHKEY_FUNCTION(logout_everywhere, kOpen) {
  const auto user_id = args.Get<Uuid>(0, "user_id");
  permissions::RequireSelfOrOver(args, user_id, "sessions.revoke");
  // First the lock that a login takes: a session that is being started ends as well.
  static pg::Statement lock("SELECT 1 FROM latchkey.users WHERE id = $1 FOR NO KEY UPDATE");
  static pg::Statement statement(R"(
    UPDATE latchkey.sessions SET revoked_at = $2, revoked_reason = 'logout_everywhere'
     WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2)");
  pg::Spi spi;
  spi.RunLatest(lock, user_id);
  spi.RunLatest(statement, user_id, pg::Now());
  const auto ended = static_cast<int32_t>(spi.affected());
  if (ended > 0) {
    events::Record(
        spi,
        {user_id, "user", user_id.ToString(), "sessions.ended",
         JsonObject().Add("reason", "logout_everywhere").Add("count", int64_t{ended}).ToString()});
  }
  spi.Finish();
  return args.Return(ended);
}

LATCHKEY_FUNCTION(list_sessions, kOpen) {
  const auto user_id = args.Get<Uuid>(0, "user_id");
  const auto after = args.Optional<Uuid>(1);
  const int32_t max_rows = RequireCount(args, 2, "max_rows", kMaxRows);
  permissions::RequireAccount(args, user_id, "sessions.read");
  // Newest first: ids are ordered by time.
  static pg::Statement statement(R"(
    SELECT id, created_at, last_seen_at, expires_at, client_address, user_agent
      FROM latchkey.sessions
     WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2 AND ($3 IS NULL OR id < $3)
     ORDER BY id DESC LIMIT $4)");
  const pg::Identity* identity = pg::BoundIdentity();
  std::vector<std::vector<pg::Value>> result;
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement, user_id, pg::Now(), after, max_rows);
  for (uint64_t i = 0; i < rows.size(); ++i) {
    std::vector<pg::Value> columns;
    for (int column = 1; column <= 6; ++column)
      columns.push_back(pg::ToValue(rows[i].Copy(column)));
    const bool current = identity != nullptr && identity->session_id == rows[i].Get<Uuid>(1);
    columns.push_back(pg::ToValue(current));
    result.push_back(std::move(columns));
  }
  spi.Finish();
  args.BeginSet();
  for (const auto& columns : result) args.EmitRow(columns);
  return args.Void();
}

LATCHKEY_FUNCTION(revoke_session, kOpen) {
  const auto user_id = args.Get<Uuid>(0, "user_id");
  const auto session_id = args.Get<Uuid>(1, "session_id");
  permissions::RequireSelfOrOver(args, user_id, "sessions.revoke");
  pg::Spi spi;
  if (!EndOne(spi, user_id, session_id, "revoked")) {
    throw Error(ErrorCode::kNotFound, "there is no such session");
  }
  spi.Finish();
  return args.Return(true);
}

// Oldest first, in batches. A row that somebody works on is left for the next time: who purges
// waits for nobody.
LATCHKEY_FUNCTION(purge_expired_sessions, kOpen) {
  const int32_t batch = RequireCount(args, 0, "batch", kMaxBatch);
  permissions::Require(args, "sessions.revoke");
  static pg::Statement sessions(R"(
    WITH over AS (
      SELECT user_id, id FROM latchkey.sessions
       WHERE least(expires_at, revoked_at) < $1 ORDER BY least(expires_at, revoked_at)
       LIMIT $2 FOR UPDATE SKIP LOCKED)
    DELETE FROM latchkey.sessions s USING over o WHERE s.user_id = o.user_id AND s.id = o.id)");
  static pg::Statement tokens(R"(
    WITH over AS (
      SELECT user_id, token_hash FROM latchkey.user_tokens
       WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
    DELETE FROM latchkey.user_tokens t USING over o
     WHERE t.user_id = o.user_id AND t.token_hash = o.token_hash)");
  static pg::Statement attempts(R"(
    WITH over AS (
      SELECT scope, key_hash FROM latchkey.login_attempts
       WHERE window_ends_at < $1 AND user_id IS NULL ORDER BY window_ends_at
       LIMIT $2 FOR UPDATE SKIP LOCKED)
    DELETE FROM latchkey.login_attempts a USING over o
     WHERE a.scope = o.scope AND a.key_hash = o.key_hash)");
  pg::Spi spi;
  const pg::Timestamp now = pg::Now();
  const pg::Timestamp long_ago = now + -kRetention.Micros(spi);
  spi.RunLatest(sessions, long_ago, batch);
  auto purged = static_cast<int32_t>(spi.affected());
  spi.RunLatest(tokens, now, batch);
  purged += static_cast<int32_t>(spi.affected());
  // Failures in a row are kept for a user's address until a success, and for others not much
  // shorter, or the time of a lock-out would tell which addresses are users'.
  spi.RunLatest(attempts, long_ago, batch);
  purged += static_cast<int32_t>(spi.affected());
  spi.Finish();
  return args.Return(purged);
}

}  // namespace latchkey::sessions
