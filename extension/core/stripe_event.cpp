// Taking Stripe's events apart.
#include "extension/core/stripe_event.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "extension/core/error.hpp"
#include "extension/core/stripe_redaction.hpp"

namespace latchkey {

namespace {

using Json = nlohmann::json;

constexpr int kMaxDepth = 64;
constexpr size_t kMaxId = 255;
constexpr int64_t kEndOfTime = 253402300799;  // 9999-12-31 23:59:59

[[noreturn]] void Refuse(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, what);
}

// Before anything parses it: the stack must not decide how deep a document may be.
void CheckDepth(std::string_view json) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) Refuse("the event is nested too deeply");
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
}

const Json& At(const Json& object, const char* name) {
  static const Json none;
  if (!object.is_object()) return none;
  const auto member = object.find(name);
  return member == object.end() ? none : *member;
}

const Json& At(const Json& object, std::initializer_list<const char*> path) {
  const Json* at = &object;
  for (const char* name : path) at = &At(*at, name);
  return *at;
}

std::string Text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

// Not negative; 0 for what is none.
int64_t Count(const Json& value) {
  return value.is_number_integer() ? std::max<int64_t>(value.get<int64_t>(), 0) : 0;
}

UnixSeconds Time(const Json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  const auto seconds = value.get<int64_t>();
  if (seconds < 0 || seconds > kEndOfTime) return std::nullopt;
  return seconds;
}

bool IsId(const std::string& text) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  return !text.empty() && text.size() <= kMaxId &&
         text.find_first_not_of(kAllowed) == std::string::npos;
}

StripeId Id(const Json& reference) {
  std::string id = Text(reference.is_object() ? At(reference, "id") : reference);
  if (!IsId(id)) return std::nullopt;
  return id;
}

StripeId FirstOf(StripeId newer, StripeId older) { return newer ? newer : older; }

std::string RequireId(const Json& object) {
  const auto id = Id(At(object, "id"));
  if (!id) Refuse("the event's object has no id");
  return *id;
}

StripeCheckout ReadCheckout(const Json& o) {
  StripeCheckout checkout;
  checkout.id = RequireId(o);
  checkout.customer = Id(At(o, "customer"));
  checkout.subscription = Id(At(o, "subscription"));
  checkout.invoice = Id(At(o, "invoice"));
  checkout.payment_intent = Id(At(o, "payment_intent"));
  checkout.reference = Text(At(o, "client_reference_id"));
  checkout.mode = Text(At(o, "mode"));
  checkout.payment_status = Text(At(o, "payment_status"));
  checkout.amount = Count(At(o, "amount_total"));
  checkout.currency = Text(At(o, "currency"));
  const Json& credits = At(o, {"metadata", "credits"});
  if (credits.is_string()) checkout.credits = credits.get<std::string>();
  return checkout;
}

// Since API 2025-03-31 the period stands in the items.
void ReadPeriod(const Json& o, StripeSubscription& subscription) {
  subscription.period_starts_at = Time(At(o, "current_period_start"));
  subscription.period_ends_at = Time(At(o, "current_period_end"));
  for (const Json& item : At(o, {"items", "data"})) {
    const UnixSeconds start = Time(At(item, "current_period_start"));
    const UnixSeconds end = Time(At(item, "current_period_end"));
    if (!start || !end) continue;
    subscription.period_starts_at = start;
    subscription.period_ends_at = end;
    return;
  }
}

StripeSubscription ReadSubscription(const Json& o) {
  StripeSubscription subscription;
  subscription.id = RequireId(o);
  subscription.customer = Id(At(o, "customer"));
  subscription.status = Text(At(o, "status"));
  for (const Json& item : At(o, {"items", "data"})) {
    const StripeId price = FirstOf(Id(At(item, "price")), Id(At(item, "plan")));
    if (price) subscription.price_ids.push_back(*price);
  }
  ReadPeriod(o, subscription);
  subscription.started_at = Time(At(o, "start_date"));
  subscription.trial_starts_at = Time(At(o, "trial_start"));
  subscription.trial_ends_at = Time(At(o, "trial_end"));
  subscription.ends_at = Time(At(o, "ended_at"));
  if (!subscription.ends_at) subscription.ends_at = Time(At(o, "cancel_at"));
  if (!subscription.ends_at && At(o, "cancel_at_period_end") == true) {
    subscription.ends_at = subscription.period_ends_at;
  }
  return subscription;
}

