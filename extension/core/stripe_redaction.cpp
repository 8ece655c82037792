// Which members of Stripe's objects are dropped before an event is stored.
#include "extension/core/stripe_redaction.hpp"

#include <nlohmann/json.hpp>

#include "extension/core/error.hpp"

namespace latchkey {

namespace {

using Json = nlohmann::json;

constexpr const char* kDropped[] = {
    // People.
    "billing_details", "collected_information", "customer_address", "customer_details",
    "customer_email", "customer_name", "customer_phone", "customer_shipping", "customer_tax_ids",
    "owner", "receipt_email", "shipping", "shipping_details",
    // Whoever has these links or secrets sees or pays without logging in.
    "client_secret", "hosted_invoice_url", "invoice_pdf", "receipt_url"};

constexpr const char* kOfCard[] = {"brand", "last4", "exp_month", "exp_year"};
constexpr const char* kOfCustomer[] = {"id", "object"};

template <size_t N>
void KeepOnly(Json& object, const char* const (&names)[N]) {
  Json kept = Json::object();
  for (const char* name : names) {
    const auto member = object.find(name);
    if (member != object.end() && member->is_primitive()) kept[name] = *member;
  }
  object = std::move(kept);
}

bool IsCustomer(const Json& object) {
  const auto kind = object.find("object");
  return kind != object.end() && *kind == "customer";
}

void CheckText(const std::string& text) {
  if (text.find('\0') == std::string::npos) return;
  throw Error(ErrorCode::kInvalidArgument, "the event contains the character U+0000");
}

}  // namespace

void RedactStripe(Json& value) {
  if (value.is_string()) return CheckText(value.get_ref<const std::string&>());
  if (value.is_array()) {
    for (Json& element : value) RedactStripe(element);
  }
  if (!value.is_object()) return;
  for (const char* name : kDropped) value.erase(name);
  // What changed of a customer is personal too.
  const auto object = value.find("object");
  if (object != value.end() && object->is_object() && IsCustomer(*object)) {
    value.erase("previous_attributes");
  }
  if (IsCustomer(value)) KeepOnly(value, kOfCustomer);
  if (value.contains("last4")) KeepOnly(value, kOfCard);
  for (const auto& [name, member] : value.items()) {
    CheckText(name);
    RedactStripe(member);
  }
}

}  // namespace latchkey
