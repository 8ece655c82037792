// Which addresses have had a trial: a keyed digest of each, which outlives its user.
#pragma once

#include <optional>

#include "extension/pg/spi.hpp"

namespace latchkey::trials {

// Before anything is locked; a no-op when setting trials.once_per_address is off. Raises LK504
// without a master key.
void PrepareAddressKey(pg::Spi& spi);

// Whether this is the first trial of the account's address: for a tenant, of who asks. True when
// there is no address, or setting trials.once_per_address is off. Two at once wait for each other.
bool TakeAddress(pg::Spi& spi, const Uuid& account_id);

}  // namespace latchkey::trials
