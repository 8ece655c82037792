// Fuzzes envelopes: nothing opens but what was sealed, and that only unaltered.
#include "extension/core/aead.hpp"

#include "test/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string key(32, 'k');
  if (size < 3) return 0;
  const std::string text(FuzzText(data + 3, size - 3));
  FUZZ_CHECK(!latchkey::Open(key, text, "c"));
  FUZZ_CHECK(!latchkey::Open(key, '\x01' + latchkey::KeyFingerprint(key) + text, "c"));
  std::string envelope = latchkey::Seal(key, text, text);
  const auto opened = latchkey::Open(key, envelope, text);
  FUZZ_CHECK(opened && opened->view() == text);
  const size_t place = (data[0] | data[1] << 8) % envelope.size();
  envelope[place] = static_cast<char>(envelope[place] ^ data[2]);
  FUZZ_CHECK(latchkey::Open(key, envelope, text).has_value() == (data[2] == 0));
  return 0;
}
