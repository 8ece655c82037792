// Who gets which connection. Nothing here connects or closes while it holds the lock.
#include "gateway/tenants/tenant_pools.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace latchkey {

struct TenantPools::Pool {
  TenantTarget target;  // of the highest version seen
  uint64_t epoch = 0;   // connections of an earlier one are closed when they come back
  Server* server = nullptr;
  Breaker breaker;
  std::vector<Idle> idle;  // the last is the one used last
  size_t in_use = 0;       // leased
  size_t connecting = 0;
  std::deque<Waiter*> waiters;
};

// A request that waits, on its own thread's stack.
struct TenantPools::Waiter {
  enum class State { kWaiting, kHasLink, kMayConnect, kDown };
  State state = State::kWaiting;
  Server* server = nullptr;
  std::unique_ptr<TenantLink> link;
  uint64_t epoch = 0;
  int64_t created_ms = 0;
  std::condition_variable ready;
};

TenantPools::TenantPools(TenantPoolOptions options, TenantConnector connect)
    : options_(std::move(options)), connect_(std::move(connect)) {}

TenantPools::~TenantPools() = default;

TenantPools::Pool& TenantPools::PoolOf(const TenantTarget& target, Trash& trash) {
  std::unique_ptr<Pool>& pool = pools_[target.tenant];
  const bool is_new = !pool;
  if (is_new) pool = std::make_unique<Pool>();
  // Who has read an older version just before is served with the newer connections.
  if (is_new || target.version > pool->target.version) {
    pool->target = target;
    pool->server = &servers_[target.address.Server()];
    pool->breaker.Reset();
    ++pool->epoch;
    DropIdle(*pool, trash);
  }
  return *pool;
}

bool TenantPools::MayWait(const Pool& pool) const {
  return waiting_ < options_.waiting && pool.server->waiting < (options_.waiting + 1) / 2 &&
         pool.waiters.size() < (options_.waiting + 3) / 4;
}

// Takes out one that is served, or has waited long enough.
void TenantPools::EndWait(Pool& pool, Waiter& waiter) {
  pool.waiters.erase(std::find(pool.waiters.begin(), pool.waiters.end(), &waiter));
  --waiter.server->waiting;
  --waiting_;
}

TenantPools::Lease TenantPools::Acquire(const TenantTarget& target, int64_t wait_ms) {
  Trash trash;
  std::unique_lock<std::mutex> lock(mutex_);
  Pool& pool = PoolOf(target, trash);
  Waiter waiter;
  waiter.server = pool.server;
  if (pool.waiters.empty()) ring_.push_back(&pool);
  const bool may_wait = MayWait(pool);
  pool.waiters.push_back(&waiter);
  ++waiter.server->waiting;
  ++waiting_;
  Dispatch(trash);
  if (!trash.empty()) {
    lock.unlock();
    trash.clear();
    lock.lock();
  }
  waiter.ready.wait_for(lock, std::chrono::milliseconds(may_wait ? wait_ms : 0),
                        [&waiter] { return waiter.state != Waiter::State::kWaiting; });
  if (waiter.state == Waiter::State::kMayConnect) return Connect(pool, lock);
  if (waiter.state == Waiter::State::kHasLink) {
    return MakeLease(pool, std::move(waiter.link), waiter.epoch, waiter.created_ms);
  }
  ++refused_;
  if (waiter.state == Waiter::State::kDown) return Lease(TenantOutcome::kDown);
  EndWait(pool, waiter);
  if (pool.waiters.empty()) ring_.erase(std::find(ring_.begin(), ring_.end(), &pool));
  return Lease(TenantOutcome::kBusy);
}

TenantPools::Lease TenantPools::MakeLease(Pool& pool, std::unique_ptr<TenantLink> link,
                                          uint64_t epoch, int64_t created_ms) {
  Lease lease(TenantOutcome::kLeased);
  lease.pools_ = this;
  lease.pool_ = &pool;
  lease.link_ = std::move(link);
  lease.epoch_ = epoch;
  lease.created_ms_ = created_ms;
  return lease;
}

// Serves whoever can be served, one of each tenant in turn.
void TenantPools::Dispatch(Trash& trash) {
  for (size_t unserved = 0; unserved < ring_.size();) {
    Pool* pool = ring_.front();
    ring_.pop_front();
    unserved = ServeOne(*pool, trash) ? 0 : unserved + 1;
    if (!pool->waiters.empty()) ring_.push_back(pool);
  }
}

// Decides about a tenant's first waiter. False: it goes on waiting.
bool TenantPools::ServeOne(Pool& pool, Trash& trash) {
  Waiter& waiter = *pool.waiters.front();
  const int64_t now_ms = options_.now_ms();
  Breaker& server = pool.server->breaker;
  waiter.link = TakeIdle(pool, waiter.created_ms, trash);
  waiter.epoch = pool.epoch;
  if (waiter.link) {
    waiter.state = Waiter::State::kHasLink;
    ++pool.in_use;
  } else if (server.Refuses(now_ms) || (pool.breaker.Refuses(now_ms) && pool.in_use == 0)) {
    waiter.state = Waiter::State::kDown;
  } else if (pool.breaker.Refuses(now_ms) || server.IsCrowded() || pool.breaker.IsCrowded()) {
    return false;  // what is in use may come back, or another's attempt succeed
  } else if (pool.in_use + pool.connecting >= options_.per_tenant ||
             (open_ >= options_.total && !EvictIdle(trash))) {
    return false;
  } else {
    waiter.state = Waiter::State::kMayConnect;
    ++open_;
    ++pool.connecting;
    server.Begin();
    pool.breaker.Begin();
  }
  waiter.ready.notify_one();
  EndWait(pool, waiter);
  return true;
}

