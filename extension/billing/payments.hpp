// Payments, refunds, and the credits that were bought.
#pragma once

#include "extension/billing/application.hpp"

namespace latchkey::billing {

// A payment once, however many events tell of it. Nothing for what cost and gave nothing.
void RecordCheckout(Application& application, const StripeCheckout& checkout);
void RecordInvoice(Application& application, const StripeInvoice& invoice);

// What was paid back since what is known of the charge; takes the credits back that it had bought.
void RecordRefund(Application& application, const StripeCharge& charge);

void RecordCard(Application& application, const StripeCard& card);

// Gives the credits that a payment has bought and not brought yet, and takes back what its refunds
// ask for. Parks the event when they are spent, and the setting says so.
void SettleCredits(Application& application, const Uuid& payment_id);

}  // namespace latchkey::billing
