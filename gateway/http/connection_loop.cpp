// Accepting, the worker threads, the sweep for deadlines, and stopping.
#include "gateway/http/connection_loop.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

namespace latchkey {
namespace {

constexpr int kTickMs = 250;
constexpr int kDrainTickMs = 20;
constexpr int kBacklog = 1024;
constexpr int kMaxAcceptsInTurn = 256;  // then deadlines are looked after
constexpr size_t kMaxTurnedAway = 256;  // of the spare descriptors
constexpr uint64_t kWakeEvent = ~uint64_t{0};
constexpr size_t kSpareDescriptors = 1024;  // database connections, files, the loop's own

uint64_t EventOf(uint64_t generation, int fd) {
  return (generation & 0xFFFFFFFFu) << 32 | static_cast<uint32_t>(fd);
}

void FormatPeer(const sockaddr_storage& address, char* out, size_t size) {
  out[0] = 0;
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, out, static_cast<socklen_t>(size));
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], out, static_cast<socklen_t>(size));
    } else {
      inet_ntop(AF_INET6, &v6.sin6_addr, out, static_cast<socklen_t>(size));
    }
  }
}

int PortOf(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

// A request that the kernel has and we have not read yet.
bool HasUnread(int fd) {
  char byte;
  return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

}  // namespace

int64_t MonotonicMs() { return MonotonicUs() / 1000; }

int64_t MonotonicUs() {
  using namespace std::chrono;
  return duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
}

ConnectionLoop::ConnectionLoop(const LoopOptions& options, RequestHandler& handler)
    : options_(options), handler_(handler), slots_(options.max_connections + kSpareDescriptors) {}

ConnectionLoop::~ConnectionLoop() {
  for (int fd : {listen_fd_, epoll_fd_, wake_fd_}) {
    if (fd >= 0) close(fd);
  }
}

std::string ConnectionLoop::Listen() {
  const std::string where = options_.host + ":" + std::to_string(options_.port);
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(options_.port);
  if (int rc = getaddrinfo(options_.host.c_str(), port.c_str(), &hints, &found)) {
    return "can't resolve " + where + ": " + gai_strerror(rc);
  }
  listen_fd_ = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listen_fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(listen_fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted sockets inherit it
  const bool bound = bind(listen_fd_, found->ai_addr, found->ai_addrlen) == 0;
  freeaddrinfo(found);
  if (!bound || listen(listen_fd_, kBacklog) != 0) {
    return "can't listen on " + where + ": " + std::strerror(errno);
  }
  sockaddr_storage own = {};
  socklen_t length = sizeof own;
  getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&own), &length);
  port_ = PortOf(own);
  epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event = {};
  event.events = EPOLLIN;  // not one-shot: it must wake every worker
  event.data.u64 = kWakeEvent;
  if (epoll_fd_ < 0 || wake_fd_ < 0 || epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event) != 0) {
    return std::string("can't set up epoll: ") + std::strerror(errno);
  }
  return "";
}

void ConnectionLoop::Work() {
  while (true) {
    // One event at a time: a second one would wait behind the first one's database call.
    epoll_event event;
    if (epoll_wait(epoll_fd_, &event, 1, -1) != 1) continue;
    if (event.data.u64 == kWakeEvent) return;
    Connection* c = slots_[event.data.u64 & 0xFFFFFFFFu].get();
    // Whoever has the descriptor now: the event may have been armed for its last owner at the
    // moment when it changed hands, and nobody else would look. A look for nothing only arms it
    // again.
    if (c->Claim(c->Generation())) Drive(c);
  }
}

