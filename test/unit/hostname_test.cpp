// Hostnames and slugs: one form for each, and nothing else is taken for one.
#include "extension/core/hostname.hpp"

#include <gtest/gtest.h>

#include "extension/core/slug.hpp"

namespace latchkey {
namespace {

TEST(Hostname, HasOneForm) {
  for (const char* host : {"shop.example", "SHOP.Example", "shop.example.", "shop.example:80",
                           "shop.example.:443", "shop.example:", "ｓｈｏｐ．ｅｘａｍｐｌｅ"}) {
    EXPECT_EQ(NormaliseHostname(host), "shop.example") << host;
  }
  for (const char* host : {"bücher.example", "BÜCHER.example",
                           "bu\xcc\x88"
                           "cher.example",
                           "xn--bcher-kva.example", "XN--BCHER-KVA.example"}) {
    EXPECT_EQ(NormaliseHostname(host), "xn--bcher-kva.example") << host;
  }
  // UTS 46 without the transition: ß stays itself.
  EXPECT_EQ(NormaliseHostname("faß.example"), "xn--fa-hia.example");
}

TEST(Hostname, RefusesWhatIsNone) {
  for (const char* host : {"",
                           ".",
                           ":80",
                           "shop",
                           "localhost",
                           ".example",
                           "a..example",
                           "-a.example",
                           "a-.example",
                           "a_b.example",
                           "a b.example",
                           "a.example/",
                           "a@b.example",
                           "192.0.2.1",
                           "127.1",
                           "0x7f.1",
                           "a.0x",
                           "a.0xff",
                           "1.2.3.4:80",
                           "[::1]",
                           "[2001:db8::1]:80",
                           "::1",
                           "a.example:b",
                           "xn--a.example",
                           "a.example\n",
                           "\xff.example"}) {
    EXPECT_FALSE(NormaliseHostname(host)) << host;
  }
  EXPECT_FALSE(NormaliseHostname(std::string_view("a.exam\0ple", 10)));
  EXPECT_FALSE(NormaliseHostname("1.2.3.4。"));
  EXPECT_FALSE(NormaliseHostname("１.２.３.４"));
}

TEST(Hostname, HasDnsLimits) {
  const std::string label(63, 'a');
  const std::string longest = label + '.' + label + '.' + label + '.' + std::string(61, 'a');
  EXPECT_EQ(NormaliseHostname(longest), longest);
  EXPECT_EQ(NormaliseHostname(longest + '.'), longest);
  EXPECT_FALSE(NormaliseHostname(longest + 'a'));
  EXPECT_FALSE(NormaliseHostname(label + "a.example"));
  EXPECT_FALSE(NormaliseHostname(std::string(100000, 'a')));
}

TEST(Hostname, NormalFormIsStable) {
  for (const char* host :
       {"bücher.example", "商店.example", "xn--fa-hia.example", "a--b.example"}) {
    const auto once = NormaliseHostname(host);
    ASSERT_TRUE(once) << host;
    EXPECT_EQ(NormaliseHostname(*once), once);
  }
}

TEST(Hostname, WithinADomain) {
  EXPECT_TRUE(IsWithinDomain("example.com", "example.com"));
  EXPECT_TRUE(IsWithinDomain("a.example.com", "example.com"));
  EXPECT_FALSE(IsWithinDomain("aexample.com", "example.com"));
  EXPECT_FALSE(IsWithinDomain("com", "example.com"));
}

TEST(Slug, Form) {
  for (const char* slug : {"ab", "a1", "1a", "12", "a-b", "a-b-c1"})
    EXPECT_TRUE(IsSlug(slug)) << slug;
  for (const char* slug : {"", "a", "-a", "a-", "a--b", "A1", "a_b", "a.b",
                           "\xc3\xa4"
                           "1"}) {
    EXPECT_FALSE(IsSlug(slug)) << slug;
  }
  EXPECT_TRUE(IsSlug(std::string(63, 'a')));
  EXPECT_FALSE(IsSlug(std::string(64, 'a')));
}

TEST(Slug, OfAName) {
  EXPECT_EQ(SlugFrom("Cafe\xcc\x81  Zu\xcc\x88rich!"), "cafe-zurich");
  EXPECT_EQ(SlugFrom("Ann's & Bob\xe2\x80\x99s"), "anns-bobs");
  EXPECT_EQ(SlugFrom("Stra\xc3\x9f"
                     "e"),
            "strasse");
  EXPECT_EQ(SlugFrom("x"), "");
  EXPECT_EQ(SlugFrom("\xe6\x9d\xb1"), "");
  EXPECT_EQ(SlugFrom("\xff"), "");
  // Cut, and never behind a hyphen.
  EXPECT_EQ(SlugFrom(std::string(62, 'a') + " b"), std::string(62, 'a'));
  EXPECT_EQ(NumberedSlug(std::string(63, 'a'), 12), std::string(60, 'a') + "-12");
  EXPECT_EQ(NumberedSlug(std::string(60, 'a') + "-bc", 2), std::string(60, 'a') + "-2");
}

}  // namespace
}  // namespace latchkey
