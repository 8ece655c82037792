// Hexadecimal, base64url (RFC 4648 section 5, no padding) and the base64 of PHC strings.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace latchkey {

// The digit's value, or -1.
inline int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
std::string HexEncode(std::string_view bytes);
// Writes half as many bytes as the text has, where the caller wants them: they may be a key. False
// when it is not all digits, an even number of them.
bool HexDecode(std::string_view text, char* out);

// Both decoders refuse padding, white space, foreign characters and non-zero trailing bits, so that
// one byte string has exactly one spelling.
std::string Base64UrlEncode(std::string_view bytes);
std::optional<std::string> Base64UrlDecode(std::string_view text);

std::string Base64Encode(std::string_view bytes);  // standard alphabet, no padding
std::optional<std::string> Base64Decode(std::string_view text);

}  // namespace latchkey
