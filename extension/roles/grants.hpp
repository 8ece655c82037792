// The roles that users have, cached per backend, and what identities hold by them.
#pragma once

#include "extension/pg/datum.hpp"
#include "extension/pg/transaction_state.hpp"
#include "extension/roles/role_book.hpp"

namespace latchkey::roles {

struct Grant {
  Uuid tenant_id;  // kNoTenant: on the whole platform
  RolePtr role;
  std::optional<pg::Timestamp> expires_at;
  bool switched_off = false;  // the tenant is: the grant stays, and counts for nothing

  // An end takes effect at its instant, whether or not anybody swept.
  bool IsOver() const { return expires_at && *expires_at <= pg::Now(); }
};

// Those of the user, also the ones that are over by now.
using Grants = std::shared_ptr<const std::vector<Grant>>;
Grants GrantsOf(pg::Spi& spi, const Uuid& user_id);

// Whether the grant counts for an identity in this tenant (none: on the whole platform).
bool Counts(const pg::Identity& identity, const Grant& grant, const std::optional<Uuid>& tenant_id);

// Raises LK404 for a permission that is not registered.
bool Holds(pg::Spi& spi, const pg::Identity& identity, std::string_view permission,
           const std::optional<Uuid>& tenant_id);

// Whether it holds all that the pattern stands for.
bool HoldsPattern(pg::Spi& spi, const pg::Identity& identity, std::string_view pattern,
                  const std::optional<Uuid>& tenant_id);

// What the principal asks (permissions/principal.hpp).
bool PrincipalHolds(const pg::Identity& identity, std::string_view permission,
                    const std::optional<Uuid>& tenant_id);
bool PrincipalHoldsAllOf(const pg::Identity& identity, const Uuid& user_id);

}  // namespace latchkey::roles
