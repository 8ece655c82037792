// Wycheproof's vectors of AES-GCM, of our sizes, opened by the code that opens what is stored. They
// are not part of this repository: LATCHKEY_WYCHEPROOF names a checkout of theirs
// (https://github.com/C2SP/wycheproof); without it this is skipped.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "extension/core/aead.hpp"
#include "test/unit/support.hpp"

namespace latchkey {
namespace {

std::string Bytes(const nlohmann::json& hex) { return test::FromHex(hex.get<std::string>()); }

// The layout of the header file, put together by hand.
std::string Envelope(const nlohmann::json& vector) {
  return "\x01" + KeyFingerprint(Bytes(vector["key"])) + Bytes(vector["iv"]) + Bytes(vector["ct"]) +
         Bytes(vector["tag"]);
}

TEST(AeadWycheproof, OpensTheValidAndRefusesTheRest) {
  const char* folder = std::getenv("LATCHKEY_WYCHEPROOF");
  if (folder == nullptr) GTEST_SKIP() << "LATCHKEY_WYCHEPROOF is not set";
  std::ifstream file(std::string(folder) + "/testvectors_v1/aes_gcm_test.json");
  ASSERT_TRUE(file) << folder;
  const auto vectors = nlohmann::json::parse(file);
  int tried = 0;
  for (const auto& group : vectors["testGroups"]) {
    if (group["keySize"] != 256 || group["ivSize"] != 96 || group["tagSize"] != 128) continue;
    for (const auto& vector : group["tests"]) {
      ++tried;
      const auto opened = Open(Bytes(vector["key"]), Envelope(vector), Bytes(vector["aad"]));
      ASSERT_EQ(opened.has_value(), vector["result"] == "valid") << vector["tcId"];
      if (opened) {
        EXPECT_EQ(opened->view(), Bytes(vector["msg"])) << vector["tcId"];
      }
    }
  }
  EXPECT_GT(tried, 0);
}

}  // namespace
}  // namespace latchkey
