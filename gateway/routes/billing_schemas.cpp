// Schemas of what the routes of `billing` answer.
#include "gateway/routes/schemas.hpp"

namespace latchkey {

namespace {
constexpr bool kNullable = true;
constexpr bool kAlways = false;
}  // namespace

std::vector<Schema> BillingSchemas() {
  return {
      {"BillingTransaction",
       "A payment or a refund.",
       {{"id", "uuid", kAlways, "Its id."},
        {"account_id", "uuid", kAlways, "Whose."},
        {"kind", "string", kAlways, "payment or refund."},
        {"amount_cents", "integer", kAlways, "In the currency's smallest unit; refunds negative."},
        {"currency", "string", kAlways, "As usd."},
        {"occurred_at", "date-time", kAlways, "Stripe's time."},
        {"recorded_at", "date-time", kAlways, "When it was recorded here."},
        {"stripe_customer_id", "string", kNullable, "The customer."},
        {"stripe_checkout_id", "string", kNullable, "The checkout session."},
        {"stripe_invoice_id", "string", kNullable, "The invoice."},
        {"stripe_payment_intent_id", "string", kNullable, "The payment intent."},
        {"stripe_subscription_id", "string", kNullable, "The subscription that was paid."},
        {"stripe_charge_id", "string", kNullable, "The charge that was refunded."},
        {"credits", "integer", kNullable, "What the payment bought."},
        {"credits_revoked", "integer", kAlways, "How many of them refunds have taken."}}},
      {"PaymentMethod",
       "A card.",
       {{"stripe_payment_method_id", "string", kAlways, "Its id at Stripe."},
        {"brand", "string", kAlways, "As visa."},
        {"last_four", "string", kAlways, "Its last four digits."},
        {"expires_month", "integer", kAlways, "1 to 12."},
        {"expires_year", "integer", kAlways, "As 2030."},
        {"updated_at", "date-time", kAlways, "When Stripe told of it last."}}},
      {"BillingEvent",
       "An event of Stripe's and what became of it.",
       {{"stripe_event_id", "string", kAlways, "Its id at Stripe."},
        {"type", "string", kAlways, "As invoice.paid."},
        {"created_at", "date-time", kAlways, "Stripe's time."},
        {"received_at", "date-time", kAlways, "When it came."},
        {"outcome", "string", kAlways, "applied, ignored or parked."},
        {"reason", "string", kNullable, "Why it was not applied."},
        {"waits_for", "string", kNullable, "What has to become known."},
        {"detail", "string", kNullable, "The error of one that failed."},
        {"account_id", "uuid", kNullable, "Whose it is."},
        {"applied_at", "date-time", kNullable, "When it was applied first."}}},
      {"BillingReplay",
       "How many events were applied again, and what became of them.",
       {{"events", "integer", kAlways, "All."},
        {"applied", "integer", kAlways, "Applied."},
        {"ignored", "integer", kAlways, "Of no meaning here."},
        {"parked", "integer", kAlways, "Waiting."},
        {"last_event_id", "string", kNullable, "Where to go on; null: these were the last."}}},
  };
}

}  // namespace latchkey
