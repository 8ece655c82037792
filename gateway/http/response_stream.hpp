// An answer that goes on after its head: one side appends, the connection loop sends.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace latchkey {

class ResponseStream {
 public:
  // For who appends, from any thread. What comes after the end, or when the reader is gone, is
  // forgotten.
  void Append(std::string_view bytes) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!closed_ && !ended_) pending_.append(bytes);
  }
  // Appended, and not taken by the reader yet: who reads slowly is to be waited for.
  size_t pending() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return pending_.size();
  }
  // The connection is closed when all has been sent.
  void End() {
    std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
  }
  bool closed() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return closed_;
  }

  // For the connection loop. Where it is: a descriptor, and which of its owners.
  struct Place {
    int fd = -1;
    uint64_t generation = 0;
  };
  void Attach(Place place) {
    std::lock_guard<std::mutex> lock(mutex_);
    place_ = place;
  }
  Place place() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return place_;
  }
  void Close() {
    std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
  }
  // Moves what is pending to `out`. True: nothing follows.
  bool Take(std::string& out) {
    std::lock_guard<std::mutex> lock(mutex_);
    out.append(pending_);
    pending_.clear();
    return ended_;
  }

 private:
  mutable std::mutex mutex_;
  std::string pending_;
  Place place_;
  bool ended_ = false;
  bool closed_ = false;
};
using StreamPtr = std::shared_ptr<ResponseStream>;

}  // namespace latchkey
