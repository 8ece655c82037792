// Connections: what is taken, what is refused, and which hosts everybody may name.
#include "extension/core/connection_info.hpp"

#include <gtest/gtest.h>

#include "extension/core/error.hpp"

namespace latchkey {
namespace {

TEST(ConnectionInfo, HasDefaultsAndOneSpelling) {
  const auto connection =
      ParseConnection(R"({"user": "u", "database": "d", "host": "db.example.com"})");
  EXPECT_EQ(connection.ToJson(),
            R"({"host":"db.example.com","port":5432,"database":"d","user":"u","password":"",)"
            R"("sslmode":"prefer"})");
  EXPECT_EQ(ParseConnection(connection.ToJson()).ToJson(), connection.ToJson());
}

TEST(ConnectionInfo, KeepsEverythingThatIsGiven) {
  constexpr char kJson[] =
      R"({"host":"2001:db8::1","port":6432,"database":"a b","user":"ü\"'\\","password":"p'\\ \"€",)"
      R"("sslmode":"verify-full"})";
  EXPECT_EQ(ParseConnection(kJson).ToJson(), kJson);
}

TEST(ConnectionInfo, RefusesTheRest) {
  for (const char* json : {"",
                           "null",
                           "[]",
                           "{}",
                           "{\"host\":\"h\"}",
                           R"({"host":"h","database":"d"})",
                           R"({"host":"","database":"d","user":"u"})",
                           R"({"host":"h","database":"","user":"u"})",
                           R"({"host":"h","database":"d","user":""})",
                           R"({"host":"a,b","database":"d","user":"u"})",
                           R"({"host":1,"database":"d","user":"u"})",
                           R"({"host":"h\n","database":"d","user":"u"})",
                           R"({"host":"h","database":"d","user":"u","port":0})",
                           R"({"host":"h","database":"d","user":"u","port":65536})",
                           R"({"host":"h","database":"d","user":"u","port":"5432"})",
                           R"({"host":"h","database":"d","user":"u","port":1.5})",
                           R"({"host":"h","database":"d","user":"u","sslmode":"off"})",
                           R"({"host":"h","database":"d","user":"u","password":null})",
                           R"({"host":"h","database":"d","user":"u","sslkey":"/etc/key"})",
                           R"({"host":"h","database":"d","user":"u","options":"-c x=y"})"}) {
    EXPECT_THROW(ParseConnection(json), Error) << json;
  }
}

TEST(ConnectionInfo, SaysNothingOfAPassword) {
  try {
    ParseConnection("{\"host\":\"h\",\"password\":\"hunter2\\n\"}");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ((error.message() + error.detail() + error.hint()).find("hunter2"), std::string::npos);
  }
}

bool IsPublic(const std::string& host) {
  ConnectionInfo connection;
  connection.host = host;
  try {
    RequirePublicHost(connection);
    return true;
  } catch (const Error&) {
    return false;
  }
}

TEST(ConnectionInfo, PrivateHostsAreNotPublic) {
  for (const char* host : {"/var/run/postgresql",
                           "@socket",
                           "localhost",
                           "LOCALHOST",
                           "localhost.",
                           "a.localhost",
                           "127.0.0.1",
                           "127.1",
                           "2130706433",
                           "0x7f000001",
                           "0177.0.0.1",
                           "0",
                           "0.0.0.0",
                           "10.1.2.3",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.168.1.1",
                           "169.254.169.254",
                           "100.64.0.1",
                           "::1",
                           "::",
                           "::ffff:127.0.0.1",
                           "::ffff:a00:1",
                           "fe80::1",
                           "fd12::1",
                           "2001:db8::1",
                           "192.0.2.1",
                           "64:ff9b::7f00:1",
                           "255.255.255.255",
                           "224.0.0.1",
                           "ff02::1",
                           ""}) {
    EXPECT_FALSE(IsPublic(host)) << host;
  }
  for (const char* host :
       {"db.example.com", "mylocalhost", "localhost.example.com", "8.8.8.8", "172.32.0.1",
        "100.128.0.1", "2a00:1450::1", "deadbeef.example", "bad.cafe", "::ffff:8.8.8.8"}) {
    EXPECT_TRUE(IsPublic(host)) << host;
  }
}

}  // namespace
}  // namespace latchkey
