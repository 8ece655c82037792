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

}  // namespace latchkey::roles
