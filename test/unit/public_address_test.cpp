// Public addresses: the first and last of each reserved network, and their neighbours.
#include "extension/core/public_address.hpp"

#include <gtest/gtest.h>

namespace latchkey {
namespace {

TEST(PublicAddress, ReservedNetworksHaveTheirEdges) {
  struct Network {
    const char *before, *first, *last, *after;  // null: there is none, or it is reserved as well
  };
  for (const Network& n :
       {Network{nullptr, "0.0.0.0", "0.255.255.255", "1.0.0.0"},
        {"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
        {"100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"},
        {"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"},
        {"169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"},
        {"172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
        {"191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"},
        {"192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"},
        {"192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"},
        {"192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"},
        {"198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"},
        {"198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"},
        {"203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"},
        {"223.255.255.255", "224.0.0.0", "255.255.255.255", nullptr},
        {nullptr, "::", "::1", nullptr},
        {nullptr, "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", nullptr},
        {nullptr, "100::", "100:0:0:1:ffff:ffff:ffff:ffff", nullptr},
        {nullptr, "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"},
        {"2001:db7:ffff::", "2001:db8::", "2001:db8:ffff::", "2001:db9::"},
        {"2001:ffff::", "2002::", "2002:ffff:ffff::", "2003::"},
        {"3ffe:ffff::", "3fff::", "3fff:fff:ffff::", "3fff:1000::"},
        {nullptr, "4000::", "5f00::1", nullptr},
        {nullptr, "fc00::", "fdff:ffff::", nullptr},
        {nullptr, "fe80::", "febf:ffff::", nullptr},
        {nullptr, "ff00::", "ffff:ffff::", nullptr}}) {
    EXPECT_EQ(IsPublicAddress(n.first), false) << n.first;
    EXPECT_EQ(IsPublicAddress(n.last), false) << n.last;
    for (const char* neighbour : {n.before, n.after}) {
      if (neighbour == nullptr) continue;
      EXPECT_EQ(IsPublicAddress(neighbour), true) << neighbour;
    }
  }
}

TEST(PublicAddress, WhatStandsForAnIPv4AddressIsJudgedAsThat) {
  for (const char* prefix : {"::ffff:", "::ffff:0:", "64:ff9b::"}) {
    const std::string text = prefix;
    EXPECT_EQ(IsPublicAddress(text + "8.8.8.8"), true) << prefix;
    for (const char* v4 : {"127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0", "192.0.2.1"}) {
      EXPECT_EQ(IsPublicAddress(text + v4), false) << prefix << v4;
    }
  }
  // Not these, whose IPv4 address is somebody else's gateway.
  for (const char* address : {"2002:808:808::1", "2001:0:808:808::1", "::8.8.8.8"}) {
    EXPECT_EQ(IsPublicAddress(address), false) << address;
  }
}

TEST(PublicAddress, OtherTextIsNoAddress) {
  for (const char* text : {"", "example.com", "127.1", "0x7f000001", "010.0.0.1", "1.2.3.4/32",
                           "fe80::1%eth0", "[::1]", "8.8.8.8 "}) {
    EXPECT_EQ(IsPublicAddress(text), std::nullopt) << text;
  }
  EXPECT_EQ(IsPublicAddress("8.8.8.8"), true);
  EXPECT_EQ(IsPublicAddress("2a00:1450::1"), true);
}

}  // namespace
}  // namespace latchkey
