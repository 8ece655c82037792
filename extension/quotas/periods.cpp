// When periods begin and end, computed once per backend and period.
#include "extension/quotas/periods.hpp"

#include <unordered_map>

#include "extension/accounts/usage.hpp"
#include "extension/core/error.hpp"

namespace latchkey::quotas {

namespace {

constexpr size_t kMaxCachedPeriods = 1000;

struct Bounds {
  pg::Timestamp start;
  pg::Timestamp end;

  bool Contain(pg::Timestamp at) const { return start <= at && at < end; }
};

// The last that was needed, by what it is computed from.
template <typename Compute>
Bounds Cached(const std::string& key, pg::Timestamp at, Compute&& compute) {
  static auto& cached = *new std::unordered_map<std::string, Bounds>;
  const auto known = cached.find(key);
  if (known != cached.end() && known->second.Contain(at)) return known->second;
  const Bounds bounds = compute();
  if (cached.size() >= kMaxCachedPeriods) cached.clear();
  cached[key] = bounds;
  return bounds;
}

// A clock that is put back can show midnight twice: what comes before the second one belongs to the
// day before, for everybody.
Bounds CalendarPeriod(pg::Spi& spi, const std::string& unit, const std::string& zone,
                      pg::Timestamp at) {
  static pg::Statement statement(R"(
    SELECT (t - i) AT TIME ZONE $2, t AT TIME ZONE $2, (t + i) AT TIME ZONE $2
      FROM (SELECT date_trunc($3, $1 AT TIME ZONE $2) AS t, ('1 ' || $3)::interval AS i) AS p)");
  return Cached(unit + '\n' + zone, at, [&]() -> Bounds {
    const pg::Rows rows = spi.Read(statement, at, zone, unit);
    const auto begin = rows[0].Get<pg::Timestamp>(2);
    if (at < begin) return {rows[0].Get<pg::Timestamp>(1), begin};
    return {begin, rows[0].Get<pg::Timestamp>(3)};
  });
}

// The months after the end of the last billing period that is known.
Bounds ProjectedPeriod(pg::Spi& spi, pg::Timestamp end, const std::string& zone, pg::Timestamp at) {
  static pg::Statement statement(R"(
    SELECT b.first, b.last
      FROM generate_series(0, 1200) AS k,
           LATERAL (SELECT ($2 AT TIME ZONE $3 + make_interval(months => k)) AT TIME ZONE $3 AS first,
                           ($2 AT TIME ZONE $3 + make_interval(months => k + 1)) AT TIME ZONE $3
                             AS last) AS b
     WHERE b.first <= $1 AND b.last > $1 ORDER BY k LIMIT 1)");
  return Cached("after " + std::to_string(end.micros) + '\n' + zone, at, [&]() -> Bounds {
    const pg::Rows rows = spi.Read(statement, at, end, zone);
    if (rows.empty())
      throw Error(ErrorCode::kConflict, "the last billing period ended too long ago");
    return {rows[0].Get<pg::Timestamp>(1), rows[0].Get<pg::Timestamp>(2)};
  });
}

Bounds BillingPeriod(pg::Spi& spi, const plans::Entitlements& own, const std::string& zone) {
  if (own.account && own.account->billing_starts_at && own.account->billing_ends_at) {
    const Bounds known{*own.account->billing_starts_at, *own.account->billing_ends_at};
    if (known.Contain(own.at)) return known;
    if (known.end <= own.at) return ProjectedPeriod(spi, known.end, zone, own.at);
  }
  return CalendarPeriod(spi, "month", zone, own.at);
}

}  // namespace

std::string TimeZoneOf(const plans::Entitlements& own) {
  return own.account ? own.account->time_zone : "UTC";
}

Period PeriodIn(pg::Spi& spi, const plans::Entitlements& own, const std::string& kind,
                const std::string& zone) {
  if (kind == kEver) return Period::Ever();
  const Bounds bounds =
      kind == "billing" ? BillingPeriod(spi, own, zone) : CalendarPeriod(spi, kind, zone, own.at);
  return {kind, bounds.start, bounds.end};
}

Period PeriodOf(pg::Spi& spi, const plans::Entitlements& own, const plans::Feature& feature) {
  const std::string kind = feature.period.value_or(kEver);
  return PeriodIn(spi, own, kind, IsCountedInUtc(feature.key) ? "UTC" : TimeZoneOf(own));
}

// count_usage() counts them so.
bool IsCountedInUtc(std::string_view feature) { return feature == accounts::kRequests; }

}  // namespace latchkey::quotas
