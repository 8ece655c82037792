// The connection manager: pools of connections to the tenants' databases, made on demand.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gateway/tenants/breaker.hpp"
#include "gateway/tenants/database_address.hpp"

namespace latchkey {

// Where a tenant's database is, as the main database says.
struct TenantTarget {
  std::string tenant;
  int64_t version = 0;  // of the credentials: with a higher one older connections are not used
  DatabaseAddress address;
};

// A connection, as far as the pools are concerned.
class TenantLink {
 public:
  virtual ~TenantLink() = default;
  virtual bool IsUsable() const = 0;   // another request may have it
  virtual bool LooksDead() const = 0;  // without waiting
};

struct TenantConnectResult {
  std::unique_ptr<TenantLink> link;  // null: it failed
  bool server_answered = true;       // then the tenant's credentials or database are to blame
};
using TenantConnector = std::function<TenantConnectResult(const TenantTarget&)>;

struct TenantPoolOptions {
  size_t total = 100;     // connections at most
  size_t per_tenant = 8;  // of them to one tenant
  // Requests that may wait at once, each on its thread: half of them for tenants on one server, and
  // a quarter for one tenant. More are refused.
  size_t waiting = 32;
  int64_t idle_ms = 60000;
  int64_t lifetime_ms = 1800000;
  std::function<int64_t()> now_ms;
};

enum class TenantOutcome {
  kLeased,
  kDown,  // the tenant's database can't be reached now
  kBusy,  // it can, but no connection became free in time
};

class TenantPools {
  struct Pool;

 public:
  // A connection for one request, given back when the lease ends. Leases must not outlive the
  // pools.
  class Lease {
   public:
    explicit Lease(TenantOutcome outcome) : outcome_(outcome) {}
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&&) = delete;
    ~Lease();

    TenantOutcome outcome() const { return outcome_; }
    TenantLink& link() const { return *link_; }
    // The connection failed: it is closed, and so are the tenant's idle ones, likely dead as well.
    void Break() { broken_ = true; }

   private:
    friend class TenantPools;
    TenantOutcome outcome_;
    TenantPools* pools_ = nullptr;
    Pool* pool_ = nullptr;
    std::unique_ptr<TenantLink> link_;
    uint64_t epoch_ = 0;
    int64_t created_ms_ = 0;
    bool broken_ = false;
  };

  TenantPools(TenantPoolOptions options, TenantConnector connect);
  ~TenantPools();

  // Waits for at most `wait_ms`, and besides for a connect that this call itself makes.
  Lease Acquire(const TenantTarget& target, int64_t wait_ms);
  // Closes what has been idle or alive for too long, and forgets tenants without connections.
  void Prune();
  // Closes a tenant's idle connections, and those in use when they come back: it was moved or
  // suspended.
  void Forget(const std::string& tenant);

  struct Counts {
    size_t tenants, open, in_use, waiting;
    uint64_t opened, failed, refused;
  };
  Counts Read() const;

 private:
  struct Waiter;
  struct Server {
    Breaker breaker;
    size_t waiting = 0;
  };
  struct Idle {
    std::unique_ptr<TenantLink> link;
    int64_t created_ms, released_ms;
  };
  using Trash = std::vector<std::unique_ptr<TenantLink>>;

  Pool& PoolOf(const TenantTarget& target, Trash& trash);
  void Dispatch(Trash& trash);
  bool ServeOne(Pool& pool, Trash& trash);
  std::unique_ptr<TenantLink> TakeIdle(Pool& pool, int64_t& created_ms, Trash& trash);
  bool EvictIdle(Trash& trash);
  void DropIdle(Pool& pool, Trash& trash);
  bool MayWait(const Pool& pool) const;
  void EndWait(Pool& pool, Waiter& waiter);
  Lease Connect(Pool& pool, std::unique_lock<std::mutex>& lock);
  TenantConnectResult TryConnect(const TenantTarget& target) const;
  Lease MakeLease(Pool& pool, std::unique_ptr<TenantLink> link, uint64_t epoch, int64_t created_ms);
  void Return(Lease& lease);

  const TenantPoolOptions options_;
  const TenantConnector connect_;
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Pool>> pools_;
  std::map<std::string, Server> servers_;
  std::deque<Pool*> ring_;  // tenants with waiters: each gets one in its turn
  size_t waiting_ = 0;
  size_t open_ = 0;  // connections, idle ones and those being made as well
  uint64_t opened_ = 0, failed_ = 0, refused_ = 0;
};

}  // namespace latchkey
