// Owning types for libpq's connections and results.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace latchkey {

struct ResultDeleter {
  void operator()(PGresult* result) const { PQclear(result); }
};
using PgResult = std::unique_ptr<PGresult, ResultDeleter>;

// What the server said about a failed statement. `detail` and `hint` may be shown to a client only
// for our own errors (class LK).
struct SqlError {
  std::string sqlstate;  // empty: the server said nothing, the connection is gone
  std::string message;
  std::string detail;
  std::string hint;
};
SqlError ReadError(const PGresult* result);

struct ConnectOptions {
  std::string url;
  int connect_timeout_s = 5;
  const char* application_name = "latchkey-gateway";  // where the URL names none
};

// What is wrong with a connection URL or string, empty when nothing is. The text quotes nothing of
// it, unlike libpq's: it may hold a password.
std::string CheckDatabaseUrl(const std::string& url);

class PgConnection {
 public:
  // Connects, and waits for it. Look at ok() afterwards.
  explicit PgConnection(const ConnectOptions& options);
  ~PgConnection();
  PgConnection(const PgConnection&) = delete;
  PgConnection& operator=(const PgConnection&) = delete;

  bool ok() const { return PQstatus(handle_) == CONNECTION_OK; }
  std::string ErrorText() const { return PQerrorMessage(handle_); }
  PGconn* handle() const { return handle_; }

  // True when the server has closed its side, or has said something unasked (it is about to).
  bool LooksDead() const;

  // From now on the server may send so many bytes; what it sends beyond ends the connection. For
  // servers that are not ours: libpq would keep in memory whatever they say. Counts over TCP only:
  // who is behind a Unix socket is ours.
  void LimitAnswer(uint64_t most_bytes);
  bool flooded() const { return flooded_; }
  // As PQconsumeInput. False: the connection is lost, or the server has sent too much.
  bool Consume();
  // As PQgetResult, PQexec and PQexecParams, which wait for as long as it takes, within the limit.
  PgResult AwaitResult();
  PgResult Execute(const char* sql);
  PgResult Execute(const char* sql, const std::vector<std::string>& values);

  // Which statements, by id, this connection has prepared.
  bool IsPrepared(size_t id) const { return id < prepared_.size() && prepared_[id]; }
  void SetPrepared(size_t id);

  int64_t created_ms = 0;
  int64_t released_ms = 0;

 private:
  PgResult AwaitLast();

  PGconn* handle_;
  std::vector<bool> prepared_;
  uint64_t most_received_ = 0;  // 0: no limit
  bool flooded_ = false;
};

}  // namespace latchkey
