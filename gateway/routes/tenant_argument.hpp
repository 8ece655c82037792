// What the routes of the modules about tenants have in common.
#pragma once

#include "gateway/routes/route.hpp"

namespace latchkey {

constexpr size_t kMaxTenantPage = 1000;

// A route about one tenant, whose id is parameter $1. The extension decides who may what in it.
inline Route ForTenant(const char* method, const char* path, const char* operation,
                       const char* tag) {
  return Route(method, path, operation, tag)
      .As(Who::kBearer)
      .Takes(PathPart("id", Type::kUuid, kUuidLength, "The id of the tenant."))
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

inline Argument PageAfter(const char* description) {
  return QueryField("after", Type::kUuid, kUuidLength, description);
}
inline Argument TenantPageSize() {
  return QueryField("limit", Type::kInteger, kMaxTenantPage, "How many at most; 100 when absent.");
}

}  // namespace latchkey
