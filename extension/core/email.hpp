// E-mail addresses: which ones are taken, and the key under which one is unique.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace latchkey {

inline constexpr size_t kMaxEmailBytes = 254;  // RFC 5321, errata 1690

// What is wrong with the address, in words for its sender; empty when nothing is. The text must
// already be in Unicode normal form C. Quoted local parts, comments and address literals are
// refused, and so are characters that cannot be seen or that reorder text.
std::optional<std::string> CheckEmail(std::string_view address);

// Two addresses with the same key are the same mailbox. Only A-Z are folded: a wider folding makes
// strangers collide (U+0131, U+017F, U+00DF), and then a reset for one opens the other.
std::string EmailKey(std::string_view normalised_address);

}  // namespace latchkey
