// Reading the permissions that somebody wants to give.
#include "extension/roles/patterns.hpp"

#include "extension/core/error.hpp"
#include "extension/core/permission_pattern.hpp"
#include "extension/roles/role_book.hpp"

namespace latchkey::roles {

namespace {
constexpr size_t kMaxPatterns = 200;
}

std::vector<std::string> ReadPatterns(pg::Spi& spi, const pg::Raw& array) {
  static pg::Statement statement("SELECT DISTINCT p COLLATE \"C\" FROM unnest($1) AS p ORDER BY 1");
  static pg::Statement lock(
      "SELECT 1 FROM latchkey.permissions WHERE name = ANY ($1) ORDER BY name FOR KEY SHARE");
  std::vector<std::string> patterns;
  size_t names = 0;
  const pg::Rows rows = spi.Read(statement, array);
  for (uint64_t i = 0; i < rows.size(); ++i) {
    patterns.push_back(rows[i].Optional<std::string>(1).value_or(""));
  }
  if (patterns.size() > kMaxPatterns) {
    throw Error(ErrorCode::kInvalidArgument, "at most 200 permissions can be given");
  }
  RefreshRoles(spi);
  for (const std::string& pattern : patterns) {
    if (!IsPermissionPattern(pattern)) {
      throw Error(ErrorCode::kInvalidArgument, "\"" + pattern + "\" is no permission", {},
                  "Permissions are written thing.verb; *, thing.* and *.verb stand for many.");
    }
    if (!IsPermissionName(pattern)) continue;
    RequirePermission(pattern);
    ++names;
  }
  if (spi.RunLatest(lock, array).size() != names) {
    throw Error(ErrorCode::kNotFound, "a permission has just been deleted");
  }
  return patterns;
}

}  // namespace latchkey::roles
