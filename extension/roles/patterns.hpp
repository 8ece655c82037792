// Reading the permissions that somebody wants to give.
#pragma once

#include "extension/pg/spi.hpp"

namespace latchkey::roles {

// The elements of a text[]: sorted, each once, well-formed and registered. Raises LK400 and LK404.
std::vector<std::string> ReadPatterns(pg::Spi& spi, const pg::Raw& array);

}  // namespace latchkey::roles
