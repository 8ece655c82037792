// Taking, giving back and replacing connections.
#include "gateway/db/pool.hpp"

#include "gateway/http/connection_loop.hpp"
#include "gateway/http/log.hpp"

namespace latchkey {
namespace {

// After a failed connect others fail at once for this long, instead of all waiting for the same.
constexpr int64_t kConnectPauseMs = 100;
// An idle connection is looked at before use only after this time: a look costs a system call.
constexpr int64_t kTrustMs = 1000;

}  // namespace

std::unique_ptr<PgConnection> Pool::Pop() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (idle_.empty()) return nullptr;
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

std::unique_ptr<PgConnection> Pool::Acquire(bool fresh) {
  in_use_.fetch_add(1, std::memory_order_relaxed);
  const int64_t now_ms = MonotonicMs();
  while (!fresh) {
    auto connection = Pop();
    if (!connection) break;
    if (now_ms - connection->released_ms < kTrustMs || !connection->LooksDead()) return connection;
    discarded_.fetch_add(1, std::memory_order_relaxed);
  }
  auto connection = Open();
  if (!connection) in_use_.fetch_sub(1, std::memory_order_relaxed);
  return connection;
}

std::unique_ptr<PgConnection> Pool::Open() {
  if (MonotonicMs() < no_connect_before_ms_.load(std::memory_order_relaxed)) return nullptr;
  auto connection = std::make_unique<PgConnection>(options_.connect);
  if (!connection->ok()) {
    failures_.fetch_add(1, std::memory_order_relaxed);
    no_connect_before_ms_ = MonotonicMs() + kConnectPauseMs;
    LogEvent("error", "no database connection", {{"reason", connection->ErrorText()}});
    return nullptr;
  }
  opened_.fetch_add(1, std::memory_order_relaxed);
  // Jitter of up to an eighth, so that connections of one moment don't all end in one moment.
  const auto seed = reinterpret_cast<uintptr_t>(connection.get()) / sizeof(PgConnection);
  connection->created_ms =
      MonotonicMs() -
      static_cast<int64_t>(seed % static_cast<uint64_t>(options_.lifetime_ms / 8 + 1));
  return connection;
}

void Pool::Release(std::unique_ptr<PgConnection> connection) {
  const int64_t now_ms = MonotonicMs();
  const bool usable = connection->ok() && PQtransactionStatus(connection->handle()) == PQTRANS_IDLE;
  if (!usable || now_ms - connection->created_ms > options_.lifetime_ms) {
    return Discard(std::move(connection));
  }
  connection->released_ms = now_ms;
  in_use_.fetch_sub(1, std::memory_order_relaxed);
  std::lock_guard<std::mutex> lock(mutex_);
  idle_.push_back(std::move(connection));
}

void Pool::Discard(std::unique_ptr<PgConnection> connection) {
  connection.reset();
  in_use_.fetch_sub(1, std::memory_order_relaxed);
  discarded_.fetch_add(1, std::memory_order_relaxed);
}

void Pool::Prune() {
  std::vector<std::unique_ptr<PgConnection>> closing;
  const int64_t now_ms = MonotonicMs();
  std::lock_guard<std::mutex> lock(mutex_);
  for (auto& connection : idle_) {
    if (now_ms - connection->released_ms > options_.idle_close_ms ||
        now_ms - connection->created_ms > options_.lifetime_ms) {
      closing.push_back(std::move(connection));
    }
  }
  std::vector<std::unique_ptr<PgConnection>> kept;
  for (auto& connection : idle_) {
    if (connection) kept.push_back(std::move(connection));
  }
  idle_.swap(kept);
}

void Pool::Clear() {
  std::vector<std::unique_ptr<PgConnection>> closing;
  std::lock_guard<std::mutex> lock(mutex_);
  closing.swap(idle_);
}

size_t Pool::idle() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return idle_.size();
}

}  // namespace latchkey
