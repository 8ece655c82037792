// UUIDs: time-ordered ids (version 7, RFC 9562), strict parsing, printing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace latchkey {

struct Uuid {
  std::array<uint8_t, 16> bytes{};

  friend bool operator==(const Uuid& a, const Uuid& b) { return a.bytes == b.bytes; }
  friend bool operator<(const Uuid& a, const Uuid& b) { return a.bytes < b.bytes; }
  friend bool operator!=(const Uuid& a, const Uuid& b) { return !(a == b); }

  std::string ToString() const;
  std::string_view AsBytes() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
};

// A new version 7 id. Within one process ids of one millisecond still sort by their microsecond
// (RFC 9562, method 3), so that inserts land at the right edge of an index.
Uuid NewUuid();

// The canonical form only: 36 characters, hexadecimal digits in either case.
std::optional<Uuid> ParseUuid(std::string_view text);

}  // namespace latchkey
