// Fuzzes claims: what is read would be written the same, and no address or issuer changes what is
// read.
#include <nlohmann/json.hpp>

#include "extension/core/session_claims.hpp"
#include "test/fuzz/fuzz.hpp"

namespace {

constexpr std::string_view kIssuer = "https://issuer.example";

bool Same(const latchkey::SessionClaims& a, const latchkey::SessionClaims& b) {
  return a.user_id == b.user_id && a.session_id == b.session_id && a.token_id == b.token_id &&
         a.issued_at == b.issued_at && a.expires_at == b.expires_at;
}

// What precedes the address: all that is ever read.
std::string Decisive(const std::string& payload) {
  return payload.substr(0, payload.find(",\"email\""));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(FuzzText(data, size));
  const std::string opening = R"({"iss":"https://issuer.example")";
  for (const std::string& payload : {text, opening + text}) {
    const auto read = latchkey::ReadClaims(kIssuer, payload);
    if (!read) continue;
    const std::string again = Decisive(latchkey::WriteClaims(kIssuer, *read));
    FUZZ_CHECK(payload.compare(0, again.size(), again) == 0);
  }
  latchkey::SessionClaims claims;
  claims.expires_at = 1700003600;
  claims.email = text;
  claims.role = text;
  const std::string written = latchkey::WriteClaims(text, claims);
  const auto json = nlohmann::json::parse(written);
  FUZZ_CHECK(json.size() == (text.empty() ? 7u : 8u));
  const auto read = latchkey::ReadClaims(text, written);
  FUZZ_CHECK(read && Same(*read, claims));
  FUZZ_CHECK(text == kIssuer || !latchkey::ReadClaims(kIssuer, written));
  return 0;
}
