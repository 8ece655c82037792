// SHA-256 and HMAC-SHA256 through OpenSSL.
#include "extension/core/digest.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/sha.h>

#include <stdexcept>

namespace latchkey {

namespace {

// SHA256() of OpenSSL 3 looks its algorithm up each time, which takes as long as hashing does.
class Sha256Context {
 public:
  Sha256Context()
      : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new()) {
    if (algorithm_ == nullptr || context_ == nullptr) Fail();
  }
  ~Sha256Context() {
    EVP_MD_CTX_free(context_);
    EVP_MD_free(algorithm_);
  }
  Sha256Context(const Sha256Context&) = delete;
  Sha256Context& operator=(const Sha256Context&) = delete;

  void Compute(std::string_view data, unsigned char* digest) {
    if (EVP_DigestInit_ex(context_, algorithm_, nullptr) != 1 ||
        EVP_DigestUpdate(context_, data.data(), data.size()) != 1 ||
        EVP_DigestFinal_ex(context_, digest, nullptr) != 1) {
      Fail();
    }
  }

 private:
  [[noreturn]] static void Fail() { throw std::runtime_error("SHA-256 failed"); }

  EVP_MD* algorithm_;
  EVP_MD_CTX* context_;
};

}  // namespace

std::string Sha256(std::string_view data) {
  thread_local Sha256Context context;
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  context.Compute(data, reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

void HmacSha256::Free::operator()(evp_mac_ctx_st* context) const { EVP_MAC_CTX_free(context); }

HmacSha256::HmacSha256(std::string_view key) {
  std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr),
                                                        EVP_MAC_free);
  if (!mac) throw std::runtime_error("OpenSSL has no HMAC");
  context_.reset(EVP_MAC_CTX_new(mac.get()));
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  if (!context_ || EVP_MAC_init(context_.get(), reinterpret_cast<const unsigned char*>(key.data()),
                                key.size(), params) != 1) {
    throw std::runtime_error("HMAC could not be set up");
  }
}

std::string HmacSha256::Compute(std::string_view data) const {
  std::string digest(32, '\0');
  size_t size = 0;
  // A null key starts again with the key that the context was made with.
  if (EVP_MAC_init(context_.get(), nullptr, 0, nullptr) != 1 ||
      EVP_MAC_update(context_.get(), reinterpret_cast<const unsigned char*>(data.data()),
                     data.size()) != 1 ||
      EVP_MAC_final(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), &size,
                    digest.size()) != 1 ||
      size != digest.size()) {
    throw std::runtime_error("HMAC failed");
  }
  return digest;
}

}  // namespace latchkey
