// What the routes on tenants' databases share.
#pragma once

#include "gateway/routes/route.hpp"

namespace latchkey {

constexpr char kReadData[] = "tenant_data.read";
constexpr char kWriteData[] = "tenant_data.write";
constexpr size_t kMaxCents = 1000000000000;

// Of rows of a table that is called p there.
#define LATCHKEY_PAGE_OF(rows, more)                                                             \
  "SELECT coalesce(json_agg(r), '[]') FROM (" rows "WHERE ($1::uuid IS NULL OR p.id < $1) " more \
  " ORDER BY p.id DESC LIMIT coalesce($2::integer, 100)) AS r"
#define LATCHKEY_ONE_OF(rows) "SELECT row_to_json(r) FROM (" rows "WHERE p.id = $1::uuid) AS r"

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
