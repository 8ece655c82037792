// Tokens of API keys: lk_PREFIX_SECRET. The fixed beginning and length let scanners of source code
// recognise one, and the prefix names its key without the secret.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace latchkey {

// No session token begins like that.
bool LooksLikeApiKey(std::string_view token);

struct ApiKeyToken {
  std::string prefix;       // lk_ and 12 characters: 60 bits
  std::string secret_hash;  // SHA-256 of the secret's 32 bytes
};

// Empty for a text that no key has, also for another spelling of the same bytes.
std::optional<ApiKeyToken> ParseApiKey(std::string_view token);

struct NewApiKey : ApiKeyToken {
  std::string token;
};
NewApiKey MakeApiKey();

}  // namespace latchkey
