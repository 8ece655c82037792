// Written JSON: every character is escaped as it must be, and what is written reads back the same.
#include "extension/core/json_object.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace latchkey {
namespace {

TEST(JsonObject, EscapesQuotesBackslashesAndControls) {
  EXPECT_EQ(JsonString(""), "\"\"");
  EXPECT_EQ(JsonString("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(JsonString("\b\f\n\r\t"), R"("\b\f\n\r\t")");
  EXPECT_EQ(JsonString(std::string_view("\0\x01\x1f", 3)), R"("\u0000\u0001\u001f")");
}

TEST(JsonObject, EveryByteReadsBackOrBecomesTheReplacementCharacter) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = std::string("x") + static_cast<char>(byte) + "y";
    const auto parsed = nlohmann::json::parse(JsonString(text));
    EXPECT_EQ(parsed.get<std::string>(), byte < 0x80 ? text : "x\xef\xbf\xbdy") << byte;
  }
}

TEST(JsonObject, KeepsTextOfEveryPlane) {
  const std::string text = "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \xe2\x80\xa8";
  EXPECT_EQ(nlohmann::json::parse(JsonString(text)).get<std::string>(), text);
  for (const char* bad : {"\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xed\xa0\x80", "\xc0\x80", "\xff"}) {
    EXPECT_NO_THROW(nlohmann::json::parse(JsonString(bad))) << bad;
  }
}

TEST(JsonObject, WritesEachTypeInTheGivenOrder) {
  const std::string json = JsonObject()
                               .Add("z", "text")
                               .Add("a", int64_t{INT64_MIN})
                               .Add("n", int64_t{INT64_MAX})
                               .Add("t", true)
                               .Add("f", false)
                               .AddRaw("raw", "[1,null]")
                               .ToString();
  EXPECT_EQ(json,
            R"({"z":"text","a":-9223372036854775808,"n":9223372036854775807,"t":true,"f":false,)"
            R"("raw":[1,null]})");
  EXPECT_EQ(JsonObject().ToString(), "{}");
}

TEST(JsonObject, AValueCannotBreakOutOfItsPlace) {
  const std::string attack = R"(x","role":"admin)";
  const std::string json = JsonObject().Add("name", attack).Add(attack, "v").ToString();
  const auto parsed = nlohmann::json::parse(json);
  EXPECT_EQ(parsed.size(), 2u);
  EXPECT_EQ(parsed["name"], attack);
  EXPECT_EQ(parsed[attack], "v");
  EXPECT_FALSE(parsed.contains("role"));
}

}  // namespace
}  // namespace latchkey
