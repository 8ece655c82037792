// What a connection string to a tenant's database says, and what libpq makes of it on a machine
// whose environment and service file say otherwise.
#include "gateway/tenants/database_address.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

namespace latchkey {
namespace {

constexpr char kMarker[] = "of-this-machine";

DatabaseAddress Somewhere(bool trusted) {
  DatabaseAddress address;
  address.host = "db.example.com";
  address.port = "5433";
  address.database = "shop";
  address.user = "o'hara";
  address.sslmode = "prefer";
  address.password = R"(it's \ own)";
  address.trusted = trusted;
  return address;
}

using Options = std::map<std::string, std::string>;

Options ToMap(PQconninfoOption* options) {
  Options map;
  for (const PQconninfoOption* option = options; option && option->keyword; ++option) {
    if (option->val) map[option->keyword] = option->val;
  }
  PQconninfoFree(options);
  return map;
}

// What libpq would connect with. It begins to, and is not waited for.
Options Effective(const std::string& text) {
  const char* keywords[] = {"dbname", nullptr};
  const char* values[] = {text.c_str(), nullptr};
  PGconn* connection = PQconnectStartParams(keywords, values, 1);
  Options options = ToMap(PQconninfo(connection));
  PQfinish(connection);
  return options;
}

// Sets everything that libpq takes from the environment, and the same in a service file.
class Environment {
 public:
  Environment() {
    std::ofstream services(file_);
    services << "[ours]\n";
    PQconninfoOption* options = PQconndefaults();
    for (const PQconninfoOption* option = options; option->keyword; ++option) {
      const std::string keyword = option->keyword;
      if (!option->envvar || keyword == "service") continue;
      Set(option->envvar, kMarker);
      services << keyword << "=" << kMarker << "\n";
    }
    PQconninfoFree(options);
    Set("PGSERVICEFILE", file_);
    Set("PGSERVICE", "ours");
  }
  ~Environment() {
    for (const std::string& name : names_) unsetenv(name.c_str());
    std::remove(file_.c_str());
  }

 private:
  void Set(const std::string& name, const std::string& value) {
    setenv(name.c_str(), value.c_str(), 1);
    names_.push_back(name);
  }
  const std::string file_ = ::testing::TempDir() + "latchkey_services_test";
  std::vector<std::string> names_;
};

std::set<std::string> KeywordsOfThisMachine(const Options& options) {
  std::set<std::string> keywords;
  for (const auto& [keyword, value] : options) {
    if (value == kMarker) keywords.insert(keyword);
  }
  return keywords;
}

// The name of the program, which ours is a fallback of, and what demands something of the server.
const std::set<std::string> kHarmless = {"application_name",
                                         "client_encoding",
                                         "connect_timeout",
                                         "sslcompression",
                                         "sslrootcert",
                                         "sslcrl",
                                         "sslcrldir",
                                         "sslsni",
                                         "ssl_min_protocol_version",
                                         "ssl_max_protocol_version",
                                         "min_protocol_version",
                                         "max_protocol_version"};

TEST(DatabaseAddressTest, QuotesEverything) {
  for (const bool trusted : {true, false}) {
    const DatabaseAddress address = Somewhere(trusted);
    char* error = nullptr;
    const Options options =
        ToMap(PQconninfoParse(WriteConnectionString(address, "192.0.2.1").c_str(), &error));
    ASSERT_EQ(error, nullptr) << error;
    EXPECT_EQ(options.at("host"), address.host);
    EXPECT_EQ(options.at("hostaddr"), "192.0.2.1");
    EXPECT_EQ(options.at("port"), "5433");
    EXPECT_EQ(options.at("dbname"), "shop");
    EXPECT_EQ(options.at("user"), address.user);
    EXPECT_EQ(options.at("password"), address.password);
    EXPECT_EQ(options.at("sslmode"), "prefer");
  }
}

TEST(DatabaseAddressTest, NothingOfThisMachineGoesToAServerThatATenantNamed) {
  const Environment environment;
  DatabaseAddress address = Somewhere(false);
  address.password.clear();
  const Options options = Effective(WriteConnectionString(address, "192.0.2.1"));
  ASSERT_EQ(options.at("host"), address.host);
  for (const std::string& keyword : KeywordsOfThisMachine(options)) {
    EXPECT_EQ(kHarmless.count(keyword), 1u) << keyword;
  }
  EXPECT_EQ(options.at("passfile"), "/dev/null/none");
  EXPECT_EQ(options.at("sslcert"), "/dev/null/none");
  EXPECT_EQ(options.at("gssencmode"), "disable");
}

// Else the test above would pass with an environment that nobody reads.
TEST(DatabaseAddressTest, TheServersOfThePlatformGetThisMachinesCertificates) {
  const Environment environment;
  DatabaseAddress address = Somewhere(true);
  address.password.clear();
  const Options options = Effective(WriteConnectionString(address, ""));
  EXPECT_EQ(options.at("sslcert"), kMarker);
  EXPECT_EQ(options.at("passfile"), kMarker);
  const std::set<std::string> ours = KeywordsOfThisMachine(options);
  for (const char* keyword :
       {"host", "hostaddr", "port", "dbname", "user", "password", "sslmode"}) {
    EXPECT_EQ(ours.count(keyword), 0u) << keyword;
  }
}

TEST(DatabaseAddressTest, APasswordGoesInClearOverTlsOnly) {
  if (ToMap(PQconndefaults()).count("require_auth") == 0) GTEST_SKIP() << "this libpq can't refuse";
  DatabaseAddress address = Somewhere(false);
  EXPECT_EQ(Effective(WriteConnectionString(address, "192.0.2.1")).at("require_auth"),
            "md5,scram-sha-256,none");
  address.sslmode = "verify-full";
  EXPECT_EQ(Effective(WriteConnectionString(address, "192.0.2.1")).at("require_auth"),
            "password,md5,scram-sha-256,none");
}

TEST(DatabaseAddressTest, APrivateHostIsForThePlatform) {
  DatabaseAddress address = Somewhere(false);
  for (const char* host : {"127.0.0.1", "10.1.2.3", "::1", "0x7f.1", "localhost"}) {
    address.host = host;
    const ConnectionString made = MakeConnectionString(address);
    EXPECT_EQ(made.text, "") << host;
    EXPECT_EQ(made.error, "the host's address is private or reserved") << host;
  }
  address.host = "8.8.8.8";
  EXPECT_NE(MakeConnectionString(address).text.find("hostaddr='8.8.8.8'"), std::string::npos);
  address.trusted = true;
  address.host = "127.0.0.1";
  EXPECT_EQ(MakeConnectionString(address).text, WriteConnectionString(address, ""));
}

}  // namespace
}  // namespace latchkey
