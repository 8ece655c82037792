// The log: JSON lines on standard output, written by a thread of its own.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace latchkey {

// Requests never wait for whoever reads the log: lines are collected in memory and written in large
// pieces; when the reader does not keep up, lines are dropped and counted.
class Log {
 public:
  static Log& Shared();

  void Start();
  // Writes what is left and ends the thread.
  void Stop();

  // Appends one complete line, with its line feed.
  void Append(std::string_view line);
  uint64_t dropped() const;

 private:
  void Write();

  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::string pending_;
  uint64_t dropped_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

// The current time as 2026-11-21T08:00:00.123Z.
std::string TimeStamp();

// Logs something that is no request: `fields` are names with string values. No secrets.
void LogEvent(const char* level, std::string_view event,
              const std::vector<std::pair<const char*, std::string>>& fields = {});

}  // namespace latchkey
