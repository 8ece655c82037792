// AES-256-GCM envelopes: what Latchkey stores encrypted (private signing keys, secrets).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "extension/core/secret.hpp"

namespace latchkey {

inline constexpr size_t kAeadKeySize = 32;

// Names a key without telling anything of it: 8 bytes of a hash.
std::string KeyFingerprint(std::string_view key);

// Layout: version (1 byte, value 1), key fingerprint (8), nonce (12, random), ciphertext, tag (16).
// `context` is authenticated, not stored: owner, column and row, so that a ciphertext moved to
// another row does not open. NIST SP 800-38D; at most 2^32 messages a key.
std::string Seal(std::string_view key, std::string_view plaintext, std::string_view context);

// Of the key that sealed the envelope; empty when it is malformed.
std::string_view SealingKeyOf(std::string_view envelope);

// Empty when the envelope is malformed, was made with another key or context, or was altered.
std::optional<Secret> Open(std::string_view key, std::string_view envelope,
                           std::string_view context);

}  // namespace latchkey
