// Connections whose answer goes on: they wait for what is appended to it, or for their client to
// go.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "gateway/http/connection_loop.hpp"

namespace latchkey {
namespace {

// Whoever appends does so more often; a stream that nobody looks after ends.
constexpr int64_t kStreamTimeoutMs = 90000;
constexpr size_t kMaxIgnoredBytes = 4096;

}  // namespace

// The generation tells whether the descriptor is still this stream's connection; when another
// thread has it at the moment, the next call finds what is left.
void ConnectionLoop::Pump(const StreamPtr& stream) {
  const ResponseStream::Place place = stream->place();
  if (place.fd < 0 || stream->closed()) return;
  Connection* c = slots_[static_cast<size_t>(place.fd)].get();
  if (!c || !c->Claim(place.generation)) return;
  if (c->stream != stream) return Arm(*c, EPOLLIN, c->deadline_ms);  // it ends already
  // A client that is behind gets no more until it has taken what it was sent.
  if (c->out.empty() && stream->Take(c->out)) c->close_after_output = true;
  Continue(*c);
}

void ConnectionLoop::AwaitStream(Connection& c) {
  Arm(c, EPOLLIN, MonotonicMs() + kStreamTimeoutMs);
}

// The client has nothing to say but that it goes. Some bytes of it are ignored.
void ConnectionLoop::ListenWhileStreaming(Connection& c) {
  char ignored[1024];
  while (true) {
    const ssize_t got = recv(c.fd, ignored, sizeof ignored, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return AwaitStream(c);
    if (got <= 0) return Close(c);
    c.drained_bytes += static_cast<size_t>(got);
    if (c.drained_bytes > kMaxIgnoredBytes) return Close(c);
  }
}

}  // namespace latchkey
