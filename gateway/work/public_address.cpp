// Which addresses belong to the public internet.
#include "gateway/work/public_address.hpp"

#include <arpa/inet.h>
#include <netdb.h>

#include <cstring>

namespace latchkey {
namespace {

struct Block {
  unsigned char bytes[16];
  int bits;
};

bool IsIn(const unsigned char* address, const Block& block) {
  const int whole = block.bits / 8;
  if (std::memcmp(address, block.bytes, static_cast<size_t>(whole)) != 0) return false;
  const int rest = block.bits % 8;
  if (rest == 0) return true;
  const int mask = 0xFF << (8 - rest) & 0xFF;
  return (address[whole] & mask) == (block.bytes[whole] & mask);
}

template <size_t N>
bool IsInAny(const unsigned char* address, const Block (&blocks)[N]) {
  for (const Block& block : blocks) {
    if (IsIn(address, block)) return true;
  }
  return false;
}

bool IsPublicV4(const unsigned char* address) {
  static constexpr Block kReserved[] = {
      {{0}, 8},             // this network
      {{10}, 8},            // private
      {{100, 64}, 10},      // carriers' own
      {{127}, 8},           // this machine
      {{169, 254}, 16},     // link-local, and metadata services of clouds
      {{172, 16}, 12},      // private
      {{192, 0, 0}, 24},    // protocol assignments
      {{192, 0, 2}, 24},    // documentation
      {{192, 88, 99}, 24},  // 6to4 relays
      {{192, 168}, 16},     // private
      {{198, 18}, 15},      // benchmarks
      {{198, 51, 100}, 24},
      {{203, 0, 113}, 24},
      {{224}, 4},  // multicast
      {{240}, 4},  // reserved, broadcast
  };
  return !IsInAny(address, kReserved);
}

// Global unicast is 2000::/3, without what leads to IPv4 or is reserved.
bool IsPublicV6(const unsigned char* address) {
  static constexpr Block kMapped = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, 96};
  static constexpr Block kGlobal = {{0x20}, 3};
  static constexpr Block kReserved[] = {
      {{0x20, 0x01, 0x00}, 23},        // protocol assignments, Teredo
      {{0x20, 0x01, 0x0D, 0xB8}, 32},  // documentation
      {{0x20, 0x02}, 16},              // 6to4
      {{0x3F, 0xFF}, 20},              // documentation
  };
  if (IsIn(address, kMapped)) return IsPublicV4(address + 12);
  return IsIn(address, kGlobal) && !IsInAny(address, kReserved);
}

}  // namespace

bool IsPublicAddress(const std::string& address) {
  unsigned char bytes[16];
  if (inet_pton(AF_INET, address.c_str(), bytes) == 1) return IsPublicV4(bytes);
  return inet_pton(AF_INET6, address.c_str(), bytes) == 1 && IsPublicV6(bytes);
}

// Numbers in every spelling that the resolver knows (0x7f.1) are resolved too, so what is judged is
// what they mean.
ResolvedHost ResolvePublicHost(const std::string& host, const TrustedProxies& allowed) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int rc = getaddrinfo(host.c_str(), nullptr, &hints, &found)) {
    return {"", std::string("the host can't be resolved: ") + gai_strerror(rc)};
  }
  ResolvedHost resolved{"", "the host's address is private or reserved"};
  for (const addrinfo* one = found; one; one = one->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST)) {
      continue;
    }
    if (IsPublicAddress(text) || allowed.Contains(text)) {
      resolved = {text, ""};
      break;
    }
  }
  freeaddrinfo(found);
  return resolved;
}

}  // namespace latchkey
