// Writing JSON text by hand, where a document object would be a waste.
#pragma once

#include <string>
#include <string_view>

namespace latchkey {

// Appends text as a quoted JSON string. Bytes that are not UTF-8 become '?', so the result is
// always valid.
void AppendJsonString(std::string& out, std::string_view text);

// The length in bytes of the UTF-8 character at the start of text (1 to 4), 0 when it is invalid.
size_t Utf8Length(std::string_view text);

// How many characters (code points) valid UTF-8 text has.
size_t CountCharacters(std::string_view text);

}  // namespace latchkey
