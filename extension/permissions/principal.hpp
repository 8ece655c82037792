// Who is calling, and what that allows: the second of the two layers that decide (the first is
// EXECUTE).
//
// The principal is the bound identity when there is one, else the database role. Every function
// that takes an account, a user or a tenant asks one of these first, before it opens an SPI
// session.
#pragma once

#include <optional>

#include "extension/pg/args.hpp"
#include "extension/pg/transaction_state.hpp"

namespace latchkey::permissions {

// An identity passes when the account is its own, or when it holds the permission platform-wide or
// within the tenant that the account is (or the given one). With none bound, a database role passes
// that may execute the function as a member of another group than latchkey_gateway. Raises LK403
// otherwise.
void RequireAccount(const pg::Args& args, const Uuid& account_id, const char* permission,
                    const std::optional<Uuid>& tenant_id = std::nullopt);

// The same without the own account: for what nobody does for themselves.
void Require(const pg::Args& args, const char* permission,
             const std::optional<Uuid>& tenant_id = std::nullopt);

// The user themselves, or a trusted database role; no permission replaces it.
void RequireSelf(const pg::Args& args, const Uuid& user_id);

// Require and RequireAccount for what disables a user or takes them over: the caller must hold all
// that the user holds, or a permission to administer users would be one to become an administrator.
void RequireOver(const pg::Args& args, const Uuid& user_id, const char* permission);
void RequireSelfOrOver(const pg::Args& args, const Uuid& user_id, const char* permission);

// Passes when no identity is bound: who signs up or in is nobody yet.
void RequireNoIdentity();

// What the roles module answers about identities; set by _PG_init.
struct Hooks {
  bool (*holds)(const pg::Identity& identity, std::string_view permission,
                const std::optional<Uuid>& tenant_id);
  bool (*holds_all_of)(const pg::Identity& identity, const Uuid& user_id);
};
inline Hooks hooks;

}  // namespace latchkey::permissions
