// Accounts that have one lot.
#pragma once

#include "extension/credits/debits.hpp"

namespace latchkey::credits {

// How many the account has: DebitOnly is not tried where there are several.
void NoteLots(const Uuid& account_id, size_t lots);

}  // namespace latchkey::credits
