// Whose an event is.
#pragma once

#include "extension/billing/application.hpp"

namespace latchkey::billing {

// Locks the customer, who need not be known yet, against everybody who works with events of theirs.
// Returns whose they are.
std::optional<Uuid> LockCustomer(pg::Spi& spi, const std::string& customer);

// Locks the account against others who apply its events.
void LockBilling(pg::Spi& spi, const Uuid& account_id);

// Makes a locked customer the account's, which is locked too.
void LinkCustomer(pg::Spi& spi, const std::string& customer, const Uuid& account_id,
                  pg::Timestamp at);

// Find the event's account and lock it; false, and the event is parked or ignored, when there is
// none.
bool FindByCheckout(Application& application, const StripeCheckout& checkout, bool links);
bool FindByCustomer(Application& application, const StripeId& customer);
bool FindByCharge(Application& application, const StripeCharge& charge);

}  // namespace latchkey::billing
