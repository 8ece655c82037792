// What an account is subscribed to, out of all that events have said.
#pragma once

#include "extension/billing/application.hpp"

namespace latchkey::billing {

// Adds what the event says of a subscription, and sets the account's standing from all of them. A
// price that no plan has parks the event; what doesn't give access counts nevertheless.
void ApplySubscription(Application& application, const StripeSubscription& subscription);

}  // namespace latchkey::billing
