// Statements on one connection, of which the first that fails is remembered.
#pragma once

#include <cstdlib>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "gateway/db/connection.hpp"
#include "gateway/tenants/database_address.hpp"

namespace latchkey {

// Those who work on one database take turns, those whose client has died as well: what such a
// client has sent runs to its end before the lock is free.
inline constexpr char kTakeTurns[] =
    "SELECT pg_catalog.pg_advisory_lock(7814403, pg_catalog.hashtext($1))";
inline constexpr char kTryTakeTurns[] =
    "SELECT pg_catalog.pg_try_advisory_lock(7814403, pg_catalog.hashtext($1))";

class Statements {
 public:
  explicit Statements(PgConnection& connection)
      : connection_(connection), handle_(connection.handle()) {}

  // Each answers false, and does nothing, once one has failed.
  bool Ask(const std::string& sql, const std::vector<std::string>& values = {}) {
    if (failure_) return false;
    rows_ = connection_.Execute(sql.c_str(), values);
    const ExecStatusType status = PQresultStatus(rows_.get());
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return true;
    SqlError error = ReadError(rows_.get());
    if (error.message.empty()) error.message = "the connection is lost";
    if (!error.detail.empty()) error.message += ". " + error.detail;
    return Fail(error);
  }

  bool Fail(SqlError error) {
    if (!failure_) failure_ = std::move(error);
    return false;
  }

  int RowCount() const { return PQntuples(rows_.get()); }
  bool AnyRow() const { return PQntuples(rows_.get()) > 0; }
  bool IsTrue(int column) const { return AnyRow() && Text(column) == "t"; }
  std::string Text(int column, int row = 0) const { return PQgetvalue(rows_.get(), row, column); }
  long Affected() const { return std::atol(PQcmdTuples(rows_.get())); }

  std::string Name(const std::string& name) const {
    char* quoted = PQescapeIdentifier(handle_, name.data(), name.size());
    if (!quoted) throw std::bad_alloc();
    std::string text = quoted;
    PQfreemem(quoted);
    return text;
  }

  std::optional<SqlError> failure() const { return failure_; }

 private:
  PgConnection& connection_;
  PGconn* const handle_;
  PgResult rows_;
  std::optional<SqlError> failure_;
};

}  // namespace latchkey
