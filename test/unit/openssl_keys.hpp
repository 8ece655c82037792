// Keys made with OpenSSL alone: PKCS#8 documents out of bare numbers, and public keys out of JWKs.
#pragma once

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "extension/core/secret.hpp"
#include "test/unit/support.hpp"

namespace latchkey::test {

using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

inline const unsigned char* Raw(const std::string& bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

inline Secret ToPkcs8(EVP_PKEY* key) {
  PKCS8_PRIV_KEY_INFO* info = EVP_PKEY2PKCS8(key);
  unsigned char* der = nullptr;
  const int size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
  Secret secret(std::string_view(reinterpret_cast<char*>(der), static_cast<size_t>(size)));
  OPENSSL_free(der);
  PKCS8_PRIV_KEY_INFO_free(info);
  return secret;
}

inline Secret Generate(const char* type, const char* curve) {
  const KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, type, curve), EVP_PKEY_free);
  return ToPkcs8(key.get());
}

inline Secret GenerateRsa(size_t bits) {
  const KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", bits), EVP_PKEY_free);
  return ToPkcs8(key.get());
}

// A PKCS#8 document (RFC 5208) of a P-256 key with private number `d` and no public point (RFC
// 5915).
inline Secret P256Pkcs8(const std::string& d) {
  const auto hex = [](const char* text) { return FromHex(text); };
  return Secret(hex("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420") + d);
}

// A PKCS#8 document of an Ed25519 seed (RFC 8410).
inline Secret Ed25519Pkcs8(const std::string& seed) {
  return Secret(FromHex("302e020100300506032b657004220420") + seed);
}

// What a client in another language does with /.well-known/jwks.json.
inline KeyPtr FromJwk(const std::string& text) {
  const auto jwk = nlohmann::json::parse(text);
  const auto field = [&](const char* name) {
    return *Base64UrlDecode(jwk.at(name).get<std::string>());
  };
  if (jwk.at("kty") == "OKP") {
    const std::string x = field("x");
    return {EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Raw(x), x.size()),
            EVP_PKEY_free};
  }
  OSSL_PARAM_BLD* build = OSSL_PARAM_BLD_new();
  const bool is_rsa = jwk.at("kty") == "RSA";
  const std::string a = is_rsa ? field("n") : '\x04' + field("x") + field("y");
  const std::string b = is_rsa ? field("e") : std::string();
  BIGNUM* n = BN_bin2bn(Raw(a), static_cast<int>(a.size()), nullptr);
  BIGNUM* e = BN_bin2bn(Raw(b), static_cast<int>(b.size()), nullptr);
  if (is_rsa) {
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
  } else {
    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, a.data(), a.size());
  }
  OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(build);
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, is_rsa ? "RSA" : "EC", nullptr);
  EVP_PKEY* key = nullptr;
  EVP_PKEY_fromdata_init(context);
  EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params);
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(build);
  BN_free(n);
  BN_free(e);
  return {key, EVP_PKEY_free};
}

}  // namespace latchkey::test
