// Stripe's events: what Latchkey reads of their JSON, in the shapes of old and of new API versions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace latchkey {

using StripeId = std::optional<std::string>;  // of a reference, given as an id or as an object
using UnixSeconds = std::optional<int64_t>;   // within the years 1970 to 9999

struct StripeCheckout {
  std::string id;
  StripeId customer, subscription, invoice, payment_intent;
  std::string reference;  // client_reference_id: whose it is, as the application said
  std::string mode;       // payment, setup, subscription
  std::string payment_status;
  int64_t amount = 0;  // in the currency's smallest unit
  std::string currency;
  std::optional<std::string> credits;  // metadata.credits, as it is spelt
};

struct StripeSubscription {
  std::string id;
  StripeId customer;
  std::string status;
  std::vector<std::string> price_ids;
  UnixSeconds started_at, period_starts_at, period_ends_at, trial_starts_at, trial_ends_at;
  UnixSeconds ends_at;  // when it ended, or will because it was cancelled
};

struct StripeInvoice {
  std::string id;
  StripeId customer, subscription, payment_intent;
  int64_t amount_paid = 0;
  std::string currency;
  int64_t attempts = 0;
  UnixSeconds next_attempt_at;
};

struct StripeCharge {
  std::string id;
  StripeId customer, payment_intent;
  int64_t amount_refunded = 0;  // all refunds of it so far
  std::string currency;
};

// A card on file: all that is kept of it.
struct StripeCard {
  std::string payment_method;
  StripeId customer;
  std::string brand, last_four;
  int64_t expires_month = 0, expires_year = 0;
  bool detached = false;
};

struct StripeEvent {
  std::string id;
  std::string type;
  int64_t created = 0;
  std::optional<std::string> api_version;
  bool livemode = false;
  // What its object is, for the types that matter.
  std::optional<StripeCheckout> checkout;
  std::optional<StripeSubscription> subscription;
  std::optional<StripeInvoice> invoice;
  std::optional<StripeCharge> charge;
  std::optional<StripeCard> card;
  StripeId dispute, disputed_payment;
  // The event as JSON, to be kept: without personal data, links that need no login, and all of
  // cards but brand, last four digits and expiry. Parses to the same event.
  std::string stored;
};

// Raises LK400 for what is no event: bad JSON, nesting deeper than 64, characters that a database
// doesn't take, a thin event, fields of the envelope that are missing or of another type.
StripeEvent ParseStripeEvent(std::string_view json);

}  // namespace latchkey
