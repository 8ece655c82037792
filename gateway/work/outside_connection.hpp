// A connection to a tenant's database or server, made for one job.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "gateway/db/connection.hpp"
#include "gateway/tenants/database_address.hpp"
#include "gateway/work/board.hpp"

namespace latchkey {

// While it lives, interrupting the job cancels the statement that runs.
class OutsideConnection {
 public:
  OutsideConnection(HeldJob& job, const DatabaseAddress& address, int connect_timeout_s);
  ~OutsideConnection();
  OutsideConnection(const OutsideConnection&) = delete;
  OutsideConnection& operator=(const OutsideConnection&) = delete;

  // Why there is none; empty: there is one.
  const std::string& error() const { return error_; }
  PgConnection& connection() { return *connection_; }

 private:
  HeldJob& job_;
  std::unique_ptr<PgConnection> connection_;
  std::string error_;
};

// For people: libpq's messages have several lines.
std::string OneLine(std::string text);

}  // namespace latchkey
