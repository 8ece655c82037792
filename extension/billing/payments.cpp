// Booking payments, refunds and cards.
#include "extension/billing/payments.hpp"

#include <charconv>

#include "extension/core/json_object.hpp"

namespace latchkey::billing {

namespace {

constexpr int64_t kMaxCredits = 1000000000000000;
constexpr int32_t kOfCheckout = 1, kOfInvoice = 2;

struct Payment {
  StripeId customer, checkout, invoice, payment_intent, subscription;
  int64_t amount = 0;
  std::string currency;
  int32_t source_rank = kOfCheckout;
  std::optional<int64_t> credits;
};

std::optional<int64_t> ParseCredits(const std::string& text) {
  int64_t credits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), credits);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (credits < 1 || credits > kMaxCredits) return std::nullopt;
  return credits;
}

// One purchase has one payment intent. What has none is told by its invoice, where that of a
// subscription is another thing than that of a single purchase.
std::optional<Uuid> FindPayment(Application& a, const Payment& p) {
  static pg::Statement statement(R"(
    SELECT id FROM latchkey.billing_transactions
     WHERE account_id = $1 AND kind = 'payment'
       AND (stripe_payment_intent_id = $2 OR stripe_checkout_id = $3
            OR stripe_invoice_id = $4 AND (stripe_subscription_id IS NOT NULL) = $5
               AND ($5 OR stripe_payment_intent_id IS NULL OR $2 IS NULL))
     ORDER BY (stripe_payment_intent_id IS NOT DISTINCT FROM $2) DESC, id LIMIT 1)");
  const pg::Rows rows = a.spi.RunLatest(statement, a.account_id, p.payment_intent, p.checkout,
                                        p.invoice, p.subscription.has_value());
  if (rows.empty()) return std::nullopt;
  return rows[0].Get<Uuid>(1);
}

void InsertPayment(Application& a, const Uuid& id, const Payment& p) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.billing_transactions (
      account_id, id, kind, amount_cents, currency, occurred_at, recorded_at, source_rank,
      stripe_customer_id, stripe_checkout_id, stripe_invoice_id, stripe_payment_intent_id,
      stripe_subscription_id, credits)
    VALUES ($1, $2, 'payment', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13))");
  a.spi.RunLatest(statement, a.account_id, id, p.amount, p.currency, a.At(), pg::Now(),
                  p.source_rank, p.customer, p.checkout, p.invoice, p.payment_intent,
                  p.subscription, p.credits);
  JsonObject data;
  data.Add("transaction_id", id.ToString());
  data.Add("amount_cents", p.amount).Add("currency", p.currency);
  events::Record(a.spi, {a.account_id, "account", a.account_id.ToString(),
                         "billing.payment_recorded", data.ToString()});
}

// Adds what this event knows; the amount is the one of the better source, or the later event.
void CompletePayment(Application& a, const Uuid& id, const Payment& p) {
  static pg::Statement ids(R"(
    UPDATE latchkey.billing_transactions
       SET stripe_customer_id = coalesce(stripe_customer_id, $3),
           stripe_checkout_id = coalesce(stripe_checkout_id, $4),
           stripe_invoice_id = coalesce(stripe_invoice_id, $5),
           stripe_payment_intent_id = coalesce(stripe_payment_intent_id, $6),
           stripe_subscription_id = coalesce(stripe_subscription_id, $7),
           credits = coalesce(credits, $8)
     WHERE account_id = $1 AND id = $2)");
  static pg::Statement amount(R"(
    UPDATE latchkey.billing_transactions
       SET amount_cents = $3, currency = $4, occurred_at = $5, source_rank = $6
     WHERE account_id = $1 AND id = $2 AND (source_rank, occurred_at) < ($6, $5))");
  a.spi.RunLatest(ids, a.account_id, id, p.customer, p.checkout, p.invoice, p.payment_intent,
                  p.subscription, p.credits);
  a.spi.RunLatest(amount, a.account_id, id, p.amount, p.currency, a.At(), p.source_rank);
}

void Record(Application& a, const Payment& payment) {
  if (payment.amount == 0 && !payment.credits) return;
  auto id = FindPayment(a, payment);
  if (id) {
    CompletePayment(a, *id, payment);
  } else {
    id = NewUuid();
    InsertPayment(a, *id, payment);
  }
  if (payment.payment_intent) a.appeared.push_back(*payment.payment_intent);
  SettleCredits(a, *id);
}

}  // namespace

