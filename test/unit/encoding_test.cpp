// Hexadecimal and base64: the vectors of RFC 4648, and that one byte string has exactly one
// spelling.
#include "extension/core/encoding.hpp"

#include <gtest/gtest.h>

#include <set>

#include "extension/core/random.hpp"
#include "test/unit/support.hpp"

namespace latchkey {
namespace {

struct Vector {
  const char* bytes;
  const char* base64;
  const char* hex;
};

// RFC 4648, section 10, without padding.
constexpr Vector kVectors[] = {
    {"", "", ""},
    {"f", "Zg", "66"},
    {"fo", "Zm8", "666f"},
    {"foo", "Zm9v", "666f6f"},
    {"foob", "Zm9vYg", "666f6f62"},
    {"fooba", "Zm9vYmE", "666f6f6261"},
    {"foobar", "Zm9vYmFy", "666f6f626172"},
};

std::string AllBytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  return bytes;
}

std::optional<std::string> HexDecoded(std::string_view text) {
  std::string bytes(text.size() / 2, '\0');
  if (!HexDecode(text, bytes.data())) return std::nullopt;
  return bytes;
}

TEST(Encoding, VectorsOfRfc4648) {
  for (const Vector& v : kVectors) {
    EXPECT_EQ(Base64UrlEncode(v.bytes), v.base64);
    EXPECT_EQ(Base64Encode(v.bytes), v.base64);
    EXPECT_EQ(HexEncode(v.bytes), v.hex);
    EXPECT_EQ(Base64UrlDecode(v.base64), v.bytes);
    EXPECT_EQ(Base64Decode(v.base64), v.bytes);
    EXPECT_EQ(HexDecoded(v.hex), v.bytes);
  }
}

TEST(Encoding, TheTwoAlphabetsDifferInTwoCharacters) {
  const std::string bytes = test::FromHex("fbefbeffffff");
  EXPECT_EQ(Base64Encode(bytes), "++++////");
  EXPECT_EQ(Base64UrlEncode(bytes), "----____");
  EXPECT_EQ(Base64Decode("++++////"), bytes);
  EXPECT_EQ(Base64UrlDecode("----____"), bytes);
  for (const char* foreign : {"++++", "////", "+A", "/w"}) EXPECT_FALSE(Base64UrlDecode(foreign));
  for (const char* foreign : {"----", "____", "-A", "_w"}) EXPECT_FALSE(Base64Decode(foreign));
}

TEST(Encoding, RoundTripOfEveryByteAndLength) {
  const std::string all = AllBytes();
  for (size_t size = 0; size <= all.size(); ++size) {
    for (const std::string& bytes : {all.substr(0, size), RandomBytes(size)}) {
      EXPECT_EQ(Base64UrlDecode(Base64UrlEncode(bytes)), bytes);
      EXPECT_EQ(Base64Decode(Base64Encode(bytes)), bytes);
      EXPECT_EQ(HexDecoded(HexEncode(bytes)), bytes);
    }
  }
}

TEST(Encoding, RefusesPaddingSpaceAndLengthsThatCannotBe) {
  for (const char* text : {"Zg==", "Zm8=", "Zg=", "=", "====", "Z", "Zm9vY", " Zg", "Zg ", "Z g",
                           "Zm9v\n", "\tZm9v", "Zm\r\n9v", "Zm9v.", "Zm,v", "Zm9\x80"}) {
    EXPECT_FALSE(Base64UrlDecode(text)) << text;
    EXPECT_FALSE(Base64Decode(text)) << text;
  }
  EXPECT_FALSE(Base64UrlDecode(std::string_view("Zm9\0", 4)));
}

// Two and three character endings carry 4 and 2 bits that mean nothing: they must be zero.
TEST(Encoding, RefusesTrailingBits) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::set<std::string> spellings;
  int accepted_pairs = 0;
  int accepted_triples = 0;
  for (const char last : alphabet) {
    if (const auto bytes = Base64UrlDecode(std::string("Z") + last)) {
      ++accepted_pairs;
      EXPECT_TRUE(spellings.insert(*bytes).second);
    }
    if (Base64UrlDecode(std::string("Zm") + last)) ++accepted_triples;
  }
  EXPECT_EQ(accepted_pairs, 4);
  EXPECT_EQ(accepted_triples, 16);
}

TEST(Encoding, EveryForeignByteIsRefusedAtEveryPlace) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool known = alphabet.find(c) != std::string::npos;
    for (size_t place = 0; place < 8; ++place) {
      std::string text = "AAAAAAAA";
      text[place] = c;
      EXPECT_EQ(Base64UrlDecode(text).has_value(), known) << byte << " at " << place;
    }
  }
}

TEST(Encoding, HexTakesBothCasesAndNothingElse) {
  EXPECT_EQ(HexDecoded("00ffFFaB"), test::FromHex("00ffffab"));
  for (const char* text : {"0", "abc", "0x", "g0", "0g", " 00", "00 ", "-1", "\xff\xff"}) {
    EXPECT_FALSE(HexDecoded(text)) << text;
  }
  int digits = 0;
  for (int byte = 0; byte < 256; ++byte) {
    if (HexDigit(static_cast<char>(byte)) >= 0) ++digits;
  }
  EXPECT_EQ(digits, 22);
}

}  // namespace
}  // namespace latchkey
