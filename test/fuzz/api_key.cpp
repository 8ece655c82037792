// Fuzzes the tokens of API keys: what parses is spelt in one way only.
#include "extension/core/api_key_token.hpp"
#include "extension/core/digest.hpp"
#include "extension/core/encoding.hpp"
#include "test/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = FuzzText(data, size);
  if (const auto key = latchkey::ParseApiKey(text)) {
    FUZZ_CHECK(latchkey::LooksLikeApiKey(text));
    const auto secret = latchkey::Base64UrlDecode(text.substr(key->prefix.size() + 1));
    FUZZ_CHECK(secret && latchkey::Sha256(*secret) == key->secret_hash);
    FUZZ_CHECK(key->prefix + "_" + latchkey::Base64UrlEncode(*secret) == text);
  }
  return 0;
}
