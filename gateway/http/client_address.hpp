// Which address a request really comes from.
#pragma once

#include <string>
#include <string_view>

#include "gateway/http/address_ranges.hpp"

namespace latchkey {

// The client's address: the peer, or, when the peer is one of our proxies, the rightmost address of
// X-Forwarded-For that is not itself one of them. Text that is no address ends the search.
std::string ClientAddress(std::string_view peer, std::string_view forwarded_for,
                          const AddressRanges& proxies);

}  // namespace latchkey
