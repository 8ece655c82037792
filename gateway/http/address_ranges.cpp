// Reading CIDR ranges, and looking addresses up in them.
#include "gateway/http/address_ranges.hpp"

#include <arpa/inet.h>

#include <cstdlib>
#include <cstring>

namespace latchkey {
namespace {

std::optional<AddressBytes> Read(std::string_view text, bool* is_v4) {
  const std::string copy(text);
  AddressBytes bytes = {};
  *is_v4 = false;
  if (inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) return bytes;
  bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0};
  if (inet_pton(AF_INET, copy.c_str(), bytes.data() + 12) != 1) return std::nullopt;
  *is_v4 = true;
  return bytes;
}

bool SamePrefix(const AddressBytes& a, const AddressBytes& b, int bits) {
  const int whole = bits / 8;
  if (std::memcmp(a.data(), b.data(), static_cast<size_t>(whole)) != 0) return false;
  const int rest = bits % 8;
  if (rest == 0) return true;
  const int mask = 0xFF << (8 - rest) & 0xFF;
  return (a[static_cast<size_t>(whole)] & mask) == (b[static_cast<size_t>(whole)] & mask);
}

}  // namespace

std::optional<AddressBytes> ParseAddress(std::string_view text) {
  bool is_v4 = false;
  return Read(text, &is_v4);
}

std::string AddressRanges::Parse(const std::vector<std::string>& ranges) {
  for (const std::string& text : ranges) {
    const size_t slash = text.find('/');
    bool is_v4 = false;
    const auto bytes = Read(std::string_view(text).substr(0, slash), &is_v4);
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

bool AddressRanges::Contains(std::string_view address) const {
  if (ranges_.empty()) return false;
  const auto bytes = ParseAddress(address);
  if (!bytes) return false;
  for (const Range& range : ranges_) {
    if (SamePrefix(*bytes, range.bytes, range.bits)) return true;
  }
  return false;
}

}  // namespace latchkey
