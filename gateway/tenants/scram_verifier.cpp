// Computing SCRAM verifiers.
#include "gateway/tenants/scram_verifier.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <stdexcept>

namespace latchkey {
namespace {

constexpr int kSaltBytes = 16;

void Require(bool ok) {
  if (!ok) throw std::runtime_error("a SCRAM verifier can't be computed");
}

unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

const unsigned char* Bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string Hmac(const std::string& key, const std::string& data) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  unsigned int size = 0;
  Require(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), Bytes(data), data.size(),
               Bytes(out), &size) != nullptr);
  return out;
}

std::string Sha256(const std::string& data) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  Require(EVP_Digest(data.data(), data.size(), Bytes(out), nullptr, EVP_sha256(), nullptr) == 1);
  return out;
}

std::string Base64(const std::string& data) {
  std::string out(4 * ((data.size() + 2) / 3) + 1, '\0');  // with the zero that is written behind
  out.resize(EVP_EncodeBlock(Bytes(out), Bytes(data), static_cast<int>(data.size())));
  return out;
}

}  // namespace

std::string ScramVerifier(const std::string& password, const std::string& salt, int iterations) {
  std::string salted(SHA256_DIGEST_LENGTH, '\0');
  Require(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), Bytes(salt),
                            static_cast<int>(salt.size()), iterations, EVP_sha256(),
                            static_cast<int>(salted.size()), Bytes(salted)) == 1);
  const std::string stored_key = Sha256(Hmac(salted, "Client Key"));
  return "SCRAM-SHA-256$" + std::to_string(iterations) + ":" + Base64(salt) + "$" +
         Base64(stored_key) + ":" + Base64(Hmac(salted, "Server Key"));
}

std::string ScramVerifierOfRandom(const std::string& password) {
  std::string salt(kSaltBytes, '\0');
  Require(RAND_bytes(Bytes(salt), kSaltBytes) == 1);
  return ScramVerifier(password, salt, 1);
}

}  // namespace latchkey
