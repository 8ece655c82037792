// Asking whoever runs a command: lines of standard input, echoed or not.
#pragma once

#include <optional>
#include <string>

namespace latchkey {

struct Line {
  std::optional<std::string> text;  // none: the input ended, failed or is too long
  std::string error;                // then why
};

// Whether standard input is a terminal.
bool InputIsTerminal();

// Writes the prompt to standard error when standard input is a terminal, and reads a line of at
// most `max_bytes` bytes, without its end. Without echo the terminal is given back as it was, also
// when a signal ends or stops the program meanwhile: a line that was begun before a stop is asked
// for again.
Line AskLine(const std::string& prompt, bool echo, size_t max_bytes);

}  // namespace latchkey
