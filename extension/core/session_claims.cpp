// Session claims to and from JSON.
#include "extension/core/session_claims.hpp"

#include <nlohmann/json.hpp>

#include "extension/core/json_object.hpp"

namespace latchkey {

namespace {

// Claims as bits, so that "each once, all required" is one comparison.
enum Claim : unsigned {
  kIss = 1, kSub = 2, kSid = 4, kJti = 8, kIat = 16, kExp = 32, kEmail = 64, kTid = 128, kRole = 256
};
constexpr unsigned kRequired = kIss | kSub | kSid | kJti | kIat | kExp;

unsigned ClaimOf(std::string_view name) {
  if (name == "iss") return kIss;
  if (name == "sub") return kSub;
  if (name == "sid") return kSid;
  if (name == "jti") return kJti;
  if (name == "iat") return kIat;
  if (name == "exp") return kExp;
  if (name == "email") return kEmail;
  if (name == "tid") return kTid;
  if (name == "role") return kRole;
  return 0;
}

// A SAX handler: no document is built, and anything but a flat object of strings and integers stops it.
class Reader : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool start_object(size_t) override { return !std::exchange(open_, true); }
  bool end_object() override { return (seen_ & kRequired) == kRequired; }
  bool key(std::string& name) override {
    current_ = ClaimOf(name);
    if (current_ == 0 || (seen_ & current_) != 0) return false;
    seen_ |= current_;
    return true;
  }
  bool string(std::string& value) override {
    switch (current_) {
      case kIss:
        claims.issuer = std::move(value);
        return true;
      case kEmail:
        claims.email = std::move(value);
        return true;
      case kRole:
        claims.role = std::move(value);
        return true;
      case kSub:
        return ReadUuid(value, claims.user_id);
      case kSid:
        return ReadUuid(value, claims.session_id);
      case kJti:
        return ReadUuid(value, claims.token_id);
      case kTid:
        claims.tenant.emplace();
        return ReadUuid(value, *claims.tenant);
      default:
        return false;
    }
  }
  bool number_unsigned(uint64_t value) override {
    if (value > INT64_MAX || (current_ != kIat && current_ != kExp)) return false;
    (current_ == kIat ? claims.issued_at : claims.expires_at) = static_cast<int64_t>(value);
    return true;
  }
  bool number_integer(int64_t) override { return false; }
  bool number_float(double, const std::string&) override { return false; }
  bool null() override { return false; }
  bool boolean(bool) override { return false; }
  bool binary(nlohmann::json::binary_t&) override { return false; }
  bool start_array(size_t) override { return false; }
  bool end_array() override { return false; }
  bool parse_error(size_t, const std::string&, const nlohmann::json::exception&) override {
    return false;
  }

  SessionClaims claims;

 private:
  static bool ReadUuid(std::string_view text, Uuid& into) {
    const auto parsed = ParseUuid(text);
    if (parsed) into = *parsed;
    return parsed.has_value();
  }

  bool open_ = false;
  unsigned seen_ = 0;
  unsigned current_ = 0;
};

}  // namespace

std::string WriteClaims(const SessionClaims& claims) {
  JsonObject json;
  json.Add("iss", claims.issuer)
      .Add("sub", claims.user_id.ToString())
      .Add("sid", claims.session_id.ToString())
      .Add("jti", claims.token_id.ToString())
      .Add("iat", claims.issued_at)
      .Add("exp", claims.expires_at)
      .Add("email", claims.email);
  if (claims.tenant) json.Add("tid", claims.tenant->ToString());
  if (!claims.role.empty()) json.Add("role", claims.role);
  return json.ToString();
}

std::optional<SessionClaims> ReadClaims(std::string_view payload) {
  Reader reader;
  if (!nlohmann::json::sax_parse(payload, &reader)) return std::nullopt;
  return std::move(reader.claims);
}

}  // namespace latchkey