StripeInvoice ReadInvoice(const Json& o) {
  StripeInvoice invoice;
  invoice.id = RequireId(o);
  invoice.customer = Id(At(o, "customer"));
  invoice.subscription = FirstOf(Id(At(o, {"parent", "subscription_details", "subscription"})),
                                 Id(At(o, "subscription")));
  invoice.payment_intent = Id(At(o, "payment_intent"));
  for (const Json& payment : At(o, {"payments", "data"})) {
    if (!invoice.payment_intent) {
      invoice.payment_intent = Id(At(payment, {"payment", "payment_intent"}));
    }
  }
  invoice.amount_paid = Count(At(o, "amount_paid"));
  invoice.currency = Text(At(o, "currency"));
  invoice.attempts = Count(At(o, "attempt_count"));
  invoice.next_attempt_at = Time(At(o, "next_payment_attempt"));
  return invoice;
}

StripeCharge ReadCharge(const Json& o) {
  return {RequireId(o), Id(At(o, "customer")), Id(At(o, "payment_intent")),
          Count(At(o, "amount_refunded")), Text(At(o, "currency"))};
}

std::optional<StripeCard> MakeCard(const StripeId& method, const StripeId& customer,
                                   const Json& card) {
  if (!method || Text(At(card, "last4")).size() != 4) return std::nullopt;
  return StripeCard{*method,
                    customer,
                    Text(At(card, "brand")),
                    Text(At(card, "last4")),
                    Count(At(card, "exp_month")),
                    Count(At(card, "exp_year")),
                    false};
}

// A method that was detached belongs to nobody any more; the event says to whom it did.
std::optional<StripeCard> ReadPaymentMethod(const Json& data, std::string_view type) {
  const Json& o = At(data, "object");
  auto card = MakeCard(Id(At(o, "id")), Id(At(o, "customer")), At(o, "card"));
  if (card && type == "payment_method.detached") {
    card->detached = true;
    card->customer = Id(At(data, {"previous_attributes", "customer"}));
  }
  return card;
}

void ReadObject(const Json& data, StripeEvent& event) {
  const std::string_view type = event.type;
  const Json& o = At(data, "object");
  const auto begins = [&](std::string_view prefix) {
    return type.substr(0, prefix.size()) == prefix;
  };
  if (begins("checkout.session.")) event.checkout = ReadCheckout(o);
  if (begins("customer.subscription.")) event.subscription = ReadSubscription(o);
  if (type == "invoice.paid" || type == "invoice.payment_failed" ||
      type == "invoice.payment_action_required") {
    event.invoice = ReadInvoice(o);
  }
  if (type == "charge.refunded" || type == "charge.succeeded") {
    event.charge = ReadCharge(o);
    event.card = MakeCard(Id(At(o, "payment_method")), event.charge->customer,
                          At(o, {"payment_method_details", "card"}));
  }
  if (begins("payment_method.")) event.card = ReadPaymentMethod(data, type);
  if (type == "charge.dispute.created") {
    event.dispute = RequireId(o);
    event.disputed_payment = Id(At(o, "payment_intent"));
  }
}

void ReadEnvelope(const Json& json, StripeEvent& event) {
  if (!json.is_object()) Refuse("the event is no JSON object");
  if (At(json, "object") == "v2.core.event") {
    throw Error(ErrorCode::kInvalidArgument, "thin events are not supported", {},
                "Choose \"Snapshot\" as the payload style of the webhook at Stripe.");
  }
  const auto id = Id(At(json, "id"));
  event.type = Text(At(json, "type"));
  const UnixSeconds created = Time(At(json, "created"));
  const Json& livemode = At(json, "livemode");
  if (At(json, "object") != "event" || !id || event.type.empty() || event.type.size() > kMaxId ||
      !created || !livemode.is_boolean() || !At(json, {"data", "object"}).is_object()) {
    Refuse("the payload is no event of Stripe's");
  }
  event.id = *id;
  event.created = *created;
  event.livemode = livemode.get<bool>();
  if (At(json, "api_version").is_string()) event.api_version = Text(At(json, "api_version"));
}

}  // namespace

StripeEvent ParseStripeEvent(std::string_view text) {
  CheckDepth(text);
  Json json = Json::parse(text.begin(), text.end(), nullptr, false);
  if (json.is_discarded()) Refuse("the event is not valid JSON");
  RedactStripe(json);
  StripeEvent event;
  ReadEnvelope(json, event);
  ReadObject(At(json, "data"), event);
  event.stored = json.dump();
  return event;
}

}  // namespace latchkey
