// Fuzzes token verification: nothing verifies but what the key itself has signed.
#include <array>

#include "extension/core/encoding.hpp"
#include "extension/core/jws.hpp"
#include "extension/core/session_claims.hpp"
#include "test/fuzz/fuzz.hpp"

using latchkey::Algorithm;
using latchkey::SigningKey;

namespace {

// RSA is left out: it takes so long that the others would hardly be tried.
const std::array<SigningKey, 3>& Keys() {
  static const std::array<SigningKey, 3> keys = {
      SigningKey("k1", Algorithm::kHs256, latchkey::GeneratePrivateKey(Algorithm::kHs256)),
      SigningKey("k1", Algorithm::kEdDsa, latchkey::GeneratePrivateKey(Algorithm::kEdDsa)),
      SigningKey("k1", Algorithm::kEs256, latchkey::GeneratePrivateKey(Algorithm::kEs256))};
  return keys;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4) return 0;
  const SigningKey& key = Keys()[data[0] % Keys().size()];
  const std::string_view input = FuzzText(data + 4, size - 4);
  FUZZ_CHECK(!key.Verify(input));
  // As the signature, and as payload and signature, below our own header.
  FUZZ_CHECK(!key.Verify(key.header() + "." + std::string(input)));
  FUZZ_CHECK(!key.Verify(key.header() + ".e30." + latchkey::Base64UrlEncode(input)));
  // A token of ours with one byte changed. (An ECDSA signature is not one byte away from its mirror
  // image.)
  const std::string token = key.Sign(input);
  FUZZ_CHECK(key.Verify(token) == input);
  std::string altered = token;
  char& place = altered[(data[1] | data[2] << 8) % altered.size()];
  const char before = place;
  place = static_cast<char>(place ^ data[3]);
  FUZZ_CHECK(key.Verify(altered).has_value() == (place == before));
  return 0;
}
