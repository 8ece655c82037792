// Random bytes for keys, tokens and ids.
#pragma once

#include <cstddef>
#include <string>

namespace latchkey {

// From OpenSSL's generator, which is what pg_strong_random uses too and which reseeds after a fork.
// Throws std::runtime_error when no entropy can be had: never returns weak bytes.
void FillRandom(void* out, size_t size);

std::string RandomBytes(size_t size);

}  // namespace latchkey
