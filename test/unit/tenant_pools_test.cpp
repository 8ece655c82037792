// The connection manager, against servers that don't exist.
#include "gateway/tenants/tenant_pools.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <random>
#include <set>
#include <thread>

namespace latchkey {
namespace {

using Lease = TenantPools::Lease;
constexpr int64_t kLong = 10000;  // longer than any test should wait

// Servers that can be switched off, and made to answer slowly; a clock that is set.
struct World {
  std::mutex mutex;
  std::condition_variable changed;
  std::set<std::string> down, wrong, slow;  // servers, tenants, servers
  std::vector<std::string> attempts;        // database of each
  std::atomic<int> live{0}, dead_links{0};
  std::atomic<int64_t> now_ms{1000};

  struct Link : TenantLink {
    explicit Link(World& world, std::string url) : world(world), url(std::move(url)) {
      ++world.live;
    }
    ~Link() override { --world.live; }
    bool IsUsable() const override { return usable; }
    bool LooksDead() const override { return world.dead_links > 0; }
    World& world;
    const std::string url;
    bool usable = true;
  };

  TenantConnectResult Connect(const TenantTarget& target) {
    std::unique_lock<std::mutex> lock(mutex);
    attempts.push_back(target.address.database);
    changed.notify_all();
    changed.wait(lock, [&] { return slow.count(target.address.host) == 0; });
    if (down.count(target.address.host)) return {nullptr, false};
    if (wrong.count(target.address.database)) return {nullptr, true};
    return {std::make_unique<Link>(*this, target.address.database), true};
  }
  template <typename Change>
  void Set(Change change) {
    std::lock_guard<std::mutex> lock(mutex);
    change();
    changed.notify_all();
  }
  void AwaitAttempts(size_t count) {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return attempts.size() >= count; });
  }
  size_t CountAttempts() {
    std::lock_guard<std::mutex> lock(mutex);
    return attempts.size();
  }
};

class TenantPoolsTest : public ::testing::Test {
 protected:
  TenantPools& Make(size_t total, size_t per_tenant, size_t waiting = 32) {
    TenantPoolOptions options;
    options.total = total;
    options.per_tenant = per_tenant;
    options.waiting = waiting;
    options.now_ms = [this] { return world.now_ms.load(); };
    pools = std::make_unique<TenantPools>(
        options, [this](const TenantTarget& target) { return world.Connect(target); });
    return *pools;
  }
  static TenantTarget At(const std::string& tenant, const std::string& server = "s",
                         int version = 1) {
    DatabaseAddress address;
    address.host = server;
    address.database = tenant + "." + std::to_string(version);
    return {tenant, version, address};
  }
  static std::string UrlOf(const Lease& lease) {
    return dynamic_cast<World::Link&>(lease.link()).url;
  }
  std::future<TenantOutcome> Wait(const TenantTarget& target, std::string* log = nullptr) {
    const size_t before = pools->Read().waiting;
    auto got = std::async(std::launch::async, [this, target, log] {
      Lease lease = pools->Acquire(target, kLong);
      if (log)
        *log += target.tenant;  // one after the other: each lease ends before the next begins
      return lease.outcome();
    });
    while (pools->Read().waiting == before) std::this_thread::yield();
    return got;
  }

  World world;
  std::unique_ptr<TenantPools> pools;
};

TEST_F(TenantPoolsTest, KeepsConnections) {
  Make(4, 2);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(pools->Acquire(At("a"), kLong).outcome(), TenantOutcome::kLeased);
  }
  EXPECT_EQ(world.CountAttempts(), 1u);
  EXPECT_EQ(pools->Read().open, 1u);
}

TEST_F(TenantPoolsTest, BoundsEachTenant) {
  Make(4, 2);
  auto first = std::make_unique<Lease>(pools->Acquire(At("a"), kLong));
  const Lease second = pools->Acquire(At("a"), kLong);
  EXPECT_EQ(pools->Acquire(At("a"), 1).outcome(), TenantOutcome::kBusy);
  auto third = Wait(At("a"));
  EXPECT_EQ(pools->Acquire(At("b"), kLong).outcome(), TenantOutcome::kLeased);
  first.reset();
  EXPECT_EQ(third.get(), TenantOutcome::kLeased);
  EXPECT_EQ(world.CountAttempts(), 3u);
}

