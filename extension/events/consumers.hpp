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

}  // namespace latchkey::events
