// Arrays as parameters, so that one statement reads or writes many rows.
#pragma once

#include "extension/pg/args.hpp"

namespace latchkey::pg {

// A one-dimensional array; its elements are of a type that ToParam makes.
Raw ToArray(Oid element_type, const std::vector<Value>& values);
Raw ToArray(const std::vector<Uuid>& ids);

}  // namespace latchkey::pg
