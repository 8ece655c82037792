// Collecting and writing log lines.
#include "gateway/http/log.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "gateway/http/json_text.hpp"

namespace latchkey {
namespace {

constexpr size_t kMaxPendingBytes = 8 * 1024 * 1024;
constexpr size_t kEnoughBytes = 64 * 1024;
constexpr auto kInterval = std::chrono::milliseconds(50);

void WriteAll(const std::string& text) {
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t written = write(STDOUT_FILENO, text.data() + done, text.size() - done);
    if (written >= 0) {
      done += static_cast<size_t>(written);
    } else if (errno == EAGAIN) {
      pollfd out = {STDOUT_FILENO, POLLOUT, 0};
      poll(&out, 1, 1000);
    } else if (errno != EINTR) {
      return;  // nobody reads any more
    }
  }
}

}  // namespace

Log& Log::Shared() {
  static Log log;
  return log;
}

void Log::Start() {
  thread_ = std::thread([this] { Write(); });
}

void Log::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Log::Append(std::string_view line) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (pending_.size() + line.size() > kMaxPendingBytes) {
    ++dropped_;
    return;
  }
  const bool was_below = pending_.size() < kEnoughBytes;
  pending_.append(line);
  if (was_below && pending_.size() >= kEnoughBytes) ready_.notify_one();
}

uint64_t Log::dropped() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return dropped_;
}

void Log::Write() {
  std::string taken;
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    ready_.wait_for(lock, kInterval,
                    [this] { return stopping_ || pending_.size() >= kEnoughBytes; });
    taken.clear();
    taken.swap(pending_);
    const bool last = stopping_;
    lock.unlock();
    if (!taken.empty()) WriteAll(taken);
    if (last) return;
    lock.lock();
  }
}

std::string TimeStamp() {
  using namespace std::chrono;
  const auto now = system_clock::now();
  const std::time_t seconds = system_clock::to_time_t(now);
  const auto ms = duration_cast<milliseconds>(now.time_since_epoch()).count() % 1000;
  // Breaking a time down is slow, and a thread logs many lines in a second.
  thread_local std::time_t cached_seconds = 0;
  thread_local char cached[32];
  if (seconds != cached_seconds) {
    std::tm parts = {};
    gmtime_r(&seconds, &parts);
    std::strftime(cached, sizeof cached, "%Y-%m-%dT%H:%M:%S", &parts);
    cached_seconds = seconds;
  }
  char out[48];
  std::snprintf(out, sizeof out, "%s.%03dZ", cached, static_cast<int>(ms));
  return out;
}

void LogEvent(const char* level, std::string_view event,
              const std::vector<std::pair<const char*, std::string>>& fields) {
  std::string line = R"({"time":")" + TimeStamp() + R"(","level":")" + level + R"(","event":)";
  AppendJsonString(line, event);
  for (const auto& [name, value] : fields) {
    line += std::string(",\"") + name + "\":";
    AppendJsonString(line, value);
  }
  line += "}\n";
  Log::Shared().Append(line);
}

}  // namespace latchkey
