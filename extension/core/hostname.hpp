// Hostnames as they are stored and compared: A-labels in lower case (RFC 5890, UTS 46).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace latchkey {

inline constexpr size_t kMaxHostname = 253;

// What a Host header names, without port and trailing dot. Empty for what is no hostname: IP
// addresses, single labels, and everything that is not letters, digits and hyphens once mapped.
std::optional<std::string> NormaliseHostname(std::string_view host);

// Whether the hostname is the domain, or below it. Both are normalised.
bool IsWithinDomain(std::string_view hostname, std::string_view domain);

}  // namespace latchkey
