// Fuzzes the decoders: what decodes has exactly this one spelling, and what was encoded comes back.
#include "extension/core/encoding.hpp"

#include "test/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = FuzzText(data, size);
  if (const auto bytes = latchkey::Base64UrlDecode(text)) {
    FUZZ_CHECK(latchkey::Base64UrlEncode(*bytes) == text);
  }
  if (const auto bytes = latchkey::Base64Decode(text)) {
    FUZZ_CHECK(latchkey::Base64Encode(*bytes) == text);
  }
  if (const auto bytes = latchkey::HexDecode(text)) {
    FUZZ_CHECK(bytes->size() * 2 == size);
    FUZZ_CHECK(latchkey::HexDecode(latchkey::HexEncode(*bytes)) == bytes);
  }
  FUZZ_CHECK(latchkey::Base64UrlDecode(latchkey::Base64UrlEncode(text)) == text);
  FUZZ_CHECK(latchkey::Base64Decode(latchkey::Base64Encode(text)) == text);
  FUZZ_CHECK(latchkey::HexDecode(latchkey::HexEncode(text)) == text);
  return 0;
}
