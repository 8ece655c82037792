// Tokens of API keys: what is made is parsed back, and nothing else is.
#include "extension/core/api_key_token.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "extension/core/digest.hpp"
#include "extension/core/encoding.hpp"

namespace latchkey {
namespace {

TEST(ApiKeyToken, WhatIsMadeIsParsedBack) {
  for (int i = 0; i < 1000; ++i) {
    const NewApiKey key = MakeApiKey();
    const auto parsed = ParseApiKey(key.token);
    ASSERT_TRUE(parsed) << key.token;
    EXPECT_EQ(parsed->prefix, key.prefix);
    EXPECT_EQ(parsed->secret_hash, key.secret_hash);
    EXPECT_EQ(key.secret_hash, Sha256(*Base64UrlDecode(key.token.substr(16))));
  }
}

TEST(ApiKeyToken, HasTheFormThatTheGuideTellsScanners) {
  const std::regex form("lk_[0-9a-hjkmnp-tv-z]{12}_[A-Za-z0-9_-]{43}");
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(std::regex_match(MakeApiKey().token, form));
}

TEST(ApiKeyToken, NeverRepeats) {
  std::set<std::string> prefixes, hashes;
  for (int i = 0; i < 1000; ++i) {
    const NewApiKey key = MakeApiKey();
    prefixes.insert(key.prefix);
    hashes.insert(key.secret_hash);
  }
  EXPECT_EQ(prefixes.size(), 1000u);
  EXPECT_EQ(hashes.size(), 1000u);
}

TEST(ApiKeyToken, EveryCharacterCounts) {
  const NewApiKey key = MakeApiKey();
  for (size_t i = 0; i < key.token.size(); ++i) {
    for (const char c : {'!', '=', '_', '-', 'A', 'b', '7', '\0', '\x80'}) {
      std::string other = key.token;
      if (other[i] == c) continue;
      other[i] = c;
      const auto parsed = ParseApiKey(other);
      if (!parsed) continue;
      EXPECT_TRUE(parsed->prefix != key.prefix || parsed->secret_hash != key.secret_hash) << other;
    }
  }
}

TEST(ApiKeyToken, EveryOtherLengthIsRefused) {
  const std::string token = MakeApiKey().token;
  for (size_t length = 0; length < token.size(); ++length) {
    EXPECT_FALSE(ParseApiKey(token.substr(0, length)));
  }
  for (const char* more : {"A", "=", " ", "\n", "_", "."}) EXPECT_FALSE(ParseApiKey(token + more));
  EXPECT_FALSE(ParseApiKey(" " + token));
}

TEST(ApiKeyToken, LettersOutsideOfTheAlphabetAreRefused) {
  const std::string secret(43, 'A');
  EXPECT_TRUE(ParseApiKey("lk_0123456789ab_" + secret));
  for (const char* prefix : {"lk_0123456789aB", "lk_0123456789ai", "lk_0123456789al",
                             "lk_0123456789ao", "lk_0123456789au", "LK_0123456789ab"}) {
    EXPECT_FALSE(ParseApiKey(std::string(prefix) + "_" + secret)) << prefix;
  }
}

TEST(ApiKeyToken, TrailingBitsAreRefused) {
  EXPECT_FALSE(ParseApiKey("lk_0123456789ab_" + std::string(42, 'A') + "B"));
}

TEST(ApiKeyToken, SessionTokensDoNotLookLikeOne) {
  EXPECT_FALSE(LooksLikeApiKey("eyJhbGciOiJIUzI1NiJ9.e30.x"));
  EXPECT_FALSE(LooksLikeApiKey(""));
  EXPECT_FALSE(LooksLikeApiKey("lk"));
  EXPECT_TRUE(LooksLikeApiKey("lk_"));
}

}  // namespace
}  // namespace latchkey
