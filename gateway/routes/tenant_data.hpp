// What the routes on tenants' databases share.
#pragma once

#include "gateway/routes/route.hpp"

namespace latchkey {

constexpr char kReadData[] = "tenant_data.read";
constexpr char kWriteData[] = "tenant_data.write";
constexpr size_t kMaxCents = 1000000000000;

inline Argument PageAfter() {
  return QueryField("after", Type::kUuid, kUuidLength, "The last id of the page before.");
}
inline Argument PageSize() {
  return QueryField("limit", Type::kInteger, 1000, "How many at most; 100 when absent.");
}
inline Argument RowId(const char* description) {
  return PathPart("id", Type::kUuid, kUuidLength, description);
}

inline std::vector<ErrorId> TenantErrors() {
  return {ErrorId::Forbidden,     ErrorId::NotFound, ErrorId::Conflict,
          ErrorId::AlreadyExists, ErrorId::TooBusy,  ErrorId::TenantUnavailable,
          ErrorId::NotConfigured};
}

}  // namespace latchkey
