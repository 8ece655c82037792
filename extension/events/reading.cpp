// event_history(), and the feed.
#include "extension/core/error.hpp"
#include "extension/events/rows.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/transaction_state.hpp"

namespace latchkey::events {

namespace {

constexpr int kMetadata = 8;  // of kEventColumns
constexpr int kCorrelationId = 10;
constexpr int kActorId = 13;

// Whose requests the caller may see: everybody's, or the bound identity's own alone. Who has the
// permission in a tenant only must not learn the addresses of the platform's staff who worked
// there, nor of other members.
std::optional<Uuid> OnlyRequestsOf() {
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity == nullptr) return std::nullopt;
  if (permissions::hooks.holds(*identity, "events.read", std::nullopt)) return std::nullopt;
  return identity->user_id;
}

Datum ReturnEvents(pg::Args& args, pg::Spi& spi, const pg::Rows& rows,
                   const std::optional<Uuid>& only_requests_of = std::nullopt) {
  std::vector<std::vector<pg::Value>> events;
  for (uint64_t i = 0; i < rows.size(); ++i) {
    events.push_back(Columns(rows[i], kEventColumns));
    if (!only_requests_of || rows[i].Optional<Uuid>(kActorId) == only_requests_of) continue;
    for (const int column : {kMetadata, kCorrelationId}) events.back()[column - 1] = pg::Value{};
  }
  spi.Finish();
  args.BeginSet();
  for (const auto& event : events) args.EmitRow(event);
  return args.Void();
}

}  // namespace

LATCHKEY_FUNCTION(event_history, kOpen) {
  const auto aggregate = args.Text(0, "aggregate");
  const auto aggregate_id = args.Text(1, "aggregate_id");
  const auto account_id = args.Optional<Uuid>(2);
  const auto after = args.Optional<Uuid>(3);
  const int32_t max_rows = PageSize(args, 4);
  const bool newest_first = args.Get<bool>(5, "newest_first");
  permissions::Require(args, "events.read", account_id);
  const auto only_requests_of = OnlyRequestsOf();
  static pg::Statement oldest("SELECT " LATCHKEY_EVENT_COLUMNS R"(
      FROM latchkey.events e
     WHERE e.aggregate = $1 AND e.aggregate_id = $2 AND ($3 IS NULL OR e.account_id = $3)
       AND e.id > coalesce($4, '00000000-0000-0000-0000-000000000000')
     ORDER BY e.id LIMIT $5)");
  static pg::Statement newest("SELECT " LATCHKEY_EVENT_COLUMNS R"(
      FROM latchkey.events e
     WHERE e.aggregate = $1 AND e.aggregate_id = $2 AND ($3 IS NULL OR e.account_id = $3)
       AND e.id < coalesce($4, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
     ORDER BY e.id DESC LIMIT $5)");
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(newest_first ? newest : oldest, aggregate, aggregate_id,
                                 account_id, after, max_rows);
  return ReturnEvents(args, spi, rows, only_requests_of);
}

LATCHKEY_FUNCTION(event_feed, kOpen) {
  const auto after = args.Optional<std::string_view>(0);
  const int32_t max_rows = PageSize(args, 1);
  Filter filter = TakeFilter(args, 2);
  filter.recorded_from = args.Optional<pg::Timestamp>(4);
  filter.recorded_before = args.Optional<pg::Timestamp>(5);
  permissions::Require(args, "events.read");
  const EventPosition position = after ? ParsePosition(*after, "after") : EventPosition{};
  pg::Spi spi(pg::Spi::kReadOnly);
  CheckFilter(spi, filter);
  const Limit limit = FindLimit(spi);
  return ReturnEvents(args, spi, ReadFeed(spi, position, limit, filter, max_rows));
}

LATCHKEY_FUNCTION(event_feed_end, kOpen) {
  permissions::Require(args, "events.read");
  static pg::Statement statement(R"(
    SELECT count(*), min(recorded_at) FROM latchkey.events e
     WHERE (e.era, e.xid) >= ($1, $2) AND e.era > $3 AND e.xid >= $4)");
  pg::Spi spi(pg::Spi::kReadOnly);
  const Limit limit = FindLimit(spi);
  const EventPosition end = FeedEnd(limit);
  const pg::Rows rows =
      spi.Read(statement, end.era, pg::FullXid{limit.horizon.running ? limit.oldest_xid : 0},
               limit.horizon.complete_era, pg::FullXid{limit.oldest_xid});
  const auto waiting = rows[0].Get<int64_t>(1);
  const auto since = rows[0].Optional<pg::Timestamp>(2);
  spi.Finish();
  return args.ReturnRow({pg::ToValue(end.ToString()), pg::ToValue(waiting), pg::ToValue(since)});
}

}  // namespace latchkey::events
