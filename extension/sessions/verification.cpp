// verify and authenticate, and the readers of the bound identity.
#include "extension/sessions/verification.hpp"

#include "extension/accounts/standing.hpp"
#include "extension/core/error.hpp"
#include "extension/pg/args.hpp"
#include "extension/pg/transaction_state.hpp"
#include "extension/sessions/tokens.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::sessions {

namespace {

constexpr settings::DurationSetting kRotationGrace("sessions.rotation_grace");

// After a refresh the token before it is good for a moment more: requests are under way with it.
bool IsCurrentToken(pg::Spi& spi, const pg::Row& row, const Uuid& token_id) {
  if (row.Get<Uuid>(1) == token_id) return true;
  return row.Optional<Uuid>(2) == token_id &&
         pg::Now() < row.Get<pg::Timestamp>(3) + kRotationGrace.Micros(spi);
}

Datum ReturnSession(pg::Args& args, const VerifiedSession& session) {
  return args.ReturnRow({pg::ToValue(session.user_id), pg::ToValue(session.session_id),
                         pg::ToValue(session.tenant_id), pg::ToValue(session.email),
                         pg::ToValue(session.name), pg::Value(), pg::ToValue(session.expires_at)});
}

}  // namespace

void ThrowInvalidToken() { throw Error(ErrorCode::kInvalidToken, "the token is not valid"); }

VerifiedSession VerifyToken(pg::Spi& spi, std::string_view token) {
  // One row by its key, and no look at users: whoever blocks or deletes a user ends the sessions in
  // the same transaction, and StartSession can't begin one afterwards. As of now: a long
  // transaction must not take a session for valid that has ended since it began.
  static pg::Statement statement(R"(
    SELECT token_id, previous_token_id, token_issued_at, expires_at, tenant_id, email, name
      FROM latchkey.sessions WHERE user_id = $1 AND id = $2 AND revoked_at IS NULL)");
  const auto claims = ReadToken(spi, token);
  if (!claims) ThrowInvalidToken();
  const pg::Rows rows = spi.ReadLatest(statement, claims->user_id, claims->session_id);
  if (rows.empty()) ThrowInvalidToken();
  const pg::Row row = rows[0];
  VerifiedSession session;
  session.user_id = claims->user_id;
  session.session_id = claims->session_id;
  session.expires_at = row.Get<pg::Timestamp>(4);
  session.tenant_id = row.Optional<Uuid>(5);
  session.email = row.Text(6);
  session.name = row.Optional<std::string>(7);
  if (session.expires_at <= pg::Now() || !IsCurrentToken(spi, row, claims->token_id)) {
    ThrowInvalidToken();
  }
  return session;
}

LATCHKEY_FUNCTION(verify, kSecret) {
  const auto token = args.Text(0, "token");
  pg::Spi spi;
  const VerifiedSession session = VerifyToken(spi, token);
  spi.Finish();
  return ReturnSession(args, session);
}

LATCHKEY_FUNCTION(authenticate, kSecret) {
  const auto token = args.Text(0, "token");
  pg::Spi spi;
  const VerifiedSession session = VerifyToken(spi, token);
  spi.Finish();
  pg::BindIdentity({session.user_id, session.session_id, session.tenant_id, {}});
  return ReturnSession(args, session);
}

LATCHKEY_FUNCTION(current_user_id, kOpen) {
  const pg::Identity* identity = pg::BoundIdentity();
  return identity == nullptr ? args.Null() : args.Return(identity->user_id);
}

LATCHKEY_FUNCTION(current_session_id, kOpen) {
  const pg::Identity* identity = pg::BoundIdentity();
  return identity == nullptr ? args.Null() : args.Return(identity->session_id);
}

LATCHKEY_FUNCTION(current_tenant_id, kOpen) {
  const pg::Identity* identity = pg::BoundIdentity();
  return identity == nullptr ? args.Null() : args.Return(identity->tenant_id);
}

LATCHKEY_FUNCTION(current_role_name, kOpen) {
  const pg::Identity* identity = pg::BoundIdentity();
  return identity == nullptr || identity->role.empty() ? args.Null() : args.Return(identity->role);
}

}  // namespace latchkey::sessions
