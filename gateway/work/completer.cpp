// Completing in batches: without a delay when there is one job, and as many at a time as come.
#include "gateway/work/completer.hpp"

#include <unistd.h>

#include <utility>

#include "gateway/http/connection_loop.hpp"
#include "gateway/http/log.hpp"

namespace latchkey {
namespace {

constexpr int64_t kTimeoutMs = 10000;
constexpr useconds_t kPauseUs = 200000;
constexpr char kComplete[] = "SELECT latchkey.complete_jobs($1, $2, $3, $4)";

// To an array literal that is still open.
void Append(std::string& literal, const std::string& element) {
  literal += (literal.empty() ? "{" : ",") + element;
}

}  // namespace

void LogLost(const HeldJob& job) {
  LogEvent("info", "a job was cancelled, or its lease lost", {{"type", job.type}, {"id", job.id}});
}

void Completer::Add(const HeldJobPtr& job, int64_t rows) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    next_.jobs.push_back(job);
    Append(next_.account_ids, job->account_id);
    Append(next_.ids, job->id);
    Append(next_.lease_tokens, job->lease_token);
    Append(next_.results, "\"{\\\"rows\\\": " + std::to_string(rows) + "}\"");
  }
  changed_.notify_one();
}

void Completer::Close() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
  }
  changed_.notify_one();
}

Completer::Batch Completer::Take() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || !next_.jobs.empty(); });
  return std::exchange(next_, Batch());
}

void Completer::Run(const std::atomic<bool>& give_up) {
  while (true) {
    const Batch batch = Take();
    if (batch.jobs.empty()) return;
    session_.CloseIfDead();
    Complete(batch, give_up);
    board_.Done(batch.jobs);
  }
}

void Completer::Complete(const Batch& batch, const std::atomic<bool>& give_up) {
  const std::vector<Parameter> values = {batch.account_ids + "}", batch.ids + "}",
                                         batch.lease_tokens + "}", batch.results + "}"};
  // Beyond that time the leases are over, and somebody else has the jobs.
  const int64_t until_ms = MonotonicMs() + lease_s_ * 1000;
  TransactionResult told = session_.Run(kComplete, values, kTimeoutMs);
  while (told.error && told.error->sqlstate.empty() && !give_up && MonotonicMs() < until_ms) {
    usleep(kPauseUs);
    told = session_.Run(kComplete, values, kTimeoutMs);
  }
  if (told.error) {
    LogEvent("error", "the completion of jobs was not accepted",
             {{"jobs", std::to_string(batch.jobs.size())},
              {"first_id", batch.jobs.front()->id},
              {"sqlstate", told.error->sqlstate},
              {"message", told.error->message}});
    return;
  }
  const std::string refused = PQgetvalue(told.rows.get(), 0, 0);
  for (const HeldJobPtr& job : batch.jobs) {
    if (refused.find(job->id) != std::string::npos) {
      LogLost(*job);
    } else {
      completed_.fetch_add(1, std::memory_order_relaxed);
    }
  }
}

}  // namespace latchkey
