// Collecting a statement's parameters from a request.
#pragma once

#include <optional>
#include <vector>

#include "gateway/config.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/routes/route.hpp"

namespace latchkey {

// The bearer token of a request: absent, refused, or the token.
struct Bearer {
  std::optional<std::string> token;
  std::optional<Failure> failure;
};
Bearer ReadBearer(const RequestHead& head);

// Fills `values`, one for each argument of the route.
std::optional<Failure> CollectArguments(const Route& route, const Config& config,
                                        const Request& request, const Bearer& bearer,
                                        std::vector<Parameter>& values);

}  // namespace latchkey
