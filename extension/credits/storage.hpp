// Lots and ledger without SPI, for single debits; where the tables are not ordinary ones here, the
// statements beside each call run instead.
#pragma once

#include "extension/credits/lots.hpp"

namespace latchkey::credits {

// Whether all of the following may be used by this call.
bool IsStorageDirect();

// Each with its row. Their hashes are not read yet: LockLot() and ReadHash() do that.
std::vector<Lot> FindOpenLots(const Uuid& account_id);
void ReadHash(Lot& lot);
std::optional<int64_t> FindThreshold(const Uuid& account_id);

// Skips a lot that somebody else has locked, or changed since it was found.
bool LockLot(Lot& lot);

// Which of the idempotency keys the account has used.
std::vector<bool> AreKeysKnown(const Uuid& account_id, const std::vector<pg::Param>& keys);

// A ledger row of all columns. False, and nothing is written, when its idempotency key is taken.
bool InsertStored(const std::vector<pg::Param>& ledger_row);
// Rows, one after the other. False when a key is taken or just being used: then raise an error.
bool InsertAllStored(const std::vector<pg::Param>& ledger_rows);

// Writes what has become of a lot whose row is locked, and was not written since it was found.
void UpdateStored(const Lot& lot);
// The same where it is not locked. False when somebody else has it locked, or changed it since.
bool UpdateUnlocked(const Lot& lot);

}  // namespace latchkey::credits
