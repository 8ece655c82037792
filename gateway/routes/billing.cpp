// Routes of the module `billing`: Stripe's webhooks, payments, and the administration of events.
#include "gateway/routes/account_argument.hpp"

namespace latchkey {
namespace {

constexpr size_t kMaxPage = 1000;
constexpr size_t kMaxEvent = size_t{1} << 20;
constexpr size_t kMaxSignature = 4096;
constexpr size_t kMaxStripeId = 255;

Argument Limit() { return QueryField("limit", Type::kInteger, kMaxPage, "How many at most."); }
Argument Customer() {
  return PathPart("customer", Type::kText, kMaxStripeId, "The customer at Stripe.");
}

Route Webhook(const char* path, const char* operation) {
  return Route("POST", path, operation, "billing")
      .Summary(
          "Takes an event of Stripe's, whose signature is its authority. One that was taken before "
          "changes nothing; what can't be applied yet is kept until it can.")
      .Writes("SELECT to_json(latchkey.ingest_stripe_event($1, $2))")
      .Takes(RawBody(kMaxEvent, "The event as Stripe sent it, byte for byte."))
      .Takes(Header("Stripe-Signature", kMaxSignature, "Time and signatures."))
      .Returns("outcome", "string")
      .Fails({ErrorId::NotConfigured});
}

Route ListTransactions() {
  return Route("GET", "/api/billing/transactions", "listBillingTransactions", "billing")
      .Summary(
          "An account's payments and refunds, newest first, a page at a time. Another's needs "
          "billing.read.")
      .Reads(
          "SELECT coalesce(json_agg(t), '[]') FROM "
          "latchkey.list_billing_transactions(" LATCHKEY_ACCOUNT
          ", $2::uuid, coalesce($3::integer, 100)) AS t")
      .As(Who::kBearer)
      .Takes(AccountInQuery())
      .Takes(QueryField("after", Type::kUuid, kUuidLength, "The last id of the page before."))
      .Takes(Limit())
      .Returns("transactions", "BillingTransaction", true)
      .Fails({ErrorId::Forbidden});
}

Route ListPaymentMethods() {
  return Route("GET", "/api/billing/payment-methods", "listPaymentMethods", "billing")
      .Summary("An account's cards: brand, last four digits, expiry. Another's needs billing.read.")
      .Reads(
          "SELECT coalesce(json_agg(m), '[]') FROM latchkey.list_payment_methods(" LATCHKEY_ACCOUNT
          ") AS m")
      .As(Who::kBearer)
      .Takes(AccountInQuery())
      .Returns("payment_methods", "PaymentMethod", true)
      .Fails({ErrorId::Forbidden});
}

Route ListEvents() {
  return Route("GET", "/api/billing/events", "listBillingEvents", "billing")
      .Summary("Stripe's events, newest first; outcome=parked: what waits. Needs billing.read.")
      .Reads(
          "SELECT coalesce(json_agg(e), '[]') FROM latchkey.list_billing_events("
          "$1, coalesce($2::integer, 100), $3, $4) AS e")
      .As(Who::kBearer)
      .Takes(QueryField("after", Type::kText, kMaxStripeId, "The last event of the page before."))
      .Takes(Limit())
      .Takes(QueryField("outcome", Type::kText, 10, "applied, ignored or parked."))
      .Takes(QueryField("type", Type::kText, kMaxStripeId, "As charge.dispute.created."))
      .Returns("events", "BillingEvent", true)
      .Fails({ErrorId::Forbidden});
}

Route ApplyParked() {
  return Route("POST", "/api/billing/events/apply-parked", "applyParkedEvents", "billing")
      .Summary("Applies parked events that need wait no longer. Needs billing.write.")
      .Writes("SELECT to_json(latchkey.apply_parked_events())")
      .As(Who::kBearer)
      .Returns("applied", "integer")
      .Fails({ErrorId::Forbidden});
}

Route Replay() {
  return Route("POST", "/api/billing/replay", "replayBilling", "billing")
      .Summary(
          "Applies Stripe's events again, the oldest first, at most limit of them (1,000); go on "
          "after last_event_id until that is null. Needs billing.write.")
      .Writes(
          "SELECT row_to_json(r) FROM latchkey.replay_billing($1, coalesce($2::integer, 1000)) "
          "AS r")
      .As(Who::kBearer)
      .Takes(QueryField("after", Type::kText, kMaxStripeId, "The last event of the call before."))
      .Takes(Limit())
      .Returns("replay", "BillingReplay")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route SetCustomer() {
  return Route("PUT", "/api/billing/customers/{customer}", "setStripeCustomer", "billing")
      .Summary("Says whose a customer at Stripe is, and applies what waited. Needs billing.write.")
      .Writes("SELECT null::json FROM latchkey.set_stripe_customer($2::uuid, $1)")
      .As(Who::kBearer)
      .Takes(Customer())
      .Takes(BodyField("account_id", Type::kUuid, kRequired, kUuidLength, "Whose."))
      .Message("Customer linked")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::AlreadyExists});
}

Route GetCustomer() {
  return Route("GET", "/api/billing/customers/{customer}", "getStripeCustomer", "billing")
      .Summary("Whose a customer at Stripe is. Needs billing.read.")
      .Reads("SELECT to_json(latchkey.account_by_stripe_customer($1))")
      .As(Who::kBearer)
      .Takes(Customer())
      .Returns("account_id", "uuid")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

}  // namespace

std::vector<Route> BillingRoutes() {
  return {Webhook("/api/webhooks/stripe", "takeStripeEvent"),
          Webhook("/api/subscription/webhooks/stripe", "takeStripeEventToo"),
          ListTransactions(),
          ListPaymentMethods(),
          ListEvents(),
          ApplyParked(),
          Replay(),
          SetCustomer(),
          GetCustomer()};
}

}  // namespace latchkey
