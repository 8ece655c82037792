// The master key: wraps signing keys and secrets, and is itself never stored in the database.
#pragma once

#include <string>
#include <string_view>

#include "extension/core/secret.hpp"

namespace latchkey::settings {

// Reads the key, unless it is in memory already. For before a lock is taken: a command may take
// seconds. Raises LK504 not_configured with what to set when there is no usable key.
void LoadMasterKey();

// What is sealed is bound to `context` (table, row): a ciphertext moved elsewhere does not open.
// Raises LK504 as LoadMasterKey does.
std::string SealWithMasterKey(std::string_view plaintext, std::string_view context);

// Raises LK504 also when the envelope was made with another key.
Secret OpenWithMasterKey(std::string_view envelope, std::string_view context);

}  // namespace latchkey::settings
