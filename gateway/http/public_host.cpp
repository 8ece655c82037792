// Asking the resolver, and choosing among its answers.
#include "gateway/http/public_host.hpp"

#include <netdb.h>

#include "extension/core/public_address.hpp"
#include "gateway/http/host_lookups.hpp"

namespace latchkey {
namespace {

constexpr size_t kLookupsAtOnce = 16;
constexpr int64_t kPatienceMs = 5000;

FoundAddresses Ask(const std::string& host, int flags) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* all = nullptr;
  if (const int rc = getaddrinfo(host.c_str(), nullptr, &hints, &all)) {
    return {{}, std::string("the host can't be resolved: ") + gai_strerror(rc)};
  }
  FoundAddresses found;
  for (const addrinfo* one = all; one; one = one->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST)) {
      continue;
    }
    found.addresses.push_back(text);
  }
  freeaddrinfo(all);
  return found;
}

// Numbers in every spelling that the resolver knows (0x7f.1) are resolved too, so what is judged is
// what they mean. They ask nobody else.
FoundAddresses Find(const std::string& host) {
  FoundAddresses found = Ask(host, AI_NUMERICHOST);
  if (found.error.empty()) return found;
  // Never deleted: its threads may hang while the program ends.
  static HostLookups& lookups = *new HostLookups(
      [](const std::string& name) { return Ask(name, 0); }, kLookupsAtOnce, kPatienceMs);
  return lookups.Find(host);
}

}  // namespace

ResolvedHost ResolvePublicHost(const std::string& host, const AddressRanges& allowed) {
  const FoundAddresses found = Find(host);
  if (!found.error.empty()) return {"", found.error};
  for (const std::string& address : found.addresses) {
    if (IsPublicAddress(address).value_or(false) || allowed.Contains(address)) return {address, ""};
  }
  return {"", "the host's address is private or reserved"};
}

}  // namespace latchkey
