// What keeps permissions from growing: nobody gives or takes what they don't hold, nobody changes
// their own roles, and the last administrator stays.
#pragma once

#include "extension/pg/transaction_state.hpp"
#include "extension/roles/role_book.hpp"

namespace latchkey::roles {

// Raises LK403 unless the bound identity holds everything that the patterns stand for. With none
// bound the caller is a database role, which EXECUTE has let through.
void RequireHeld(pg::Spi& spi, const std::vector<std::string>& patterns,
                 const std::optional<Uuid>& tenant_id);

// Raises LK403 when the bound identity is this user.
void RequireOther(const Uuid& user_id);

// Raises LK410 when the user is the only one whom nothing but this grant makes the platform's
// administrator or the tenant's owner; one that is archived or deleted needs none. Locks what
// decides, so that of two who go at once the second stays.
void CheckDispensable(pg::Spi& spi, const Uuid& user_id, const Uuid& tenant_id,
                      std::string_view role);

// The same for all grants of a user who is about to go, and the deletion of them
// (accounts/hooks.hpp).
void CheckUserDispensable(pg::Spi& spi, const Uuid& user_id);
void EraseGrants(pg::Spi& spi, const Uuid& user_id);

}  // namespace latchkey::roles
