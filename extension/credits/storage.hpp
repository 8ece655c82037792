// Lots and ledger without SPI, for single debits; where the tables are not ordinary ones here, the
// statements beside each call run instead.
#pragma once

#include "extension/credits/lots.hpp"

namespace latchkey::credits {

// Whether all of the following may be used by this call.
bool IsStorageDirect();

std::vector<Lot> FindOpenLots(const Uuid& account_id);  // each with its row
std::optional<int64_t> FindThreshold(const Uuid& account_id);

// Skips a lot that somebody else has locked, or changed since it was found.
bool LockLot(const Lot& lot);

// A ledger row of all columns, and what is left in the lot, whose row is locked. False, and nothing
// is written, when the row's idempotency key is taken.
struct Left {
  int64_t available;
  int64_t held;
  int64_t seq;
  pg::Param hash;
};
bool WriteDebit(std::initializer_list<pg::Param> ledger_row, HeapTuple lot, const Left& left);

}  // namespace latchkey::credits
