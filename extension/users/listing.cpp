// Listing and searching users.
#include "extension/accounts/users.hpp"
#include "extension/core/error.hpp"
#include "extension/core/utf8.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/plans/plans.hpp"
#include "extension/roles/role_book.hpp"
#include "extension/users/search.hpp"

namespace latchkey::users {

namespace {

constexpr size_t kMinSearchCharacters = 3;  // a trigram
constexpr size_t kMaxSearchCharacters = 200;
constexpr int32_t kMaxRows = 1000;

void CheckSearch(std::string_view search) {
  const size_t length = CountCodePoints(search).value_or(0);
  if (length < kMinSearchCharacters || length > kMaxSearchCharacters) {
    throw Error(ErrorCode::kInvalidArgument, "search must have from 3 to 200 characters");
  }
  for (const char c : search) {
    if (static_cast<unsigned char>(c) < 0x20) {  // names and addresses are divided by a line's end
      throw Error(ErrorCode::kInvalidArgument, "search contains a control character");
    }
  }
}

void CheckStatus(const std::optional<std::string>& status) {
  if (!status || *status == "active" || *status == "blocked" || *status == "deleted") return;
  throw Error(ErrorCode::kInvalidArgument, "status must be active, blocked or deleted");
}

Filter ReadFilter(const pg::Args& args) {
  Filter filter;
  filter.search = args.Optional<std::string>(0);
  if (filter.search) CheckSearch(*filter.search);
  filter.role = args.Optional<std::string>(1);
  filter.tier = args.Optional<std::string>(2);
  filter.status = args.Optional<std::string>(3);
  CheckStatus(filter.status);
  filter.created_from = args.Optional<pg::Timestamp>(4);
  filter.created_before = args.Optional<pg::Timestamp>(5);
  filter.after = args.Optional<Uuid>(6);
  filter.max_rows = args.Get<int32_t>(7, "max_rows");
  if (filter.max_rows < 1 || filter.max_rows > kMaxRows) {
    throw Error(ErrorCode::kInvalidArgument, "max_rows must lie between 1 and 1000");
  }
  return filter;
}

// Raises LK404 for a role or a plan that does not exist: a typing error is no empty list.
void CheckNames(pg::Spi& spi, const Filter& filter) {
  if (filter.tier) plans::RequirePlan(spi, *filter.tier);
  if (!filter.role) return;
  roles::RefreshRoles(spi);
  if (!roles::FindRole(roles::kNoTenant, *filter.role)) {
    throw Error(ErrorCode::kNotFound, "there is no role \"" + *filter.role + "\" here");
  }
}

}  // namespace

LATCHKEY_FUNCTION(list_users, kOpen) {
  const Filter filter = ReadFilter(args);
  permissions::Require(args, "users.read");
  pg::Spi spi(pg::Spi::kReadOnly);
  CheckNames(spi, filter);
  const pg::Raw ids = FindUsers(spi, filter);
  std::vector<std::vector<pg::Value>> users;
  if (!ids.is_null) users = accounts::LoadUserAccounts(spi, ids);
  spi.Finish();
  args.BeginSet();
  for (const auto& columns : users) args.EmitRow(columns);
  return args.Void();
}

}  // namespace latchkey::users
