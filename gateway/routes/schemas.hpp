// The schemas of what routes answer, for the OpenAPI document.
#pragma once

#include <vector>

namespace latchkey {

struct Property {
  const char* name;
  const char* type;  // string, integer, boolean, object, strings (a list), date-time, uuid, email,
                     // or a schema's name, with [] after it for a list
  bool nullable;
  const char* description;
};

struct Schema {
  const char* name;
  const char* description;
  std::vector<Property> properties;
};

std::vector<Schema> PlanSchemas();
std::vector<Schema> CreditSchemas();
const std::vector<Schema>& AllSchemas();

}  // namespace latchkey
