// One transaction in one round trip, by libpq's pipeline mode.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/db/connection.hpp"
#include "gateway/db/pool.hpp"

namespace latchkey {

// A statement of the program. `id` is unique and names it when prepared; `sql` lives for ever.
struct Statement {
  size_t id;
  const char* sql;
};

using Parameter = std::optional<std::string>;

struct BoundStatement {
  const Statement* statement;
  std::vector<Parameter> values;
};

enum class Access { kRead, kWrite };

struct TransactionOptions {
  Access access = Access::kRead;
  bool prepare = true;
  int64_t timeout_ms = 10000;  // for all of it, measured on this side
  // For servers that are not ours; 0: no limit.
  uint64_t max_answer_bytes = 0;
};

struct TransactionResult {
  PgResult rows;                  // of the last statement
  std::optional<SqlError> error;  // an empty SQLSTATE: the connection failed or took too long
};

// Ids 0 and 1 are the transaction's own statements; others start here.
constexpr size_t kFirstStatementId = 2;

// Runs the statements in one transaction, in one round trip. A writing one is opened and committed
// explicitly. A reading one is what the protocol makes of everything up to a Sync: one implicit
// transaction, which ends by itself when a statement fails.
TransactionResult RunTransaction(PgConnection& connection,
                                 const std::vector<BoundStatement>& statements,
                                 const TransactionOptions& options);

// The same on a connection of the pool. Serialization failures and deadlocks are tried again a few
// times; so is, once, a transaction that did not commit because the connection was stale.
TransactionResult RunPooled(Pool& pool, const std::vector<BoundStatement>& statements,
                            const TransactionOptions& options);

}  // namespace latchkey
