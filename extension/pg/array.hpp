// Arrays as parameters, so that one statement reads or writes many rows.
#pragma once

#include "extension/pg/args.hpp"

namespace latchkey::pg {

// A one-dimensional array; its elements are of a type that ToParam makes.
Raw ToArray(Oid element_type, const std::vector<Value>& values);
Raw ToArray(const std::vector<Uuid>& ids);

// The elements of a text array of any shape.
std::vector<std::optional<std::string>> FromTextArray(const Raw& array);

// How many elements an array has, and whether a null is among them.
struct ArrayShape {
  int size;
  bool has_nulls;
};
ArrayShape ShapeOf(const Raw& array);

}  // namespace latchkey::pg
