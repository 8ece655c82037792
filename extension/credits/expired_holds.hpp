// Holds whose time is over.
#pragma once

#include "extension/credits/lots.hpp"

namespace latchkey::credits {

bool HasExpiredHolds(pg::Spi& spi, const Uuid& account_id, pg::Timestamp now);

// Locks what a call needs that decides on the whole account: its expired holds and its open lots.
// What those holds set aside is available again in the lots returned, and they are marked expired;
// the caller writes the lots.
std::vector<Lot> LockAccount(pg::Spi& spi, const Uuid& account_id, pg::Timestamp now);

}  // namespace latchkey::credits
