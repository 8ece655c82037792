// Events as the functions return them: the columns of latchkey.event, and conditions that are read
// with them.
#pragma once

#include "extension/core/event_position.hpp"
#include "extension/events/eras.hpp"
#include "extension/events/events.hpp"
#include "extension/pg/args.hpp"

namespace latchkey::events {

// Of the table as e; in the type's order.
#define LATCHKEY_EVENT_COLUMNS                                                              \
  "e.id, e.account_id, e.aggregate, e.aggregate_id, e.type, e.version, e.data, e.metadata," \
  " e.source, e.correlation_id, e.causation_id, e.idempotency_key, e.actor_id,"             \
  " e.actor_role, e.recorded_at, e.era::text || '.' || e.xid::text || '.' || e.id::text "
inline constexpr int kEventColumns = 16;

// The first `count` columns of a row, copied to the caller's memory.
std::vector<pg::Value> Columns(const pg::Row& row, int count);

// The event; empty when it has been removed.
std::vector<pg::Value> LoadEvent(pg::Spi& spi, const EventKey& key);

// Raises LK400 unless between 1 and 1,000.
int32_t PageSize(const pg::Args& args, int index);

// Which events somebody wants: names and patterns of types, names of aggregates, when
// recorded; null: all.
struct Filter {
  pg::Raw types;
  pg::Raw aggregates;
  std::optional<pg::Timestamp> recorded_from = std::nullopt;
  std::optional<pg::Timestamp> recorded_before = std::nullopt;
};
// Arguments `index` (types) and the next (aggregates), not checked yet.
Filter TakeFilter(const pg::Args& args, int index);
void CheckFilter(pg::Spi& spi, const Filter& filter);  // LK400

// How far a statement after this one may read; `oldest_xid` may be older than its snapshot's.
struct Limit {
  Horizon horizon;
  uint64_t oldest_xid = 0;
};
Limit FindLimit(pg::Spi& spi);
// After it comes what is not shown yet.
EventPosition FeedEnd(const Limit& limit);

// Columns of latchkey.event; the result lives until the next statement.
pg::Rows ReadFeed(pg::Spi& spi, const EventPosition& after, const Limit& limit,
                  const Filter& filter, int32_t max_rows);
EventPosition PositionOf(const pg::Row& row);

// Raises LK400 for what is no position.
EventPosition ParsePosition(std::string_view text, const char* name);

}  // namespace latchkey::events
