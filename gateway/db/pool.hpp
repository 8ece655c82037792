// The pool of database connections.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gateway/db/connection.hpp"

namespace latchkey {

// Last in, first out, so that few connections stay hot and the others are closed after a while.
// The pool itself never makes a caller wait: the bulkheads of the connection loop let only as many
// requests in as there may be connections.
class Pool {
 public:
  struct Options {
    ConnectOptions connect;
    int64_t lifetime_ms = 1800000;
    int64_t idle_close_ms = 300000;
  };
  explicit Pool(Options options) : options_(std::move(options)) {}

  // A connection that works as far as can be seen, or null when the database can't be reached.
  // `fresh`: a new one, because a pooled one has just failed.
  std::unique_ptr<PgConnection> Acquire(bool fresh = false);
  // Gives it back; one that is broken or inside a transaction is closed instead.
  void Release(std::unique_ptr<PgConnection> connection);
  // Counts a connection that is not given back.
  void Discard(std::unique_ptr<PgConnection> connection);
  // Closes what has been idle or alive for too long.
  void Prune();
  // Closes all idle connections: after one failed, the others are likely to be dead as well.
  void Clear();

  size_t in_use() const { return in_use_.load(std::memory_order_relaxed); }
  size_t idle() const;
  uint64_t opened() const { return opened_.load(std::memory_order_relaxed); }
  uint64_t discarded() const { return discarded_.load(std::memory_order_relaxed); }
  uint64_t connect_failures() const { return failures_.load(std::memory_order_relaxed); }

 private:
  std::unique_ptr<PgConnection> Pop();
  std::unique_ptr<PgConnection> Open();

  const Options options_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<PgConnection>> idle_;
  std::atomic<int64_t> no_connect_before_ms_{0};
  std::atomic<size_t> in_use_{0};
  std::atomic<uint64_t> opened_{0};
  std::atomic<uint64_t> discarded_{0};
  std::atomic<uint64_t> failures_{0};
};

}  // namespace latchkey
