// Compact JWS with HS256 (RFC 7518), EdDSA (RFC 8037), ES256 and RS256 through OpenSSL.
#include "extension/core/jws.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <stdexcept>

#include "extension/core/encoding.hpp"
#include "extension/core/json_object.hpp"
#include "extension/core/random.hpp"

namespace latchkey {

namespace {

constexpr size_t kCoordinateSize = 32;  // of P-256
constexpr int kRsaBits = 2048;
constexpr size_t kHmacKeySize = 32;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

template <typename T, void (*Release)(T*)>
struct Releaser {
  void operator()(T* object) const { Release(object); }
};
using Number = std::unique_ptr<BIGNUM, Releaser<BIGNUM, BN_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Releaser<ECDSA_SIG, ECDSA_SIG_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Releaser<EVP_MD_CTX, EVP_MD_CTX_free>>;
using PrivateKeyInfo =
    std::unique_ptr<PKCS8_PRIV_KEY_INFO, Releaser<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>>;
using Key = std::unique_ptr<EVP_PKEY, Releaser<EVP_PKEY, EVP_PKEY_free>>;

const EVP_MD* DigestOf(Algorithm algorithm) {
  return algorithm == Algorithm::kEdDsa ? nullptr : EVP_sha256();
}

// JWS wants r‖s with fixed widths, OpenSSL speaks DER (RFC 7518, section 3.4).
std::string DerToRaw(const std::string& der) {
  const unsigned char* cursor = Bytes(der);
  const EcdsaSignature parsed(d2i_ECDSA_SIG(nullptr, &cursor, static_cast<long>(der.size())));
  std::string raw(2 * kCoordinateSize, '\0');
  if (!parsed ||
      BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), Bytes(raw), kCoordinateSize) < 0 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), Bytes(raw) + kCoordinateSize,
                   kCoordinateSize) < 0) {
    throw std::runtime_error("an ECDSA signature could not be read");
  }
  return raw;
}

std::optional<std::string> RawToDer(std::string_view raw) {
  if (raw.size() != 2 * kCoordinateSize) return std::nullopt;
  const EcdsaSignature signature(ECDSA_SIG_new());
  Number r(BN_bin2bn(Bytes(raw), kCoordinateSize, nullptr));
  Number s(BN_bin2bn(Bytes(raw) + kCoordinateSize, kCoordinateSize, nullptr));
  if (!signature || !r || !s || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) {
    throw std::bad_alloc();
  }
  r.release();
  s.release();
  unsigned char* encoded = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &encoded);
  if (size < 0) throw std::bad_alloc();
  std::string der(reinterpret_cast<char*>(encoded), static_cast<size_t>(size));
  OPENSSL_free(encoded);
  return der;
}

Key GenerateKeyPair(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kEdDsa:
      return Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    case Algorithm::kEs256:
      return Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    case Algorithm::kRs256:
      return Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<size_t>(kRsaBits)));
    case Algorithm::kHs256:
      break;
  }
  return nullptr;
}

// Other curves have 256 bits too.
bool IsP256(const EVP_PKEY* key) {
  char name[32];
  size_t size = 0;
  return EVP_PKEY_get_group_name(key, name, sizeof name, &size) == 1 &&
         std::string_view(name, size) == SN_X9_62_prime256v1;
}

bool KeyFits(const EVP_PKEY* key, Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kEdDsa:
      return EVP_PKEY_is_a(key, "ED25519");
    case Algorithm::kEs256:
      return EVP_PKEY_is_a(key, "EC") && IsP256(key);
    case Algorithm::kRs256:
      return EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= kRsaBits;
    case Algorithm::kHs256:
      break;
  }
  return false;
}

std::string NumberParam(const EVP_PKEY* key, const char* name, int width) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) throw std::runtime_error("no public key");
  const Number owned(number);
  std::string bytes(width > 0 ? width : BN_num_bytes(number), '\0');
  if (BN_bn2binpad(number, Bytes(bytes), static_cast<int>(bytes.size())) < 0) {
    throw std::runtime_error("a public key is too wide");
  }
  return Base64UrlEncode(bytes);
}

std::string EdPublicKey(const EVP_PKEY* key) {
  std::string bytes(32, '\0');
  size_t size = bytes.size();
  if (EVP_PKEY_get_raw_public_key(key, Bytes(bytes), &size) != 1) {
    throw std::runtime_error("no public key");
  }
  return Base64UrlEncode(bytes);
}

}  // namespace

void SigningKey::FreeKey::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

const char* AlgorithmName(Algorithm algorithm) {
  constexpr const char* kNames[] = {"HS256", "EdDSA", "ES256", "RS256"};
  return kNames[static_cast<int>(algorithm)];
}

std::optional<Algorithm> ParseAlgorithm(std::string_view name) {
  for (const auto algorithm :
       {Algorithm::kHs256, Algorithm::kEdDsa, Algorithm::kEs256, Algorithm::kRs256}) {
    if (name == AlgorithmName(algorithm)) return algorithm;
  }
  return std::nullopt;
}

