// Running the command that prints the master key.
#pragma once

#include <cstddef>

#include "extension/core/secret.hpp"

namespace latchkey::settings {

// What the command prints, cut off at max_size bytes; with more than that it is not waited for.
// Lets a cancel through, and kills the command with all its children then. Raises LK504 when it
// can't be started, fails, or takes longer than ten seconds.
Secret RunKeyCommand(const char* command, size_t max_size);

}  // namespace latchkey::settings
