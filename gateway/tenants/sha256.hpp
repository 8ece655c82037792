// SHA-256 of what comes in pieces.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

namespace latchkey {

class Sha256Sum {
 public:
  Sha256Sum() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    if (!context_) throw std::bad_alloc();
    Require(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
  }

  void Add(std::string_view bytes) {
    Require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
  }

  // In hexadecimal; nothing can be added any more.
  std::string Finish() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    Require(EVP_DigestFinal_ex(context_.get(), digest, &size));
    std::string text;
    for (unsigned int i = 0; i < size; ++i) {
      text += "0123456789abcdef"[digest[i] >> 4];
      text += "0123456789abcdef"[digest[i] & 15];
    }
    return text;
  }

 private:
  static void Require(int ok) {
    if (ok != 1) throw std::runtime_error("SHA-256 can't be computed");
  }

  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace latchkey
