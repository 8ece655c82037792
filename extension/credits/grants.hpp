// Granting credits, and taking back what was granted.
#pragma once

#include "extension/credits/ledger.hpp"

namespace latchkey::credits {

// Makes heading.total credits available as the lot says, once for an idempotency key. Raises LK404.
Transaction Grant(pg::Spi& spi, const Uuid& account_id, Heading heading, const Lot& whole,
                  const Idempotency& idempotency);

// Takes up to `amount` back of what purchases have left, of that grant first; holds keep what they
// set aside. Returns how much it was. With `whole`, takes all or nothing.
int64_t Revoke(pg::Spi& spi, const Uuid& account_id, const Uuid& grant_id, int64_t amount,
               bool whole, const std::string& reference);

}  // namespace latchkey::credits
