// The signing keys, unwrapped and kept per backend.
#pragma once

#include <string_view>

#include "extension/core/jws.hpp"
#include "extension/pg/spi.hpp"

namespace latchkey::sessions {

// Loads what CurrentSigningKey needs, and makes no key: that is for who has proven who they are.
void PrepareSigningKey(pg::Spi& spi);

// The key that signs now; makes the first one when there is none. Raises LK504 without a master
// key.
const SigningKey& CurrentSigningKey(pg::Spi& spi);

// The key whose tokens begin with this header, unless it is retired; null when there is none.
const SigningKey* FindSigningKey(pg::Spi& spi, std::string_view header);

}  // namespace latchkey::sessions
