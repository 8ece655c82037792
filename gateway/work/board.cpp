// A bounded hand-over between threads.
#include "gateway/work/board.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "gateway/http/connection_loop.hpp"

namespace latchkey {
namespace {

constexpr size_t kMostAhead = 500;
constexpr int64_t kAheadUs = 50000;
constexpr int64_t kLeastUs = 10;
constexpr int64_t kWeight = 8;
// Longer than what may be taken ahead.
constexpr int64_t kUnknownUs = 1000000;

int64_t NowUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

void HeldJob::Interrupt() {
  interrupt = true;
  std::lock_guard<std::mutex> lock(mutex_);
  if (stop_) stop_();
}

void HeldJob::SetStop(std::function<void()> stop, int64_t latest_ms) {
  std::lock_guard<std::mutex> lock(mutex_);
  stop_ = std::move(stop);
  latest_ms_ = latest_ms;
}

void HeldJob::StopIfLate(int64_t now_ms) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (stop_ && now_ms >= latest_ms_) stop_();
}

JobBoard::JobBoard(size_t threads)
    : threads_(threads), wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), mean_us_(kUnknownUs) {
  if (wake_fd_ < 0) throw std::runtime_error("no file descriptor is left");
}

JobBoard::~JobBoard() { close(wake_fd_); }

size_t JobBoard::Ahead() const {
  return std::min(kMostAhead,
                  threads_ * static_cast<size_t>(kAheadUs / std::max(mean_us_, kLeastUs)));
}

size_t JobBoard::Free() const { return closed_ ? 0 : threads_ - std::min(threads_, held_.size()); }

size_t JobBoard::Room() const {
  std::lock_guard<std::mutex> lock(mutex_);
  const size_t ahead = Ahead();
  // Half of them are done before more are claimed, so that a claim is worth its while.
  if (closed_ || queue_.size() > ahead / 2) return 0;
  return threads_ + ahead - std::min(threads_ + ahead, held_.size());
}

size_t JobBoard::RoomForOutside() const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto outside = static_cast<size_t>(
      std::count_if(held_.begin(), held_.end(), [](const auto& job) { return job->is_outside; }));
  const size_t most = threads_ > 1 ? threads_ - 1 : threads_;
  return std::min(Free(), most - std::min(most, outside));
}

bool JobBoard::Put(const HeldJobPtr& job) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (closed_) return false;
    job->put_ms_ = MonotonicMs();
    held_.insert(job);
    queue_.push_back(job);
  }
  queued_.notify_one();
  return true;
}

std::vector<HeldJobPtr> JobBoard::Held() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return {held_.begin(), held_.end()};
}

void JobBoard::Drain() const {
  uint64_t count;
  while (read(wake_fd_, &count, sizeof count) > 0) {
  }
}

void JobBoard::Wake() const {
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the reader is awake anyway.
  if (write(wake_fd_, &one, sizeof one) < 0) return;
}

std::vector<HeldJobPtr> JobBoard::TakeWaiting(int64_t since_ms) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<HeldJobPtr> waiting;
  while (!queue_.empty() && queue_.front()->put_ms_ < since_ms) {
    waiting.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  if (!waiting.empty()) mean_us_ = kUnknownUs;
  return waiting;
}

HeldJobPtr JobBoard::Take() {
  std::unique_lock<std::mutex> lock(mutex_);
  queued_.wait(lock, [this] { return closed_ || !queue_.empty(); });
  if (queue_.empty()) return nullptr;
  HeldJobPtr job = std::move(queue_.front());
  queue_.pop_front();
  job->taken_us_ = NowUs();
  ++running_;
  const bool wake = queue_.size() == Ahead() / 2;
  lock.unlock();
  if (wake) Wake();
  return job;
}

void JobBoard::Ran(const HeldJobPtr& job) {
  std::lock_guard<std::mutex> lock(mutex_);
  --running_;
  mean_us_ += (NowUs() - job->taken_us_ - mean_us_) / kWeight;
}

void JobBoard::Done(const std::vector<HeldJobPtr>& jobs) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const HeldJobPtr& job : jobs) held_.erase(job);
    if (held_.empty()) emptied_.notify_all();
  }
  freed_ = true;
  Wake();
}

size_t JobBoard::Running() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return running_;
}

void JobBoard::Close() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
  }
  queued_.notify_all();
  Wake();
}

void JobBoard::Interrupt() {
  for (const HeldJobPtr& job : Held()) job->Interrupt();
}

bool JobBoard::AwaitEmpty(int64_t timeout_ms) {
  std::unique_lock<std::mutex> lock(mutex_);
  return emptied_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                           [this] { return held_.empty(); });
}

}  // namespace latchkey
