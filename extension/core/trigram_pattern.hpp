// What a trigram index is asked for a text that is searched for.
#pragma once

#include <string>
#include <string_view>

namespace latchkey {

// A pattern for LIKE that matches whatever contains the text, and perhaps more: for an index that
// finds few rows to look at, beside an exact comparison. A word's first and last letters also stand
// in the index together with its edge, and a great part of all rows shares such a trigram or an
// address's domain: to read their lists costs more than to compare the few more rows that match
// without. So the pattern has the insides of words alone, and of an address what is before the @,
// as long as that leaves three trigrams.
std::string TrigramPattern(std::string_view text);

}  // namespace latchkey
