// The schemas of what routes answer, for the OpenAPI document.
#pragma once

#include <vector>

namespace latchkey {

struct Property {
  const char* name;
  const char* type;  // string, integer, number, boolean, object, json (any value), strings (a
                     // list), date-time, uuid, email, or a schema's name, with [] after it for a
                     // list
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
std::vector<Schema> BillingSchemas();
std::vector<Schema> TenantSchemas();
std::vector<Schema> SystemSchemas();
std::vector<Schema> WebhookSchemas();
const std::vector<Schema>& AllSchemas();

}  // namespace latchkey
