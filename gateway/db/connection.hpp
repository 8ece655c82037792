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

  // Which statements, by id, this connection has prepared.
  bool IsPrepared(size_t id) const { return id < prepared_.size() && prepared_[id]; }
  void SetPrepared(size_t id);

  int64_t created_ms = 0;
  int64_t released_ms = 0;

 private:
  PGconn* handle_;
  std::vector<bool> prepared_;
};

}  // namespace latchkey
