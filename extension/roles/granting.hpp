// Giving a user a role, for the modules that do so as a part of something else.
#pragma once

#include "extension/pg/args.hpp"

namespace latchkey::roles {

// What grant_role() does once permission roles.grant was asked for: checks that the caller holds
// what the role permits, that it exists, and that user and tenant do; stores the grant, and records
// the event. Without a tenant: on the whole platform. Raises LK403, LK404, LK410. Returns the
// columns of latchkey.role_grant, in the caller's memory.
std::vector<pg::Value> GrantRole(pg::Spi& spi, const Uuid& user_id,
                                 const std::optional<Uuid>& tenant_id, std::string_view role,
                                 const std::optional<pg::Timestamp>& expires_at = std::nullopt);

// The same for who was chosen by another rule than the caller's rights: asks nothing about the
// caller.
void GiveRole(pg::Spi& spi, const Uuid& user_id, const Uuid& tenant_id, std::string_view role);

// Raises LK404 when there is no such role within the tenant, and LK403 unless the caller holds what
// it permits.
void RequireGrantable(pg::Spi& spi, const Uuid& tenant_id, std::string_view role);

// Takes a role, without a look at the caller. Raises LK410 for the last administrator or owner.
// Whose last role in a tenant goes has their sessions there ended. False when they don't have it.
bool TakeRole(pg::Spi& spi, const Uuid& user_id, const std::optional<Uuid>& tenant_id,
              std::string_view role);

}  // namespace latchkey::roles
