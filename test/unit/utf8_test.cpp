// UTF-8: every code point goes through, every malformed sequence is refused (RFC 3629).
#include "extension/core/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace latchkey {
namespace {

std::string Encode(char32_t c) {
  std::string text;
  if (c < 0x80) return std::string(1, static_cast<char>(c));
  if (c < 0x800) {
    text += static_cast<char>(0xc0 | c >> 6);
  } else if (c < 0x10000) {
    text += static_cast<char>(0xe0 | c >> 12);
    text += static_cast<char>(0x80 | (c >> 6 & 0x3f));
  } else {
    text += static_cast<char>(0xf0 | c >> 18);
    text += static_cast<char>(0x80 | (c >> 12 & 0x3f));
    text += static_cast<char>(0x80 | (c >> 6 & 0x3f));
  }
  return text + static_cast<char>(0x80 | (c & 0x3f));
}

TEST(Utf8, EveryCodePointAndNoSurrogate) {
  for (char32_t c = 0; c <= 0x10ffff; ++c) {
    const std::string text = Encode(c) + "x";
    std::string_view rest = text;
    const auto point = NextCodePoint(rest);
    if (c >= 0xd800 && c < 0xe000) {
      ASSERT_FALSE(point) << c;
      ASSERT_EQ(rest.size(), text.size());
    } else {
      ASSERT_EQ(point, c);
      ASSERT_EQ(rest, "x");
    }
  }
}

TEST(Utf8, RefusesMalformedSequences) {
  for (const char* bad : {"\x80",
                          "\xbf",
                          "\xc0\x80",
                          "\xc0\xaf",
                          "\xc1\xbf",
                          "\xe0\x80\xaf",
                          "\xe0\x9f\xbf",
                          "\xf0\x80\x80\xaf",
                          "\xf0\x8f\xbf\xbf",
                          "\xed\xa0\x80",
                          "\xed\xbf\xbf",
                          "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80",
                          "\xf8\x88\x80\x80\x80",
                          "\xfc\x84\x80\x80\x80\x80",
                          "\xfe",
                          "\xff",
                          "\xc3",
                          "\xe2\x82",
                          "\xf0\x9f\x98",
                          "\xc3\x28",
                          "\xe2\x28\xa1",
                          "\xe2\x82\x28",
                          "\xf0\x28\x8c\xbc",
                          "\xf0\x90\x28\xbc",
                          "\xf0\x90\x8c\x28",
                          "a\xc3"}) {
    EXPECT_FALSE(CountCodePoints(bad)) << bad;
  }
}

TEST(Utf8, CountsCodePointsNotBytes) {
  EXPECT_EQ(CountCodePoints(""), 0u);
  EXPECT_EQ(CountCodePoints("abc"), 3u);
  EXPECT_EQ(CountCodePoints("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), 3u);
  EXPECT_EQ(CountCodePoints(std::string_view("a\0b", 3)), 3u);
  std::string_view empty;
  EXPECT_FALSE(NextCodePoint(empty));
}

TEST(Utf8, CutsBetweenCharacters) {
  const std::string text = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z";
  for (size_t bytes = 0; bytes <= text.size() + 2; ++bytes) {
    const auto cut = CutText(text, bytes);
    EXPECT_LE(cut.size(), bytes);
    EXPECT_TRUE(CountCodePoints(cut)) << bytes;
    EXPECT_EQ(text.compare(0, cut.size(), cut), 0);
    EXPECT_LT(bytes - cut.size(), bytes >= text.size() ? bytes - text.size() + 1 : 4);
  }
}

TEST(Utf8, AsciiIsSevenBits) {
  EXPECT_TRUE(IsAscii(""));
  EXPECT_TRUE(IsAscii("az\x7f"));
  EXPECT_FALSE(IsAscii("a\x80"));
  EXPECT_FALSE(IsAscii("\xc3\xa4"));
}

}  // namespace
}  // namespace latchkey
