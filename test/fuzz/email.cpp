// Fuzzes addresses: what is taken is bounded, valid UTF-8 with one @ and nothing that breaks a mail
// header.
#include "extension/core/email.hpp"

#include "extension/core/utf8.hpp"
#include "test/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view address = FuzzText(data, size);
  const std::string key = latchkey::EmailKey(address);
  FUZZ_CHECK(key.size() == size);
  FUZZ_CHECK(latchkey::EmailKey(key) == key);
  FUZZ_CHECK(latchkey::CheckEmail(key).has_value() == latchkey::CheckEmail(address).has_value());
  const auto count = latchkey::CountCodePoints(address);
  for (size_t bytes = 0; count && bytes < size; ++bytes) {
    FUZZ_CHECK(latchkey::CountCodePoints(latchkey::CutText(address, bytes)));
  }
  if (latchkey::CheckEmail(address)) return 0;
  FUZZ_CHECK(size >= 5 && size <= latchkey::kMaxEmailBytes);
  FUZZ_CHECK(count);
  FUZZ_CHECK(address.find('@') == address.rfind('@'));
  for (const char c : address) FUZZ_CHECK(static_cast<unsigned char>(c) > ' ' && c != '\x7f');
  FUZZ_CHECK(address.find_first_of("<>()[]\\,;:\"") == std::string_view::npos);
  return 0;
}
