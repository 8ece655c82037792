// Which address a request really comes from.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace latchkey {

// Addresses and CIDR ranges of proxies whose X-Forwarded-For is believed.
class TrustedProxies {
 public:
  // Returns an error text, empty on success.
  std::string Parse(const std::vector<std::string>& ranges);
  bool Contains(std::string_view address) const;

  // The client's address: the peer, or, when the peer is trusted, the rightmost address of
  // X-Forwarded-For that is not itself a trusted proxy. Text that is no address ends the search.
  std::string Resolve(std::string_view peer, std::string_view forwarded_for) const;

 private:
  struct Range {
    std::array<unsigned char, 16> bytes;
    int bits;
  };
  std::vector<Range> ranges_;
};

}  // namespace latchkey
