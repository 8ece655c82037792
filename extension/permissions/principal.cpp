// The principal: the bound identity when there is one, else the database role.
#include "extension/permissions/principal.hpp"

#include "extension/core/error.hpp"
#include "extension/pg/catalog.hpp"

namespace latchkey::permissions {

namespace {

[[noreturn]] void ThrowLacks(const char* message, const char* permission) {
  throw Error(ErrorCode::kForbidden, message, {},
              "Permission \"" + std::string(permission) + "\" is needed.");
}

void RequireTrustedRole(const pg::Args& args) {
  if (pg::CallerMayExecute(args.fcinfo()->flinfo->fn_oid)) return;
  throw Error(ErrorCode::kForbidden, "no identity is bound to this transaction", {},
              "Call latchkey.authenticate(token) first, in the same transaction.");
}

bool IsOwn(const pg::Identity& identity, const Uuid& account_id) {
  return identity.kind == pg::Identity::kUser && identity.user_id == account_id;
}

}  // namespace

void RequireAccount(const pg::Args& args, const Uuid& account_id, const char* permission,
                    const std::optional<Uuid>& tenant_id) {
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity == nullptr) return RequireTrustedRole(args);
  if (IsOwn(*identity, account_id) ||
      hooks.holds(*identity, permission, tenant_id.value_or(account_id))) {
    return;
  }
  ThrowLacks("this account is not the caller's", permission);
}

void Require(const pg::Args& args, const char* permission, const std::optional<Uuid>& tenant_id) {
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity == nullptr) return RequireTrustedRole(args);
  if (hooks.holds(*identity, permission, tenant_id)) return;
  ThrowLacks("the caller's identity does not permit this", permission);
}

void RequireSelf(const pg::Args& args, const Uuid& user_id) {
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity == nullptr) return RequireTrustedRole(args);
  if (IsOwn(*identity, user_id)) return;
  throw Error(ErrorCode::kForbidden, "this account is not the caller's");
}

void RequireOver(const pg::Args& args, const Uuid& user_id, const char* permission) {
  Require(args, permission);
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity == nullptr || hooks.holds_all_of(*identity, user_id)) return;
  throw Error(ErrorCode::kForbidden, "this user holds permissions that the caller does not");
}

void RequireSelfOrOver(const pg::Args& args, const Uuid& user_id, const char* permission) {
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity != nullptr && IsOwn(*identity, user_id)) return;
  RequireAccount(args, user_id, permission);  // says whose account it is not
  RequireOver(args, user_id, permission);
}

void RequireNoIdentity() {
  if (pg::BoundIdentity() != nullptr) {
    throw Error(ErrorCode::kForbidden, "the caller's identity does not permit this");
  }
}

}  // namespace latchkey::permissions
