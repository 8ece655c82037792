// URLs of webhooks: what is taken, how it is split, and what is refused.
#include "extension/core/webhook_url.hpp"

#include <gtest/gtest.h>

namespace latchkey {
namespace {

struct Split {
  const char* text;
  bool is_https;
  const char* host;
  int port;
  const char* target;
};

TEST(WebhookUrl, SplitsWhatItTakes) {
  for (const Split& c :
       {Split{"https://example.com", true, "example.com", 443, "/"},
        Split{"https://EXAMPLE.com/Hook?a=B&c=%20", true, "example.com", 443, "/Hook?a=B&c=%20"},
        Split{"http://example.com:8080/x", false, "example.com", 8080, "/x"},
        Split{"https://example.com?x", true, "example.com", 443, "/?x"},
        Split{"https://example.com:80/", true, "example.com", 80, "/"},
        Split{"https://[2001:db8::1]:1024/x", true, "2001:db8::1", 1024, "/x"},
        Split{"https://[::1]", true, "::1", 443, "/"},
        Split{"https://127.0.0.1:65535/a@b:c", true, "127.0.0.1", 65535, "/a@b:c"},
        Split{"http://under_score.example-1.com", false, "under_score.example-1.com", 80, "/"}}) {
    WebhookUrl url;
    EXPECT_EQ(ParseWebhookUrl(c.text, url), "") << c.text;
    EXPECT_EQ(url.is_https, c.is_https) << c.text;
    EXPECT_EQ(url.host, c.host) << c.text;
    EXPECT_EQ(url.port, c.port) << c.text;
    EXPECT_EQ(url.target, c.target) << c.text;
  }
}

TEST(WebhookUrl, RefusesTheRest) {
  for (const char* text : {"",
                           "example.com",
                           "ftp://example.com",
                           "HTTPS://example.com",
                           "https:/example.com",
                           "https://",
                           "https:///x",
                           "https://:443/",
                           "https://a@example.com/",
                           "https://a:b@example.com/",
                           "https://example.com/#x",
                           "https://example.com/a b",
                           "https://example.com/\r\nX: y",
                           "https://example.com/\xc3\xbc",
                           "https://exa mple.com/",
                           "https://example.com\\@evil.com/",
                           "https://example.com:/",
                           "https://example.com:x/",
                           "https://example.com:0/",
                           "https://example.com:22/",
                           "https://example.com:1023/",
                           "https://example.com:65536/",
                           "https://example.com:443443/",
                           "https://example.com:-80/",
                           "https://[::1",
                           "https://[::1]x/",
                           "https://[]/",
                           "https://[::1%25eth0]/",
                           "https://.com/",
                           "https://-a.com/",
                           "https://a..b%2e/",
                           "https://b\xfc"
                           "cher.de/"}) {
    WebhookUrl url;
    EXPECT_NE(ParseWebhookUrl(text, url), "") << text;
  }
  WebhookUrl url;
  const std::string longest = "https://example.com/" + std::string(kMaxWebhookUrl - 20, 'x');
  EXPECT_EQ(ParseWebhookUrl(longest, url), "");
  EXPECT_NE(ParseWebhookUrl(longest + "x", url), "");
  EXPECT_NE(ParseWebhookUrl("https://" + std::string(254, 'a') + "/", url), "");
  EXPECT_NE(ParseWebhookUrl(std::string_view("https://a\0b.com/", 16), url), "");
}

}  // namespace
}  // namespace latchkey
