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
  std::string bytes(size / 2, '\0');
  if (latchkey::HexDecode(text, bytes.data())) {
    std::string again(bytes.size(), '\0');
    FUZZ_CHECK(bytes.size() * 2 == size);
    FUZZ_CHECK(latchkey::HexDecode(latchkey::HexEncode(bytes), again.data()) && again == bytes);
  }
  FUZZ_CHECK(latchkey::Base64UrlDecode(latchkey::Base64UrlEncode(text)) == text);
  FUZZ_CHECK(latchkey::Base64Decode(latchkey::Base64Encode(text)) == text);
  std::string encoded_text(size, '\0');
  FUZZ_CHECK(latchkey::HexDecode(latchkey::HexEncode(text), encoded_text.data()) &&
             encoded_text == text);
  return 0;
}
