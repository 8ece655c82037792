// Consumers of the feed: their rows.
#pragma once

#include "extension/events/rows.hpp"

namespace latchkey::events {

struct Consumer {
  std::string name;
  Filter filter;  // in the memory of the function's caller
  int32_t max_attempts = 0;
  EventPosition position;
  std::optional<EventPosition> batch_end;
  std::optional<Uuid> lease_id;
  std::optional<pg::Timestamp> leased_until;
  int32_t attempts = 0;
};

// Locks the row; none when another transaction has it. Raises LK404 when there is no such consumer.
std::optional<Consumer> TryLockConsumer(pg::Spi& spi, std::string_view name);

// Locks the row of who holds the lease, waiting for others. Raises LK404, and LK410 when the lease
// is another's.
Consumer LockLeased(pg::Spi& spi, std::string_view name, const Uuid& lease_id);

// Makes the consumer, at the feed's end. False when there is one of this name.
bool InsertConsumer(pg::Spi& spi, const std::string& name, const Filter& filter,
                    std::string_view start, int32_t max_attempts);

// Ends the batch, if there is one, at this position.
void NotePosition(pg::Spi& spi, const std::string& name, const EventPosition& position);

// Whether an idle consumer's position is to be written down, that it need not pass the events again
// that are not for it.
bool IsWorthNoting(const EventPosition& now, const EventPosition& noted);

}  // namespace latchkey::events
