// refresh: a new token for a session, exactly once per token.
#include "extension/events/events.hpp"
#include "extension/permissions/tenant_hooks.hpp"
#include "extension/sessions/rotation.hpp"
#include "extension/sessions/tokens.hpp"
#include "extension/sessions/verification.hpp"

namespace latchkey::sessions {

// The direct predecessor of the current token gets the current one again, however late: two tabs
// that share a token must not log each other out. Reuse of an older one ends the session, and must
// return (not raise), or the end would be rolled back: outcome invalid_token.
LATCHKEY_FUNCTION(refresh, kSecret) {
  const auto token = args.Text(0, "token");
  pg::Spi spi;
  const auto claims = ReadToken(spi, token);
  if (!claims) ThrowInvalidToken();
  PrepareToSign(spi);
  auto session = LockSession(spi, *claims);
  if (!session || session->expires_at <= pg::Now()) ThrowInvalidToken();
  const bool is_current = session->IsCurrent(*claims);
  LoginResult result;
  if (!is_current && !session->IsPredecessor(*claims)) {
    RevokeFamily(spi, *claims);
    result.outcome = "invalid_token";
    spi.Finish();
    return result.Return(args);
  }
  if (session->tenant_id) {
    permissions::tenant_hooks.admit(spi, claims->user_id, *session->tenant_id, false);
  }
  if (is_current) {
    Rotate(spi, *claims, *session);
    events::Record(
        spi, {claims->user_id, "session", claims->session_id.ToString(), "session.refreshed"});
  }
  result = Reissue(spi, *claims, *session);
  spi.Finish();
  return result.Return(args);
}

}  // namespace latchkey::sessions
