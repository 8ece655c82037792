// One client connection: its buffers, its deadline, and who holds it at the moment.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "gateway/http/response_stream.hpp"

namespace latchkey {

// Who may touch a connection. It is armed (waits in epoll, nobody touches it) or owned by exactly
// one thread or queue. A change from armed to owned is a compare-and-swap on `state`, which also
// holds a generation: an event of a connection that was closed and whose descriptor was given to a
// new one finds another generation, and is dropped.
enum class Phase : uint64_t { kFree = 0, kArmed = 1, kOwned = 2 };

struct Connection {
  std::atomic<uint64_t> state{0};       // generation << 2 | phase
  std::atomic<int64_t> deadline_ms{0};  // monotonic; the sweep looks at it while armed
  int fd = -1;

  std::string in;            // received, not yet served
  std::string out;           // to be sent
  size_t out_sent = 0;       // how much of it was sent already
  size_t scanned = 0;        // see ScanForHeadEnd
  size_t awaited_bytes = 0;  // head and body of the request being received, once the head is known
  size_t counted_bytes = 0;  // its share of the loop's count of buffered bytes
  int64_t started_ms = 0;    // when its first byte arrived; 0: between two requests
  int64_t complete_us = 0;   // when its last byte had arrived; it may have to wait from then on
  int64_t output_deadline_ms = 0;  // 0: no output is stuck
  size_t drained_bytes = 0;        // thrown away after our last answer

  bool close_after_output = false;
  bool lingering =
      false;  // our side is shut; we read on, so that the answer is not lost in a reset
  bool turned_away = false;  // answered when it was accepted; not one of max_connections
  bool continue_sent = false;
  bool peer_closed = false;
  StreamPtr stream;            // of an answer that goes on; requests are no longer served then
  char peer_address[46] = {};  // INET6_ADDRSTRLEN

  static uint64_t Pack(uint64_t generation, Phase phase) {
    return generation << 2 | static_cast<uint64_t>(phase);
  }
  uint64_t Generation() const { return state.load(std::memory_order_relaxed) >> 2; }

  // Takes the connection from epoll; false when it is no longer armed, or another one by now.
  bool Claim(uint64_t generation) {
    uint64_t expected = Pack(generation, Phase::kArmed);
    return state.compare_exchange_strong(expected, Pack(generation, Phase::kOwned),
                                         std::memory_order_acq_rel);
  }

  void EndStream() {
    if (stream) stream->Close();
    stream.reset();
  }

  // Forgets everything of the previous client. 10,000 idle connections must cost little, so
  // nothing keeps its memory.
  void Reset(int new_fd) {
    fd = new_fd;
    std::string().swap(in);
    std::string().swap(out);
    out_sent = scanned = awaited_bytes = counted_bytes = drained_bytes = 0;
    started_ms = complete_us = output_deadline_ms = 0;
    close_after_output = lingering = turned_away = continue_sent = peer_closed = false;
    EndStream();
    peer_address[0] = 0;
  }
};

}  // namespace latchkey
