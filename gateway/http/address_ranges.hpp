// Addresses and CIDR ranges of them, as settings name them.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace latchkey {

// IPv4 as an IPv4-mapped IPv6 address, so that one comparison serves both.
using AddressBytes = std::array<unsigned char, 16>;
// Empty for what is no address.
std::optional<AddressBytes> ParseAddress(std::string_view text);

class AddressRanges {
 public:
  // Returns an error text, empty on success.
  std::string Parse(const std::vector<std::string>& ranges);
  bool Contains(std::string_view address) const;

 private:
  struct Range {
    AddressBytes bytes;
    int bits;
  };
  std::vector<Range> ranges_;
};

}  // namespace latchkey
