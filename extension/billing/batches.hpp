// Applying many events in one transaction.
#pragma once

#include "extension/billing/application.hpp"

namespace latchkey::billing {

struct Tally {
  int64_t total = 0, applied = 0, ignored = 0;

  int64_t parked() const { return total - applied - ignored; }
};

// Applies stored events. All customers and accounts that they are of are locked first, in the order
// of their ids: so of those who apply many events at once, none waits for another who waits for
// them, and a webhook, which is of one customer, waits until they are done.
Tally ApplyBatch(const std::vector<std::string>& event_ids);

}  // namespace latchkey::billing
