// What several unit tests need: bytes from hexadecimal, and every way to spoil a string.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "extension/core/encoding.hpp"

namespace latchkey::test {

inline std::string FromHex(std::string_view text) {
  std::string bytes(text.size() / 2, '\0');
  if (!HexDecode(text, bytes.data())) {
    throw std::invalid_argument("a test vector is not hexadecimal");
  }
  return bytes;
}

// Calls `check` with every string that has one bit of `original` flipped.
inline void ForEachFlippedBit(std::string_view original,
                              const std::function<void(const std::string&)>& check) {
  for (size_t i = 0; i < original.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string altered(original);
      altered[i] = static_cast<char>(altered[i] ^ (1 << bit));
      check(altered);
    }
  }
}

// Calls `check` with every proper prefix and every proper suffix of `original`.
inline void ForEachTruncation(std::string_view original,
                              const std::function<void(const std::string&)>& check) {
  for (size_t size = 0; size < original.size(); ++size) {
    check(std::string(original.substr(0, size)));
    check(std::string(original.substr(original.size() - size)));
  }
}

}  // namespace latchkey::test
