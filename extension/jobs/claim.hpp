// What the functions that workers call share.
#pragma once

#include "extension/pg/args.hpp"

namespace latchkey::jobs {

// An array of 1 to 100 types, each once; LK400 otherwise.
std::vector<std::string> TypesArgument(const pg::Args& args, int index);

}  // namespace latchkey::jobs
