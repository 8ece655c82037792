// Splitting a URL (RFC 3986), of which only what webhooks need is taken.
#include "extension/core/webhook_url.hpp"

namespace latchkey {

namespace {

constexpr size_t kMaxHost = 253;
constexpr int kFirstFreePort = 1024;

bool IsVisible(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c > '~' || c == '\\' || c == '"' || c == '<' || c == '>') return false;
  }
  return true;
}

bool IsHost(std::string_view host, bool is_bracketed) {
  if (host.empty() || host.size() > kMaxHost) return false;
  for (const char c : host) {
    const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (is_bracketed ? !(alphanumeric || c == ':' || c == '.')
                     : !(alphanumeric || c == '-' || c == '.' || c == '_')) {
      return false;
    }
  }
  return is_bracketed || (host.front() != '.' && host.front() != '-');
}

// -1 for what is no port that may be used.
int PortOf(std::string_view digits) {
  if (digits.empty() || digits.size() > 5) return -1;
  int port = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return -1;
    port = port * 10 + (c - '0');
  }
  const bool usable = port == 80 || port == 443 || (port >= kFirstFreePort && port <= 65535);
  return usable ? port : -1;
}

bool TakeScheme(std::string_view& rest, WebhookUrl& url) {
  for (const bool is_https : {true, false}) {
    const std::string_view scheme = is_https ? "https://" : "http://";
    if (rest.substr(0, scheme.size()) != scheme) continue;
    rest.remove_prefix(scheme.size());
    url.is_https = is_https;
    url.port = is_https ? 443 : 80;
    return true;
  }
  return false;
}

}  // namespace

std::string ParseWebhookUrl(std::string_view text, WebhookUrl& url) {
  if (text.size() > kMaxWebhookUrl) return "it has more than 2,000 characters";
  if (!IsVisible(text)) return "it has characters that must be percent-encoded";
  std::string_view rest = text;
  if (!TakeScheme(rest, url)) return "it does not begin with https:// or http://";
  if (rest.find('#') != rest.npos) return "it has a fragment";
  const size_t end = rest.find_first_of("/?");
  std::string_view authority = rest.substr(0, end);
  url.target = end == rest.npos ? "/" : std::string(rest.substr(end));
  if (url.target[0] == '?') url.target.insert(0, "/");
  if (authority.find('@') != authority.npos) return "it has a user or a password";
  const bool is_bracketed = !authority.empty() && authority[0] == '[';
  size_t host_end = authority.find(is_bracketed ? ']' : ':');
  if (is_bracketed && host_end == authority.npos) return "its host is malformed";
  if (host_end == authority.npos) host_end = authority.size();
  url.host = authority.substr(is_bracketed ? 1 : 0, host_end - (is_bracketed ? 1 : 0));
  for (char& c : url.host) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  if (!IsHost(url.host, is_bracketed)) return "its host is malformed";
  authority.remove_prefix(host_end + (is_bracketed ? 1 : 0));
  if (authority.empty()) return "";
  if (authority[0] != ':') return "its host is malformed";
  url.port = PortOf(authority.substr(1));
  if (url.port < 0) return "its port is not 80, 443 or from 1024 to 65535";
  return "";
}

}  // namespace latchkey
