// login and sign_up.
#include "extension/accounts/credentials.hpp"
#include "extension/core/error.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/permissions/tenant_hooks.hpp"
#include "extension/sessions/login_result.hpp"
#include "extension/sessions/tokens.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::sessions {

namespace {

constexpr settings::BooleanSetting kRequireVerified("accounts.require_verified_email");

// The tenant that is asked for: by name, or by the host of the request.
struct Asked {
  std::optional<std::string> tenant, host;
};

// The password was right: does the user get a session?
LoginResult Admit(pg::Spi& spi, const accounts::Credentials& user, const Asked& asked = {}) {
  LoginResult result;
  if (user.status != "active") {
    result.outcome = "blocked";
  } else if (!user.email_verified && kRequireVerified.Get(spi)) {
    result.outcome = "email_unverified";
  } else {
    const auto tenant_id =
        permissions::tenant_hooks.tenant_of_login(spi, user.user_id, asked.tenant, asked.host);
    result.outcome = "blocked";
    if (const auto session = StartSession(spi, user, tenant_id)) {
      result = LoginResult::Ok(spi, user.user_id, *session);
    }
  }
  result.user_id = user.user_id;
  return result;
}

}  // namespace

LATCHKEY_FUNCTION(login, kSecret) {
  const auto email = args.Text(0, "email");
  const auto password = args.Text(1, "password");
  const Asked asked = {args.Optional<std::string>(2), args.Optional<std::string>(3)};
  const auto address = accounts::TryParseAddress(email);
  LoginResult result;
  pg::Spi spi;
  PrepareToSign(spi);
  const auto check = accounts::CheckCredentials(spi, address, email, password);
  if (check.outcome == accounts::CredentialCheck::kOk) {
    result = Admit(spi, *check.user, asked);
  } else if (check.outcome == accounts::CredentialCheck::kLockedOut) {
    result.outcome = "locked_out";
    result.retry_at = check.retry_at;
  }
  spi.Finish();
  return result.Return(args);
}

LATCHKEY_FUNCTION(sign_up, kSecret) {
  args.Text(0, "email");
  args.Text(1, "password");  // optional for register_user alone
  permissions::RequireNoIdentity();
  pg::Spi spi;
  const accounts::NewUser user = accounts::ReadNewUser(spi, args);
  if (!kRequireVerified.Get(spi)) PrepareToSign(spi);
  const Uuid user_id = accounts::CreateUser(spi, user);
  const LoginResult result = Admit(spi, accounts::LoadCredentials(spi, user_id));
  spi.Finish();
  return result.Return(args);
}

}  // namespace latchkey::sessions
