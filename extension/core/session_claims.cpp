// Session claims to and from JSON.
#include "extension/core/session_claims.hpp"

#include <algorithm>
#include <charconv>

#include "extension/core/json_object.hpp"

namespace latchkey {

namespace {

bool IsUpperCase(char c) { return c >= 'A' && c <= 'Z'; }

// Takes a payload apart from its front.
class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  bool Skip(std::string_view expected) {
    if (rest_.substr(0, expected.size()) != expected) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }
  bool Take(Uuid& id) {
    const std::string_view text = rest_.substr(0, 36);
    const auto parsed = ParseUuid(text);
    if (!parsed || std::any_of(text.begin(), text.end(), IsUpperCase)) return false;
    id = *parsed;
    rest_.remove_prefix(36);
    return true;
  }
  bool Take(int64_t& number) {
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    const auto length = static_cast<size_t>(end - rest_.data());
    // One spelling: no sign and no leading zero.
    if (error != std::errc() || rest_[0] == '-' || (rest_[0] == '0' && length > 1)) return false;
    rest_.remove_prefix(length);
    return true;
  }
  bool AtNextMember() const { return !rest_.empty() && (rest_[0] == ',' || rest_[0] == '}'); }

 private:
  std::string_view rest_;
};

// `{"iss":"…"`: escaped once per issuer, which hardly ever changes.
const std::string& Opening(std::string_view issuer) {
  static std::string& of = *new std::string;
  static std::string& opening = *new std::string;
  if (opening.empty() || of != issuer) {
    // Made first: running out of memory must not leave one issuer with the opening of another.
    std::string made = "{\"iss\":" + JsonString(issuer);
    of = issuer;
    opening.swap(made);
  }
  return opening;
}

}  // namespace

std::string WriteClaims(std::string_view issuer, const SessionClaims& claims) {
  JsonObject json;
  json.Add("iss", issuer)
      .Add("sub", claims.user_id.ToString())
      .Add("sid", claims.session_id.ToString())
      .Add("jti", claims.token_id.ToString())
      .Add("iat", claims.issued_at)
      .Add("exp", claims.expires_at);
  if (claims.tenant) json.Add("tid", claims.tenant->ToString());
  json.Add("email", claims.email);
  if (!claims.role.empty()) json.Add("role", claims.role);
  return json.ToString();
}

std::optional<SessionClaims> ReadClaims(std::string_view issuer, std::string_view payload) {
  SessionClaims claims;
  Reader reader(payload);
  const bool ok = reader.Skip(Opening(issuer)) &&                                    //
                  reader.Skip(",\"sub\":\"") && reader.Take(claims.user_id) &&       //
                  reader.Skip("\",\"sid\":\"") && reader.Take(claims.session_id) &&  //
                  reader.Skip("\",\"jti\":\"") && reader.Take(claims.token_id) &&    //
                  reader.Skip("\",\"iat\":") && reader.Take(claims.issued_at) &&     //
                  reader.Skip(",\"exp\":") && reader.Take(claims.expires_at);
  if (!ok) return std::nullopt;
  if (reader.Skip(",\"tid\":\"")) {
    Uuid tenant;
    if (!reader.Take(tenant) || !reader.Skip("\"")) return std::nullopt;
    claims.tenant = tenant;
  }
  if (!reader.AtNextMember()) return std::nullopt;
  return claims;
}

}  // namespace latchkey
