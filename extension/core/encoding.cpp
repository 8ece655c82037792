// Hexadecimal and base64 codecs.
#include "extension/core/encoding.hpp"

#include <array>
#include <cstdint>

namespace latchkey {

namespace {

constexpr char kUrlAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr char kStandardAlphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

using DecodeTable = std::array<int8_t, 256>;

constexpr DecodeTable MakeDecodeTable(const char* alphabet) {
  DecodeTable table{};
  for (auto& entry : table) entry = -1;
  for (int i = 0; i < 64; ++i) table[static_cast<uint8_t>(alphabet[i])] = static_cast<int8_t>(i);
  return table;
}

constexpr DecodeTable MakeHexTable() {
  DecodeTable table{};
  for (auto& entry : table) entry = -1;
  for (int i = 0; i < 10; ++i) table['0' + i] = static_cast<int8_t>(i);
  for (int i = 0; i < 6; ++i) table['a' + i] = table['A' + i] = static_cast<int8_t>(10 + i);
  return table;
}

constexpr DecodeTable kHexTable = MakeHexTable();
constexpr DecodeTable kUrlTable = MakeDecodeTable(kUrlAlphabet);
constexpr DecodeTable kStandardTable = MakeDecodeTable(kStandardAlphabet);

std::string Encode(std::string_view bytes, const char* alphabet) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  uint32_t buffer = 0;
  int bits = 0;
  for (const char c : bytes) {
    buffer = buffer << 8 | static_cast<uint8_t>(c);
    for (bits += 8; bits >= 6; bits -= 6) text += alphabet[buffer >> (bits - 6) & 63];
  }
  if (bits > 0) text += alphabet[buffer << (6 - bits) & 63];
  return text;
}

std::optional<std::string> Decode(std::string_view text, const DecodeTable& table) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes(text.size() * 3 / 4, '\0');
  char* out = bytes.data();
  const auto* in = reinterpret_cast<const uint8_t*>(text.data());
  int seen = 0;  // negative once a foreign character was met
  const auto next = [&] {
    const int value = table[*in++];
    seen |= value;
    return static_cast<uint32_t>(value) & 63;
  };
  // Four characters are three bytes: tokens are read at every request, so not bit by bit.
  for (size_t i = text.size() / 4; i > 0; --i) {
    uint32_t group = next() << 18;
    group |= next() << 12;
    group |= next() << 6;
    group |= next();
    *out++ = static_cast<char>(group >> 16);
    *out++ = static_cast<char>(group >> 8 & 255);
    *out++ = static_cast<char>(group & 255);
  }
  uint32_t left_over = 0;  // bits that belong to no byte: a second spelling unless they are zero
  if (text.size() % 4 == 2) {
    uint32_t group = next() << 6;
    group |= next();
    *out++ = static_cast<char>(group >> 4);
    left_over = group & 15;
  } else if (text.size() % 4 == 3) {
    uint32_t group = next() << 12;
    group |= next() << 6;
    group |= next();
    *out++ = static_cast<char>(group >> 10);
    *out++ = static_cast<char>(group >> 2 & 255);
    left_over = group & 3;
  }
  if (seen < 0 || left_over != 0) return std::nullopt;
  return bytes;
}

}  // namespace

int HexDigit(char c) { return kHexTable[static_cast<uint8_t>(c)]; }

std::string HexEncode(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    text += kDigits[static_cast<uint8_t>(c) >> 4];
    text += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

bool HexDecode(std::string_view text, char* out) {
  if (text.size() % 2 != 0) return false;
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = HexDigit(text[i]);
    const int low = HexDigit(text[i + 1]);
    if (high < 0 || low < 0) return false;
    *out++ = static_cast<char>(high << 4 | low);
  }
  return true;
}

std::string Base64UrlEncode(std::string_view bytes) { return Encode(bytes, kUrlAlphabet); }
std::optional<std::string> Base64UrlDecode(std::string_view text) {
  return Decode(text, kUrlTable);
}
std::string Base64Encode(std::string_view bytes) { return Encode(bytes, kStandardAlphabet); }
std::optional<std::string> Base64Decode(std::string_view text) {
  return Decode(text, kStandardTable);
}

}  // namespace latchkey
