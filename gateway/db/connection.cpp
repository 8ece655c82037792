// Connecting, and reading errors.
#include "gateway/db/connection.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace latchkey {
namespace {

std::string Field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text ? text : "";
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

void PgConnection::SetPrepared(size_t id) {
  if (id >= prepared_.size()) prepared_.resize(id + 1);
  prepared_[id] = true;
}

}  // namespace latchkey
