// Thresholds below which an account is low.
#pragma once

#include "extension/pg/spi.hpp"

namespace latchkey::credits {

// After a change that left this much to spend: notes a crossing of the account's threshold, and
// writes event credits.low when it went down. Exactly once per crossing: the row tells which side
// the account is on.
void NoteBalance(pg::Spi& spi, const Uuid& account_id, int64_t balance);

}  // namespace latchkey::credits
