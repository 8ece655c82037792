// switch_tenant: the same session, in another tenant.
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/tenant_hooks.hpp"
#include "extension/sessions/rotation.hpp"
#include "extension/sessions/tokens.hpp"
#include "extension/sessions/verification.hpp"

namespace latchkey::sessions {

namespace {

// A look before anything is locked: who has no session learns nothing about tenants.
void RequireLiving(pg::Spi& spi, const SessionClaims& claims) {
  static pg::Statement statement(R"(
    SELECT 1 FROM latchkey.sessions
     WHERE user_id = $1 AND id = $2 AND revoked_at IS NULL AND expires_at > $3)");
  if (spi.RunLatest(statement, claims.user_id, claims.session_id, pg::Now()).empty()) {
    ThrowInvalidToken();
  }
}

void RecordSwitch(pg::Spi& spi, const SessionClaims& claims, const std::optional<Uuid>& to) {
  JsonObject data;
  if (to) data.Add("tenant_id", to->ToString());
  events::Record(spi, {claims.user_id, "session", claims.session_id.ToString(),
                       "session.tenant_switched", data.ToString()});
}

}  // namespace

// Membership and tenant are locked before the session, as who ends a membership does: it then ends
// the sessions that are in the tenant, this one too.
LATCHKEY_FUNCTION(switch_tenant, kSecret) {
  const auto token = args.Text(0, "token");
  const auto tenant_id = args.Optional<Uuid>(1);
  pg::Spi spi;
  const auto claims = ReadToken(spi, token);
  if (!claims) ThrowInvalidToken();
  PrepareToSign(spi);
  RequireLiving(spi, *claims);
  if (tenant_id) permissions::tenant_hooks.admit(spi, claims->user_id, *tenant_id, true);
  auto session = LockSession(spi, *claims);
  if (!session || session->expires_at <= pg::Now()) ThrowInvalidToken();
  LoginResult result;
  if (session->IsCurrent(*claims)) {
    session->tenant_id = tenant_id;
    Rotate(spi, *claims, *session);
    RecordSwitch(spi, *claims, tenant_id);
    result = Reissue(spi, *claims, *session);
  } else if (!session->IsPredecessor(*claims)) {
    RevokeFamily(spi, *claims);
    result.outcome = "invalid_token";
  } else if (session->tenant_id == tenant_id) {
    result = Reissue(spi, *claims, *session);
  } else {
    throw Error(ErrorCode::kConflict, "the session has got another token meanwhile", {},
                "Refresh this one, and switch with the token that comes back.");
  }
  spi.Finish();
  return result.Return(args);
}

}  // namespace latchkey::sessions
