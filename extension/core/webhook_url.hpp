// URLs that webhooks are sent to: split into what a client needs, and strict about the rest.
#pragma once

#include <string>
#include <string_view>

namespace latchkey {

struct WebhookUrl {
  bool is_https = true;
  std::string host;  // lower case; an IPv6 address without its brackets
  int port = 443;
  std::string target;  // path and query, from the slash on
};

inline constexpr size_t kMaxWebhookUrl = 2000;

// Empty when the URL is good, else what is wrong with it. Visible ASCII only; no user, no fragment;
// port 80, 443 or at least 1024, so that other services of a host are not spoken to.
std::string ParseWebhookUrl(std::string_view text, WebhookUrl& url);

}  // namespace latchkey
