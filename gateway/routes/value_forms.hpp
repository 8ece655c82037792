// The forms of values that a text must have before the database sees it.
#pragma once

#include <string>
#include <string_view>

#include "gateway/routes/route.hpp"

namespace latchkey {

// What is wrong with it, as "must be a UUID"; empty when nothing is, or when the type has no form.
std::string WrongForm(Type type, std::string_view text);

}  // namespace latchkey
