// The accept and event loop: one epoll descriptor shared by all worker threads.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "gateway/http/bulkhead.hpp"
#include "gateway/http/connection.hpp"
#include "gateway/http/request_head.hpp"

namespace latchkey {

struct LoopOptions {
  std::string host = "127.0.0.1";
  int port = 8080;
  size_t workers = 32;
  size_t max_connections = 12000;
  size_t max_buffered_bytes = 64 * 1024 * 1024;
  int64_t request_timeout_ms = 10000;
  int64_t idle_timeout_ms = 75000;
  int64_t drain_timeout_ms = 10000;
};

// What a request is allowed, decided by its head alone.
struct Admission {
  size_t max_body_bytes = 0;
  Bulkhead* bulkhead = nullptr;                 // null: runs at once
  Failure beyond = {ErrorId::PayloadTooLarge};  // what a larger body is answered
};

// Where a request comes from, and since when it waits for its answer.
struct Arrival {
  const char* peer_address;
  int64_t complete_us = 0;  // monotonic; 0: it has not arrived completely
};

// What the loop needs from the layer above. All calls come from many threads at once.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  virtual Admission Inspect(const RequestHead& head) = 0;
  // Serves one complete request; appends the response to `out`. The buffer may be written to. Not
  // null: the response goes on, and ends with the connection.
  virtual StreamPtr Serve(const RequestHead& head, std::string_view body, const Arrival& arrival,
                          bool close, std::string& out) = 0;
  // Answers a request that can't be served. `head` is null when there is none that could be read.
  virtual void Refuse(const RequestHead* head, const Arrival& arrival, const Failure& failure,
                      bool close, std::string& out) = 0;
};

// Connections are buffered here until a request is complete: only then does it get a thread. So
// idle and dripping clients cost a descriptor and some bytes, nothing else.
class ConnectionLoop {
 public:
  ConnectionLoop(const LoopOptions& options, RequestHandler& handler);
  ~ConnectionLoop();

  // Bulkheads whose waiting connections the sweep shall look after.
  void Watch(Bulkhead* bulkhead) { bulkheads_.push_back(bulkhead); }

  // Binds the socket; returns an error text, empty on success.
  std::string Listen();
  int port() const { return port_; }

  // Serves until `stop_fd` becomes readable, then finishes what runs. `every_second` is called
  // about once a second from this thread. False: something still ran when the drain time was over,
  // and the worker threads live on.
  bool Run(int stop_fd, const std::function<void()>& every_second);

  // Sends what was appended to a stream, as far as its client takes it now. From any thread.
  void Pump(const StreamPtr& stream);

  size_t connections() const { return connections_.load(std::memory_order_relaxed); }
  uint64_t accepted() const { return accepted_.load(std::memory_order_relaxed); }
  // Memory that requests use which are not yet served, incomplete or waiting.
  size_t buffered_bytes() const { return buffered_bytes_.load(std::memory_order_relaxed); }
  uint64_t timed_out() const { return timed_out_.load(std::memory_order_relaxed); }

 private:
  enum class Step { kServe, kDone };

  void Work();
  void AcceptSome();
  Connection& Occupy(int fd, const char* peer_address);
  void Adopt(int fd, const char* peer_address);
  void TurnAway(int fd, const char* peer_address);
  void Drive(Connection* connection);
  Step Prepare(Connection& c, RequestHead& head);
  Step TakeRequest(Connection& c, RequestHead& head);
  Step AwaitMore(Connection& c);
  Step Refuse(Connection& c, const RequestHead* head, const Failure& failure);
  Step RefuseOverfull(Connection& c);
  bool Overfull(const Connection& c) const;
  void CountBuffered(Connection& c);
  Bulkhead* ServeOne(Connection& c, const RequestHead& head);
  void Consume(Connection& c);
  bool Receive(Connection& c);
  bool Flush(Connection& c);
  void Continue(Connection& c);
  void AwaitStream(Connection& c);
  void ListenWhileStreaming(Connection& c);
  void Linger(Connection& c);
  void Drain(Connection& c);
  void Arm(Connection& c, uint32_t events, int64_t deadline_ms, bool is_new = false);
  void Close(Connection& c);
  void Sweep();
  void SweepOne(Connection& c, int64_t now_ms);
  void ExpireParked(int64_t now_ms);
  void Finish();

  const LoopOptions options_;
  RequestHandler& handler_;
  std::vector<Bulkhead*> bulkheads_;
  int port_ = 0;
  int listen_fd_ = -1;
  int epoll_fd_ = -1;
  int wake_fd_ = -1;  // an eventfd: readable when the workers shall end
  std::vector<std::unique_ptr<Connection>> slots_;  // by descriptor; never freed, but reused
  std::atomic<int> highest_fd_{0};
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_{false};
  std::atomic<size_t> connections_{0};
  std::atomic<size_t> turned_away_{0};
  std::atomic<size_t> buffered_bytes_{0};
  std::atomic<uint64_t> accepted_{0};
  std::atomic<uint64_t> timed_out_{0};
};

// How long a connection is read on after our last word, so that its client gets to read that.
constexpr int64_t kLingerMs = 2000;

int64_t MonotonicMs();
int64_t MonotonicUs();

}  // namespace latchkey
