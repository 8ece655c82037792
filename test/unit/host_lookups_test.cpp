// A resolver that hangs: it holds nobody for longer than the patience, and few threads.
#include "gateway/http/host_lookups.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

namespace latchkey {
namespace {

// Answers at once, but for hosts that begin with "slow", once it is let go.
struct FakeResolver {
  FoundAddresses operator()(const std::string& host) {
    std::unique_lock<std::mutex> lock(mutex);
    ++asked;
    changed.notify_all();
    if (host.rfind("slow", 0) == 0) changed.wait(lock, [&] { return let_go; });
    if (host == "wrong") return {{}, "no such host"};
    return {{"192.0.2.1"}, ""};
  }
  void LetGo() {
    const std::lock_guard<std::mutex> lock(mutex);
    let_go = true;
    changed.notify_all();
  }
  void AwaitAsked(int count) {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return asked >= count; });
  }
  std::mutex mutex;
  std::condition_variable changed;
  int asked = 0;
  bool let_go = false;
};

class HostLookupsTest : public ::testing::Test {
 protected:
  HostLookups Make(size_t most, int64_t patience_ms) {
    return HostLookups([fake = fake](const std::string& host) { return (*fake)(host); }, most,
                       patience_ms);
  }
  void TearDown() override { fake->LetGo(); }
  // Threads that hang keep it.
  const std::shared_ptr<FakeResolver> fake = std::make_shared<FakeResolver>();
};

TEST_F(HostLookupsTest, Answers) {
  HostLookups lookups = Make(1, 10000);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(lookups.Find("fast").addresses, std::vector<std::string>{"192.0.2.1"});
    EXPECT_EQ(lookups.Find("wrong").error, "no such host");
  }
  EXPECT_EQ(fake->asked, 6);
}

TEST_F(HostLookupsTest, IsPatientForAWhileOnly) {
  HostLookups lookups = Make(4, 50);
  EXPECT_EQ(lookups.Find("slow").error, "the resolver takes too long");
  EXPECT_EQ(lookups.Find("slow").error, "the resolver takes too long");
  EXPECT_EQ(fake->asked, 1) << "the second waited for the first one's thread";
  EXPECT_EQ(lookups.Find("fast").error, "");
}

TEST_F(HostLookupsTest, BoundsTheThreadsThatHang) {
  HostLookups lookups = Make(2, 50);
  lookups.Find("slow1");
  lookups.Find("slow2");
  EXPECT_EQ(lookups.Find("slow3").error, "too many hosts are being looked up");
  EXPECT_EQ(lookups.Find("fast").error, "too many hosts are being looked up");
  EXPECT_EQ(fake->asked, 2);
  fake->LetGo();
  while (!lookups.Find("fast").error.empty()) std::this_thread::yield();
  EXPECT_EQ(lookups.Find("slow3").error, "");
}

TEST_F(HostLookupsTest, ThoseWhoAskForOneHostShareTheAnswer) {
  HostLookups lookups = Make(1, 10000);
  const auto ask = [&lookups] { return lookups.Find("slow").addresses.size(); };
  auto first = std::async(std::launch::async, ask);
  fake->AwaitAsked(1);
  auto second = std::async(std::launch::async, ask);
  EXPECT_EQ(second.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  fake->LetGo();
  EXPECT_EQ(first.get() + second.get(), 2u);
  EXPECT_EQ(fake->asked, 1);
}

}  // namespace
}  // namespace latchkey
