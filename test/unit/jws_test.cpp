// Compact JWS: what each algorithm signs verifies, with this code and without it; published keys.
#include "extension/core/jws.hpp"

#include <gtest/gtest.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>

#include "test/unit/openssl_keys.hpp"
#include "test/unit/support.hpp"

namespace latchkey {
namespace {

constexpr Algorithm kAlgorithms[] = {Algorithm::kHs256, Algorithm::kEdDsa, Algorithm::kEs256,
                                     Algorithm::kRs256};
constexpr char kPayload[] = R"({"sub":"ann"})";

SigningKey NewKey(Algorithm algorithm, const std::string& id = "k1") {
  return SigningKey(id, algorithm, GeneratePrivateKey(algorithm));
}

struct Parts {
  std::string input;      // header.payload
  std::string signature;  // decoded
};

Parts Split(const std::string& token) {
  const size_t dot = token.rfind('.');
  return {token.substr(0, dot), *Base64UrlDecode(token.substr(dot + 1))};
}

TEST(Jws, RoundTripOfEveryAlgorithm) {
  for (const Algorithm algorithm : kAlgorithms) {
    const SigningKey key = NewKey(algorithm);
    for (const std::string& payload : {std::string(), std::string("x"), std::string(kPayload),
                                       std::string(3000, 'p'), std::string("\0\x01\xff", 3)}) {
      EXPECT_EQ(key.Verify(key.Sign(payload)), payload) << AlgorithmName(algorithm);
    }
  }
}

TEST(Jws, TheHeaderNamesAlgorithmTypeAndKey) {
  for (const Algorithm algorithm : kAlgorithms) {
    const SigningKey key = NewKey(algorithm, "key \"7\"");
    const std::string token = key.Sign(kPayload);
    EXPECT_EQ(token.substr(0, token.find('.')), key.header());
    EXPECT_EQ(key.header(), TokenHeader(algorithm, "key \"7\""));
    const auto header = nlohmann::json::parse(*Base64UrlDecode(key.header()));
    EXPECT_EQ(header.size(), 3u);
    EXPECT_EQ(header["alg"], AlgorithmName(algorithm));
    EXPECT_EQ(header["typ"], "latchkey+jwt");
    EXPECT_EQ(header["kid"], "key \"7\"");
  }
}

TEST(Jws, AlgorithmNamesReadBackExactly) {
  for (const Algorithm algorithm : kAlgorithms) {
    EXPECT_EQ(ParseAlgorithm(AlgorithmName(algorithm)), algorithm);
  }
  for (const char* name : {"", "none", "None", "NONE", "nOnE", "hs256", "HS256 ", " HS256", "HS384",
                           "HS512", "RS512", "PS256", "ES384", "ES256K", "eddsa", "EdDSA\n"}) {
    EXPECT_FALSE(ParseAlgorithm(name)) << name;
  }
}

TEST(Jws, PlainOpenSslVerifiesOurTokensFromTheJwk) {
  for (const Algorithm algorithm : {Algorithm::kEdDsa, Algorithm::kEs256, Algorithm::kRs256}) {
    const SigningKey key = NewKey(algorithm);
    const auto jwk = nlohmann::json::parse(key.PublicJwk());
    EXPECT_EQ(jwk["kid"], "k1");
    EXPECT_EQ(jwk["alg"], AlgorithmName(algorithm));
    EXPECT_EQ(jwk["use"], "sig");
    for (const char* secret : {"d", "p", "q", "dp", "dq", "qi", "k"}) {
      EXPECT_FALSE(jwk.contains(secret));
    }
    const auto public_key = test::FromJwk(key.PublicJwk());
    ASSERT_TRUE(public_key);
    // Many times: numbers with leading zeros come up once in 256.
    for (int i = 0; i < (algorithm == Algorithm::kRs256 ? 20 : 600); ++i) {
      const Parts parts = Split(key.Sign(std::to_string(i)));
      std::string signature = parts.signature;
      if (algorithm == Algorithm::kEs256) {
        ASSERT_EQ(signature.size(), 64u);
        ECDSA_SIG* raw = ECDSA_SIG_new();
        ECDSA_SIG_set0(raw, BN_bin2bn(test::Raw(signature), 32, nullptr),
                       BN_bin2bn(test::Raw(signature) + 32, 32, nullptr));
        unsigned char* der = nullptr;
        const int size = i2d_ECDSA_SIG(raw, &der);
        signature.assign(reinterpret_cast<char*>(der), static_cast<size_t>(size));
        OPENSSL_free(der);
        ECDSA_SIG_free(raw);
      }
      EVP_MD_CTX* context = EVP_MD_CTX_new();
      EVP_DigestVerifyInit(context, nullptr,
                           algorithm == Algorithm::kEdDsa ? nullptr : EVP_sha256(), nullptr,
                           public_key.get());
      EXPECT_EQ(EVP_DigestVerify(context, test::Raw(signature), signature.size(),
                                 test::Raw(parts.input), parts.input.size()),
                1);
      EVP_MD_CTX_free(context);
    }
  }
}

TEST(Jws, PlainOpenSslComputesOurHmac) {
  const Secret secret = GeneratePrivateKey(Algorithm::kHs256);
  const SigningKey key("k1", Algorithm::kHs256, secret);
  EXPECT_TRUE(key.PublicJwk().empty());
  const Parts parts = Split(key.Sign(kPayload));
  unsigned char mac[32];
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.view().data(), static_cast<int>(secret.view().size()),
       test::Raw(parts.input), parts.input.size(), mac, &size);
  EXPECT_EQ(parts.signature, std::string(reinterpret_cast<char*>(mac), size));
}

// RFC 8037, appendix A.1 and A.2.
TEST(Jws, PublicKeyOfRfc8037) {
  const Secret seed =
      test::Ed25519Pkcs8(*Base64UrlDecode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"));
  const SigningKey key("k1", Algorithm::kEdDsa, seed);
  const auto jwk = nlohmann::json::parse(key.PublicJwk());
  EXPECT_EQ(jwk["kty"], "OKP");
  EXPECT_EQ(jwk["crv"], "Ed25519");
  EXPECT_EQ(jwk["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
  // Ed25519 is deterministic.
  EXPECT_EQ(key.Sign(kPayload), key.Sign(kPayload));
}

// RFC 7515, appendix A.3.1.
TEST(Jws, PublicKeyOfRfc7515) {
  const Secret d = test::P256Pkcs8(*Base64UrlDecode("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"));
  const auto jwk = nlohmann::json::parse(SigningKey("k1", Algorithm::kEs256, d).PublicJwk());
  EXPECT_EQ(jwk["kty"], "EC");
  EXPECT_EQ(jwk["crv"], "P-256");
  EXPECT_EQ(jwk["x"], "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
  EXPECT_EQ(jwk["y"], "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
}

// A coordinate with a leading zero keeps its 32 bytes (RFC 7518, section 6.2.1.2).
TEST(Jws, CoordinatesOfTheJwkHaveFixedWidth) {
  for (int i = 0; i < 400; ++i) {
    const auto jwk = nlohmann::json::parse(NewKey(Algorithm::kEs256).PublicJwk());
    for (const char* name : {"x", "y"}) {
      const auto bytes = Base64UrlDecode(jwk[name].get<std::string>());
      ASSERT_TRUE(bytes);
      EXPECT_EQ(bytes->size(), 32u);
    }
  }
}

// RFC 7515, appendix A.1: a valid JWS of the very same key, but not one of our tokens.
TEST(Jws, TheTokenOfRfc7515IsNotOurs) {
  const Secret secret(*Base64UrlDecode(
      "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"));
  const SigningKey key("k1", Algorithm::kHs256, secret);
  EXPECT_FALSE(key.Verify(
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb2"
      "90Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
  EXPECT_EQ(key.Verify(key.Sign(kPayload)), kPayload);
}

TEST(Jws, GeneratedKeysDiffer) {
  for (const Algorithm algorithm : kAlgorithms) {
    EXPECT_NE(GeneratePrivateKey(algorithm).view(), GeneratePrivateKey(algorithm).view());
  }
  EXPECT_EQ(GeneratePrivateKey(Algorithm::kHs256).view().size(), 32u);
}

TEST(Jws, APrivateKeyOfAnotherKindIsRefused) {
  const Secret p256 = test::Generate("EC", "P-256");
  const Secret secp256k1 = test::Generate("EC", "secp256k1");
  const Secret brainpool = test::Generate("EC", "brainpoolP256r1");
  const Secret p384 = test::Generate("EC", "P-384");
  const Secret ed25519 = test::Generate("ED25519", nullptr);
  const Secret x25519 = test::Generate("X25519", nullptr);
  const Secret rsa1024 = test::GenerateRsa(1024);
  const Secret rsa2048 = test::GenerateRsa(2048);
  const Secret nothing;
  const Secret noise(std::string(64, 'n'));
  const auto refused = [](Algorithm algorithm, const Secret& secret) {
    EXPECT_THROW(SigningKey("k1", algorithm, secret), std::invalid_argument);
  };
  for (const Secret* secret :
       {&secp256k1, &brainpool, &p384, &ed25519, &rsa2048, &nothing, &noise}) {
    refused(Algorithm::kEs256, *secret);
  }
  for (const Secret* secret : {&p256, &x25519, &rsa2048, &nothing, &noise}) {
    refused(Algorithm::kEdDsa, *secret);
  }
  for (const Secret* secret : {&p256, &ed25519, &rsa1024, &nothing, &noise}) {
    refused(Algorithm::kRs256, *secret);
  }
  refused(Algorithm::kHs256, nothing);
  refused(Algorithm::kHs256, Secret(std::string(31, 'k')));
}

}  // namespace
}  // namespace latchkey
