// UUID generation, parsing and printing.
#include "extension/core/uuid.hpp"

#include <chrono>

#include "extension/core/encoding.hpp"
#include "extension/core/random.hpp"

namespace latchkey {

Uuid NewUuid() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const uint64_t micros = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  const uint64_t millis = micros / 1000;
  const uint64_t fraction = (micros % 1000) * 4096 / 1000;  // 12 bits of the millisecond
  Uuid id;
  FillRandom(id.bytes.data() + 8, 8);
  for (int i = 0; i < 6; ++i) id.bytes[i] = static_cast<uint8_t>(millis >> (40 - 8 * i));
  id.bytes[6] = static_cast<uint8_t>(0x70 | (fraction >> 8));
  id.bytes[7] = static_cast<uint8_t>(fraction);
  id.bytes[8] = static_cast<uint8_t>(0x80 | (id.bytes[8] & 0x3f));
  return id;
}

std::string Uuid::ToString() const {
  const std::string hex = HexEncode(AsBytes());
  return hex.substr(0, 8) + '-' + hex.substr(8, 4) + '-' + hex.substr(12, 4) + '-' +
         hex.substr(16, 4) + '-' + hex.substr(20);
}

std::optional<Uuid> ParseUuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Uuid id;
  size_t out = 0;
  for (size_t i = 0; i < text.size();) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i++] != '-') return std::nullopt;
      continue;
    }
    const int high = HexDigit(text[i]);
    const int low = HexDigit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    id.bytes[out++] = static_cast<uint8_t>(high << 4 | low);
    i += 2;
  }
  return id;
}

}  // namespace latchkey
