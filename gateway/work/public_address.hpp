// Telling addresses of the public internet from those that people outside may not have us call.
#pragma once

#include <string>

#include "gateway/http/client_address.hpp"

namespace latchkey {

// Whether an address (numeric text) is one of the public internet: not of this machine, not of a
// private network, nor reserved (RFC 6890 and its successors).
bool IsPublicAddress(const std::string& address);

struct ResolvedHost {
  std::string address;  // empty: none
  std::string error;
};

// The first of a host's addresses that is public or in `allowed`: connect to it, not to the name,
// which may lead elsewhere the next time.
ResolvedHost ResolvePublicHost(const std::string& host, const TrustedProxies& allowed);

}  // namespace latchkey
