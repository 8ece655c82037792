// UUIDs: version and variant bits, order in time, strict parsing.
#include "extension/core/uuid.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <set>

#include "test/unit/support.hpp"

namespace latchkey {
namespace {

constexpr char kText[] = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";  // RFC 9562, appendix A.6

int64_t MillisOf(const Uuid& id) {
  int64_t millis = 0;
  for (int i = 0; i < 6; ++i) millis = millis << 8 | id.bytes[i];
  return millis;
}

int64_t NowMillis() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

TEST(Uuid, NewIdsAreVersion7OfTheRfcVariantAndOfNow) {
  for (int i = 0; i < 10000; ++i) {
    const int64_t before = NowMillis();
    const Uuid id = NewUuid();
    EXPECT_EQ(id.bytes[6] >> 4, 7);
    EXPECT_EQ(id.bytes[8] >> 6, 2);
    EXPECT_GE(MillisOf(id), before);
    EXPECT_LE(MillisOf(id), NowMillis());
  }
}

TEST(Uuid, NewIdsNeverRepeat) {
  std::set<std::string> seen;
  for (int i = 0; i < 100000; ++i) EXPECT_TRUE(seen.insert(NewUuid().ToString()).second);
}

// Random bytes are fetched for many ids at a time: a child must not go on with its parent's.
TEST(Uuid, AForkedProcessMakesOthersThanItsParent) {
  NewUuid();
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  const Uuid id = NewUuid();
  if (child == 0) {
    const bool written = write(ends[1], id.bytes.data(), 16) == 16;
    _exit(written ? 0 : 1);
  }
  Uuid of_child;
  EXPECT_EQ(read(ends[0], of_child.bytes.data(), 16), 16);
  waitpid(child, nullptr, 0);
  EXPECT_NE(of_child.AsBytes().substr(9), id.AsBytes().substr(9));  // what the clock has no part in
  close(ends[0]);
  close(ends[1]);
}

TEST(Uuid, SortByTheOrderOfTheirMaking) {
  std::string last = NewUuid().ToString();
  for (int i = 0; i < 20000; ++i) {
    const std::string next = NewUuid().ToString();
    EXPECT_LT(last, next);
    last = next;
  }
}

TEST(Uuid, TextualOrderIsByteOrder) {
  const Uuid a = *ParseUuid("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  const Uuid b = *ParseUuid("017f22e2-79b0-7cc3-98c4-dc0c0c073990");
  EXPECT_LT(a.AsBytes(), b.AsBytes());
  EXPECT_LT(a.ToString(), b.ToString());
  EXPECT_TRUE(a != b);
  EXPECT_TRUE(a == *ParseUuid(a.ToString()));
}

TEST(Uuid, ParsesTheCanonicalFormInEitherCase) {
  const auto id = ParseUuid(kText);
  ASSERT_TRUE(id);
  EXPECT_EQ(id->AsBytes(), test::FromHex("017f22e279b07cc398c4dc0c0c07398f"));
  EXPECT_EQ(id->ToString(), kText);
  EXPECT_EQ(ParseUuid("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")->ToString(), kText);
  EXPECT_TRUE(ParseUuid("00000000-0000-0000-0000-000000000000"));
  EXPECT_TRUE(ParseUuid("ffffffff-ffff-ffff-ffff-ffffffffffff"));
}

TEST(Uuid, RefusesEveryOtherForm) {
  const std::string text = kText;
  for (const std::string& bad :
       {std::string(), "{" + text + "}", "urn:uuid:" + text, text + " ", " " + text, text + "0",
        std::string("017f22e279b07cc398c4dc0c0c07398f"),
        std::string("017f22e2-79b07cc3-98c4-dc0c-0c07398f"),
        std::string("017f22e27-9b0-7cc3-98c4-dc0c0c07398f"),
        std::string("017f-22e2-79b0-7cc3-98c4-dc0c0c07398"),
        std::string("017f22e2_79b0_7cc3_98c4_dc0c0c07398f")}) {
    EXPECT_FALSE(ParseUuid(bad)) << bad;
  }
  test::ForEachTruncation(text, [](const std::string& cut) { EXPECT_FALSE(ParseUuid(cut)); });
}

TEST(Uuid, EveryForeignByteIsRefusedAtEveryPlace) {
  for (size_t place = 0; place < 36; ++place) {
    const bool hyphen = place == 8 || place == 13 || place == 18 || place == 23;
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = kText;
      text[place] = static_cast<char>(byte);
      const bool fits = hyphen ? byte == '-' : HexDigit(text[place]) >= 0;
      EXPECT_EQ(ParseUuid(text).has_value(), fits) << place << ' ' << byte;
    }
  }
}

}  // namespace
}  // namespace latchkey
