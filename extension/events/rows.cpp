// Reading events in the feed's order, and one by its key.
#include "extension/events/rows.hpp"

#include <stdexcept>

#include "extension/core/error.hpp"

namespace latchkey::events {

namespace {
constexpr int32_t kMaxRows = 1000;
}

std::vector<pg::Value> Columns(const pg::Row& row, int count) {
  std::vector<pg::Value> columns;
  for (int column = 1; column <= count; ++column) {
    columns.push_back(pg::ToValue(row.Copy(column)));
  }
  return columns;
}

std::vector<pg::Value> LoadEvent(pg::Spi& spi, const EventKey& key) {
  static pg::Statement statement("SELECT " LATCHKEY_EVENT_COLUMNS R"(
      FROM latchkey.events e WHERE e.account_id = $1 AND e.id = $2 AND e.recorded_at = $3)");
  const pg::Rows rows = spi.RunLatest(statement, key.account_id, key.id, key.recorded_at);
  if (rows.empty()) return {};
  return Columns(rows[0], kEventColumns);
}

int32_t PageSize(const pg::Args& args, int index) {
  const auto count = args.Get<int32_t>(index, "max_rows");
  if (count < 1 || count > kMaxRows) {
    throw Error(ErrorCode::kInvalidArgument, "max_rows must lie between 1 and 1000");
  }
  return count;
}

Filter TakeFilter(const pg::Args& args, int index) {
  return {args.AsIs(index, TEXTARRAYOID), args.AsIs(index + 1, TEXTARRAYOID)};
}

void CheckFilter(pg::Spi& spi, const Filter& filter) {
  static pg::Statement statement(R"(
    SELECT coalesce((SELECT bool_and(
                               t IS NOT NULL AND t ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*(\.\*)?$')
                       FROM unnest($1) AS t), true),
           coalesce((SELECT bool_and(a IS NOT NULL AND a ~ '^[a-z][a-z0-9_]*$')
                       FROM unnest($2) AS a), true))");
  if (filter.types.is_null && filter.aggregates.is_null) return;
  const pg::Rows rows = spi.Read(statement, filter.types, filter.aggregates);
  if (!rows[0].Get<bool>(1)) {
    throw Error(ErrorCode::kInvalidArgument, "types holds what is no event's type", {},
                "Name types as user.registered, or all that begin alike as user.*.");
  }
  if (!rows[0].Get<bool>(2)) {
    throw Error(ErrorCode::kInvalidArgument, "aggregates holds what is no aggregate's name");
  }
}

Limit FindLimit(pg::Spi& spi) {
  static pg::Statement statement("SELECT pg_snapshot_xmin(pg_current_snapshot())");
  Limit limit;
  limit.horizon = FindHorizon(spi);
  limit.oldest_xid = static_cast<uint64_t>(spi.Run(statement)[0].Get<int64_t>(1));
  return limit;
}

EventPosition FeedEnd(const Limit& limit) {
  return EndOf(limit.horizon, limit.oldest_xid)
      .value_or(EventPosition{limit.horizon.complete_era + 1, limit.oldest_xid, Uuid{}});
}

// What a page of the feed holds; in the order of ReadFeed's arguments.
#define LATCHKEY_FEED                                                        \
  "FROM latchkey.events e"                                                   \
  " WHERE (e.era, e.xid, e.id) > ($1, $2, $3) AND (e.era, e.xid) < ($4, $5)" \
  " AND (e.era <= $6 OR e.xid < $7)"                                         \
  " AND ($8 IS NULL OR e.type LIKE ANY (("                                   \
  "   SELECT array_agg(replace(regexp_replace(t, '\\*$', '%'), '_', '\\_'))" \
  "     FROM unnest($8) AS t)::text[]))"                                     \
  " AND ($9 IS NULL OR e.aggregate = ANY ($9))"

pg::Rows ReadFeed(pg::Spi& spi, const EventPosition& after, const Limit& limit,
                  const Filter& filter, int32_t max_rows) {
  static pg::Statement statement("SELECT " LATCHKEY_EVENT_COLUMNS LATCHKEY_FEED R"(
     ORDER BY e.era, e.xid, e.id LIMIT $10)");
  // Planned for its values each time, so that months outside of the times are not read.
  static pg::Statement within("SELECT " LATCHKEY_EVENT_COLUMNS LATCHKEY_FEED R"(
       AND ($11 IS NULL OR e.recorded_at >= $11) AND ($12 IS NULL OR e.recorded_at < $12)
     ORDER BY e.era, e.xid, e.id LIMIT $10)",
                              pg::Statement::kCustom);
  const pg::FullXid oldest{limit.oldest_xid};
  const pg::FullXid bound = limit.horizon.running ? oldest : pg::FullXid{};
  if (filter.recorded_from || filter.recorded_before) {
    return spi.Run(within, after.era, pg::FullXid{after.xid}, after.id, limit.horizon.era, bound,
                   limit.horizon.complete_era, oldest, filter.types, filter.aggregates, max_rows,
                   filter.recorded_from, filter.recorded_before);
  }
  return spi.Run(statement, after.era, pg::FullXid{after.xid}, after.id, limit.horizon.era, bound,
                 limit.horizon.complete_era, oldest, filter.types, filter.aggregates, max_rows);
}

EventPosition PositionOf(const pg::Row& row) {
  const auto position = ParseEventPosition(row.Text(kEventColumns));
  if (!position) throw std::logic_error("latchkey: an event's position is malformed");
  return *position;
}

EventPosition ParsePosition(std::string_view text, const char* name) {
  const auto position = ParseEventPosition(text);
  if (!position) {
    throw Error(ErrorCode::kInvalidArgument, std::string(name) + " is no position in the feed", {},
                "Pass an event's position as it was returned.");
  }
  return *position;
}

}  // namespace latchkey::events
