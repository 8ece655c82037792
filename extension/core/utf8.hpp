// Walking UTF-8 text: code points are what lengths and character rules are counted in.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace latchkey {

// Takes the first code point off `rest`; empty when it is not well-formed UTF-8 (RFC 3629).
std::optional<char32_t> NextCodePoint(std::string_view& rest);

// Number of code points, or empty when the text is not UTF-8.
std::optional<size_t> CountCodePoints(std::string_view text);

// At most `bytes` bytes of well-formed text, cut between two characters.
std::string_view CutText(std::string_view text, size_t bytes);

inline bool IsAscii(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

}  // namespace latchkey