void RecordCheckout(Application& a, const StripeCheckout& checkout) {
  Payment payment;
  payment.customer = checkout.customer;
  payment.checkout = checkout.id;
  payment.invoice = checkout.invoice;
  payment.payment_intent = checkout.payment_intent;
  payment.subscription = checkout.subscription;
  payment.amount = checkout.amount;
  payment.currency = checkout.currency;
  if (checkout.mode == "payment" && checkout.credits) {
    payment.credits = ParseCredits(*checkout.credits);
    if (!payment.credits) a.Park("invalid_credits");
  }
  Record(a, payment);
}

void RecordInvoice(Application& a, const StripeInvoice& invoice) {
  Payment payment;
  payment.customer = invoice.customer;
  payment.invoice = invoice.id;
  payment.payment_intent = invoice.payment_intent;
  payment.subscription = invoice.subscription;
  payment.amount = invoice.amount_paid;
  payment.currency = invoice.currency;
  payment.source_rank = kOfInvoice;
  Record(a, payment);
}

namespace {

// What is between two totals belongs to the later one, whichever was heard of first.
void InsertRefund(Application& a, const StripeCharge& charge) {
  static pg::Statement around(R"(
    SELECT max(refunded_total_cents) FILTER (WHERE refunded_total_cents < $3),
           bool_or(refunded_total_cents = $3)
      FROM latchkey.billing_transactions
     WHERE account_id = $1 AND stripe_charge_id = $2 AND kind = 'refund')");
  static pg::Statement shorten(R"(
    UPDATE latchkey.billing_transactions SET amount_cents = $3 - refunded_total_cents
     WHERE account_id = $1 AND stripe_charge_id = $2 AND kind = 'refund'
       AND refunded_total_cents = (
         SELECT min(refunded_total_cents) FROM latchkey.billing_transactions
          WHERE account_id = $1 AND stripe_charge_id = $2 AND kind = 'refund'
            AND refunded_total_cents > $3))");
  static pg::Statement insert(R"(
    INSERT INTO latchkey.billing_transactions (
      account_id, id, kind, amount_cents, currency, occurred_at, recorded_at, stripe_customer_id,
      stripe_payment_intent_id, stripe_charge_id, refunded_total_cents)
    VALUES ($1, $2, 'refund', $3, $4, $5, $6, $7, $8, $9, $10))");
  const pg::Rows rows = a.spi.RunLatest(around, a.account_id, charge.id, charge.amount_refunded);
  if (rows[0].Optional<bool>(2).value_or(false)) return;
  const int64_t before = rows[0].Optional<int64_t>(1).value_or(0);
  const Uuid id = NewUuid();
  a.spi.RunLatest(shorten, a.account_id, charge.id, charge.amount_refunded);
  a.spi.RunLatest(insert, a.account_id, id, before - charge.amount_refunded, charge.currency,
                  a.At(), pg::Now(), charge.customer, charge.payment_intent, charge.id,
                  charge.amount_refunded);
  JsonObject data;
  data.Add("transaction_id", id.ToString());
  data.Add("refunded_total_cents", charge.amount_refunded).Add("currency", charge.currency);
  events::Record(a.spi, {a.account_id, "account", a.account_id.ToString(),
                         "billing.refund_recorded", data.ToString()});
}

}  // namespace

void RecordRefund(Application& a, const StripeCharge& charge) {
  static pg::Statement payment(R"(
    SELECT id FROM latchkey.billing_transactions
     WHERE account_id = $1 AND kind = 'payment' AND stripe_payment_intent_id = $2)");
  if (charge.amount_refunded == 0) return;
  InsertRefund(a, charge);
  if (!charge.payment_intent) return;
  const pg::Rows rows = a.spi.RunLatest(payment, a.account_id, *charge.payment_intent);
  if (!rows.empty()) SettleCredits(a, rows[0].Get<Uuid>(1));
}

void RecordCard(Application& a, const StripeCard& card) {
  static pg::Statement upsert(R"(
    INSERT INTO latchkey.billing_payment_methods AS m (
      account_id, stripe_payment_method_id, brand, last_four, expires_month, expires_year, detached,
      updated_at, stripe_event_id)
    VALUES ($1, $2, $3, $4, $5::integer, $6::integer, $7, $8, $9)
    ON CONFLICT (account_id, stripe_payment_method_id) DO UPDATE
       SET brand = $3, last_four = $4, expires_month = $5::integer, expires_year = $6::integer,
           detached = $7, updated_at = $8, stripe_event_id = $9
     WHERE (m.detached, m.updated_at, m.stripe_event_id) < ($7, $8, $9))");
  a.spi.RunLatest(upsert, a.account_id, card.payment_method, card.brand, card.last_four,
                  card.expires_month, card.expires_year, card.detached, a.At(), a.event.id);
}

}  // namespace latchkey::billing
