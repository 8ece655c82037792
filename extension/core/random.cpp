// Random bytes from OpenSSL.
#include "extension/core/random.hpp"

#include <openssl/rand.h>

#include <stdexcept>

namespace latchkey {

void FillRandom(void* out, size_t size) {
  if (RAND_bytes(static_cast<unsigned char*>(out), static_cast<int>(size)) != 1) {
    throw std::runtime_error("no random bytes could be had");
  }
}

std::string RandomBytes(size_t size) {
  std::string bytes(size, '\0');
  FillRandom(bytes.data(), size);
  return bytes;
}

}  // namespace latchkey
