// What this backend remembers of the accounts that it debits.
#pragma once

#include "extension/credits/debits.hpp"

namespace latchkey::credits {

// How many the account has: DebitOnly is not tried where there are several.
void NoteLots(const Uuid& account_id, size_t lots);

// Debits of the account have met, as this backend sees it. Whether they did a moment ago as well.
bool NoteContention(const Uuid& account_id, pg::Timestamp now);

}  // namespace latchkey::credits
