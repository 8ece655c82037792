// Stripe's signatures of webhooks: header Stripe-Signature, "t=<unix seconds>,v1=<hex>,…".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace latchkey {

struct StripeSignature {
  int64_t signed_at = 0;          // Unix seconds
  std::string time;               // as it was spelt: that is what was signed
  std::vector<std::string> macs;  // 32 bytes each; other schemes than v1 are left out
};

// None when the time is missing, given twice or malformed, and when the header is absurdly long.
std::optional<StripeSignature> ParseStripeSignature(std::string_view header);

// Whether any of the MACs is HMAC-SHA256 over time, a dot and the body, with the whole secret
// ("whsec_…") as the key. Constant in time for what the MACs are.
bool IsSignedWith(const StripeSignature& signature, std::string_view body, std::string_view secret);

}  // namespace latchkey