TEST_F(TenantPoolsTest, BoundsAllTogetherAndClosesWhatIsIdleLongest) {
  Make(2, 2);
  for (const char* tenant : {"a", "b", "c"}) {
    world.now_ms += 10;
    EXPECT_EQ(pools->Acquire(At(tenant), kLong).outcome(), TenantOutcome::kLeased);
    EXPECT_LE(world.live, 2);
  }
  pools->Acquire(At("b"), kLong);
  EXPECT_EQ(world.CountAttempts(), 3u);  // b was kept, a made room
  const Lease b = pools->Acquire(At("b"), kLong), c = pools->Acquire(At("c"), kLong);
  EXPECT_EQ(pools->Acquire(At("a"), 1).outcome(), TenantOutcome::kBusy);
  EXPECT_EQ(pools->Read().open, 2u);
}

TEST_F(TenantPoolsTest, GivesEachTenantItsTurn) {
  Make(1, 1);
  auto taken = std::make_unique<Lease>(pools->Acquire(At("a"), kLong));
  std::string served;
  std::vector<std::future<TenantOutcome>> all;
  for (const char* tenant : {"a", "a", "a", "b", "c", "b"})
    all.push_back(Wait(At(tenant), &served));
  taken.reset();
  for (auto& one : all) EXPECT_EQ(one.get(), TenantOutcome::kLeased);
  EXPECT_EQ(served, "abcaba");
  EXPECT_EQ(world.live, 1);
}

TEST_F(TenantPoolsTest, RefusesWaitersBeyondTheBounds) {
  Make(8, 1, 8);
  std::vector<Lease> leases;
  for (const char* tenant : {"a", "b", "c"}) leases.push_back(pools->Acquire(At(tenant), kLong));
  leases.push_back(pools->Acquire(At("d", "t"), kLong));
  std::vector<std::future<TenantOutcome>> waiting;
  waiting.push_back(Wait(At("a")));
  waiting.push_back(Wait(At("a")));
  EXPECT_EQ(pools->Acquire(At("a"), kLong).outcome(), TenantOutcome::kBusy);  // a quarter
  waiting.push_back(Wait(At("b")));
  waiting.push_back(Wait(At("b")));
  EXPECT_EQ(pools->Acquire(At("c"), kLong).outcome(), TenantOutcome::kBusy);  // a server's half
  waiting.push_back(Wait(At("d", "t")));
  EXPECT_EQ(pools->Acquire(At("e", "t"), kLong).outcome(), TenantOutcome::kLeased);
  leases.clear();
  for (auto& one : waiting) EXPECT_EQ(one.get(), TenantOutcome::kLeased);
  EXPECT_EQ(pools->Read().waiting, 0u);
}

TEST_F(TenantPoolsTest, ADeadServerIsRefusedAtOnceAndProbed) {
  Make(8, 4);
  world.down.insert("s");
  EXPECT_EQ(pools->Acquire(At("a"), kLong).outcome(), TenantOutcome::kDown);
  for (const char* tenant : {"a", "b", "c"}) {
    EXPECT_EQ(pools->Acquire(At(tenant), kLong).outcome(), TenantOutcome::kDown);
  }
  EXPECT_EQ(world.CountAttempts(), 1u);
  EXPECT_EQ(pools->Acquire(At("d", "t"), kLong).outcome(), TenantOutcome::kLeased);
  world.now_ms += Breaker::kMinPauseMs;  // one may try; the pause doubles
  EXPECT_EQ(pools->Acquire(At("b"), kLong).outcome(), TenantOutcome::kDown);
  world.now_ms += Breaker::kMinPauseMs;
  EXPECT_EQ(pools->Acquire(At("b"), kLong).outcome(), TenantOutcome::kDown);
  EXPECT_EQ(world.CountAttempts(), 3u);
  world.down.clear();
  world.now_ms += Breaker::kMinPauseMs;
  EXPECT_EQ(pools->Acquire(At("a"), kLong).outcome(), TenantOutcome::kLeased);
  EXPECT_EQ(pools->Acquire(At("b"), kLong).outcome(), TenantOutcome::kLeased);
}

