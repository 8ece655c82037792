// Following the feed without a lease: the row's lock is one.
#include "extension/events/following.hpp"

#include "extension/events/consumers.hpp"

namespace latchkey::events {

namespace {
constexpr int32_t kMaxAttempts = 1;  // what fails is undone with its transaction, and comes again
}

void LockFollower(pg::Spi& spi, const std::string& name) {
  static pg::Statement lock("SELECT 1 FROM latchkey.event_consumers WHERE name = $1 FOR UPDATE");
  if (!spi.RunLatest(lock, name).empty()) return;
  const Filter all{pg::Raw{TEXTARRAYOID}, pg::Raw{TEXTARRAYOID}};
  InsertConsumer(spi, name, all, "now", kMaxAttempts);
  spi.RunLatest(lock, name);
}

void SkipToEnd(pg::Spi& spi, const std::string& name) {
  NotePosition(spi, name, FeedEnd(FindLimit(spi)));
}

std::vector<FollowedEvent> TakeEvents(pg::Spi& spi, const std::string& name, int32_t max_rows) {
  const auto consumer = TryLockConsumer(spi, name);
  std::vector<FollowedEvent> events;
  if (!consumer) return events;
  const Limit limit = FindLimit(spi);
  // As for fetch_events(): what the opener of an era left undone must not hide what came after.
  if (!limit.horizon.running) EraForWriting(spi);
  const pg::Rows rows = ReadFeed(spi, consumer->position, limit, consumer->filter, max_rows);
  EventPosition end = consumer->position;
  for (uint64_t i = 0; i < rows.size(); ++i) {
    events.push_back({{rows[i].Get<Uuid>(2), rows[i].Get<Uuid>(1), rows[i].Get<pg::Timestamp>(15)},
                      rows[i].Text(3),
                      rows[i].Text(5)});
    end = PositionOf(rows[i]);
  }
  if (rows.size() < static_cast<uint64_t>(max_rows)) {
    const auto all = EndOf(limit.horizon, limit.oldest_xid);
    if (all && end < *all) end = *all;
  }
  if (!events.empty() || IsWorthNoting(end, consumer->position)) NotePosition(spi, name, end);
  return events;
}

}  // namespace latchkey::events
