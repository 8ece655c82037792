// Forged tokens: every alteration of a token, every confusion of algorithm and key is refused.
#include <gtest/gtest.h>

#include <vector>

#include "extension/core/jws.hpp"
#include "test/unit/openssl_keys.hpp"
#include "test/unit/support.hpp"

namespace latchkey {
namespace {

constexpr Algorithm kAlgorithms[] = {Algorithm::kHs256, Algorithm::kEdDsa, Algorithm::kEs256,
                                     Algorithm::kRs256};
constexpr char kPayload[] = R"({"iss":"latchkey","sub":"017f22e2","exp":1700003600})";
constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// The order of P-256's group.
constexpr char kOrder[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

SigningKey NewKey(Algorithm algorithm, const std::string& id = "k1") {
  return SigningKey(id, algorithm, GeneratePrivateKey(algorithm));
}

std::vector<std::string> Segments(const std::string& token) {
  const size_t first = token.find('.');
  const size_t last = token.rfind('.');
  return {token.substr(0, first), token.substr(first + 1, last - first - 1),
          token.substr(last + 1)};
}

std::string Join(const std::string& header, const std::string& payload,
                 const std::string& signature) {
  return header + '.' + payload + '.' + signature;
}

TEST(JwsForgery, EveryAlteredByteIsRefused) {
  for (const Algorithm algorithm : kAlgorithms) {
    const SigningKey key = NewKey(algorithm);
    const std::string token = key.Sign(kPayload);
    test::ForEachFlippedBit(token, [&](const std::string& altered) {
      ASSERT_FALSE(key.Verify(altered)) << AlgorithmName(algorithm) << ' ' << altered;
    });
  }
}

// Bit flips reach few characters of the alphabet: here all of them, at every place.
TEST(JwsForgery, EveryOtherCharacterAtEveryPlaceIsRefused) {
  const SigningKey key = NewKey(Algorithm::kHs256);
  const std::string token = key.Sign(kPayload);
  size_t tried = 0;
  for (size_t place = 0; place < token.size(); ++place) {
    for (const char c : std::string(kAlphabet) + ".=+/ \n" + std::string(1, '\0')) {
      if (token[place] == c) continue;
      std::string altered = token;
      altered[place] = c;
      ASSERT_FALSE(key.Verify(altered)) << altered;
      ++tried;
    }
  }
  EXPECT_GE(tried, token.size() * 69);
}

TEST(JwsForgery, EveryTruncationAndExtensionIsRefused) {
  for (const Algorithm algorithm : kAlgorithms) {
    const SigningKey key = NewKey(algorithm);
    const std::string token = key.Sign(kPayload);
    test::ForEachTruncation(token, [&](const std::string& cut) { EXPECT_FALSE(key.Verify(cut)); });
    for (const char* more : {".", "=", "==", "A", "AA", "AAAA", " ", "\n", ".AAAA", "..", "\x80"}) {
      EXPECT_FALSE(key.Verify(token + more)) << more;
      EXPECT_FALSE(key.Verify(more + token)) << more;
    }
    EXPECT_FALSE(key.Verify(token + '\0'));
    EXPECT_FALSE(key.Verify(token + '.' + token));
  }
}

TEST(JwsForgery, SegmentsMissingEmptyOrTooMany) {
  for (const Algorithm algorithm : kAlgorithms) {
    const SigningKey key = NewKey(algorithm);
    const auto part = Segments(key.Sign(kPayload));
    for (const std::string& bad :
         {std::string(), std::string("."), std::string(".."), std::string("..."), part[0],
          part[0] + '.', part[0] + '.' + part[1], Join(part[0], part[1], ""),
          Join("", part[1], part[2]), Join(part[0], "", part[2]), Join("", "", ""),
          Join(part[0], part[1], part[2] + "="), Join(part[0], part[1] + "=", part[2]),
          Join(part[0], part[1], part[2]) + '.' + part[2], Join(part[0], part[1] + ".", part[2]),
          '.' + Join(part[0], part[1], part[2]), Join(part[0], part[1], ' ' + part[2]),
          Join(part[1], part[0], part[2])}) {
      EXPECT_FALSE(key.Verify(bad)) << bad;
    }
  }
}

TEST(JwsForgery, AlgorithmNoneIsRefused) {
  for (const Algorithm algorithm : kAlgorithms) {
    const SigningKey key = NewKey(algorithm);
    const auto part = Segments(key.Sign(kPayload));
    for (const char* none : {"none", "None", "NONE", "nOnE", "", "null"}) {
      const std::string header = Base64UrlEncode(std::string(R"({"alg":")") + none +
                                                 R"(","typ":"latchkey+jwt","kid":"k1"})");
      EXPECT_FALSE(key.Verify(Join(header, part[1], "")));
      EXPECT_FALSE(key.Verify(Join(header, part[1], part[2])));
    }
    EXPECT_FALSE(key.Verify(Join(Base64UrlEncode("{}"), part[1], "")));
  }
}

// Any token of any key: only its own opens, whatever header it is given.
TEST(JwsForgery, MatrixOfAlgorithmsAndKeys) {
  std::vector<SigningKey> keys;
  for (const Algorithm algorithm : kAlgorithms) {
    keys.push_back(NewKey(algorithm, "k1"));
    keys.push_back(NewKey(algorithm, "k1"));
    keys.push_back(NewKey(algorithm, "k2"));
  }
  for (size_t signer = 0; signer < keys.size(); ++signer) {
    const std::string token = keys[signer].Sign(kPayload);
    const auto part = Segments(token);
    for (size_t verifier = 0; verifier < keys.size(); ++verifier) {
      EXPECT_EQ(keys[verifier].Verify(token).has_value(), signer == verifier);
      const std::string renamed = Join(keys[verifier].header(), part[1], part[2]);
      EXPECT_EQ(keys[verifier].Verify(renamed).has_value(), signer == verifier);
    }
  }
}

// The classic: the public key as an HMAC secret, under either header.
TEST(JwsForgery, PublicKeyAsHmacSecretIsRefused) {
  for (const Algorithm algorithm : {Algorithm::kEdDsa, Algorithm::kEs256, Algorithm::kRs256}) {
    const SigningKey key = NewKey(algorithm);
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(test::FromJwk(key.PublicJwk()).get(), &der);
    const Secret spki(std::string_view(reinterpret_cast<char*>(der), static_cast<size_t>(size)));
    OPENSSL_free(der);
    const auto part = Segments(SigningKey("k1", Algorithm::kHs256, spki).Sign(kPayload));
    EXPECT_FALSE(key.Verify(Join(part[0], part[1], part[2])));
    const std::string input = key.header() + '.' + part[1];
    for (const std::string& secret : {std::string(spki.view()), key.PublicJwk()}) {
      const std::string mac = HmacSha256(secret).Compute(input);
      EXPECT_FALSE(key.Verify(input + '.' + Base64UrlEncode(mac)));
    }
  }
}

// The same meaning in other bytes, or one member more: only the header that we write is ours.
TEST(JwsForgery, HeadersThatMeanTheSameAreRefused) {
  const Secret secret = GeneratePrivateKey(Algorithm::kHs256);
  const SigningKey key("k1", Algorithm::kHs256, secret);
  const HmacSha256 mac(secret.view());
  const std::string payload = Base64UrlEncode(kPayload);
  const auto signed_with = [&](const std::string& header) {
    const std::string input = Base64UrlEncode(header) + '.' + payload;
    return input + '.' + Base64UrlEncode(mac.Compute(input));
  };
  EXPECT_TRUE(key.Verify(signed_with(R"({"alg":"HS256","typ":"latchkey+jwt","kid":"k1"})")));
  for (const char* header :
       {R"({"alg":"HS256","typ":"JWT","kid":"k1"})", R"({"alg":"HS256","kid":"k1"})",
        R"({"alg": "HS256","typ":"latchkey+jwt","kid":"k1"})",
        R"({"typ":"latchkey+jwt","alg":"HS256","kid":"k1"})",
        R"({"alg":"HS256","typ":"latchkey+jwt","kid":"k2"})",
        R"({"alg":"HS256","alg":"none","typ":"latchkey+jwt","kid":"k1"})",
        R"({"alg":"HS256","typ":"latchkey+jwt","kid":"k1","crit":["exp"]})",
        R"({"alg":"HS256","typ":"latchkey+jwt","kid":"k1","b64":false})",
        R"({"alg":"HS256","typ":"latchkey+jwt","kid":"k1","jku":"https://evil.example"})",
        R"({"alg":"HS512","typ":"latchkey+jwt","kid":"k1"})", "{}", ""}) {
    EXPECT_FALSE(key.Verify(signed_with(header))) << header;
  }
}

TEST(JwsForgery, HmacsCutToAnyLengthAreRefused) {
  const SigningKey key = NewKey(Algorithm::kHs256);
  const auto part = Segments(key.Sign(kPayload));
  const std::string mac = *Base64UrlDecode(part[2]);
  for (size_t size = 0; size < mac.size(); ++size) {
    EXPECT_FALSE(key.Verify(Join(part[0], part[1], Base64UrlEncode(mac.substr(0, size)))));
  }
  EXPECT_FALSE(key.Verify(Join(part[0], part[1], Base64UrlEncode(mac + '\0'))));
  EXPECT_FALSE(key.Verify(Join(part[0], part[1], Base64UrlEncode(std::string(32, '\0')))));
}

// Numbers out of range and other encodings, as in Wycheproof's files for ECDSA in IEEE P1363 form.
TEST(JwsForgery, EdgesOfEcdsaSignatures) {
  const SigningKey key = NewKey(Algorithm::kEs256);
  const auto part = Segments(key.Sign(kPayload));
  const std::string good = *Base64UrlDecode(part[2]);
  const std::string r = good.substr(0, 32);
  const std::string s = good.substr(32);
  const std::string zero(32, '\0');
  const std::string one = std::string(31, '\0') + '\x01';
  const std::string order = test::FromHex(kOrder);
  std::string order_less_one = order;
  order_less_one[31] = '\x50';
  std::string order_plus_one = order;
  order_plus_one[31] = '\x52';
  const std::string full(32, '\xff');
  const std::string der = test::FromHex("30440220") + r + test::FromHex("0220") + s;
  std::vector<std::string> bad = {"",
                                  r,
                                  s,
                                  good + '\0',
                                  '\0' + good,
                                  good.substr(1),
                                  good.substr(0, 63),
                                  s + r,
                                  '\0' + r + '\0' + s,
                                  der,
                                  std::string(64, '\0'),
                                  r + s + s,
                                  std::string(128, '\xff'),
                                  std::string(96, '\x01')};
  const std::vector<std::string> edges = {zero, one, order, order_less_one, order_plus_one, full};
  for (const std::string& a : edges) {
    for (const std::string& b : edges) bad.push_back(a + b);
    bad.push_back(a + s);
    bad.push_back(r + a);
  }
  for (const std::string& signature : bad) {
    EXPECT_FALSE(key.Verify(Join(part[0], part[1], Base64UrlEncode(signature))))
        << HexEncode(signature);
  }
  EXPECT_TRUE(key.Verify(Join(part[0], part[1], Base64UrlEncode(good))));
}

// RFC 8032, section 5.1.7: S must be below the group's order L, else signatures are malleable.
TEST(JwsForgery, EdgesOfEd25519Signatures) {
  const SigningKey key = NewKey(Algorithm::kEdDsa);
  const auto part = Segments(key.Sign(kPayload));
  const std::string good = *Base64UrlDecode(part[2]);
  const std::string order =
      test::FromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  std::string plus_order = good;
  int carry = 0;
  for (size_t i = 0; i < 32; ++i) {
    carry += static_cast<unsigned char>(good[32 + i]) + static_cast<unsigned char>(order[i]);
    plus_order[32 + i] = static_cast<char>(carry);
    carry >>= 8;
  }
  const std::string zero(32, '\0');
  const std::string one = '\x01' + std::string(31, '\0');
  for (const std::string& signature :
       {plus_order, zero + zero, one + zero, good.substr(0, 32) + zero, zero + good.substr(32),
        good.substr(0, 32) + order, good.substr(0, 63), good + '\0', std::string(64, '\xff')}) {
    EXPECT_FALSE(key.Verify(Join(part[0], part[1], Base64UrlEncode(signature))))
        << HexEncode(signature);
  }
}

TEST(JwsForgery, EdgesOfRsaSignatures) {
  const SigningKey key = NewKey(Algorithm::kRs256);
  const auto part = Segments(key.Sign(kPayload));
  const std::string good = *Base64UrlDecode(part[2]);
  ASSERT_EQ(good.size(), 256u);
  const auto jwk = nlohmann::json::parse(key.PublicJwk());
  const std::string modulus = *Base64UrlDecode(jwk["n"].get<std::string>());
  const std::string one = std::string(255, '\0') + '\x01';
  for (const std::string& signature :
       {std::string(256, '\0'), one, modulus, std::string(256, '\xff'), '\0' + good, good + '\0',
        good.substr(1), good.substr(0, 255), std::string(1, '\x01'), std::string(512, '\x01')}) {
    EXPECT_FALSE(key.Verify(Join(part[0], part[1], Base64UrlEncode(signature))))
        << HexEncode(signature);
  }
}

}  // namespace
}  // namespace latchkey
