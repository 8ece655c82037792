// Eras: transaction ids order the feed within one cluster, and the database may move to another.
#pragma once

#include "extension/core/event_position.hpp"
#include "extension/pg/cluster.hpp"
#include "extension/pg/spi.hpp"

namespace latchkey::events {

// The era of an event that is recorded now. The first in a new cluster, or on a new timeline, opens
// it.
int32_t EraForWriting(pg::Spi& spi);

// What is over for certain: an event before the limit is shown when its era is at most
// `complete_era` (other clusters wrote those), or its transaction is older than every one that
// the reading statement's snapshot saw running. Remembered eras that lag behind only hide more.
struct Horizon {
  int32_t complete_era = 0;
  int32_t era = 0;  // the limit's
  bool running =
      false;  // the limit in `era` is the oldest running transaction; else it's era's start
  uint64_t first_xid = 0;  // of the limit's era
};
Horizon FindHorizon(pg::Spi& spi);

// Where a reader stands that has read up to the horizon with a snapshot whose oldest running
// transaction was `oldest_xid`. None when a prepared transaction of an earlier timeline may still
// bring events of its era.
std::optional<EventPosition> EndOf(const Horizon& horizon, uint64_t oldest_xid);

}  // namespace latchkey::events
