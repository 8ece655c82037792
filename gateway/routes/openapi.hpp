// The OpenAPI document, printed from the route table.
#pragma once

#include <string>
#include <vector>

#include "gateway/routes/route.hpp"

namespace latchkey {

// OpenAPI 3.1 as JSON text. `server_url` may be empty.
std::string RenderOpenApi(const std::vector<Route>& routes, const std::string& server_url);

}  // namespace latchkey
