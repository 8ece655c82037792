// One function for all events, first or again.
#include "extension/billing/applying.hpp"

#include "extension/billing/customers.hpp"
#include "extension/billing/payments.hpp"
#include "extension/billing/standings.hpp"
#include "extension/core/json_object.hpp"
#include "extension/subscriptions/subscriptions.hpp"

namespace latchkey::billing {

namespace {

void ApplyCheckout(Application& a, const StripeCheckout& checkout) {
  const std::string_view type = a.event.type;
  if (type == "checkout.session.expired") return a.Ignore("type");
  if (!FindByCheckout(a, checkout, true)) return;
  if (type == "checkout.session.async_payment_failed") {
    return a.Notice("billing.checkout_failed",
                    JsonObject().Add("stripe_checkout_id", checkout.id).ToString());
  }
  // What isn't paid yet links the customer only.
  if (checkout.payment_status == "unpaid" || checkout.mode == "setup") return;
  RecordCheckout(a, checkout);
}

void ApplyInvoice(Application& a, const StripeInvoice& invoice) {
  if (!FindByCustomer(a, invoice.customer)) return;
  if (a.event.type == "invoice.paid") return RecordInvoice(a, invoice);
  JsonObject data;
  data.Add("stripe_invoice_id", invoice.id).Add("attempts", invoice.attempts);
  if (invoice.next_attempt_at) data.Add("next_attempt_at", *invoice.next_attempt_at);
  a.Notice(a.event.type == "invoice.payment_failed" ? "billing.payment_failed"
                                                    : "billing.payment_action_required",
           data.ToString());
}

void ApplySubscriptionEvent(Application& a, const StripeSubscription& subscription) {
  if (!FindByCustomer(a, subscription.customer)) return;
  ApplySubscription(a, subscription);
  if (a.event.type != "customer.subscription.trial_will_end") return;
  JsonObject data;
  data.Add("stripe_subscription_id", subscription.id);
  if (subscription.trial_ends_at) data.Add("ends_at", *subscription.trial_ends_at);
  a.Notice("subscription.trial_will_end", data.ToString());
}

void ApplyCharge(Application& a, const StripeCharge& charge) {
  if (!FindByCharge(a, charge)) return;
  if (a.event.card) RecordCard(a, *a.event.card);
  if (a.event.type == "charge.refunded") RecordRefund(a, charge);
}

}  // namespace

void Apply(Application& a) {
  const StripeEvent& event = a.event;
  if (event.checkout) {
    ApplyCheckout(a, *event.checkout);
  } else if (event.subscription) {
    ApplySubscriptionEvent(a, *event.subscription);
  } else if (event.invoice) {
    ApplyInvoice(a, *event.invoice);
  } else if (event.charge) {
    ApplyCharge(a, *event.charge);
  } else if (event.card) {
    if (FindByCustomer(a, event.card->customer)) RecordCard(a, *event.card);
  } else if (event.dispute) {
    JsonObject data;
    data.Add("stripe_dispute_id", *event.dispute);
    if (event.disputed_payment) data.Add("stripe_payment_intent_id", *event.disputed_payment);
    a.Notice("billing.disputed", data.ToString());
  } else {
    a.Ignore("type");
  }
  if (a.has_account) subscriptions::NoteWebhook(a.spi, a.account_id, a.At());
}

}  // namespace latchkey::billing
