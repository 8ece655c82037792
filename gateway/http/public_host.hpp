// Looking up hosts that people outside have named.
#pragma once

#include <string>

#include "gateway/http/address_ranges.hpp"

namespace latchkey {

struct ResolvedHost {
  std::string address;  // empty: none
  std::string error;
};

// The first of a host's addresses that is public or in `allowed`: connect to it, not to the name,
// which may lead elsewhere the next time.
ResolvedHost ResolvePublicHost(const std::string& host, const AddressRanges& allowed);

}  // namespace latchkey