TEST_F(TenantPoolsTest, PausesDoubleUpToTheirLimit) {
  Breaker breaker;
  int64_t now_ms = 0;
  for (int64_t pause : {250, 500, 1000, 2000, 4000, 8000, 8000}) {
    breaker.Begin();
    breaker.Fail(now_ms);
    EXPECT_TRUE(breaker.Refuses(now_ms + pause - 1));
    now_ms += pause;
    EXPECT_FALSE(breaker.Refuses(now_ms));
  }
  breaker.Begin();
  breaker.Succeed();
  for (int i = 0; i < Breaker::kMaxAttempts; ++i) {
    EXPECT_FALSE(breaker.IsCrowded());
    breaker.Begin();
  }
  EXPECT_TRUE(breaker.IsCrowded());
  for (int i = 0; i < Breaker::kMaxAttempts; ++i) breaker.Fail(now_ms);  // together: one failure
  EXPECT_FALSE(breaker.Refuses(now_ms + Breaker::kMinPauseMs));
}

TEST_F(TenantPoolsTest, ASlowServerHoldsUpNobodyElse) {
  Make(8, 4);
  world.slow.insert("s");
  world.down.insert("s");
  auto prober =
      std::async(std::launch::async, [&] { return pools->Acquire(At("a"), kLong).outcome(); });
  world.AwaitAttempts(1);
  auto waits = Wait(At("a")), neighbour = Wait(At("b"));
  EXPECT_EQ(world.CountAttempts(), 1u);  // one finds out for all
  EXPECT_EQ(pools->Acquire(At("c", "t"), kLong).outcome(), TenantOutcome::kLeased);
  pools->Prune();
  world.Set([&] { world.slow.clear(); });
  for (auto* one : {&prober, &waits, &neighbour}) EXPECT_EQ(one->get(), TenantOutcome::kDown);
  EXPECT_EQ(world.CountAttempts(), 2u);
}

TEST_F(TenantPoolsTest, WrongCredentialsAreTheTenantsOwnAndNewOnesHeal) {
  Make(8, 4);
  world.wrong.insert("a.1");
  EXPECT_EQ(pools->Acquire(At("a"), kLong).outcome(), TenantOutcome::kDown);
  EXPECT_EQ(pools->Acquire(At("a"), kLong).outcome(), TenantOutcome::kDown);
  EXPECT_EQ(world.CountAttempts(), 1u);
  EXPECT_EQ(pools->Acquire(At("b"), kLong).outcome(), TenantOutcome::kLeased);
  EXPECT_EQ(pools->Acquire(At("a", "s", 2), kLong).outcome(), TenantOutcome::kLeased);
}

TEST_F(TenantPoolsTest, NewCredentialsReplaceOlderConnections) {
  Make(8, 4);
  auto used = std::make_unique<Lease>(pools->Acquire(At("a"), kLong));
  pools->Acquire(At("a"), kLong);
  EXPECT_EQ(world.live, 2);
  EXPECT_EQ(UrlOf(pools->Acquire(At("a", "t", 2), kLong)), "a.2");
  EXPECT_EQ(world.live, 2);                                         // the idle one is closed
  EXPECT_EQ(UrlOf(pools->Acquire(At("a", "s", 1), kLong)), "a.2");  // who has read the old one
  used.reset();
  EXPECT_EQ(world.live, 1);
  EXPECT_EQ(pools->Read().open, 1u);
  // So is one that is just being made, when it comes back.
  const Lease busy = pools->Acquire(At("a", "t", 2), kLong);
  world.slow.insert("t");
  auto late = std::async(std::launch::async, [&] { pools->Acquire(At("a", "t", 2), kLong); });
  world.AwaitAttempts(4);
  auto newest = Wait(At("a", "u", 3));
  world.Set([&] { world.slow.clear(); });
  late.get();
  EXPECT_EQ(newest.get(), TenantOutcome::kLeased);
  EXPECT_EQ(UrlOf(pools->Acquire(At("a", "u", 3), kLong)), "a.3");
  EXPECT_EQ(world.live, 2);  // the newest and the one that is in use
}

