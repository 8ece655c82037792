// Fuzzes the reading of stored password hashes: no string takes long, and a scheme is named for
// good reason.
#include <new>

#include "extension/core/password_hash.hpp"
#include "test/fuzz/fuzz.hpp"

using latchkey::HashScheme;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string hash(FuzzText(data, size));
  const HashScheme scheme = latchkey::SchemeOf(hash);
  FUZZ_CHECK(latchkey::NeedsRehash(hash, {1, 1, 1}));  // less memory than any hash has
  switch (scheme) {
    case HashScheme::kUnknown:
      FUZZ_CHECK(!latchkey::VerifyPhc("password", hash));
      break;
    case HashScheme::kBcrypt:
      FUZZ_CHECK(hash.size() == 60);
      FUZZ_CHECK(latchkey::SchemeOf(latchkey::BcryptAs2a(hash)) == HashScheme::kBcrypt);
      FUZZ_CHECK(!latchkey::VerifyPhc("password", hash));
      break;
    case HashScheme::kArgon2id:
    case HashScheme::kScrypt:
      FUZZ_CHECK(hash.size() < 300);
      // Costly parameters are allowed ones; computing them would only slow the fuzzer down.
      if (hash.find("m=8,t=1,p=1$") != std::string::npos ||
          hash.find("$ln=1,r=1,p=1$") != std::string::npos) {
        latchkey::VerifyPhc("password", hash);
      }
      break;
  }
  return 0;
}
