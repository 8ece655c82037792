// AES-256-GCM envelopes through OpenSSL's EVP.
#include "extension/core/aead.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "extension/core/digest.hpp"
#include "extension/core/random.hpp"

namespace latchkey {

namespace {

constexpr char kVersion = 1;
constexpr size_t kFingerprintSize = 8;
constexpr size_t kNonceSize = 12;
constexpr size_t kTagSize = 16;
constexpr size_t kHeaderSize = 1 + kFingerprintSize + kNonceSize;

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

CipherContext NewContext(std::string_view key) {
  if (key.size() != kAeadKeySize) throw std::invalid_argument("an AES-256 key has 32 bytes");
  CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  if (!context) throw std::bad_alloc();
  return context;
}

}  // namespace

std::string KeyFingerprint(std::string_view key) {
  constexpr std::string_view kPurpose = "latchkey master key\n";
  Secret input = Secret::OfSize(kPurpose.size() + key.size());
  std::copy(kPurpose.begin(), kPurpose.end(), input.data());
  std::copy(key.begin(), key.end(), input.data() + kPurpose.size());
  return Sha256(input.view()).substr(0, kFingerprintSize);
}

std::string Seal(std::string_view key, std::string_view plaintext, std::string_view context) {
  const CipherContext cipher = NewContext(key);
  std::string envelope(1, kVersion);
  envelope += KeyFingerprint(key);
  const std::string nonce = RandomBytes(kNonceSize);
  envelope += nonce;
  std::string sealed(plaintext.size() + kTagSize, '\0');
  int size = 0;
  const bool ok =
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key), Bytes(nonce)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, Bytes(context),
                        static_cast<int>(context.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), Bytes(sealed), &size, Bytes(plaintext),
                        static_cast<int>(plaintext.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), Bytes(sealed) + size, &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagSize,
                          Bytes(sealed) + plaintext.size()) == 1;
  if (!ok) throw std::runtime_error("AES-256-GCM failed");
  return envelope + sealed;
}

std::string_view SealingKeyOf(std::string_view envelope) {
  if (envelope.size() < kHeaderSize + kTagSize || envelope[0] != kVersion) return {};
  return envelope.substr(1, kFingerprintSize);
}

std::optional<Secret> Open(std::string_view key, std::string_view envelope,
                           std::string_view context) {
  if (SealingKeyOf(envelope) != KeyFingerprint(key)) return std::nullopt;
  const std::string_view nonce = envelope.substr(1 + kFingerprintSize, kNonceSize);
  const std::string_view sealed =
      envelope.substr(kHeaderSize, envelope.size() - kHeaderSize - kTagSize);
  std::string tag(envelope.substr(envelope.size() - kTagSize));
  const CipherContext cipher = NewContext(key);
  Secret plaintext = Secret::OfSize(sealed.size());
  auto* out = reinterpret_cast<unsigned char*>(plaintext.data());
  int size = 0;
  const bool ok =
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key), Bytes(nonce)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, Bytes(context),
                        static_cast<int>(context.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), out, &size, Bytes(sealed), static_cast<int>(sealed.size())) ==
          1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, Bytes(tag)) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), out + size, &size) == 1;
  if (!ok) return std::nullopt;
  return plaintext;
}

}  // namespace latchkey
