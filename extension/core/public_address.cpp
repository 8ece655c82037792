// Which addresses belong to the public internet.
#include "extension/core/public_address.hpp"

#include <arpa/inet.h>

#include <cstring>
#include <string>

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

// Global unicast is 2000::/3, without what leads to IPv4 or is reserved. Elsewhere only what stands
// for an IPv4 address may be public.
bool IsPublicV6(const unsigned char* address) {
  static constexpr Block kV4[] = {
      {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, 96},        // mapped
      {{0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, 96},              // translated (RFC 2765)
      {{0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0}, 96},  // NAT64 (RFC 6052)
  };
  static constexpr Block kGlobal = {{0x20}, 3};
  static constexpr Block kReserved[] = {
      {{0x20, 0x01, 0x00}, 23},        // protocol assignments, Teredo
      {{0x20, 0x01, 0x0D, 0xB8}, 32},  // documentation
      {{0x20, 0x02}, 16},              // 6to4
      {{0x3F, 0xFF}, 20},              // documentation
  };
  if (IsInAny(address, kV4)) return IsPublicV4(address + 12);
  return IsIn(address, kGlobal) && !IsInAny(address, kReserved);
}

}  // namespace

std::optional<bool> IsPublicAddress(std::string_view address) {
  const std::string text(address);
  unsigned char bytes[16];
  if (inet_pton(AF_INET, text.c_str(), bytes) == 1) return IsPublicV4(bytes);
  if (inet_pton(AF_INET6, text.c_str(), bytes) == 1) return IsPublicV6(bytes);
  return std::nullopt;
}

}  // namespace latchkey
