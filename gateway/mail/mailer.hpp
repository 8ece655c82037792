// Hands mails to the configured program, one after the other, in a thread of its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

namespace latchkey {

// Requests don't wait for mails: a queue of bounded length stands between. What is in it when the
// gateway is killed is lost, and the user asks for another mail.
class Mailer {
 public:
  struct Options {
    std::string command;  // empty: there is no mailer
    int64_t timeout_ms = 30000;
  };
  explicit Mailer(Options options) : options_(std::move(options)) {}

  bool configured() const { return !options_.command.empty(); }
  void Start();
  // Sends what waits, for at most `grace_ms`, and ends the thread.
  void Stop(int64_t grace_ms);

  // False when the queue is full. Ask before the token is made.
  bool HasRoom() const;
  // `line` is one mail as a JSON object on one line.
  void Send(std::string line);

  uint64_t sent() const { return sent_.load(std::memory_order_relaxed); }
  uint64_t failed() const { return failed_.load(std::memory_order_relaxed); }
  size_t waiting() const;

 private:
  void Work();
  // Runs the program with the line on its standard input; true when it ends with 0 in time.
  bool Deliver(const std::string& line) const;

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> queue_;
  bool stopping_ = false;
  std::atomic<int64_t> give_up_ms_{0};
  std::atomic<uint64_t> sent_{0};
  std::atomic<uint64_t> failed_{0};
  std::thread thread_;
};

}  // namespace latchkey