TEST_F(TenantPoolsTest, ClosesWhatIsIdleOldOrBroken) {
  Make(8, 4);
  pools->Acquire(At("a"), kLong);
  world.now_ms += 60000;
  pools->Prune();
  EXPECT_EQ(world.live, 1);
  world.now_ms += 1;
  pools->Prune();
  EXPECT_EQ(world.live, 0);
  EXPECT_EQ(pools->Read().tenants, 0u);
  // In use again and again, it still ends.
  for (int i = 0; i < 61; ++i, world.now_ms += 30000) pools->Acquire(At("a"), kLong);
  EXPECT_EQ(world.CountAttempts(), 2u);
  pools->Acquire(At("a"), kLong);
  EXPECT_EQ(world.CountAttempts(), 3u);
  // One that the server has closed, one in a transaction, and one that failed, with its kin.
  world.dead_links = 1;
  pools->Acquire(At("a"), kLong);
  world.dead_links = 0;
  EXPECT_EQ(world.CountAttempts(), 4u);
  {
    const Lease lease = pools->Acquire(At("a"), kLong);
    dynamic_cast<World::Link&>(lease.link()).usable = false;
  }
  EXPECT_EQ(world.live, 0);
  {
    Lease lease = pools->Acquire(At("a"), kLong);
    pools->Acquire(At("a"), kLong);
    EXPECT_EQ(world.live, 2);
    lease.Break();
  }
  EXPECT_EQ(world.live, 0);
  {
    const Lease lease = pools->Acquire(At("a"), kLong);
    pools->Acquire(At("a"), kLong);
    pools->Forget("a");
    EXPECT_EQ(world.live, 1);
  }
  EXPECT_EQ(world.live, 0);
  EXPECT_EQ(pools->Read().open, 0u);
}

// Many threads, tenants, failures and changes: the bounds hold, and nothing is lost.
TEST_F(TenantPoolsTest, HoldsUnderLoad) {
  Make(6, 3, 8);
  std::atomic<bool> ends{false};
  std::atomic<size_t> leased{0}, most{0};
  std::thread chaos([&] {
    while (!ends) {
      world.Set([&] {
        world.down.count("s1") ? world.down.erase("s1") : world.down.insert("s1").second;
      });
      world.now_ms += 100;
      pools->Prune();
      pools->Forget("t2");
      const auto counts = pools->Read();
      EXPECT_LE(counts.open, 6u);
      EXPECT_LE(counts.waiting, 12u);
      std::this_thread::yield();
    }
  });
  std::vector<std::thread> clients;
  for (unsigned client = 0; client < 12; ++client) {
    clients.emplace_back([&, client] {
      std::mt19937 random(client);
      for (int i = 0; i < 2000; ++i) {
        const int tenant = static_cast<int>(random() % 5);
        Lease lease = pools->Acquire(
            At("t" + std::to_string(tenant), tenant == 1 ? "s1" : "s", 1 + i / 500), 5);
        if (lease.outcome() != TenantOutcome::kLeased) continue;
        const size_t now = ++leased;
        size_t seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        if (random() % 50 == 0) lease.Break();
        if (random() % 4 == 0) std::this_thread::yield();
        --leased;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  ends = true;
  chaos.join();
  EXPECT_LE(most, 6u);
  const auto counts = pools->Read();
  EXPECT_EQ(counts.in_use, 0u);
  EXPECT_EQ(counts.waiting, 0u);
  EXPECT_EQ(counts.open, static_cast<size_t>(world.live));
  world.now_ms += 10000000;
  pools->Prune();
  EXPECT_EQ(world.live, 0);
  EXPECT_EQ(pools->Read().tenants, 0u);
}

}  // namespace
}  // namespace latchkey
