// A database connection of the worker: made anew when it broke, with statements that can be ended.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/db/connection.hpp"
#include "gateway/db/pipeline.hpp"

namespace latchkey {

// Used by one thread.
class WorkSession {
 public:
  explicit WorkSession(std::string url) : options_{std::move(url), 5, "latchkey-worker"} {}

  // Connects when there is no connection. False: the database can't be reached now.
  bool Connect();
  // Closes a connection that the server has closed meanwhile, so that no statement is sent into it.
  // Not for one that listens: what it was told looks the same.
  void CloseIfDead();
  bool connected() const { return connection_ != nullptr; }
  int socket() const { return PQsocket(connection_->handle()); }
  void Close() { connection_.reset(); }

  // Runs one statement as a transaction of its own. Without a deadline (0) it may take as long as
  // it likes; it is cancelled when `cancel` becomes true. An error without SQLSTATE: the connection
  // is lost, and so may be the answer of a statement that was done.
  TransactionResult Run(const char* sql, const std::vector<Parameter>& values, int64_t timeout_ms,
                        const std::atomic<bool>* cancel = nullptr);

  // Reads what the server said unasked; closes a connection that is lost.
  void ReadSocket();
  // Takes the notifications that came: true when one names a type that we handle.
  bool TakeNotifications();

 private:
  bool AwaitResult(int64_t deadline_ms, const std::atomic<bool>* cancel);
  void SendCancel();

  const ConnectOptions options_;
  std::unique_ptr<PgConnection> connection_;
};

}  // namespace latchkey
