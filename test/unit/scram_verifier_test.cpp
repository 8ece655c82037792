// SCRAM verifiers, against the example of RFC 7677.
#include "gateway/tenants/scram_verifier.hpp"

#include <gtest/gtest.h>

namespace latchkey {
namespace {

TEST(ScramVerifier, IsThatOfTheRfc) {
  const std::string salt("\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81", 16);
  EXPECT_EQ(ScramVerifier("pencil", salt, 4096),
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
            "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
            "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
}

TEST(ScramVerifier, OfRandomHasItsOwnSalt) {
  const std::string one = ScramVerifierOfRandom("password");
  EXPECT_EQ(one.rfind("SCRAM-SHA-256$1:", 0), 0U);
  EXPECT_EQ(one.size(), std::string("SCRAM-SHA-256$1:").size() + 24 + 1 + 44 + 1 + 44);
  EXPECT_NE(one, ScramVerifierOfRandom("password"));
}

}  // namespace
}  // namespace latchkey
