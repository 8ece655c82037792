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
#include <unordered_set>
#include <vector>

namespace latchkey {

class HeldJob {
 public:
  std::string account_id, id, type, lease_token;
  // When its lease was last set, for the thread that claims.
  int64_t leased_ms = 0;
  // It waits for servers of others.
  bool is_outside = false;
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
  friend class JobBoard;
  int64_t put_ms_ = 0;
  int64_t taken_us_ = 0;

  std::mutex mutex_;
  std::function<void()> stop_;
  int64_t latest_ms_ = 0;
};
using HeldJobPtr = std::shared_ptr<HeldJob>;

// One job for each thread, and, while jobs are short, some ahead: as many as the threads do in a
// twentieth of a second. Nothing waits here for long while another worker could do it.
class JobBoard {
 public:
  explicit JobBoard(size_t threads);
  ~JobBoard();

  // For the thread that claims. How many jobs it may take; of those that wait for servers of others
  // it takes none ahead, and keeps one thread for the rest, if there are two.
  size_t Room() const;
  size_t RoomForOutside() const;
  // False when the board is closed: nobody would take it.
  bool Put(const HeldJobPtr& job);
  std::vector<HeldJobPtr> Held() const;
  // Takes back what no thread has begun since that time, and sees to it that less is taken ahead.
  std::vector<HeldJobPtr> TakeWaiting(int64_t since_ms);
  // Readable when there may be room, or the board closes; Drain() makes it quiet again.
  int wake_fd() const { return wake_fd_; }
  void Drain() const;
  // Whether a job was done since the last time: its group may have a place free.
  bool TakeFreed() { return freed_.exchange(false); }

  // For those that run them. Take() waits; null when the board is closed and nothing is left.
  HeldJobPtr Take();
  // The thread is free again; the job's outcome is still to be told.
  void Ran(const HeldJobPtr& job);
  void Done(const std::vector<HeldJobPtr>& jobs);

  // No more jobs are wanted: what runs ends between two steps.
  void Close();
  bool closed() const { return closed_.load(); }
  // Ends the statements that run.
  void Interrupt();
  // True when nothing is held any more within the time.
  bool AwaitEmpty(int64_t timeout_ms);
  size_t Running() const;

 private:
  void Wake() const;
  // These with the mutex held.
  size_t Ahead() const;
  size_t Free() const;

  const size_t threads_;
  const int wake_fd_;
  mutable std::mutex mutex_;
  std::condition_variable queued_;
  std::condition_variable emptied_;
  std::deque<HeldJobPtr> queue_;
  std::unordered_set<HeldJobPtr> held_;  // queued, running, or ending
  size_t running_ = 0;
  int64_t mean_us_;  // of what has run lately
  std::atomic<bool> freed_{false};
  std::atomic<bool> closed_{false};
};

}  // namespace latchkey
