// Streams of jobs' progress: one thread asks for all of them, with one statement an interval.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "gateway/db/pipeline.hpp"
#include "gateway/http/problem.hpp"
#include "gateway/http/response_stream.hpp"

namespace latchkey {

class JobStreams {
 public:
  struct Options {
    size_t max_streams = 500;
    int64_t interval_ms = 1000;
    bool prepare = true;
    int64_t statement_timeout_ms = 10000;
  };
  JobStreams(Options options, Pool& pool, Statement statement)
      : options_(options), pool_(pool), statement_(statement) {}

  // `send`: has the connection loop send what was appended to a stream.
  void Start(std::function<void(const StreamPtr&)> send);
  void Stop();

  // A stream of what happens to a job that the bearer of the token may see, beginning after this
  // partial result. Or why there can't be one more.
  struct Watched {
    std::string token, account_id, job_id;
    int64_t after = 0;
  };
  std::optional<Failure> Open(Watched watched, StreamPtr& stream);

  size_t open() const;
  uint64_t opened() const { return opened_.load(std::memory_order_relaxed); }

 private:
  struct Watch {
    StreamPtr stream;
    Watched job;
    std::string status, state;  // as they were sent last
    int64_t heard_ms = 0;       // when anything was sent last
    int64_t ends_ms = 0;
    bool is_full = false;  // its reader is behind: the rest comes with a later look
  };
  using WatchPtr = std::shared_ptr<Watch>;

  void Run();
  // Asks for all, and appends what is new.
  void Look(const std::vector<WatchPtr>& watches);
  void Serve(const std::vector<WatchPtr>& watches);
  void Tell(Watch& watch, const PGresult* rows, int row);
  void TellState(Watch& watch, const std::string& status, const std::string& data, int64_t results);
  void Send(Watch& watch, std::string_view bytes);
  void KeepAlive(Watch& watch, int64_t now_ms);
  void ForgetClosed();

  const Options options_;
  Pool& pool_;
  const Statement statement_;
  std::function<void(const StreamPtr&)> send_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<WatchPtr> watches_;
  bool fresh_ = false;  // one has come that was not told anything yet
  bool stopping_ = false;
  std::atomic<uint64_t> opened_{0};
  std::thread thread_;
};

}  // namespace latchkey
