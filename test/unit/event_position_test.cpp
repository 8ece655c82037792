// Positions in the feed: order, printing, strict parsing.
#include "extension/core/event_position.hpp"

#include <gtest/gtest.h>

namespace latchkey {
namespace {

constexpr char kId[] = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";

TEST(EventPosition, IsOrderedByEraThenTransactionThenId) {
  const Uuid id = *ParseUuid(kId);
  EXPECT_LT((EventPosition{1, 900, id}), (EventPosition{2, 7, Uuid{}}));
  EXPECT_LT((EventPosition{1, 9, id}), (EventPosition{1, 10, Uuid{}}));
  EXPECT_LT((EventPosition{1, 9, Uuid{}}), (EventPosition{1, 9, id}));
  EXPECT_LT(EventPosition{}, (EventPosition{1, 3, Uuid{}}));
}

TEST(EventPosition, ReadsWhatItPrints) {
  const EventPosition position{3, UINT64_MAX, *ParseUuid(kId)};
  EXPECT_EQ(position.ToString(), std::string("3.18446744073709551615.") + kId);
  ASSERT_TRUE(ParseEventPosition(position.ToString()));
  EXPECT_EQ(*ParseEventPosition(position.ToString()), position);
}

TEST(EventPosition, AnythingElseIsRefused) {
  const std::string id = kId;
  for (const std::string& text :
       {std::string(), std::string("1"), std::string("1.2"), std::string("1.2."), "1." + id,
        ".2." + id, "1.." + id, "-1.2." + id, "+1.2." + id, "1.-2." + id, " 1.2." + id,
        "1.2." + id + " ", "1.2x." + id, "2147483648.2." + id, "1.18446744073709551616." + id,
        "1.2.3." + id}) {
    EXPECT_FALSE(ParseEventPosition(text)) << text;
  }
}

}  // namespace
}  // namespace latchkey
