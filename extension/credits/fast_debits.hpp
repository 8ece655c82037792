// The ways to debit an account that lock one lot alone. None: another way has to be tried, and
// nothing is locked or written.
#pragma once

#include "extension/credits/debits.hpp"

namespace latchkey::credits {

// Where the account has one lot, as most have.
std::optional<Transaction> DebitOnly(pg::Spi& spi, const Uuid& account_id, const Debit& debit);

// Where one lot of several, that nobody else has locked, covers the debit. Where debits meet, a lot
// is split.
std::optional<Transaction> DebitFast(pg::Spi& spi, const Uuid& account_id, const Debit& debit);

}  // namespace latchkey::credits
