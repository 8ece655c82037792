// The account that a route is about: the one that is given, or the caller's own.
#pragma once

#include "gateway/routes/route.hpp"

// The account of parameter $1; else the caller's own, which for a tenant's API key is the tenant.
#define LATCHKEY_ACCOUNT \
  "coalesce($1::uuid, latchkey.current_user_id(), latchkey.current_tenant_id())"

namespace latchkey {

inline Argument AccountInQuery() {
  return QueryField("account_id", Type::kUuid, kUuidLength, "Whose; the caller's own when absent.");
}
inline Argument AccountInBody() {
  return BodyField("account_id", Type::kUuid, kOptional, kUuidLength,
                   "Whose; the caller's own when absent.");
}

}  // namespace latchkey
