// Ranges of addresses, and whom X-Forwarded-For is believed.
#include "gateway/http/client_address.hpp"

#include <gtest/gtest.h>

namespace latchkey {
namespace {

AddressRanges Ranges(const std::vector<std::string>& texts) {
  AddressRanges ranges;
  EXPECT_EQ(ranges.Parse(texts), "");
  return ranges;
}

TEST(AddressRanges, HaveTheirEdges) {
  const AddressRanges ranges = Ranges({"10.1.0.0/16", "192.168.7.9", "fd00::/9", "0.0.0.0/32"});
  for (const char* in : {"10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3", "192.168.7.9",
                         "fd00::", "fd7f:ffff::", "0.0.0.0"}) {
    EXPECT_TRUE(ranges.Contains(in)) << in;
  }
  for (const char* out : {"10.0.255.255", "10.2.0.0", "192.168.7.8", "fd80::", "0.0.0.1", "",
                          "10.1", "example.com"}) {
    EXPECT_FALSE(ranges.Contains(out)) << out;
  }
  EXPECT_TRUE(Ranges({"::/0"}).Contains("10.1.2.3"));
  EXPECT_FALSE(AddressRanges().Contains("10.1.2.3"));
}

TEST(AddressRanges, RefuseTheRest) {
  for (const char* text : {"", "10.1", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8x",
                           "::/129", "localhost"}) {
    EXPECT_NE(AddressRanges().Parse({text}), "") << text;
  }
}

TEST(ClientAddressTest, BelievesProxiesOnly) {
  const AddressRanges proxies = Ranges({"127.0.0.1", "10.0.0.0/8"});
  EXPECT_EQ(ClientAddress("8.8.8.8", "1.1.1.1", proxies), "8.8.8.8");
  EXPECT_EQ(ClientAddress("127.0.0.1", "", proxies), "127.0.0.1");
  EXPECT_EQ(ClientAddress("127.0.0.1", "1.1.1.1, 2.2.2.2 ,10.0.0.5", proxies), "2.2.2.2");
  EXPECT_EQ(ClientAddress("127.0.0.1", "1.1.1.1, unknown, 10.0.0.5", proxies), "10.0.0.5");
  EXPECT_EQ(ClientAddress("127.0.0.1", "10.0.0.6", proxies), "10.0.0.6");
}

}  // namespace
}  // namespace latchkey
