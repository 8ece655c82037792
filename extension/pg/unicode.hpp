// Unicode normalisation by the server's own tables, and lower case by the database's collation.
#pragma once

#include <string>
#include <string_view>

namespace latchkey::pg {

std::string Nfc(std::string_view text);   // canonical composition: addresses
std::string Nfkc(std::string_view text);  // compatibility composition: passwords (RFC 8265)
std::string Nfkd(std::string_view text);  // compatibility decomposition: slugs out of names

// As lower() of a text without a collation of its own.
std::string Lower(std::string_view text);

}  // namespace latchkey::pg
