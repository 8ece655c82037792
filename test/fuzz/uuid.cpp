// Fuzzes UUIDs: what parses prints as the same text, in lower case.
#include "extension/core/uuid.hpp"

#include "extension/core/email.hpp"
#include "test/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = FuzzText(data, size);
  if (const auto id = latchkey::ParseUuid(text)) {
    FUZZ_CHECK(id->ToString() == latchkey::EmailKey(text));  // A-Z become a-z
    FUZZ_CHECK(latchkey::ParseUuid(id->ToString()) == id);
  }
  if (size >= 16) {
    latchkey::Uuid id;
    for (size_t i = 0; i < 16; ++i) id.bytes[i] = data[i];
    FUZZ_CHECK(latchkey::ParseUuid(id.ToString()) == id);
  }
  return 0;
}
