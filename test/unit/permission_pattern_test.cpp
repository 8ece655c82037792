// Permission names and patterns: which are well-formed, and what covers what.
#include "extension/core/permission_pattern.hpp"

#include <gtest/gtest.h>

#include <string>

namespace latchkey {
namespace {

const std::string kLong(98, 'a');  // with ".b" a name of 100 bytes

TEST(PermissionPattern, TakesNames) {
  for (const std::string& name : {std::string("users.read"), std::string("a.b"),
                                  std::string("campaigns.drafts.write_own2"), kLong + ".b"}) {
    EXPECT_TRUE(IsPermissionName(name)) << name;
    EXPECT_TRUE(IsPermissionPattern(name)) << name;
  }
}

TEST(PermissionPattern, TakesPatternsThatAreNoNames) {
  for (const char* pattern : {"*", "users.*", "*.read", "users.own.*", "*.own.read"}) {
    EXPECT_TRUE(IsPermissionPattern(pattern)) << pattern;
    EXPECT_FALSE(IsPermissionName(pattern)) << pattern;
  }
}

TEST(PermissionPattern, RefusesWhatIsNeither) {
  for (const std::string& text : {std::string(""),
                                  std::string("users"),
                                  std::string("."),
                                  std::string(".read"),
                                  std::string("users."),
                                  std::string("users..read"),
                                  std::string("Users.read"),
                                  std::string("users.Read"),
                                  std::string("1users.read"),
                                  std::string("users.1read"),
                                  std::string("_users.read"),
                                  std::string("users-all.read"),
                                  std::string("users read.x"),
                                  std::string(" users.read"),
                                  std::string("users.read "),
                                  std::string("users.read\n"),
                                  std::string("users.read\0", 11),
                                  std::string("**"),
                                  std::string("*.*"),
                                  std::string(".*"),
                                  std::string("*."),
                                  std::string("*read"),
                                  std::string("users*"),
                                  std::string("users.re*"),
                                  std::string("us*.read"),
                                  std::string("users.*.read"),
                                  std::string("*.users.*"),
                                  std::string("*.*.read"),
                                  std::string("%.read"),
                                  std::string("\xc3\xbcsers.read"),
                                  kLong + ".bc",
                                  "*." + kLong + "a",
                                  kLong + "a.*"}) {
    EXPECT_FALSE(IsPermissionPattern(text)) << text;
    EXPECT_FALSE(IsPermissionName(text)) << text;
  }
}

TEST(PermissionPattern, CoversWhatItStandsFor) {
  for (const auto& [outer, inner] : {std::pair{"*", "*"},
                                     {"*", "users.read"},
                                     {"*", "users.*"},
                                     {"*", "*.read"},
                                     {"users.read", "users.read"},
                                     {"users.*", "users.*"},
                                     {"users.*", "users.read"},
                                     {"users.*", "users.own.read"},
                                     {"users.*", "users.own.*"},
                                     {"*.read", "*.read"},
                                     {"*.read", "users.read"},
                                     {"*.read", "users.own.read"},
                                     {"*.read", "*.own.read"}}) {
    EXPECT_TRUE(Covers(outer, inner)) << outer << " " << inner;
  }
}

// Each of these would be an escalation.
TEST(PermissionPattern, CoversNothingElse) {
  for (const auto& [outer, inner] : {std::pair{"users.read", "*"},
                                     {"users.*", "*"},
                                     {"*.read", "*"},
                                     {"users.read", "users.*"},
                                     {"users.read", "*.read"},
                                     {"users.read", "users.write"},
                                     {"users.read", "users.reads"},
                                     {"users.read", "users.rea"},
                                     {"users.read", "users.read.own"},
                                     {"users.*", "*.read"},
                                     {"users.*", "users2.read"},
                                     {"users.*", "user.read"},
                                     {"users.*", "own.users.read"},
                                     {"users.own.*", "users.*"},
                                     {"users.own.*", "users.read"},
                                     {"*.read", "users.*"},
                                     {"*.read", "users.spread"},
                                     {"*.read", "users.read_all"},
                                     {"*.read", "users.read.*"},
                                     {"*.own.read", "*.read"},
                                     {"*.own.read", "users.read"}}) {
    EXPECT_FALSE(Covers(outer, inner)) << outer << " " << inner;
  }
}

// Covers() against what patterns stand for: whatever it says is true of every name.
TEST(PermissionPattern, CoversOnlyWhenEveryNameIsCovered) {
  const char* words[] = {"a", "b"};
  std::vector<std::string> names, patterns = {"*"};
  for (const char* x : words) {
    for (const char* y : words) {
      const std::string two = std::string(x) + "." + y;
      names.push_back(two);
      for (const char* z : words) names.push_back(two + "." + z);
      patterns.push_back(two + ".*");
      patterns.push_back("*." + two);
    }
    patterns.push_back(std::string(x) + ".*");
    patterns.push_back("*." + std::string(x));
  }
  patterns.insert(patterns.end(), names.begin(), names.end());
  for (const auto& outer : patterns) {
    for (const auto& inner : patterns) {
      if (!Covers(outer, inner)) continue;
      for (const auto& name : names) {
        EXPECT_TRUE(!Covers(inner, name) || Covers(outer, name)) << outer << inner << name;
      }
      EXPECT_TRUE(!Covers(inner, "new.c") || Covers(outer, "new.c")) << outer << inner;
    }
  }
}

TEST(PermissionPattern, AnyOfMany) {
  const std::vector<std::string> held = {"users.read", "roles.*"};
  EXPECT_TRUE(AnyCovers(held, "users.read"));
  EXPECT_TRUE(AnyCovers(held, "roles.grant"));
  EXPECT_FALSE(AnyCovers(held, "users.write"));
  EXPECT_FALSE(AnyCovers(std::vector<std::string>{}, "users.read"));
}

}  // namespace
}  // namespace latchkey
