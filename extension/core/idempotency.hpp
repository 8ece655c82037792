// Keys by which a call may be repeated, and fingerprints that tell whether its arguments are the
// same.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

namespace latchkey {

// What a caller gave to make a call repeatable.
struct Idempotency {
  std::optional<std::string> key;
  std::optional<std::string> fingerprint;  // of the call's other arguments; none without a key
};

// `arguments`: what must be the same when the key comes again. Raises LK400 for a key that is empty
// or longer than 255 bytes.
Idempotency MakeIdempotency(std::optional<std::string> key,
                            std::initializer_list<std::string> arguments);

// An argument in a form that no neighbouring one can be mistaken for.
std::string Spell(const std::optional<std::string>& argument);
std::string Spell(int64_t argument);

}  // namespace latchkey
