// CIDR matching and X-Forwarded-For.
#include "gateway/http/client_address.hpp"

#include <arpa/inet.h>

#include <cstring>
#include <optional>

namespace latchkey {
namespace {

using Bytes = std::array<unsigned char, 16>;

// IPv4 becomes an IPv4-mapped IPv6 address, so that one comparison serves both.
std::optional<Bytes> ParseAddress(std::string_view text, bool* is_v4 = nullptr) {
  const std::string copy(text);
  Bytes bytes = {};
  if (is_v4) *is_v4 = false;
  if (inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) return bytes;
  bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0};
  if (inet_pton(AF_INET, copy.c_str(), bytes.data() + 12) != 1) return std::nullopt;
  if (is_v4) *is_v4 = true;
  return bytes;
}

bool SamePrefix(const Bytes& a, const Bytes& b, int bits) {
  const int whole = bits / 8;
  if (std::memcmp(a.data(), b.data(), static_cast<size_t>(whole)) != 0) return false;
  const int rest = bits % 8;
  if (rest == 0) return true;
  const int mask = 0xFF << (8 - rest) & 0xFF;
  return (a[static_cast<size_t>(whole)] & mask) == (b[static_cast<size_t>(whole)] & mask);
}

}  // namespace

std::string TrustedProxies::Parse(const std::vector<std::string>& ranges) {
  for (const std::string& text : ranges) {
    const size_t slash = text.find('/');
    bool is_v4 = false;
    const auto bytes = ParseAddress(std::string_view(text).substr(0, slash), &is_v4);
    if (!bytes) return "not an address or range: " + text;
    int bits = 128;
    if (slash != std::string::npos) {
      char* end = nullptr;
      const long length = std::strtol(text.c_str() + slash + 1, &end, 10);
      if (*end || end == text.c_str() + slash + 1 || length < 0 || length > (is_v4 ? 32 : 128)) {
        return "not an address or range: " + text;
      }
      bits = static_cast<int>(length) + (is_v4 ? 96 : 0);
    }
    ranges_.push_back({*bytes, bits});
  }
  return "";
}

bool TrustedProxies::Contains(std::string_view address) const {
  if (ranges_.empty()) return false;
  const auto bytes = ParseAddress(address);
  if (!bytes) return false;
  for (const Range& range : ranges_) {
    if (SamePrefix(*bytes, range.bytes, range.bits)) return true;
  }
  return false;
}

std::string TrustedProxies::Resolve(std::string_view peer, std::string_view forwarded_for) const {
  std::string client(peer);
  if (!Contains(peer)) return client;
  while (!forwarded_for.empty()) {
    const size_t comma = forwarded_for.rfind(',');
    std::string_view item =
        comma == std::string_view::npos ? forwarded_for : forwarded_for.substr(comma + 1);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (!ParseAddress(item)) break;
    client = std::string(item);
    if (!Contains(item) || comma == std::string_view::npos) break;
    forwarded_for = forwarded_for.substr(0, comma);
  }
  return client;
}

}  // namespace latchkey
