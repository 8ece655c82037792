// The schemas of what routes answer, for the OpenAPI document.
#pragma once

#include <vector>

namespace latchkey {

struct Property {
  const char* name;
  const char*
      type;  // string, strings, integer, boolean, object, date-time, uuid, email, or a schema
  bool nullable;
  const char* description;
};

struct Schema {
  const char* name;
  const char* description;
  std::vector<Property> properties;
};

const std::vector<Schema>& AllSchemas();

}  // namespace latchkey
