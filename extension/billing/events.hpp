// Stripe's events in their table, and applying them.
#pragma once

#include "extension/billing/application.hpp"

namespace latchkey::billing {

// False when the event is known already.
bool StoreEvent(pg::Spi& spi, const StripeEvent& event);

StripeEvent LoadEvent(pg::Spi& spi, const std::string& event_id);  // one that is stored

// Applies a stored event, and notes what became of it. What is its own fault parks it; what may
// pass (a deadlock, a full disk) is raised. Adds what became known by it.
std::string ApplyStored(pg::Spi& spi, const std::string& event_id,
                        std::vector<std::string>& appeared);

// Applies the parked events that waited for any of these, and for what becomes known by them.
void ApplyWaiting(pg::Spi& spi, std::vector<std::string> appeared);

}  // namespace latchkey::billing
