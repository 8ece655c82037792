// The account as a whole: whether it is there, and what it holds.
#pragma once

#include "extension/pg/spi.hpp"

namespace latchkey::credits {

// Locks the account's row against other grants and refunds, and returns what all its lots hold,
// expired ones too. Raises LK404 for one that is not there, or whose user is deleted.
int64_t LockBalance(pg::Spi& spi, const Uuid& account_id);

// Raises LK404 when there is no such account. That of a deleted user still is one.
void RequireAccountRow(pg::Spi& spi, const Uuid& account_id);

// Whether it was ever granted any, spent or not.
bool HasEverHadCredits(pg::Spi& spi, const Uuid& account_id);

}  // namespace latchkey::credits
