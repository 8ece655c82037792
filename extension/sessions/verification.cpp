// verify and authenticate, and the readers of the bound identity.
#include "extension/sessions/verification.hpp"

#include "extension/accounts/standing.hpp"
#include "extension/core/error.hpp"
#include "extension/permissions/tenant_hooks.hpp"
#include "extension/pg/args.hpp"
#include "extension/pg/key_lookup.hpp"
#include "extension/sessions/bearer_hooks.hpp"
#include "extension/sessions/tokens.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::sessions {

namespace {

constexpr settings::DurationSetting kRotationGrace("sessions.rotation_grace");

struct StoredSession : VerifiedSession {
  Uuid token_id;
  std::optional<Uuid> previous_token_id;
  pg::Timestamp token_issued_at;
};

// Of a row with the columns of FindSession, numbered from `first`.
template <typename Columns>
StoredSession ReadSession(const SessionClaims& claims, const Columns& row, int first) {
  StoredSession session;
  session.user_id = claims.user_id;
  session.session_id = claims.session_id;
  session.token_id = row.template Get<Uuid>(first);
  session.previous_token_id = row.template Optional<Uuid>(first + 1);
  session.token_issued_at = row.template Get<pg::Timestamp>(first + 2);
  session.expires_at = row.template Get<pg::Timestamp>(first + 3);
  session.tenant_id = row.template Optional<Uuid>(first + 4);
  session.email = row.template Get<std::string>(first + 5);
  session.name = row.template Optional<std::string>(first + 6);
  return session;
}

// One row by its key, and no look at users: whoever blocks or deletes a user ends the sessions in
// the same transaction, and StartSession can't begin one afterwards.
std::optional<StoredSession> FindSession(pg::Spi& spi, const SessionClaims& claims) {
  static pg::KeyLookup lookup(
      "sessions", {"token_id", "previous_token_id", "token_issued_at", "expires_at", "tenant_id",
                   "email", "name", "revoked_at"});
  constexpr int kRevokedAt = 7;
  static pg::Statement statement(R"(
    SELECT token_id, previous_token_id, token_issued_at, expires_at, tenant_id, email, name
      FROM latchkey.sessions WHERE user_id = $1 AND id = $2 AND revoked_at IS NULL)");
  if (lookup.IsUsable()) {
    const auto found = lookup.Find(claims.user_id, claims.session_id);
    if (!found || found.Optional<pg::Timestamp>(kRevokedAt)) return std::nullopt;
    return ReadSession(claims, found, 0);
  }
  const pg::Rows rows = spi.ReadLatest(statement, claims.user_id, claims.session_id);
  if (rows.empty()) return std::nullopt;
  return ReadSession(claims, rows[0], 1);
}

// After a refresh the token before it is good for a moment more: requests are under way with it.
bool IsCurrentToken(pg::Spi& spi, const StoredSession& session, const Uuid& token_id) {
  if (session.token_id == token_id) return true;
  return session.previous_token_id == token_id &&
         pg::Now() < session.token_issued_at + kRotationGrace.Micros(spi);
}

Datum ReturnSession(pg::Args& args, const VerifiedSession& session) {
  return args.ReturnRow({pg::ToValue(session.user_id), pg::ToValue(session.session_id),
                         pg::ToValue(session.tenant_id), pg::ToValue(session.email),
                         pg::ToValue(session.name), pg::Value(), pg::ToValue(session.expires_at)});
}

// A machine has no session and no account; its role is no role of anybody's.
Datum ReturnService(pg::Args& args, const VerifiedService& service) {
  return args.ReturnRow({pg::Value(), pg::Value(), pg::ToValue(service.identity.tenant_id),
                         pg::Value(), pg::ToValue(service.name), pg::ToValue("service"),
                         pg::ToValue(service.expires_at)});
}

// A session's tenant, or a key's.
void RequireActive(pg::Spi& spi, const std::optional<Uuid>& tenant_id) {
  if (tenant_id) permissions::tenant_hooks.require_active(spi, *tenant_id);
}

VerifiedService VerifyServiceToken(pg::Spi& spi, std::string_view token) {
  auto service = bearer_hooks.find_service(spi, token);
  if (!service) ThrowInvalidToken();
  RequireActive(spi, service->identity.tenant_id);
  return *std::move(service);
}

}  // namespace

void ThrowInvalidToken() { throw Error(ErrorCode::kInvalidToken, "the token is not valid"); }

VerifiedSession VerifyToken(pg::Spi& spi, std::string_view token) {
  const auto claims = ReadToken(spi, token);
  if (!claims) ThrowInvalidToken();
  const auto session = FindSession(spi, *claims);
  if (!session || session->expires_at <= pg::Now() ||
      !IsCurrentToken(spi, *session, claims->token_id)) {
    ThrowInvalidToken();
  }
  // One of before switch_tenant(): a request that is under way with it must not land in another
  // tenant than it was meant for.
  if (session->tenant_id != claims->tenant) ThrowInvalidToken();
  RequireActive(spi, session->tenant_id);
  return *session;
}

LATCHKEY_FUNCTION(verify, kSecret) {
  const auto token = args.Text(0, "token");
  pg::Spi spi(pg::Spi::kReadOnly);
  if (bearer_hooks.is_service_token(token)) {
    const VerifiedService service = VerifyServiceToken(spi, token);
    spi.Finish();
    return ReturnService(args, service);
  }
  const VerifiedSession session = VerifyToken(spi, token);
  spi.Finish();
  return ReturnSession(args, session);
}

LATCHKEY_FUNCTION(authenticate, kSecret) {
  const auto token = args.Text(0, "token");
  pg::Spi spi;
  if (bearer_hooks.is_service_token(token)) {
    const VerifiedService service = VerifyServiceToken(spi, token);
    bearer_hooks.note_use(spi, service);
    spi.Finish();
    pg::BindIdentity(service.identity);
    return ReturnService(args, service);
  }
  const VerifiedSession session = VerifyToken(spi, token);
  spi.Finish();
  pg::Identity identity;
  identity.user_id = session.user_id;
  identity.session_id = session.session_id;
  identity.tenant_id = session.tenant_id;
  pg::BindIdentity(identity);
  return ReturnSession(args, session);
}

LATCHKEY_FUNCTION(current_user_id, kOpen) {
  const pg::Identity* identity = pg::BoundIdentity();
  const bool is_user = identity != nullptr && identity->kind == pg::Identity::kUser;
  return is_user ? args.Return(identity->user_id) : args.Null();
}

LATCHKEY_FUNCTION(current_session_id, kOpen) {
  const pg::Identity* identity = pg::BoundIdentity();
  const bool is_user = identity != nullptr && identity->kind == pg::Identity::kUser;
  return is_user ? args.Return(identity->session_id) : args.Null();
}

LATCHKEY_FUNCTION(current_tenant_id, kOpen) {
  const pg::Identity* identity = pg::BoundIdentity();
  return identity == nullptr ? args.Null() : args.Return(identity->tenant_id);
}

}  // namespace latchkey::sessions
