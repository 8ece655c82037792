// Reading a JSON body strictly, by the arguments that a route takes.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "gateway/routes/route.hpp"

namespace latchkey {

// Fills values[i] for every arguments[i] that comes from the body; the others are left alone. What
// is missing, unknown, given twice, of another type or too long is refused by name.
std::optional<Failure> ReadJsonBody(std::string_view body, const std::vector<Argument>& arguments,
                                    std::vector<Parameter>& values);

}  // namespace latchkey
