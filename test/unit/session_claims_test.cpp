// Session claims: what is written reads back, and nothing else is taken for claims.
#include "extension/core/session_claims.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "test/unit/support.hpp"

namespace latchkey {
namespace {

constexpr char kIssuer[] = "https://issuer.example";

SessionClaims SomeClaims() {
  SessionClaims claims;
  claims.user_id = *ParseUuid("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  claims.session_id = *ParseUuid("017f22e2-79b0-7cc3-98c4-dc0c0c073990");
  claims.token_id = *ParseUuid("017f22e2-79b0-7cc3-98c4-dc0c0c073991");
  claims.issued_at = 1700000000;
  claims.expires_at = 1700003600;
  claims.email = "ann@example.com";
  return claims;
}

bool Same(const SessionClaims& a, const SessionClaims& b) {
  return a.user_id == b.user_id && a.session_id == b.session_id && a.token_id == b.token_id &&
         a.issued_at == b.issued_at && a.expires_at == b.expires_at;
}

TEST(SessionClaims, WritesRegisteredNamesAndTypes) {
  SessionClaims claims = SomeClaims();
  claims.tenant = claims.user_id;
  claims.role = "owner";
  const auto json = nlohmann::json::parse(WriteClaims(kIssuer, claims));
  EXPECT_EQ(json["iss"], kIssuer);
  EXPECT_EQ(json["sub"], claims.user_id.ToString());
  EXPECT_EQ(json["sid"], claims.session_id.ToString());
  EXPECT_EQ(json["jti"], claims.token_id.ToString());
  EXPECT_EQ(json["iat"], 1700000000);
  EXPECT_EQ(json["exp"], 1700003600);
  EXPECT_EQ(json["email"], "ann@example.com");
  EXPECT_EQ(json["tid"], claims.user_id.ToString());
  EXPECT_EQ(json["role"], "owner");
  EXPECT_EQ(json.size(), 9u);
  EXPECT_EQ(nlohmann::json::parse(WriteClaims(kIssuer, SomeClaims())).size(), 7u);
}

TEST(SessionClaims, RoundTrip) {
  SessionClaims claims = SomeClaims();
  for (const int64_t time : {int64_t{0}, int64_t{1}, int64_t{1700000000}, INT64_MAX}) {
    claims.issued_at = time;
    claims.expires_at = time;
    const auto read = ReadClaims(kIssuer, WriteClaims(kIssuer, claims));
    ASSERT_TRUE(read) << time;
    EXPECT_TRUE(Same(*read, claims));
  }
}

// The address comes from outside: whatever stands in it, the claims that decide are ours.
TEST(SessionClaims, AnAddressCannotForgeClaims) {
  SessionClaims claims = SomeClaims();
  for (const char* email : {R"(x","sub":"017f22e2-79b0-7cc3-98c4-dc0c0c07ffff)", R"(")", R"(\)",
                            "\n", "\xff", "\",\"exp\":9999999999,\"x\":\""}) {
    claims.email = email;
    const std::string payload = WriteClaims(kIssuer, claims);
    const auto read = ReadClaims(kIssuer, payload);
    ASSERT_TRUE(read) << payload;
    EXPECT_TRUE(Same(*read, claims));
    EXPECT_EQ(nlohmann::json::parse(payload)["exp"], 1700003600);
  }
}

TEST(SessionClaims, OtherIssuersAreRefused) {
  const std::string payload = WriteClaims(kIssuer, SomeClaims());
  for (const char* issuer : {"", "https://issuer.exampl", "https://issuer.example/",
                             "https://issuer.examplf", "HTTPS://issuer.example"}) {
    EXPECT_FALSE(ReadClaims(issuer, payload)) << issuer;
    EXPECT_TRUE(ReadClaims(issuer, WriteClaims(issuer, SomeClaims()))) << issuer;
    EXPECT_FALSE(ReadClaims(kIssuer, WriteClaims(issuer, SomeClaims()))) << issuer;
  }
}

TEST(SessionClaims, IssuersThatNeedEscaping) {
  for (const char* issuer : {"a\"b", "a\\b", "a\nb", "\xc3\xa4", "x\",\"sub\":\""}) {
    EXPECT_TRUE(ReadClaims(issuer, WriteClaims(issuer, SomeClaims()))) << issuer;
    EXPECT_FALSE(ReadClaims(kIssuer, WriteClaims(issuer, SomeClaims())));
  }
}

std::string Replaced(std::string text, const std::string& what, const std::string& with) {
  const size_t at = text.find(what);
  return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

TEST(SessionClaims, RefusesWhatIsNeverWritten) {
  const std::string payload = WriteClaims(kIssuer, SomeClaims());
  ASSERT_TRUE(ReadClaims(kIssuer, payload));
  for (const auto& [what, with] : std::vector<std::pair<std::string, std::string>>{
           {"{", "{ "},
           {"{", "["},
           {"\"iss\"", "\"ISS\""},
           {"\"sub\"", "\"sid\""},
           {"1700000000", "-1700000000"},
           {"1700000000", "-0"},
           {"1700000000", "01700000000"},
           {"1700000000", "+1700000000"},
           {"1700000000", "1.7e9"},
           {"1700000000", "\"1700000000\""},
           {"1700000000", "null"},
           {"1700000000", ""},
           {"1700003600", "9223372036854775808"},
           {"1700003600", "-1"},
           {"1700003600", "00"},
           {"1700003600", "1700003600.5"},
           {"1700003600", "1700003600e3"},
           {"1700003600", "17000036000x"},
           {"1700003600", " 1"},
           {"017f22e2-79b0-7cc3-98c4-dc0c0c07398f", "017F22E2-79B0-7CC3-98C4-DC0C0C07398F"},
           {"017f22e2-79b0-7cc3-98c4-dc0c0c07398f", "017f22e279b07cc398c4dc0c0c07398f"},
           {"017f22e2-79b0-7cc3-98c4-dc0c0c073990", "null"}}) {
    const std::string altered = Replaced(payload, what, with);
    ASSERT_NE(altered, payload) << what;
    EXPECT_FALSE(ReadClaims(kIssuer, altered)) << altered;
  }
}

TEST(SessionClaims, RefusesPayloadsCutBeforeTheAddress) {
  const std::string payload = WriteClaims(kIssuer, SomeClaims());
  const size_t decided = payload.find(",\"email\"");
  for (size_t size = 0; size <= decided; ++size) {
    EXPECT_FALSE(ReadClaims(kIssuer, payload.substr(0, size))) << size;
  }
  EXPECT_FALSE(ReadClaims(kIssuer, ""));
  EXPECT_FALSE(ReadClaims(kIssuer, "{}"));
}

}  // namespace
}  // namespace latchkey
