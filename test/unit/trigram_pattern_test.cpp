// What the trigram index is asked for: never less than what contains the text.
#include "extension/core/trigram_pattern.hpp"

#include <gtest/gtest.h>

namespace latchkey {
namespace {

TEST(TrigramPattern, HasTheInsidesOfWords) {
  EXPECT_EQ(TrigramPattern("smith"), "%smith%");
  EXPECT_EQ(TrigramPattern("Ann Smith"), "%Ann%Smith%");
  EXPECT_EQ(TrigramPattern(".423456"), "%423456%");
  EXPECT_EQ(TrigramPattern("j. r. r. tolkien"), "%tolkien%");
}

TEST(TrigramPattern, LeavesOutAnAddresssDomain) {
  EXPECT_EQ(TrigramPattern("ann.smith@example.org"), "%ann%smith%");
  EXPECT_EQ(TrigramPattern("smith@"), "%smith%");
}

TEST(TrigramPattern, KeepsTheDomainWhereTheNameIsShort) {
  EXPECT_EQ(TrigramPattern("ann@example.org"), "%ann%example%org%");
  EXPECT_EQ(TrigramPattern("@example.org"), "%example%org%");
}

TEST(TrigramPattern, IsTheTextWhereWordsAreShort) {
  EXPECT_EQ(TrigramPattern("ann"), "%ann%");
  EXPECT_EQ(TrigramPattern("al b"), "%al b%");
  EXPECT_EQ(TrigramPattern("a@b.c"), "%a@b.c%");
}

TEST(TrigramPattern, EscapesWhatLikeTakesForAWildcard) {
  EXPECT_EQ(TrigramPattern("%_%"), "%\\%\\_\\%%");
  EXPECT_EQ(TrigramPattern("a\\b"), "%a\\\\b%");
}

TEST(TrigramPattern, CountsCharactersNotBytes) {
  EXPECT_EQ(TrigramPattern("\xc3\xa4\xc3\xb6 x"),
            "%\xc3\xa4\xc3\xb6 x%");  // two letters are no trigram
  EXPECT_EQ(TrigramPattern("m\xc3\xbcller x"), "%m\xc3\xbcller%");
}

}  // namespace
}  // namespace latchkey
