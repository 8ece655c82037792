// A bound on how many requests of one kind run at once; what comes in excess waits without a
// thread.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "gateway/http/connection.hpp"

namespace latchkey {

// A request that needs the database enters before it runs and leaves afterwards. Beyond the limit
// the whole connection is parked here, in order of arrival, and the thread that leaves takes the
// first one over. So no thread ever waits, and the number of threads needs no slack for waiters.
class Bulkhead {
 public:
  Bulkhead(size_t limit, int64_t wait_ms) : limit_(limit), wait_ms_(wait_ms) {}

  // True: run now. False: the connection is parked and must not be touched any more.
  bool EnterOrPark(Connection* connection, int64_t now_ms) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (running_ < limit_ && parked_.empty()) {
      ++running_;
      return true;
    }
    ++parked_total_;
    parked_.push_back({connection, now_ms + wait_ms_});
    return false;
  }

  // Ends a request; returns the parked connection that inherits its place, or null.
  Connection* Leave() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (parked_.empty()) {
      --running_;
      return nullptr;
    }
    Connection* next = parked_.front().connection;
    parked_.pop_front();
    return next;
  }

  // Takes out those that have waited too long.
  std::vector<Connection*> TakeExpired(int64_t now_ms) {
    std::lock_guard<std::mutex> lock(mutex_);
    std::vector<Connection*> expired;
    while (!parked_.empty() && parked_.front().deadline_ms <= now_ms) {
      expired.push_back(parked_.front().connection);
      parked_.pop_front();
    }
    return expired;
  }

  struct Counts {
    size_t limit, running, parked, parked_total;
  };
  Counts Read() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return {limit_, running_, parked_.size(), parked_total_};
  }

 private:
  struct Parked {
    Connection* connection;
    int64_t deadline_ms;
  };
  const size_t limit_;
  const int64_t wait_ms_;
  mutable std::mutex mutex_;
  size_t running_ = 0;
  size_t parked_total_ = 0;
  std::deque<Parked> parked_;
};

}  // namespace latchkey
