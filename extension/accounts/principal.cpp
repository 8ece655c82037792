// The principal: the bound identity when there is one, else the database role.
#include "extension/accounts/principal.hpp"

#include "extension/core/error.hpp"
#include "extension/pg/catalog.hpp"
#include "extension/pg/transaction_state.hpp"

namespace latchkey::accounts {

void RequireAccount(const Uuid& account_id) {
  if (const pg::Identity* identity = pg::BoundIdentity()) {
    if (identity->user_id == account_id) return;
    throw Error(ErrorCode::kForbidden, "this account is not the caller's");
  }
  if (pg::CallerHasRole("latchkey_app") || pg::CallerHasRole("latchkey_admin") ||
      pg::CallerHasRole("latchkey_worker")) {
    return;
  }
  throw Error(ErrorCode::kForbidden, "no identity is bound to this transaction", {},
              "Call latchkey.authenticate(token) first, in the same transaction.");
}

void RequireNoIdentity() {
  if (pg::BoundIdentity() != nullptr) {
    throw Error(ErrorCode::kForbidden, "the caller's identity does not permit this");
  }
}

}  // namespace latchkey::accounts