Secret GeneratePrivateKey(Algorithm algorithm) {
  if (algorithm == Algorithm::kHs256) {
    Secret secret = Secret::OfSize(kHmacKeySize);
    FillRandom(secret.data(), kHmacKeySize);
    return secret;
  }
  const Key key = GenerateKeyPair(algorithm);
  const PrivateKeyInfo info(key ? EVP_PKEY2PKCS8(key.get()) : nullptr);
  unsigned char* der = nullptr;
  const int size = info ? i2d_PKCS8_PRIV_KEY_INFO(info.get(), &der) : -1;
  if (size < 0) throw std::runtime_error("a key pair could not be made");
  Secret secret(std::string_view(reinterpret_cast<char*>(der), static_cast<size_t>(size)));
  OPENSSL_clear_free(der, static_cast<size_t>(size));
  return secret;
}

// An explicit type keeps our tokens apart from every other JWT (RFC 8725, section 3.11).
std::string TokenHeader(Algorithm algorithm, std::string_view key_id) {
  return Base64UrlEncode(JsonObject()
                             .Add("alg", AlgorithmName(algorithm))
                             .Add("typ", "latchkey+jwt")
                             .Add("kid", key_id)
                             .ToString());
}

SigningKey::SigningKey(std::string key_id, Algorithm algorithm, const Secret& private_key)
    : key_id_(std::move(key_id)), algorithm_(algorithm) {
  header_ = TokenHeader(algorithm, key_id_);
  if (algorithm == Algorithm::kHs256) {
    if (private_key.view().size() < kHmacKeySize)
      throw std::invalid_argument("an HS256 key is too short");
    hmac_ = std::make_unique<HmacSha256>(private_key.view());
    return;
  }
  const unsigned char* cursor = Bytes(private_key.view());
  const auto size = static_cast<long>(private_key.view().size());
  const PrivateKeyInfo info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &cursor, size));
  key_.reset(info ? EVP_PKCS82PKEY(info.get()) : nullptr);
  if (!key_ || !KeyFits(key_.get(), algorithm)) {
    throw std::invalid_argument("a private key does not fit its algorithm");
  }
}

std::string SigningKey::SignBytes(std::string_view input) const {
  if (hmac_) return hmac_->Compute(input);
  const DigestContext context(EVP_MD_CTX_new());
  size_t size = 0;
  if (!context ||
      EVP_DigestSignInit(context.get(), nullptr, DigestOf(algorithm_), nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, Bytes(input), input.size()) != 1) {
    throw std::runtime_error("a signature could not be made");
  }
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), Bytes(signature), &size, Bytes(input), input.size()) != 1) {
    throw std::runtime_error("a signature could not be made");
  }
  signature.resize(size);
  return algorithm_ == Algorithm::kEs256 ? DerToRaw(signature) : signature;
}

bool SigningKey::VerifyBytes(std::string_view input, std::string_view signature) const {
  if (hmac_) return SameBytes(hmac_->Compute(input), signature);
  std::string der;
  if (algorithm_ == Algorithm::kEs256) {
    auto converted = RawToDer(signature);
    if (!converted) return false;
    der = std::move(*converted);
    signature = der;
  }
  const DigestContext context(EVP_MD_CTX_new());
  return context &&
         EVP_DigestVerifyInit(context.get(), nullptr, DigestOf(algorithm_), nullptr, key_.get()) == 1 &&
         EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(input),
                          input.size()) == 1;
}

std::string SigningKey::Sign(std::string_view payload) const {
  std::string token = header_ + '.' + Base64UrlEncode(payload);
  token += '.' + Base64UrlEncode(SignBytes(token));
  return token;
}

std::optional<std::string> SigningKey::Verify(std::string_view token) const {
  const size_t first = token.find('.');
  const size_t last = token.rfind('.');
  if (first == std::string_view::npos || first == last || token.substr(0, first) != header_) {
    return std::nullopt;
  }
  const std::string_view payload = token.substr(first + 1, last - first - 1);
  if (payload.find('.') != std::string_view::npos) return std::nullopt;
  const auto signature = Base64UrlDecode(token.substr(last + 1));
  if (!signature || signature->empty() || !VerifyBytes(token.substr(0, last), *signature)) {
    return std::nullopt;
  }
  return Base64UrlDecode(payload);
}

std::string SigningKey::PublicJwk() const {
  JsonObject jwk;
  switch (algorithm_) {
    case Algorithm::kHs256:
      return {};
    case Algorithm::kEdDsa:
      jwk.Add("kty", "OKP").Add("crv", "Ed25519").Add("x", EdPublicKey(key_.get()));
      break;
    case Algorithm::kEs256:
      jwk.Add("kty", "EC").Add("crv", "P-256");
      jwk.Add("x", NumberParam(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, kCoordinateSize));
      jwk.Add("y", NumberParam(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, kCoordinateSize));
      break;
    case Algorithm::kRs256:
      jwk.Add("kty", "RSA");
      jwk.Add("n", NumberParam(key_.get(), OSSL_PKEY_PARAM_RSA_N, 0));
      jwk.Add("e", NumberParam(key_.get(), OSSL_PKEY_PARAM_RSA_E, 0));
      break;
  }
  return jwk.Add("kid", key_id_).Add("alg", AlgorithmName(algorithm_)).Add("use", "sig").ToString();
}

}  // namespace latchkey
