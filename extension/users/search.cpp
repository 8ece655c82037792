// Finding users: a walk along the newest, or the trigram index.
#include "extension/users/search.hpp"

#include <cstring>

#include "extension/accounts/standing.hpp"
#include "extension/accounts/users.hpp"
#include "extension/core/trigram_pattern.hpp"
#include "extension/plans/plans.hpp"
#include "extension/users/newest_users.hpp"

namespace latchkey::users {

namespace {

// A page is looked for among the newest users first: what many match is found there at once. How
// many of them match tells how far a walk would have to go to fill the page, and how many match
// altogether. Where the walk is long, all that match are found by an index, and sorted. (Left to
// choose by itself, the planner walks through all users for what matches none but old ones.)
constexpr int64_t kSample = 500;
// Users that a walk passes in the time of fetching one that an index has found somewhere in the
// table.
constexpr double kPassedPerFetched = 4;
// A walk goes half as far again as it would have to on average.
constexpr double kReserve = 1.5;

// A page: how many users, and their ids. $1: the text, $5: the id that the page comes after,
// $11: how many users a walk looks at, $12: the pattern for the index.
#define LATCHKEY_PAGE "SELECT count(*), array_agg(page.id)"
// Evaluated once a statement, not for each user.
#define LATCHKEY_FOLDED(text) "(SELECT lower(normalize(" text ", NFC)))"
#define LATCHKEY_CONTAINS " AND latchkey._contains(u.search_text, " LATCHKEY_FOLDED("$1") ")"
#define LATCHKEY_INDEXED " AND u.search_text LIKE " LATCHKEY_FOLDED("$12")
#define LATCHKEY_MAY_CONTAIN \
  " AND ($1 IS NULL OR u.search_text LIKE lower(normalize($12, NFC))" LATCHKEY_CONTAINS ")"
#define LATCHKEY_MATCHING(users, joins, contains)                  \
  "SELECT u.id FROM " users joins                                  \
  " WHERE ($2 IS NULL AND u.status <> 'deleted' OR u.status = $2)" \
  "   AND ($3 IS NULL OR u.created_at >= $3) AND ($4 IS NULL OR u.created_at < $4)" contains
#define LATCHKEY_AMONG_NEWEST(joins, contains)                 \
  LATCHKEY_PAGE                                                \
  ", (SELECT greatest(c.reltuples, 0)::bigint FROM pg_class c" \
  "    WHERE c.oid = 'latchkey.users'::regclass)"              \
  " FROM (" LATCHKEY_MATCHING(                                 \
      "(SELECT n.* FROM latchkey.users n"                      \
      "  WHERE ($5 IS NULL OR n.id < $5)"                      \
      "  ORDER BY n.id DESC LIMIT $11) u",                     \
      joins, contains) " ORDER BY u.id DESC LIMIT $6) page"
// OFFSET 0 keeps the planner from the walk.
#define LATCHKEY_AMONG_ALL(joins, contains)                    \
  LATCHKEY_PAGE " FROM (SELECT m.id FROM (" LATCHKEY_MATCHING( \
      "latchkey.users u", joins,                               \
      contains) "   AND ($5 IS NULL OR u.id < $5) OFFSET 0) m ORDER BY m.id DESC LIMIT $6) page"
#define LATCHKEY_WITH_ROLE                                           \
  " JOIN latchkey.role_grants g ON g.user_id = u.id AND g.role = $7" \
  "  AND g.tenant_id = '00000000-0000-0000-0000-000000000000'"       \
  "  AND (g.expires_at IS NULL OR g.expires_at > $8)"
#define LATCHKEY_WITH_TIER                        \
  " JOIN latchkey.accounts a ON a.id = u.id"      \
  "  AND (a.plan = $9 AND " LATCHKEY_GRANTS_PLAN( \
      "a", "$8", "$10") " OR $9 = 'free' AND NOT " LATCHKEY_GRANTS_PLAN("a", "$8", "$10") ")"

struct Page {
  int64_t count = 0;
  pg::Raw ids;
};

// `newest`: how many users a walk looks at.
pg::Rows Run(pg::Spi& spi, pg::Statement& statement, const Filter& filter, int64_t newest) {
  const pg::Timestamp past_due_since = accounts::PastDueSince(spi);
  const auto pattern = filter.search ? std::optional(TrigramPattern(*filter.search)) : std::nullopt;
  return spi.Read(statement, filter.search, filter.status, filter.created_from,
                  filter.created_before, filter.after, int64_t{filter.max_rows}, filter.role,
                  pg::Now(), filter.tier, past_due_since, newest, pattern);
}

// By statements: `users`, about as many there are altogether.
Page WalkAlong(pg::Spi& spi, const Filter& filter, int64_t newest, int64_t& users) {
  constexpr auto kCustom = pg::Statement::kCustom;
  static pg::Statement any(LATCHKEY_AMONG_NEWEST("", ""));
  static pg::Statement any_by_tier(LATCHKEY_AMONG_NEWEST(LATCHKEY_WITH_TIER, ""), kCustom);
  static pg::Statement containing(LATCHKEY_AMONG_NEWEST("", LATCHKEY_CONTAINS));
  static pg::Statement containing_by_tier(
      LATCHKEY_AMONG_NEWEST(LATCHKEY_WITH_TIER, LATCHKEY_CONTAINS), kCustom);
  pg::Statement& statement = filter.search ? (filter.tier ? containing_by_tier : containing)
                                           : (filter.tier ? any_by_tier : any);
  const pg::Rows rows = Run(spi, statement, filter, newest);
  const pg::Row row = rows[0];
  users = row.Get<int64_t>(3);
  return {row.Get<int64_t>(1), row.Copy(2)};
}

Page FindAmongAll(pg::Spi& spi, const Filter& filter) {
  constexpr auto kCustom = pg::Statement::kCustom;
  static pg::Statement any(LATCHKEY_AMONG_ALL("", ""), kCustom);
  static pg::Statement by_tier(LATCHKEY_AMONG_ALL(LATCHKEY_WITH_TIER, LATCHKEY_MAY_CONTAIN),
                               kCustom);
  static pg::Statement by_role(LATCHKEY_AMONG_ALL(LATCHKEY_WITH_ROLE, LATCHKEY_MAY_CONTAIN),
                               kCustom);
  static pg::Statement by_both(
      LATCHKEY_AMONG_ALL(LATCHKEY_WITH_ROLE LATCHKEY_WITH_TIER, LATCHKEY_MAY_CONTAIN), kCustom);
  // To plan for the text would cost more than to find it.
  static pg::Statement containing(LATCHKEY_AMONG_ALL("", LATCHKEY_INDEXED LATCHKEY_CONTAINS));
  pg::Statement& statement = filter.role     ? (filter.tier ? by_both : by_role)
                             : filter.tier   ? by_tier
                             : filter.search ? containing
                                             : any;
  const pg::Rows rows = Run(spi, statement, filter, 0);
  return {rows[0].Get<int64_t>(1), rows[0].Copy(2)};
}

// How far to walk, given how many of the sample match; none where an index is faster.
std::optional<int64_t> Distance(int64_t matching, int64_t users, const Filter& filter) {
  if (matching == 0) return std::nullopt;
  const double share = static_cast<double>(matching) / kSample;
  const double distance = filter.max_rows / share * kReserve;
  if (distance > share * static_cast<double>(users) * kPassedPerFetched) return std::nullopt;
  return static_cast<int64_t>(distance);
}

std::optional<pg::Raw> FindAmongNewest(const Filter& filter) {
  NewestUsers walk(filter);
  const int64_t users = walk.Pass(kSample);
  if (!walk.IsPageFull() && !walk.HasEnded()) {
    const auto distance = Distance(walk.found(), users, filter);
    if (distance && *distance > kSample) walk.Pass(*distance - kSample);
  }
  if (!walk.IsPageFull() && !walk.HasEnded()) return std::nullopt;
  return walk.Ids();
}

std::optional<pg::Raw> FindAmongNewest(pg::Spi& spi, const Filter& filter) {
  int64_t users = 0;
  Page page = WalkAlong(spi, filter, kSample, users);
  if (page.count < filter.max_rows) {
    const auto distance = Distance(page.count, users, filter);
    if (distance) page = WalkAlong(spi, filter, *distance, users);
  }
  if (page.count < filter.max_rows) return std::nullopt;
  return page.ids;
}

}  // namespace

pg::Raw FindUsers(pg::Spi& spi, const Filter& filter) {
  // Few have a role, and its index finds them.
  if (filter.role) return FindAmongAll(spi, filter).ids;
  const bool direct = !filter.tier && NewestUsers::IsUsable();
  const auto page = direct ? FindAmongNewest(filter) : FindAmongNewest(spi, filter);
  return page ? *page : FindAmongAll(spi, filter).ids;
}

}  // namespace latchkey::users

// No fence: a search calls it thousands of times, and nothing here has a destructor.
extern "C" {
__attribute__((visibility("default"))) Datum latchkey_contains(PG_FUNCTION_ARGS);
__attribute__((visibility("default"))) const Pg_finfo_record* pg_finfo_latchkey_contains();
PG_FUNCTION_INFO_V1(latchkey_contains);
Datum latchkey_contains(PG_FUNCTION_ARGS) {
  const text* haystack = PG_GETARG_TEXT_PP(0);
  const text* needle = PG_GETARG_TEXT_PP(1);
  PG_RETURN_BOOL(memmem(VARDATA_ANY(haystack), VARSIZE_ANY_EXHDR(haystack), VARDATA_ANY(needle),
                        VARSIZE_ANY_EXHDR(needle)) != nullptr);
}
}
