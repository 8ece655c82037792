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

// Which of the idempotency keys the account has used.
std::vector<bool> AreKeysKnown(const Uuid& account_id, const std::vector<pg::Param>& keys);

// A ledger row of all columns. False, and nothing is written, when its idempotency key is taken.
bool InsertStored(const std::vector<pg::Param>& ledger_row);
// Rows, one after the other. False when a key is taken or just being used: then raise an error.
bool InsertAllStored(const std::vector<pg::Param>& ledger_rows);

// Writes what has become of a lot whose row is locked, and was not written since it was found.
void UpdateStored(const Lot& lot);

}  // namespace latchkey::credits
