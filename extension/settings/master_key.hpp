// The master key: wraps signing keys and secrets, and is itself never stored in the database. Its
// file or command may hold former keys too, one a line after the current one: they only open.
#pragma once

#include <string>
#include <string_view>

#include "extension/core/secret.hpp"

namespace latchkey::settings {

// Reads the key, unless it is in memory already. For before a lock is taken: a command may take
// seconds. Raises LK504 not_configured with what to set when there is no usable key.
void LoadMasterKey();

// What is sealed is bound to `context` (see sealed_column.hpp): a ciphertext moved elsewhere does
// not open. Raises LK504 as LoadMasterKey does.
std::string SealWithMasterKey(std::string_view plaintext, std::string_view context);

// With whichever of the keys the envelope names. Raises LK504 also when it names none of them.
Secret OpenWithMasterKey(std::string_view envelope, std::string_view context);

// Of the key that seals: what envelopes name it by.
std::string MasterKeyFingerprint();

}  // namespace latchkey::settings
