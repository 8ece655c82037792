// Connecting, and reading errors.
#include "gateway/db/connection.hpp"

// Not <netinet/tcp.h>, whose tcp_info is older.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace latchkey {
namespace {

std::string Field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text ? text : "";
}

// What has come in over a TCP connection since it was made; 0 for others.
uint64_t BytesReceived(int socket) {
  tcp_info info = {};
  socklen_t size = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  return info.tcpi_bytes_received;
}

}  // namespace

SqlError ReadError(const PGresult* result) {
  SqlError error;
  error.sqlstate = Field(result, PG_DIAG_SQLSTATE);
  error.message = Field(result, PG_DIAG_MESSAGE_PRIMARY);
  error.detail = Field(result, PG_DIAG_MESSAGE_DETAIL);
  error.hint = Field(result, PG_DIAG_MESSAGE_HINT);
  return error;
}

std::string CheckDatabaseUrl(const std::string& url) {
  const bool is_uri = url.rfind("postgresql://", 0) == 0 || url.rfind("postgres://", 0) == 0;
  if (!is_uri && url.find('=') == std::string::npos) return "";  // the name of a database
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(url.c_str(), nullptr), PQconninfoFree);
  if (!options) return "the database URL is malformed";
  for (const PQconninfoOption* option = options.get(); option->keyword; ++option) {
    const std::string keyword = option->keyword;
    const std::string value = option->val ? option->val : "";
    // Such a password would be cut there, and its rest be logged as a part of the address.
    if (keyword == "host" && value.find('@') != std::string::npos) {
      return "the database URL's host contains @: write @ as %40 in the password";
    }
    if (keyword == "port" && value.find_first_not_of("0123456789,") != std::string::npos) {
      return "the database URL's port is no number: write / ? # as %2F %3F %23 in the password";
    }
  }
  return "";
}

PgConnection::PgConnection(const ConnectOptions& options) {
  const std::string timeout = std::to_string(options.connect_timeout_s);
  // The first one is the URL; what follows it wins over what it says, except the fallback name.
  const char* keywords[] = {"dbname",
                            "fallback_application_name",
                            "client_encoding",
                            "connect_timeout",
                            "keepalives_idle",
                            "tcp_user_timeout",
                            nullptr};
  const char* values[] = {options.url.c_str(),
                          options.application_name,
                          "UTF8",
                          timeout.c_str(),
                          "60",
                          "20000",
                          nullptr};
  handle_ = PQconnectdbParams(keywords, values, 1);
  if (!handle_) throw std::bad_alloc();
  PQsetNoticeProcessor(
      handle_, [](void*, const char*) {}, nullptr);
  // A server that takes nothing in must not hold a thread beyond its deadline, in PQfinish()
  // neither.
  PQsetnonblocking(handle_, 1);
}

PgConnection::~PgConnection() { PQfinish(handle_); }

bool PgConnection::LooksDead() const {
  char byte;
  const ssize_t got = recv(PQsocket(handle_), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

void PgConnection::LimitAnswer(uint64_t most_bytes) {
  // libpq reads a large row for as long as more of it is there. With no more than this under way,
  // a server across a network can't always have more there.
  const int kernel_buffer_bytes = 65536;
  setsockopt(PQsocket(handle_), SOL_SOCKET, SO_RCVBUF, &kernel_buffer_bytes, sizeof(int));
  most_received_ = BytesReceived(PQsocket(handle_)) + most_bytes;
}

bool PgConnection::Consume() {
  if (most_received_ != 0 && BytesReceived(PQsocket(handle_)) > most_received_) flooded_ = true;
  return !flooded_ && PQconsumeInput(handle_) == 1;
}

PgResult PgConnection::AwaitResult() {
  while (PQisBusy(handle_)) {
    const int unsent = PQflush(handle_);
    pollfd socket = {PQsocket(handle_), static_cast<short>(unsent > 0 ? POLLIN | POLLOUT : POLLIN),
                     0};
    if (unsent < 0 || (poll(&socket, 1, -1) < 0 && errno != EINTR)) break;
    if (!Consume()) break;
  }
  // What has not arrived would be waited for.
  return PgResult(flooded_ ? nullptr : PQgetResult(handle_));
}

// The one that tells what went wrong, if anything did. A server that begins to copy would have us
// do so before it says more.
PgResult PgConnection::AwaitLast() {
  PgResult last;
  while (PgResult result = AwaitResult()) {
    const bool failed = last && PQresultStatus(last.get()) == PGRES_FATAL_ERROR;
    if (!failed) last = std::move(result);
    const ExecStatusType status = PQresultStatus(last.get());
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) break;
  }
  return last;
}

PgResult PgConnection::Execute(const char* sql) {
  if (PQsendQuery(handle_, sql) != 1) return nullptr;
  return AwaitLast();
}

PgResult PgConnection::Execute(const char* sql, const std::vector<std::string>& values) {
  std::vector<const char*> texts;
  for (const std::string& value : values) texts.push_back(value.c_str());
  const int count = static_cast<int>(texts.size());
  if (PQsendQueryParams(handle_, sql, count, nullptr, texts.data(), nullptr, nullptr, 0) != 1) {
    return nullptr;
  }
  return AwaitLast();
}

void PgConnection::SetPrepared(size_t id) {
  if (id >= prepared_.size()) prepared_.resize(id + 1);
  prepared_[id] = true;
}

}  // namespace latchkey
