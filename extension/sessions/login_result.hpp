// The composite latchkey.login_result: what login, sign_up and refresh return.
#pragma once

#include "extension/accounts/users.hpp"
#include "extension/permissions/tenant_hooks.hpp"
#include "extension/sessions/session_store.hpp"

namespace latchkey::sessions {

struct LoginResult {
  const char* outcome = "invalid_credentials";
  std::optional<std::string> token;
  std::optional<pg::Timestamp> expires_at;
  std::optional<Uuid> session_id;
  std::optional<Uuid> user_id;
  std::optional<Uuid> tenant_id;
  std::optional<pg::Timestamp> retry_at;
  std::vector<pg::Value> account;  // empty: null
  std::optional<int64_t> tenant_count;

  static LoginResult Ok(pg::Spi& spi, const Uuid& user_id, const IssuedSession& session) {
    LoginResult result;
    result.outcome = "ok";
    result.token = session.token;
    result.expires_at = session.expires_at;
    result.session_id = session.session_id;
    result.user_id = user_id;
    result.tenant_id = session.tenant_id;
    result.account = accounts::LoadUserAccount(spi, user_id);
    result.tenant_count = permissions::tenant_hooks.count_memberships(spi, user_id);
    return result;
  }

  // After the SPI session has ended.
  Datum Return(pg::Args& args) const {
    return args.ReturnRow({pg::ToValue(outcome), pg::ToValue(token), pg::ToValue(expires_at),
                           pg::ToValue(session_id), pg::ToValue(user_id), pg::ToValue(retry_at),
                           account.empty() ? pg::Value() : accounts::UserAccountValue(account),
                           pg::ToValue(tenant_count), pg::ToValue(tenant_id)});
  }
};

}  // namespace latchkey::sessions
