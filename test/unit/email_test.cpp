// E-mail addresses: which are taken, which are refused, and that no two strangers share a key.
#include "extension/core/email.hpp"

#include <gtest/gtest.h>

#include <cstdio>

namespace latchkey {
namespace {

TEST(Email, TakesOrdinaryAddresses) {
  for (const char* address :
       {"ann@example.com", "a@b.co", "first.last+tag@sub.example.org", "o'brien@example.ie",
        "ANN@EXAMPLE.COM", "1@2.example", "x_y-z@ex-ample.com", "!#$%&'*+-/=?^_`{|}~@example.com",
        "j\xc3\xbcrgen@b\xc3\xbc"
        "cher.example",
        "\xe7\x94\xa8\xe6\x88\xb7@\xe4\xbe\x8b\xe5\xad\x90.\xe5\xb9\xbf\xe5\x91\x8a"}) {
    EXPECT_FALSE(CheckEmail(address)) << address << ": " << *CheckEmail(address);
  }
}

TEST(Email, RefusesMalformedAddresses) {
  for (const char* address : {"",
                              "@",
                              "a",
                              "a@",
                              "@b.co",
                              "a@b",
                              "a@b@c.de",
                              "a@@b.co",
                              ".a@b.co",
                              "a.@b.co",
                              "a..b@c.de",
                              "a@.b.co",
                              "a@b.co.",
                              "a@b..co",
                              "a@-b.co",
                              "a@b-.co",
                              "a@b_c.de",
                              "a@b.co/x",
                              "a@b c.de",
                              "a b@c.de",
                              " a@b.co",
                              "a@b.co ",
                              "a\t@b.co",
                              "a@b.co\n",
                              "a\r\nBcc: x@y.zz@b.co",
                              "\"a b\"@c.de",
                              "a@[127.0.0.1]",
                              "a(comment)@b.co",
                              "Ann <a@b.co>",
                              "a,b@c.de",
                              "a;b@c.de",
                              "a:b@c.de",
                              "a\\b@c.de",
                              "a@b,co",
                              "a\x7f@b.co"}) {
    EXPECT_TRUE(CheckEmail(address)) << address;
  }
  EXPECT_TRUE(CheckEmail(std::string_view("a\0b@c.de", 8)));
  EXPECT_TRUE(CheckEmail(std::string_view("a@b.co\0", 7)));
}

TEST(Email, RefusesTextThatIsNotUtf8) {
  for (const char* address :
       {"\xff@b.co", "a\xc3@b.co", "a@b\xc0\xaf.co", "a\xed\xa0\x80@b.co", "a@b.c\xc3"}) {
    EXPECT_TRUE(CheckEmail(address)) << address;
  }
}

// Zero width, direction, soft hyphen, fillers, variation selectors, tags, private specials.
TEST(Email, RefusesCharactersThatCannotBeSeen) {
  for (const char* invisible :
       {"\xc2\xa0",        "\xc2\xad",     "\xcd\x8f",         "\xd8\x9c",
        "\xe1\x85\x9f",    "\xe1\x9a\x80", "\xe1\xa0\x8e",     "\xe2\x80\x80",
        "\xe2\x80\x8b",    "\xe2\x80\x8d", "\xe2\x80\x8e",     "\xe2\x80\xa8",
        "\xe2\x80\xae",    "\xe2\x81\xa0", "\xe2\x81\xa6",     "\xe2\xa0\x80",
        "\xe3\x80\x80",    "\xe3\x85\xa4", "\xef\xb8\x8f",     "\xef\xbb\xbf",
        "\xef\xbe\xa0",    "\xef\xbf\xbd", "\xf0\x9d\x85\xb3", "\xf3\xa0\x80\x81",
        "\xf3\xa0\x84\x80"}) {
    EXPECT_TRUE(CheckEmail(std::string("a") + invisible + "@b.co")) << invisible;
    EXPECT_TRUE(CheckEmail(std::string("a@b") + invisible + ".co")) << invisible;
  }
}

TEST(Email, LimitsAreInBytesAndInclusive) {
  const std::string label(63, 'd');
  const std::string domain = label + '.' + label + '.' + label;  // 191
  const std::string local(62, 'l');
  EXPECT_EQ((local + '@' + domain).size(), 254u);
  EXPECT_FALSE(CheckEmail(local + '@' + domain));
  EXPECT_TRUE(CheckEmail(local + "l@" + domain));
  EXPECT_FALSE(CheckEmail(std::string(64, 'l') + "@b.co"));
  EXPECT_TRUE(CheckEmail(std::string(65, 'l') + "@b.co"));
  EXPECT_TRUE(CheckEmail("a@" + label + "d.co"));
  EXPECT_TRUE(CheckEmail(std::string(100000, 'a') + "@b.co"));
}

TEST(Email, TheAnswerNeverRepeatsTheAddress) {
  for (const char* address : {"secretpart@", "secretpart", "sec ret@b.co", "secretpart@b"}) {
    const auto problem = CheckEmail(address);
    ASSERT_TRUE(problem);
    EXPECT_EQ(problem->find("secret"), std::string::npos) << *problem;
  }
}

TEST(Email, KeyFoldsAsciiLettersOnly) {
  EXPECT_EQ(EmailKey("Ann.LEE+X@Example.COM"), "ann.lee+x@example.com");
  EXPECT_EQ(EmailKey("@[`{"), "@[`{");
  // Kelvin sign, long s, dotless i, capital dotted i, sharp s: strangers to k, s, i and ss.
  for (const char* stranger : {"\xe2\x84\xaa", "\xc5\xbf", "\xc4\xb1", "\xc4\xb0", "\xc3\x9f",
                               "\xe1\xba\x9e", "\xc3\x84", "\xef\xbc\xa1"}) {
    EXPECT_EQ(EmailKey(stranger), stranger);
  }
  EXPECT_NE(EmailKey("m\xc4\xb1ke@example.org"), EmailKey("mike@example.org"));
  EXPECT_NE(EmailKey("stra\xc3\x9f"
                     "e@b.co"),
            EmailKey("strasse@b.co"));
}

TEST(Email, KeyIsIdempotentAndKeepsTheLength) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    const std::string key = EmailKey(text);
    EXPECT_EQ(key.size(), 1u);
    EXPECT_EQ(EmailKey(key), key);
    EXPECT_EQ(key != text, byte >= 'A' && byte <= 'Z');
  }
}

}  // namespace
}  // namespace latchkey
