// A bounded hand-over between threads.
#include "gateway/work/board.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace latchkey {

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

JobBoard::JobBoard(size_t slots) : slots_(slots), wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_fd_ < 0) throw std::runtime_error("no file descriptor is left");
}

JobBoard::~JobBoard() { close(wake_fd_); }

size_t JobBoard::Free() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return closed_ ? 0 : slots_ - std::min(slots_, held_.size());
}

size_t JobBoard::FreeFor(const char* type) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto same = static_cast<size_t>(std::count_if(
      held_.begin(), held_.end(), [=](const auto& job) { return job->type == type; }));
  const size_t most = slots_ > 1 ? slots_ - 1 : slots_;
  const size_t free = closed_ ? 0 : slots_ - std::min(slots_, held_.size());
  return std::min(free, most - std::min(most, same));
}

bool JobBoard::Put(const HeldJobPtr& job) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (closed_) return false;
    held_.push_back(job);
    queue_.push_back(job);
  }
  changed_.notify_one();
  return true;
}

std::vector<HeldJobPtr> JobBoard::Held() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return held_;
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

HeldJobPtr JobBoard::Take() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || !queue_.empty(); });
  if (queue_.empty()) return nullptr;
  HeldJobPtr job = std::move(queue_.front());
  queue_.pop_front();
  return job;
}

void JobBoard::Done(const HeldJobPtr& job) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    held_.erase(std::remove(held_.begin(), held_.end(), job), held_.end());
  }
  changed_.notify_all();
  Wake();
}

void JobBoard::Close() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
  Wake();
}

void JobBoard::Interrupt() {
  for (const HeldJobPtr& job : Held()) job->Interrupt();
}

bool JobBoard::AwaitEmpty(int64_t timeout_ms) {
  std::unique_lock<std::mutex> lock(mutex_);
  return changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                           [this] { return held_.empty(); });
}

}  // namespace latchkey
