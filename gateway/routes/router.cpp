// Matching of path patterns like /api/models/{name}, segment by segment.
#include "gateway/routes/router.hpp"

#include "gateway/http/json_text.hpp"

namespace latchkey {
namespace {

std::string_view TakeSegment(std::string_view& path) {
  path.remove_prefix(1);  // the slash
  const size_t end = path.find('/');
  const std::string_view segment = path.substr(0, end);
  path = end == std::string_view::npos ? std::string_view() : path.substr(end);
  return segment;
}

// The same routes under another word, for applications whose tenants are stores.
constexpr std::string_view kTenants = "/api/tenants";
constexpr std::string_view kStores = "/api/stores";

// Whether it is `prefix` or a path below it.
bool IsBelow(std::string_view path, std::string_view prefix) {
  return path.substr(0, prefix.size()) == prefix &&
         (path.size() == prefix.size() || path[prefix.size()] == '/');
}

// Calls visit(name, value) for each placeholder of a pattern that matches.
template <typename Visit>
bool MatchPattern(std::string_view pattern, std::string_view path, const Visit& visit) {
  if (IsBelow(path, kStores) && IsBelow(pattern, kTenants)) {
    pattern.remove_prefix(kTenants.size());
    path.remove_prefix(kStores.size());
  }
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = TakeSegment(pattern);
    const std::string_view given = TakeSegment(path);
    if (!wanted.empty() && wanted.front() == '{') {
      if (given.empty()) return false;
      visit(wanted.substr(1, wanted.size() - 2), given);
    } else if (wanted != given) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

bool Matches(std::string_view pattern, std::string_view path) {
  return MatchPattern(pattern, path, [](std::string_view, std::string_view) {});
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Match Router::Find(std::string_view method, std::string_view path) const {
  Match match;
  if (path.empty() || path[0] != '/') return match;
  if (method == "HEAD") method = "GET";
  for (size_t i = 0; i < routes_.size(); ++i) {
    if (!Matches(routes_[i].path, path)) continue;
    match.path_exists = true;
    if (method != routes_[i].method) continue;
    match.route = &routes_[i];
    match.index = i;
    return match;
  }
  return match;
}

std::string Router::Allowed(std::string_view path) const {
  std::string methods;
  for (const Route& route : routes_) {
    if (!Matches(route.path, path)) continue;
    methods += std::string(route.method) + ", ";
    if (std::string_view(route.method) == "GET") methods += "HEAD, ";
  }
  return methods + "OPTIONS";
}

std::string_view PathValue(const char* pattern, std::string_view path, std::string_view name) {
  std::string_view found;
  MatchPattern(pattern, path, [&](std::string_view key, std::string_view value) {
    if (key == name) found = value;
  });
  return found;
}

std::optional<std::string> DecodePercent(std::string_view text, bool plus_is_space) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus_is_space) c = ' ';
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = HexValue(text[i + 1]);
      const int low = HexValue(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high << 4 | low);
      i += 2;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) return std::nullopt;
    out += c;
  }
  for (std::string_view rest = out; !rest.empty();) {
    const size_t length = Utf8Length(rest);
    if (length == 0) return std::nullopt;
    rest.remove_prefix(length);
  }
  return out;
}

}  // namespace latchkey