std::unique_ptr<TenantLink> TenantPools::TakeIdle(Pool& pool, int64_t& created_ms, Trash& trash) {
  const int64_t now_ms = options_.now_ms();
  while (!pool.idle.empty()) {
    Idle idle = std::move(pool.idle.back());
    pool.idle.pop_back();
    created_ms = idle.created_ms;
    if (now_ms - idle.created_ms <= options_.lifetime_ms && !idle.link->LooksDead()) {
      return std::move(idle.link);
    }
    trash.push_back(std::move(idle.link));
    --open_;
  }
  return nullptr;
}

// Closes the connection that has been idle for longest, whosever it is.
bool TenantPools::EvictIdle(Trash& trash) {
  Pool* oldest = nullptr;
  for (const auto& entry : pools_) {
    Pool& pool = *entry.second;
    if (pool.idle.empty()) continue;
    if (!oldest || pool.idle.front().released_ms < oldest->idle.front().released_ms) oldest = &pool;
  }
  if (!oldest) return false;
  trash.push_back(std::move(oldest->idle.front().link));
  oldest->idle.erase(oldest->idle.begin());
  --open_;
  return true;
}

void TenantPools::DropIdle(Pool& pool, Trash& trash) {
  for (Idle& idle : pool.idle) trash.push_back(std::move(idle.link));
  open_ -= pool.idle.size();
  pool.idle.clear();
}

TenantConnectResult TenantPools::TryConnect(const TenantTarget& target) const {
  try {
    return connect_(target);
  } catch (const std::exception&) {
    return {};  // out of memory: says nothing about the server
  }
}

TenantPools::Lease TenantPools::Connect(Pool& pool, std::unique_lock<std::mutex>& lock) {
  // Another version may move the tenant meanwhile.
  const TenantTarget target = pool.target;
  const uint64_t epoch = pool.epoch;
  Breaker& server = pool.server->breaker;
  Trash trash;
  lock.unlock();
  TenantConnectResult made = TryConnect(target);
  lock.lock();
  const int64_t now_ms = options_.now_ms();
  --pool.connecting;
  const bool answered = made.link || made.server_answered;
  answered ? server.Succeed() : server.Fail(now_ms);
  // What became of older credentials, or of the server, says nothing about the tenant's own.
  if (epoch != pool.epoch || !answered) {
    pool.breaker.Leave();
  } else {
    made.link ? pool.breaker.Succeed() : pool.breaker.Fail(now_ms);
  }
  if (made.link) {
    ++pool.in_use;
    ++opened_;
  } else {
    --open_;
    ++failed_;
  }
  Dispatch(trash);
  lock.unlock();
  if (!made.link) return Lease(TenantOutcome::kDown);
  return MakeLease(pool, std::move(made.link), epoch, now_ms);
}

void TenantPools::Return(Lease& lease) {
  Trash trash;
  const bool usable = !lease.broken_ && lease.link_->IsUsable();
  std::lock_guard<std::mutex> lock(mutex_);
  Pool& pool = *lease.pool_;
  const int64_t now_ms = options_.now_ms();
  --pool.in_use;
  if (lease.broken_) DropIdle(pool, trash);
  if (usable && lease.epoch_ == pool.epoch && now_ms - lease.created_ms_ <= options_.lifetime_ms) {
    pool.idle.push_back({std::move(lease.link_), lease.created_ms_, now_ms});
  } else {
    trash.push_back(std::move(lease.link_));
    --open_;
  }
  Dispatch(trash);
}

void TenantPools::Prune() {
  Trash trash;
  std::lock_guard<std::mutex> lock(mutex_);
  const int64_t now_ms = options_.now_ms();
  for (auto entry = pools_.begin(); entry != pools_.end();) {
    Pool& pool = *entry->second;
    const auto old = [&](Idle& idle) {
      if (now_ms - idle.released_ms <= options_.idle_ms &&
          now_ms - idle.created_ms <= options_.lifetime_ms) {
        return false;
      }
      trash.push_back(std::move(idle.link));
      --open_;
      return true;
    };
    pool.idle.erase(std::remove_if(pool.idle.begin(), pool.idle.end(), old), pool.idle.end());
    const bool unused = pool.idle.empty() && pool.in_use == 0 && pool.waiters.empty() &&
                        pool.connecting == 0 && pool.breaker.IsIdle(now_ms);
    entry = unused ? pools_.erase(entry) : std::next(entry);
  }
  // Whoever waited for a pause to end, or for a place.
  Dispatch(trash);
}

void TenantPools::Forget(const std::string& tenant) {
  Trash trash;
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = pools_.find(tenant);
  if (found == pools_.end()) return;
  DropIdle(*found->second, trash);
  ++found->second->epoch;
  Dispatch(trash);
}

TenantPools::Counts TenantPools::Read() const {
  std::lock_guard<std::mutex> lock(mutex_);
  Counts counts = {pools_.size(), open_, 0, 0, opened_, failed_, refused_};
  for (const auto& entry : pools_) {
    counts.in_use += entry.second->in_use;
    counts.waiting += entry.second->waiters.size();
  }
  return counts;
}

TenantPools::Lease::Lease(Lease&& other) noexcept
    : outcome_(other.outcome_),
      pools_(std::exchange(other.pools_, nullptr)),
      pool_(other.pool_),
      link_(std::move(other.link_)),
      epoch_(other.epoch_),
      created_ms_(other.created_ms_),
      broken_(other.broken_) {}

TenantPools::Lease::~Lease() {
  if (pools_) pools_->Return(*this);
}

}  // namespace latchkey
