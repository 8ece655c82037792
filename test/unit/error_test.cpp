// The table of errors: SQLSTATEs and codes are unique, well formed, and as the design lists them.
#include "extension/core/error.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <iterator>
#include <map>
#include <set>

namespace latchkey {
namespace {

TEST(Errors, SqlStatesAndCodesAreUnique) {
  std::set<std::string> states;
  std::set<std::string> codes;
  for (const ErrorInfo& error : kErrors) {
    EXPECT_TRUE(states.insert(error.sqlstate).second) << error.sqlstate;
    EXPECT_TRUE(codes.insert(error.code).second) << error.code;
  }
}

TEST(Errors, EachIsWellFormed) {
  for (const ErrorInfo& error : kErrors) {
    const std::string state = error.sqlstate;
    EXPECT_EQ(state.size(), 5u);
    EXPECT_EQ(state.substr(0, 2), "LK");
    for (const char c : state.substr(2)) EXPECT_TRUE(std::isdigit(static_cast<unsigned char>(c)));
    for (const char c : std::string(error.code)) EXPECT_TRUE(c == '_' || (c >= 'a' && c <= 'z'));
    EXPECT_GE(error.http_status, 400);
    EXPECT_LT(error.http_status, 600);
    const std::string meaning = error.meaning;
    EXPECT_FALSE(meaning.empty());
    EXPECT_NE(meaning.back(), '.');
    EXPECT_EQ(meaning.find('\n'), std::string::npos);
  }
}

TEST(Errors, HttpStatusesAreThoseOfTheReference) {
  const std::map<std::string, int> expected = {
      {"LK400", 400}, {"LK401", 401}, {"LK411", 401}, {"LK402", 402},
      {"LK403", 403}, {"LK413", 403}, {"LK404", 404}, {"LK409", 409},
      {"LK419", 409}, {"LK423", 429}, {"LK429", 429}, {"LK503", 503},
  };
  std::map<std::string, int> found;
  for (const ErrorInfo& error : kErrors) found[error.sqlstate] = error.http_status;
  for (const auto& [state, status] : expected) EXPECT_EQ(found[state], status) << state;
}

TEST(Errors, DescribeFindsTheRowOfTheCode) {
  EXPECT_STREQ(Describe(ErrorCode::kInvalidArgument).sqlstate, "LK400");
  EXPECT_STREQ(Describe(ErrorCode::kInvalidToken).code, "invalid_token");
  EXPECT_EQ(&Describe(ErrorCode::kNotConfigured), std::end(kErrors) - 1);
}

TEST(Errors, AnErrorCarriesItsTexts) {
  const Error error(ErrorCode::kNotFound, "no such user", "The detail.", "The hint.");
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_STREQ(error.what(), "no such user");
  EXPECT_EQ(error.detail(), "The detail.");
  EXPECT_EQ(error.hint(), "The hint.");
  EXPECT_TRUE(Error(ErrorCode::kTooBusy, "busy").hint().empty());
}

}  // namespace
}  // namespace latchkey
