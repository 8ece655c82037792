// Who is calling, and what that allows: the second of the two layers that decide (the first is
// EXECUTE).
#pragma once

#include <optional>

#include "extension/core/uuid.hpp"

namespace latchkey::accounts {

// All of these look at the caller's role: call them before opening an SPI session, which runs as
// the owner.

// Passes when the bound identity is this account's, or when none is bound and the database role is
// trusted (latchkey_app, latchkey_admin, latchkey_worker). Raises LK403 otherwise.
void RequireAccount(const Uuid& account_id);

// Passes when no identity is bound: what only an application or administrator does on its own
// behalf.
void RequireNoIdentity();

}  // namespace latchkey::accounts
