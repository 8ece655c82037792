// The jobs that one worker process holds: handed from the thread that claims to those that run
// them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace latchkey {

class HeldJob {
 public:
  std::string account_id, id, type, lease_token;
  // Its lease is somebody else's, or it was cancelled: nothing more is to be said about it.
  std::atomic<bool> lost{false};
  // Its statement is to end at once: because it is lost, or because the process ends.
  std::atomic<bool> interrupt{false};

  void Interrupt();
  // How to end what the job waits for outside of the database, which takes no longer than until
  // `latest_ms`. Empty: nothing.
  void SetStop(std::function<void()> stop, int64_t latest_ms);
  void StopIfLate(int64_t now_ms);

 private:
  std::mutex mutex_;
  std::function<void()> stop_;
  int64_t latest_ms_ = 0;
};
using HeldJobPtr = std::shared_ptr<HeldJob>;

class JobBoard {
 public:
  explicit JobBoard(size_t slots);
  ~JobBoard();

  // For the thread that claims.
  size_t Free() const;
  // How many jobs of this type it may take: one thread is kept for the others, if there are two.
  size_t FreeFor(const char* type) const;
  // False when the board is closed: nobody would take it.
  bool Put(const HeldJobPtr& job);
  std::vector<HeldJobPtr> Held() const;
  // Readable when a slot has become free, or the board closes; Drain() makes it quiet again.
  int wake_fd() const { return wake_fd_; }
  void Drain() const;

  // For those that run them. Take() waits; null when the board is closed and nothing is left.
  HeldJobPtr Take();
  void Done(const HeldJobPtr& job);

  // No more jobs are wanted: what runs ends between two steps.
  void Close();
  bool closed() const { return closed_.load(); }
  // Ends the statements that run.
  void Interrupt();
  // True when nothing is held any more within the time.
  bool AwaitEmpty(int64_t timeout_ms);

 private:
  void Wake() const;

  const size_t slots_;
  const int wake_fd_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<HeldJobPtr> queue_;
  std::vector<HeldJobPtr> held_;  // queued or running
  std::atomic<bool> closed_{false};
};

}  // namespace latchkey
