// SHA-256 and HMAC-SHA256 against published vectors; random bytes; the wiping of secrets.
#include "extension/core/digest.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <type_traits>

#include "extension/core/random.hpp"
#include "extension/core/secret.hpp"
#include "test/unit/support.hpp"

namespace latchkey {
namespace {

TEST(Sha256, VectorsOfFips180) {
  EXPECT_EQ(HexEncode(Sha256("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(HexEncode(Sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HexEncode(Sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(HexEncode(Sha256(std::string(1000000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

struct MacVector {
  std::string key;
  std::string data;
  const char* mac;
};

// RFC 4231, test cases 1 to 4, 6 and 7.
const MacVector kMacVectors[] = {
    {std::string(20, '\x0b'), "Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"Jefe", "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {std::string(20, '\xaa'), std::string(50, '\xdd'),
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {test::FromHex("0102030405060708090a0b0c0d0e0f10111213141516171819"), std::string(50, '\xcd'),
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {std::string(131, '\xaa'),
     "This is a test using a larger than block-size key and a larger than block-size data. The key "
     "needs to be hashed before being used by the HMAC algorithm.",
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

TEST(HmacSha256, VectorsOfRfc4231) {
  for (const MacVector& v : kMacVectors) {
    EXPECT_EQ(HexEncode(HmacSha256(v.key).Compute(v.data)), v.mac);
  }
}

TEST(HmacSha256, OneObjectComputesManyTimesAndInAnyOrder) {
  const HmacSha256 first(kMacVectors[0].key);
  const HmacSha256 second(kMacVectors[1].key);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(HexEncode(first.Compute(kMacVectors[0].data)), kMacVectors[0].mac);
    ASSERT_EQ(HexEncode(second.Compute(kMacVectors[1].data)), kMacVectors[1].mac);
    first.Compute(std::string(static_cast<size_t>(i), 'x'));
  }
}

TEST(Random, BytesHaveTheirSizeAndNeverRepeat) {
  std::set<std::string> seen;
  for (int i = 0; i < 10000; ++i) EXPECT_TRUE(seen.insert(RandomBytes(16)).second);
  for (const size_t size : {0, 1, 2, 31, 32, 4096}) EXPECT_EQ(RandomBytes(size).size(), size);
}

// Moving must not allocate: it is declared not to throw, and in a server a failed promise ends
// every session.
TEST(Secret, MovesWithoutCopying) {
  static_assert(std::is_nothrow_move_constructible_v<Secret>);
  static_assert(std::is_nothrow_move_assignable_v<Secret>);
  static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
  for (const size_t size : {1, 8, 15, 16, 32, 4096}) {
    const std::string text(size, 's');
    Secret first{std::string_view(text)};
    const void* where = first.view().data();
    Secret second(std::move(first));
    EXPECT_EQ(second.view(), text);
    EXPECT_EQ(second.view().data(), where) << size;
    Secret third{std::string_view("another secret that goes")};
    third = std::move(second);
    EXPECT_EQ(third.view(), text);
    EXPECT_EQ(third.view().data(), where) << size;
  }
}

TEST(Secret, WhatWasMovedFromIsEmpty) {
  for (const size_t size : {0, 4, 32}) {
    const std::string text(size, 's');
    Secret first{std::string_view(text)};
    const Secret second(std::move(first));
    EXPECT_TRUE(first.empty());  // NOLINT: that is the question
    EXPECT_EQ(second.view(), text);
    Secret third;
    first = std::move(third);
    EXPECT_TRUE(first.empty());
  }
}

TEST(SameBytes, ComparesLengthAndContent) {
  EXPECT_TRUE(SameBytes("", ""));
  EXPECT_TRUE(SameBytes("abc", "abc"));
  EXPECT_FALSE(SameBytes("abc", "abd"));
  EXPECT_FALSE(SameBytes("abc", "ab"));
  EXPECT_FALSE(SameBytes("", "a"));
  EXPECT_FALSE(SameBytes(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
}

}  // namespace
}  // namespace latchkey
