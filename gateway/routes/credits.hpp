// What the two tables of credit routes share.
#pragma once

#include "gateway/routes/route.hpp"

// The account of parameter $1; else the caller's own, which for a tenant's API key is the tenant.
#define LATCHKEY_ACCOUNT \
  "coalesce($1::uuid, latchkey.current_user_id(), latchkey.current_tenant_id())"

namespace latchkey {

constexpr size_t kMaxService = 100;
constexpr size_t kMaxReference = 500;

inline Argument AccountInQuery() {
  return QueryField("account_id", Type::kUuid, kUuidLength, "Whose; the caller's own when absent.");
}
inline Argument AccountInBody() {
  return BodyField("account_id", Type::kUuid, kOptional, kUuidLength,
                   "Whose; the caller's own when absent.");
}

}  // namespace latchkey