// What is left over wakes the loop again at once.
void ConnectionLoop::AcceptSome() {
  for (int turn = 0; turn < kMaxAcceptsInTurn; ++turn) {
    sockaddr_storage address = {};
    socklen_t length = sizeof address;
    const int fd = accept4(listen_fd_, reinterpret_cast<sockaddr*>(&address), &length,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      // Out of descriptors: the pending client stays in the backlog, so don't spin on it.
      if (errno == EMFILE || errno == ENFILE) usleep(20 * 1000);
      return;
    }
    accepted_.fetch_add(1, std::memory_order_relaxed);
    char peer[sizeof Connection::peer_address];
    FormatPeer(address, peer, sizeof peer);
    const bool full = connections_.load(std::memory_order_relaxed) >= options_.max_connections;
    if (full || static_cast<size_t>(fd) >= slots_.size()) {
      TurnAway(fd, peer);
    } else {
      Adopt(fd, peer);
    }
  }
}

// Answers and ends a connection that is one too many. Its request may be here, or come only now:
// unless it is read, the connection is reset, and the client may never see the answer.
void ConnectionLoop::TurnAway(int fd, const char* peer_address) {
  std::string answer;
  handler_.Refuse(nullptr, {peer_address},
                  Failure{ErrorId::Unavailable, "too many connections are open", "", 5}, true,
                  answer);
  if (send(fd, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) {
    shutdown(fd, SHUT_WR);
  }
  const bool room = turned_away_.load(std::memory_order_relaxed) < kMaxTurnedAway;
  if (room && static_cast<size_t>(fd) < slots_.size()) {
    Connection& c = Occupy(fd, peer_address);
    c.lingering = c.turned_away = true;
    turned_away_.fetch_add(1, std::memory_order_relaxed);
    return Arm(c, EPOLLIN, MonotonicMs() + kLingerMs, true);
  }
  char unread[4096];
  for (int i = 0; i < 16 && recv(fd, unread, sizeof unread, MSG_DONTWAIT) > 0; ++i) {
  }
  close(fd);
}

// Gives a new descriptor its slot. Nobody else touches it before it is armed.
Connection& ConnectionLoop::Occupy(int fd, const char* peer_address) {
  auto& slot = slots_[static_cast<size_t>(fd)];
  if (!slot) slot = std::make_unique<Connection>();
  Connection& c = *slot;
  if (fd > highest_fd_.load(std::memory_order_relaxed)) highest_fd_ = fd;
  // Pairs with the release in Close(): what its last owner did to the slot has happened before.
  const uint64_t generation = (c.state.load(std::memory_order_acquire) >> 2) + 1;
  c.state.store(Connection::Pack(generation, Phase::kOwned), std::memory_order_relaxed);
  c.Reset(fd);
  std::memcpy(c.peer_address, peer_address, sizeof c.peer_address);
  return c;
}

void ConnectionLoop::Adopt(int fd, const char* peer_address) {
  Connection& c = Occupy(fd, peer_address);
  connections_.fetch_add(1, std::memory_order_relaxed);
  Arm(c, EPOLLIN, MonotonicMs() + options_.idle_timeout_ms, true);
}

void ConnectionLoop::Arm(Connection& c, uint32_t events, int64_t deadline_ms, bool is_new) {
  const int fd = c.fd;
  const uint64_t generation = c.Generation();
  c.deadline_ms.store(deadline_ms, std::memory_order_relaxed);
  c.state.store(Connection::Pack(generation, Phase::kArmed), std::memory_order_release);
  // From here on another thread may own the connection: only local values are used.
  epoll_event event = {};
  event.events = events | EPOLLONESHOT;
  event.data.u64 = EventOf(generation, fd);
  epoll_ctl(epoll_fd_, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
}

void ConnectionLoop::Close(Connection& c) {
  const int fd = c.fd;
  std::atomic<size_t>& count = c.turned_away ? turned_away_ : connections_;
  std::string().swap(c.in);
  CountBuffered(c);
  c.Reset(-1);
  c.state.store(Connection::Pack(c.Generation(), Phase::kFree), std::memory_order_release);
  // Last, since the descriptor's number may be given to a new connection at once.
  close(fd);
  count.fetch_sub(1, std::memory_order_relaxed);
}

void ConnectionLoop::SweepOne(Connection& c, int64_t now_ms) {
  const uint64_t state = c.state.load(std::memory_order_acquire);
  if ((state & 3) != static_cast<uint64_t>(Phase::kArmed)) return;
  const bool expired = c.deadline_ms.load(std::memory_order_relaxed) <= now_ms;
  if (!expired && !stopping_) return;
  if (!c.Claim(state >> 2)) return;
  const bool quiet = c.out.empty() && !c.lingering;
  if (expired && quiet && c.started_ms != 0) {
    timed_out_.fetch_add(1, std::memory_order_relaxed);
    RequestHead head;
    const bool known = c.awaited_bytes != 0 && !ParseRequestHead(c.in, c.scanned, head);
    handler_.Refuse(known ? &head : nullptr, {c.peer_address}, Failure{ErrorId::RequestTimeout},
                    true, c.out);
    Flush(c);
    Close(c);
  } else if (expired || (quiet && c.in.empty() && !HasUnread(c.fd))) {
    Close(c);
  } else {
    // Stopping, but a request is under way: give it back as it was. What is buffered raises no
    // event.
    const uint32_t events = !c.out.empty() ? EPOLLOUT : c.in.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT;
    Arm(c, events, c.deadline_ms);
  }
}

void ConnectionLoop::Sweep() {
  const int64_t now_ms = MonotonicMs();
  ExpireParked(now_ms);
  for (int fd = 0; fd <= highest_fd_.load(std::memory_order_relaxed); ++fd) {
    if (slots_[static_cast<size_t>(fd)]) SweepOne(*slots_[static_cast<size_t>(fd)], now_ms);
  }
}

void ConnectionLoop::ExpireParked(int64_t now_ms) {
  for (Bulkhead* bulkhead : bulkheads_) {
    for (Connection* c : bulkhead->TakeExpired(now_ms)) {
      RequestHead head;
      ParseRequestHead(c->in, c->scanned, head);
      c->close_after_output = !head.keep_alive || stopping_;
      handler_.Refuse(&head, {c->peer_address, c->complete_us},
                      Failure{ErrorId::TooBusy, "the server is busy; try again in a moment", "", 1},
                      c->close_after_output, c->out);
      Consume(*c);
      Continue(*c);
    }
  }
}

void ConnectionLoop::Finish() {
  stopping_ = true;
  close(listen_fd_);
  listen_fd_ = -1;
  const int64_t deadline_ms = MonotonicMs() + options_.drain_timeout_ms;
  while (connections() > 0 && MonotonicMs() < deadline_ms) {
    Sweep();
    usleep(kDrainTickMs * 1000);
  }
}

bool ConnectionLoop::Run(int stop_fd, const std::function<void()>& every_second) {
  for (size_t i = 0; i < options_.workers; ++i) threads_.emplace_back([this] { Work(); });
  int64_t next_sweep_ms = MonotonicMs() + kTickMs;
  int64_t next_second_ms = MonotonicMs() + 1000;
  pollfd watched[2] = {{listen_fd_, POLLIN, 0}, {stop_fd, POLLIN, 0}};
  while (watched[1].revents == 0) {
    const int64_t left_ms = next_sweep_ms - MonotonicMs();
    poll(watched, 2, static_cast<int>(left_ms > 0 ? left_ms : 0));
    if (watched[0].revents) AcceptSome();
    const int64_t now_ms = MonotonicMs();
    if (now_ms >= next_sweep_ms) {
      Sweep();
      next_sweep_ms = now_ms + kTickMs;
    }
    if (now_ms >= next_second_ms) {
      every_second();
      next_second_ms = now_ms + 1000;
    }
  }
  Finish();
  if (connections() > 0) {
    for (std::thread& thread : threads_) thread.detach();
    return false;
  }
  const uint64_t one = 1;
  if (write(wake_fd_, &one, sizeof one) < 0) return false;
  for (std::thread& thread : threads_) thread.join();
  return true;
}

}  // namespace latchkey
