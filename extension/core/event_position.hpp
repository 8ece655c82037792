// Positions in the feed of events: which era, which transaction in it, which event of that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "extension/core/uuid.hpp"

namespace latchkey {

// The default stands before all events; one with the nil id before all events of its transaction.
struct EventPosition {
  int32_t era = 0;
  uint64_t xid = 0;
  Uuid id;

  friend bool operator<(const EventPosition& a, const EventPosition& b) {
    return std::tie(a.era, a.xid, a.id) < std::tie(b.era, b.xid, b.id);
  }
  friend bool operator==(const EventPosition& a, const EventPosition& b) {
    return std::tie(a.era, a.xid, a.id) == std::tie(b.era, b.xid, b.id);
  }

  std::string ToString() const;  // ERA.XID.ID
};

std::optional<EventPosition> ParseEventPosition(std::string_view text);

}  // namespace latchkey
