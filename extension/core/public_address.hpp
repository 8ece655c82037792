// Telling addresses of the public internet from those that people outside may not have us call.
#pragma once

#include <optional>
#include <string_view>

namespace latchkey {

// Whether an address (numeric text) is one of the public internet: not of this machine, not of a
// private network, nor reserved (IANA's registries of special-purpose addresses, RFC 6890). One
// that stands for an IPv4 address (mapped, translated, NAT64) is judged as that. Empty for what is
// no address.
std::optional<bool> IsPublicAddress(std::string_view address);

}  // namespace latchkey
