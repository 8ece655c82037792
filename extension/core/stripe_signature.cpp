// Reading and checking the header Stripe-Signature
// (https://docs.stripe.com/webhooks#verify-manually).
#include "extension/core/stripe_signature.hpp"

#include <charconv>

#include "extension/core/digest.hpp"
#include "extension/core/encoding.hpp"
#include "extension/core/secret.hpp"

namespace latchkey {

namespace {

constexpr size_t kMaxHeader = 4096;
constexpr size_t kMaxTimeDigits = 12;
constexpr size_t kMacBytes = 32;

std::optional<int64_t> ParseSeconds(std::string_view text) {
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || text.size() > kMaxTimeDigits || text[0] == '-' || error != std::errc() ||
      end != text.data() + text.size()) {
    return std::nullopt;
  }
  return seconds;
}

std::optional<std::string> ParseMac(std::string_view hex) {
  std::string mac(kMacBytes, '\0');
  if (hex.size() != 2 * kMacBytes || !HexDecode(hex, mac.data())) return std::nullopt;
  return mac;
}

}  // namespace

std::optional<StripeSignature> ParseStripeSignature(std::string_view header) {
  if (header.size() > kMaxHeader) return std::nullopt;
  StripeSignature signature;
  for (bool more = true; more;) {
    const size_t comma = header.find(',');
    const std::string_view element = header.substr(0, comma);
    more = comma != std::string_view::npos;
    if (more) header.remove_prefix(comma + 1);
    if (element.substr(0, 2) == "t=") {
      const auto seconds = ParseSeconds(element.substr(2));
      if (!seconds || !signature.time.empty()) return std::nullopt;
      signature.signed_at = *seconds;
      signature.time = element.substr(2);
    } else if (element.substr(0, 3) == "v1=") {
      if (auto mac = ParseMac(element.substr(3))) signature.macs.push_back(std::move(*mac));
    }
  }
  if (signature.time.empty()) return std::nullopt;
  return signature;
}

bool IsSignedWith(const StripeSignature& signature, std::string_view body,
                  std::string_view secret) {
  std::string text;
  text.reserve(signature.time.size() + 1 + body.size());
  text.append(signature.time).append(1, '.').append(body);
  const std::string expected = HmacSha256(secret).Compute(text);
  bool matches = false;
  for (const std::string& mac : signature.macs) matches |= SameBytes(mac, expected);
  return matches;
}

}  // namespace latchkey
