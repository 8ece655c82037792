// Names of permissions (users.read), and the patterns by which roles and API keys hold many: *,
// users.*, *.read.
#pragma once

#include <string_view>
#include <vector>

namespace latchkey {

// Lower-case words joined by dots, at least two.
bool IsPermissionName(std::string_view text);

// A name, or a pattern: * alone, NAME.* or *.NAME.
bool IsPermissionPattern(std::string_view text);

// Whether everything that `inner` stands for, today and later, is held by `outer` too. A name is a
// pattern that stands for itself.
bool Covers(std::string_view outer, std::string_view inner);

template <typename Patterns>
bool AnyCovers(const Patterns& outer, std::string_view inner) {
  for (const auto& pattern : outer) {
    if (Covers(pattern, inner)) return true;
  }
  return false;
}

}  // namespace latchkey
