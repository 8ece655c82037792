// Fuzzes Stripe's events: bytes are refused or read, and what is stored of an event reads the same.
#include "extension/core/stripe_event.hpp"
#include "extension/core/error.hpp"
#include "extension/core/stripe_signature.hpp"
#include "test/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = FuzzText(data, size);
  // Nobody without the secret makes a signature of it.
  if (const auto signature = latchkey::ParseStripeSignature(text)) {
    FUZZ_CHECK(!latchkey::IsSignedWith(*signature, text, "whsec_fuzz"));
  }
  try {
    const latchkey::StripeEvent event = latchkey::ParseStripeEvent(text);
    const latchkey::StripeEvent again = latchkey::ParseStripeEvent(event.stored);
    FUZZ_CHECK(again.stored == event.stored);
    FUZZ_CHECK(again.id == event.id && again.type == event.type && again.created == event.created);
    FUZZ_CHECK(again.subscription.has_value() == event.subscription.has_value());
    FUZZ_CHECK(again.card.has_value() == event.card.has_value());
    FUZZ_CHECK(event.stored.find("\"receipt_email\"") == std::string::npos);
  } catch (const latchkey::Error& error) {
    FUZZ_CHECK(error.code() == latchkey::ErrorCode::kInvalidArgument);
  }
  return 0;
}
