// Listing and searching users.
#include "extension/accounts/standing.hpp"
#include "extension/accounts/users.hpp"
#include "extension/core/error.hpp"
#include "extension/core/utf8.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/plans/plans.hpp"
#include "extension/roles/role_book.hpp"

namespace latchkey::users {

namespace {

constexpr size_t kMinSearchCharacters = 3;  // a trigram
constexpr size_t kMaxSearchCharacters = 200;
constexpr int32_t kMaxRows = 1000;

// Users that a walk along the newest looks at.
constexpr int64_t kFirstWalk = 2000;
constexpr int64_t kLongestWalk = 40000;

struct Filter {
  std::optional<std::string> pattern;  // for LIKE
  std::optional<std::string> role;
  std::optional<std::string> tier;
  std::optional<std::string> status;
  std::optional<pg::Timestamp> created_from;
  std::optional<pg::Timestamp> created_before;
  std::optional<Uuid> after;
  int32_t max_rows;
};

// What contains the text, wherever: its own % and _ stand for themselves.
std::string PatternOf(std::string_view search) {
  const size_t length = CountCodePoints(search).value_or(0);
  if (length < kMinSearchCharacters || length > kMaxSearchCharacters) {
    throw Error(ErrorCode::kInvalidArgument, "search must have from 3 to 200 characters");
  }
  std::string pattern = "%";
  for (const char c : search) {
    if (static_cast<unsigned char>(c) < 0x20) {  // names and addresses are divided by a line's end
      throw Error(ErrorCode::kInvalidArgument, "search contains a control character");
    }
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "%";
}

void CheckStatus(const std::optional<std::string>& status) {
  if (!status || *status == "active" || *status == "blocked" || *status == "deleted") return;
  throw Error(ErrorCode::kInvalidArgument, "status must be active, blocked or deleted");
}

Filter ReadFilter(const pg::Args& args) {
  Filter filter;
  if (const auto search = args.Optional<std::string_view>(0)) filter.pattern = PatternOf(*search);
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

// A page is looked for among the newest users first: what many match is found there at once. How
// many of them match tells how far a walk would have to go to fill the page. Where that is far, all
// that match are found by whatever index the planner takes for these values, and sorted. (Left to
// choose by itself, it walks through all users for what matches none but old ones.)
#define LATCHKEY_NEWEST                                               \
  "(SELECT n.* FROM latchkey.users n WHERE ($5 IS NULL OR n.id < $5)" \
  "  ORDER BY n.id DESC LIMIT $11) u"
#define LATCHKEY_MATCHING(users, joins)                                 \
  "SELECT u.id FROM " users joins                                       \
  " WHERE ($1 IS NULL OR u.search_text LIKE lower(normalize($1, NFC)))" \
  "   AND ($2 IS NULL AND u.status <> 'deleted' OR u.status = $2)"      \
  "   AND ($3 IS NULL OR u.created_at >= $3) AND ($4 IS NULL OR u.created_at < $4)"
#define LATCHKEY_AMONG_NEWEST(joins)                              \
  "SELECT count(*), array_agg(page.id) FROM (" LATCHKEY_MATCHING( \
      LATCHKEY_NEWEST, joins) " ORDER BY u.id DESC LIMIT $6) page"
// OFFSET 0 keeps the planner from the walk.
#define LATCHKEY_AMONG_ALL(joins) \
  "SELECT count(*), array_agg(page.id) FROM (SELECT m.id FROM ("                      \
  LATCHKEY_MATCHING("latchkey.users u", joins) " AND ($5 IS NULL OR u.id < $5) OFFSET 0) m" \
  " ORDER BY m.id DESC LIMIT $6) page"
#define LATCHKEY_WITH_ROLE                                           \
  " JOIN latchkey.role_grants g ON g.user_id = u.id AND g.role = $7" \
  "  AND g.tenant_id = '00000000-0000-0000-0000-000000000000'"       \
  "  AND (g.expires_at IS NULL OR g.expires_at > $8)"
#define LATCHKEY_WITH_TIER                        \
  " JOIN latchkey.accounts a ON a.id = u.id"      \
  "  AND (a.plan = $9 AND " LATCHKEY_GRANTS_PLAN( \
      "a", "$10") " OR $9 = 'free' AND NOT " LATCHKEY_GRANTS_PLAN("a", "$10") ")"

struct Page {
  int64_t count = 0;
  pg::Raw ids;  // newest first, as uuid[]; null for none
};

// `newest`: how many users a walk looks at.
Page RunPage(pg::Spi& spi, pg::Statement& statement, const Filter& filter, int64_t newest = 0) {
  const pg::Timestamp past_due_since = accounts::PastDueSince(spi);
  const pg::Rows rows = spi.Read(statement, filter.pattern, filter.status, filter.created_from,
                                 filter.created_before, filter.after, int64_t{filter.max_rows},
                                 filter.role, pg::Now(), filter.tier, past_due_since, newest);
  return {rows[0].Get<int64_t>(1), rows[0].Copy(2)};
}

Page FindPage(pg::Spi& spi, const Filter& filter) {
  constexpr auto kCustom = pg::Statement::kCustom;
  static pg::Statement newest(LATCHKEY_AMONG_NEWEST(""), kCustom);
  static pg::Statement newest_by_tier(LATCHKEY_AMONG_NEWEST(LATCHKEY_WITH_TIER), kCustom);
  static pg::Statement all(LATCHKEY_AMONG_ALL(""), kCustom);
  static pg::Statement by_tier(LATCHKEY_AMONG_ALL(LATCHKEY_WITH_TIER), kCustom);
  static pg::Statement by_role(LATCHKEY_AMONG_ALL(LATCHKEY_WITH_ROLE), kCustom);
  static pg::Statement by_both(LATCHKEY_AMONG_ALL(LATCHKEY_WITH_ROLE LATCHKEY_WITH_TIER), kCustom);
  // Few have a role, and its index finds them.
  if (filter.role) return RunPage(spi, filter.tier ? by_both : by_role, filter);
  pg::Statement& walk = filter.tier ? newest_by_tier : newest;
  Page page = RunPage(spi, walk, filter, kFirstWalk);
  if (page.count == filter.max_rows) return page;
  // Half as far again as it would be on average.
  const int64_t distance =
      page.count == 0 ? kLongestWalk + 1 : kFirstWalk * filter.max_rows * 3 / (page.count * 2);
  if (distance <= kLongestWalk) {
    page = RunPage(spi, walk, filter, distance);
    if (page.count == filter.max_rows) return page;
  }
  return RunPage(spi, filter.tier ? by_tier : all, filter);
}

}  // namespace

LATCHKEY_FUNCTION(list_users, kOpen) {
  const Filter filter = ReadFilter(args);
  permissions::Require(args, "users.read");
  pg::Spi spi(pg::Spi::kReadOnly);
  CheckNames(spi, filter);
  const Page page = FindPage(spi, filter);
  std::vector<std::vector<pg::Value>> users;
  if (!page.ids.is_null) users = accounts::LoadUserAccounts(spi, page.ids);
  spi.Finish();
  args.BeginSet();
  for (const auto& columns : users) args.EmitRow(columns);
  return args.Void();
}

}  // namespace latchkey::users
