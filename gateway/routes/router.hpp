// Finding the route of a request.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/routes/route.hpp"

namespace latchkey {

struct Match {
  const Route* route = nullptr;  // null: no such path, or not with this method
  size_t index = 0;
  bool path_exists = false;
};

class Router {
 public:
  explicit Router(const std::vector<Route>& routes) : routes_(routes) {}

  // HEAD finds the route of GET.
  Match Find(std::string_view method, std::string_view path) const;
  // The methods of a path, as an Allow header wants them.
  std::string Allowed(std::string_view path) const;

 private:
  const std::vector<Route>& routes_;
};

// The raw part of `path` that stands for {name} in the pattern.
std::string_view PathValue(const char* pattern, std::string_view path, std::string_view name);

// Percent-decodes; nothing when it is malformed, not UTF-8, or has control characters.
std::optional<std::string> DecodePercent(std::string_view text, bool plus_is_space);

}  // namespace latchkey
