// Consumers that are part of Latchkey: they process events in the transaction that moves their
// position, so each event once.
#pragma once

#include "extension/events/events.hpp"

namespace latchkey::events {

struct FollowedEvent {
  EventKey key;
  std::string aggregate;
  std::string type;
};

// Makes the consumer unless it exists, and locks its row.
void LockFollower(pg::Spi& spi, const std::string& name);

// Lets the consumer, whose row is locked, go on at the feed's end.
void SkipToEnd(pg::Spi& spi, const std::string& name);

// Takes the consumer's next events. None while another transaction does.
std::vector<FollowedEvent> TakeEvents(pg::Spi& spi, const std::string& name, int32_t max_rows);

}  // namespace latchkey::events
