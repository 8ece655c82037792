// Matching of permission names and patterns.
#include "extension/core/permission_pattern.hpp"

#include <algorithm>

namespace latchkey {

namespace {

constexpr size_t kMaxPermission = 100;

bool IsWord(std::string_view text) {
  if (text.empty() || text[0] < 'a' || text[0] > 'z') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool AreWords(std::string_view text) {
  for (size_t dot = text.find('.'); dot != std::string_view::npos; dot = text.find('.')) {
    if (!IsWord(text.substr(0, dot))) return false;
    text.remove_prefix(dot + 1);
  }
  return IsWord(text);
}

bool StartsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

}  // namespace

bool IsPermissionName(std::string_view text) {
  return text.size() <= kMaxPermission && text.find('.') != std::string_view::npos &&
         AreWords(text);
}

bool IsPermissionPattern(std::string_view text) {
  if (text == "*" || IsPermissionName(text)) return true;
  if (text.size() > kMaxPermission) return false;
  if (StartsWith(text, "*.")) return AreWords(text.substr(2));
  return EndsWith(text, ".*") && AreWords(text.substr(0, text.size() - 2));
}

bool Covers(std::string_view outer, std::string_view inner) {
  if (outer == "*" || outer == inner) return true;
  // The rest compares like with like: users.* covers users.roles.*, *.read covers *.own.read; but
  // *.read does not cover users.*, nor the other way round.
  if (EndsWith(outer, ".*")) return StartsWith(inner, outer.substr(0, outer.size() - 1));
  if (StartsWith(outer, "*.")) return EndsWith(inner, outer.substr(1));
  return false;
}

}  // namespace latchkey
