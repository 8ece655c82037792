// Making and parsing the tokens of API keys.
#include "extension/core/api_key_token.hpp"

#include "extension/core/digest.hpp"
#include "extension/core/encoding.hpp"
#include "extension/core/random.hpp"

namespace latchkey {

namespace {

constexpr std::string_view kStart = "lk_";
// Crockford's base32 in lower case: nothing to be confused when it is read aloud.
constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr size_t kPrefixBytes = 3 + 12;
constexpr size_t kSecretBytes = 32;
constexpr size_t kSecretText = 43;  // its base64url

std::string NewPrefix() {
  std::string prefix(kStart);
  for (const char byte : RandomBytes(kPrefixBytes - kStart.size())) {
    prefix += kAlphabet[static_cast<unsigned char>(byte) % kAlphabet.size()];
  }
  return prefix;
}

}  // namespace

bool LooksLikeApiKey(std::string_view token) { return token.substr(0, kStart.size()) == kStart; }

std::optional<ApiKeyToken> ParseApiKey(std::string_view token) {
  if (!LooksLikeApiKey(token) || token.size() != kPrefixBytes + 1 + kSecretText ||
      token[kPrefixBytes] != '_') {
    return std::nullopt;
  }
  const std::string_view prefix = token.substr(0, kPrefixBytes);
  if (prefix.find_first_not_of(kAlphabet, kStart.size()) != std::string_view::npos) {
    return std::nullopt;
  }
  const auto secret = Base64UrlDecode(token.substr(kPrefixBytes + 1));
  if (!secret || secret->size() != kSecretBytes) return std::nullopt;
  return ApiKeyToken{std::string(prefix), Sha256(*secret)};
}

NewApiKey MakeApiKey() {
  const std::string secret = RandomBytes(kSecretBytes);
  NewApiKey key;
  key.prefix = NewPrefix();
  key.secret_hash = Sha256(secret);
  key.token = key.prefix + "_" + Base64UrlEncode(secret);
  return key;
}

}  // namespace latchkey
