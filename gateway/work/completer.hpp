// The thread that tells the database which jobs are completed: all at once that have ended while it
// told of those before.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "gateway/work/board.hpp"
#include "gateway/work/session.hpp"

namespace latchkey {

// Says that the job is somebody else's now, or was cancelled.
void LogLost(const HeldJob& job);

class Completer {
 public:
  Completer(std::string database_url, int64_t lease_s, JobBoard& board)
      : lease_s_(lease_s), board_(board), session_(std::move(database_url)) {}

  // `rows`: how many the job has done. It stays on the board until that is told.
  void Add(const HeldJobPtr& job, int64_t rows);
  // Tells until it is closed and has nothing left, or `give_up` is true.
  void Run(const std::atomic<bool>& give_up);
  void Close();

  uint64_t completed() const { return completed_.load(std::memory_order_relaxed); }

 private:
  // Parallel arrays: the n-th elements belong together. As literals, what the statement takes.
  struct Batch {
    std::vector<HeldJobPtr> jobs;
    std::string account_ids, ids, lease_tokens, results;
  };
  Batch Take();
  void Complete(const Batch& batch, const std::atomic<bool>& give_up);

  const int64_t lease_s_;
  JobBoard& board_;
  WorkSession session_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Batch next_;
  bool closed_ = false;
  std::atomic<uint64_t> completed_{0};
};

}  // namespace latchkey
