// What happens to one connection while a thread owns it: receive, take a request, serve, send.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "gateway/http/connection_loop.hpp"

namespace latchkey {
namespace {

constexpr size_t kChunkBytes = 16 * 1024;
constexpr size_t kMaxDrainBytes = 1024 * 1024;
// Requests up to this size are taken even when the buffers of all together are full: they are the
// many honest ones, and max_connections bounds what they can use.
constexpr size_t kSmallBytes = 4096;

// The head of the request whose end the connection waits for; false when it is not known yet.
bool KnownHead(const Connection& c, RequestHead& head) {
  return c.awaited_bytes != 0 && !ParseRequestHead(c.in, c.scanned, head);
}

}  // namespace

// Serves one request of the connection and, as long as others wait for the place in the bulkhead
// that it leaves, one request of each of those.
void ConnectionLoop::Drive(Connection* connection) {
  RequestHead head;
  if (Prepare(*connection, head) != Step::kServe) return;
  while (connection) {
    Bulkhead* bulkhead = ServeOne(*connection, head);
    Connection* next = bulkhead ? bulkhead->Leave() : nullptr;
    Continue(*connection);
    connection = next;
    if (next) {
      head = RequestHead{};
      ParseRequestHead(next->in, next->scanned, head);
    }
  }
}

ConnectionLoop::Step ConnectionLoop::Prepare(Connection& c, RequestHead& head) {
  if (!c.out.empty()) {
    Continue(c);
    return Step::kDone;
  }
  if (c.lingering) {
    Drain(c);
    return Step::kDone;
  }
  if (c.stream) {
    ListenWhileStreaming(c);
    return Step::kDone;
  }
  if (!Receive(c)) {
    Close(c);
    return Step::kDone;
  }
  return TakeRequest(c, head);
}

// False when the connection broke. The end of the peer's data is no error: a client may shut its
// side after the request and wait for the answer.
bool ConnectionLoop::Receive(Connection& c) {
  thread_local char chunk[kChunkBytes];
  // More than the request can need is left in the kernel, where it slows its sender down.
  const size_t wanted = c.awaited_bytes ? c.awaited_bytes : kMaxHeadBytes;
  while (c.in.size() < wanted) {
    const ssize_t got = recv(c.fd, chunk, sizeof chunk, 0);
    if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    if (got == 0) {
      c.peer_closed = true;
      return true;
    }
    c.in.append(chunk, static_cast<size_t>(got));
    CountBuffered(c);
    if (static_cast<size_t>(got) < sizeof chunk) break;
  }
  return true;
}

ConnectionLoop::Step ConnectionLoop::TakeRequest(Connection& c, RequestHead& head) {
  if (c.in.size() < c.awaited_bytes) return AwaitMore(c);
  if (c.awaited_bytes == 0) {
    // Empty lines before a request are to be ignored (RFC 9112, section 2.2), but they start its
    // clock.
    if (c.started_ms == 0 && !c.in.empty()) c.started_ms = MonotonicMs();
    size_t empty = 0;
    while (c.scanned == 0 && c.in.compare(empty, 2, "\r\n") == 0) empty += 2;
    c.in.erase(0, empty);
    if (c.in == "\r") return AwaitMore(c);
    const HeadScan scan = ScanForHeadEnd(c.in, c.scanned);
    if (scan.failure) return Refuse(c, nullptr, *scan.failure);
    if (scan.size == 0) return AwaitMore(c);
  }
  if (auto failure = ParseRequestHead(c.in, c.scanned, head)) return Refuse(c, &head, *failure);
  const Admission admission = handler_.Inspect(head);
  if (head.content_length > admission.max_body_bytes) {
    return Refuse(c, &head, admission.beyond);
  }
  c.awaited_bytes = head.size + head.content_length;
  if (c.in.size() < c.awaited_bytes) {
    if (head.expects_continue && !c.continue_sent) {
      c.continue_sent = true;
      constexpr char kContinue[] = "HTTP/1.1 100 Continue\r\n\r\n";
      send(c.fd, kContinue, sizeof kContinue - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    return AwaitMore(c);
  }
  c.complete_us = MonotonicUs();
  if (!admission.bulkhead) return Step::kServe;
  if (Overfull(c)) return RefuseOverfull(c);
  if (!admission.bulkhead->EnterOrPark(&c, MonotonicMs())) return Step::kDone;
  return Step::kServe;
}

ConnectionLoop::Step ConnectionLoop::AwaitMore(Connection& c) {
  if (c.peer_closed) {
    Close(c);
  } else if (Overfull(c)) {
    return RefuseOverfull(c);
  } else if (c.started_ms == 0) {
    Arm(c, EPOLLIN, MonotonicMs() + options_.idle_timeout_ms);
  } else {
    Arm(c, EPOLLIN, c.started_ms + options_.request_timeout_ms);
  }
  return Step::kDone;
}

ConnectionLoop::Step ConnectionLoop::Refuse(Connection& c, const RequestHead* head,
                                            const Failure& failure) {
  // Where the next request would start is not known any more, so the connection ends.
  handler_.Refuse(head, {c.peer_address, c.complete_us}, failure, true, c.out);
  c.close_after_output = true;
  std::string().swap(c.in);
  CountBuffered(c);
  Continue(c);
  return Step::kDone;
}

ConnectionLoop::Step ConnectionLoop::RefuseOverfull(Connection& c) {
  RequestHead head;
  const bool known = KnownHead(c, head);
  return Refuse(
      c, known ? &head : nullptr,
      Failure{ErrorId::TooBusy, "too many large requests are under way; try again", "", 1});
}

bool ConnectionLoop::Overfull(const Connection& c) const {
  return c.in.size() > kSmallBytes && buffered_bytes() > options_.max_buffered_bytes;
}

// Capacity, not size: what is counted is memory.
void ConnectionLoop::CountBuffered(Connection& c) {
  const size_t bytes = c.in.empty() ? 0 : c.in.capacity();
  buffered_bytes_.fetch_add(bytes - c.counted_bytes, std::memory_order_relaxed);
  c.counted_bytes = bytes;
}

Bulkhead* ConnectionLoop::ServeOne(Connection& c, const RequestHead& head) {
  const Admission admission = handler_.Inspect(head);
  c.close_after_output = !head.keep_alive || c.peer_closed || stopping_;
  const std::string_view body(c.in.data() + head.size, head.content_length);
  c.stream =
      handler_.Serve(head, body, {c.peer_address, c.complete_us}, c.close_after_output, c.out);
  Consume(c);
  if (c.stream) {
    std::string().swap(c.in);
    CountBuffered(c);
    c.started_ms = 0;
    c.close_after_output = false;
    c.stream->Attach({c.fd, c.Generation()});
  }
  return admission.bulkhead;
}

// Forgets the request at the start of the buffer; what a pipelining client sent after it stays.
void ConnectionLoop::Consume(Connection& c) {
  if (c.in.size() == c.awaited_bytes) {
    std::string().swap(c.in);
    c.started_ms = 0;
  } else {
    c.in.erase(0, c.awaited_bytes);
    c.started_ms = MonotonicMs();
  }
  CountBuffered(c);
  c.scanned = c.awaited_bytes = 0;
  c.complete_us = 0;
  c.continue_sent = false;
}

// False when the connection broke. What the kernel does not take stays in `out`.
bool ConnectionLoop::Flush(Connection& c) {
  while (c.out_sent < c.out.size()) {
    const ssize_t sent = send(c.fd, c.out.data() + c.out_sent, c.out.size() - c.out_sent,
                              MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK;
    }
    c.out_sent += static_cast<size_t>(sent);
  }
  std::string().swap(c.out);
  c.out_sent = 0;
  c.output_deadline_ms = 0;
  return true;
}

// Sends the answer and hands the connection on: to its next request, or to its end.
void ConnectionLoop::Continue(Connection& c) {
  if (!Flush(c)) return Close(c);
  const int64_t now_ms = MonotonicMs();
  if (!c.out.empty()) {
    // A reader as slow as that does not get more time for every byte it takes.
    if (c.output_deadline_ms == 0) c.output_deadline_ms = now_ms + options_.request_timeout_ms;
    return Arm(c, EPOLLOUT, c.output_deadline_ms);
  }
  if (c.close_after_output) return Linger(c);
  if (c.stream) return AwaitStream(c);
  if (c.in.empty()) return Arm(c, EPOLLIN, now_ms + options_.idle_timeout_ms);
  // Bytes that are here already raise no event, but that the socket is writable does: so the next
  // pipelined request waits its turn behind the other connections.
  Arm(c, EPOLLIN | EPOLLOUT, now_ms + options_.request_timeout_ms);
}

// Closing a socket with unread data resets the connection, and the client may lose our answer.
void ConnectionLoop::Linger(Connection& c) {
  c.EndStream();
  if (c.peer_closed || shutdown(c.fd, SHUT_WR) != 0) return Close(c);
  c.lingering = true;
  Arm(c, EPOLLIN, MonotonicMs() + kLingerMs);
}

void ConnectionLoop::Drain(Connection& c) {
  char chunk[4096];
  while (true) {
    const ssize_t got = recv(c.fd, chunk, sizeof chunk, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Arm(c, EPOLLIN, c.deadline_ms);
    if (got <= 0) return Close(c);
    c.drained_bytes += static_cast<size_t>(got);
    if (c.drained_bytes > kMaxDrainBytes) return Close(c);
  }
}

}  // namespace latchkey
