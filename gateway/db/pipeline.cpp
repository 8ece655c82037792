// Sending a transaction's statements at once, and collecting what comes back.
#include "gateway/db/pipeline.hpp"

#include <poll.h>
#include <unistd.h>

#include "gateway/http/connection_loop.hpp"

namespace latchkey {
namespace {

constexpr int kMaxAttempts = 4;
constexpr int64_t kRollBackTimeoutMs = 1000;
const Statement kBegin = {0, "BEGIN"};
const Statement kCommit = {1, "COMMIT"};

std::string NameOf(const Statement& statement) { return "lk" + std::to_string(statement.id); }

// Waits for the next result, and sends meanwhile what is still to be sent. False: the connection
// failed, or it took too long.
bool NextResult(PgConnection& connection, int64_t deadline_ms, PgResult& result) {
  PGconn* handle = connection.handle();
  while (PQisBusy(handle)) {
    const int unsent = PQflush(handle);
    if (unsent < 0) return false;
    const int64_t left_ms = deadline_ms - MonotonicMs();
    pollfd socket = {PQsocket(handle), static_cast<short>(unsent ? POLLIN | POLLOUT : POLLIN), 0};
    if (left_ms <= 0 || poll(&socket, 1, static_cast<int>(left_ms)) == 0) return false;
    if (!connection.Consume()) return false;
  }
  result.reset(PQgetResult(handle));
  return true;
}

// Ends the transaction; when it can't, the connection is not idle, and the pool closes it.
void RollBack(PgConnection& connection, int64_t timeout_ms) {
  const int64_t deadline_ms = MonotonicMs() + timeout_ms;
  if (PQsendQuery(connection.handle(), "ROLLBACK") != 1) return;
  PgResult result;
  do {
    if (!NextResult(connection, deadline_ms, result)) return;
  } while (result);
}

// One pipeline on one connection: send everything, then read everything up to the Sync.
class Pipeline {
 public:
  Pipeline(PgConnection& connection, const TransactionOptions& options)
      : connection_(connection),
        handle_(connection.handle()),
        options_(options),
        deadline_ms_(MonotonicMs() + options.timeout_ms) {}

  bool Begin() { return PQenterPipelineMode(handle_) == 1; }

  bool Send(const Statement& statement, const std::vector<Parameter>& values) {
    const char* texts[16];
    const int count = static_cast<int>(values.size());
    if (count > 16) return false;
    for (int i = 0; i < count; ++i) texts[i] = values[i] ? values[i]->c_str() : nullptr;
    if (!options_.prepare) {
      expected_.push_back({nullptr, &statement});
      return PQsendQueryParams(handle_, statement.sql, count, nullptr, texts, nullptr, nullptr,
                               0) == 1;
    }
    const std::string name = NameOf(statement);
    if (!connection_.IsPrepared(statement.id)) {
      expected_.push_back({&statement, nullptr});
      if (PQsendPrepare(handle_, name.c_str(), statement.sql, 0, nullptr) != 1) return false;
    }
    expected_.push_back({nullptr, &statement});
    return PQsendQueryPrepared(handle_, name.c_str(), count, texts, nullptr, nullptr, 0) == 1;
  }

  // Reads all results. `rows` of the statement `wanted` are kept.
  bool Collect(const Statement* wanted, TransactionResult& out) {
    if (PQpipelineSync(handle_) != 1) return false;
    for (const Expected& expected : expected_) {
      PgResult result;
      if (!Next(result) || !result) return false;
      const ExecStatusType status = PQresultStatus(result.get());
      if (status == PGRES_FATAL_ERROR && !out.error) out.error = ReadError(result.get());
      if (status == PGRES_COMMAND_OK && expected.prepared) {
        connection_.SetPrepared(expected.prepared->id);
      }
      if (status == PGRES_TUPLES_OK && expected.executed == wanted) out.rows = std::move(result);
      PgResult end;  // every statement's results end with a null
      if (!Next(end) || end) return false;
    }
    PgResult sync;
    if (!Next(sync) || !sync || PQresultStatus(sync.get()) != PGRES_PIPELINE_SYNC) return false;
    return PQexitPipelineMode(handle_) == 1;
  }

 private:
  struct Expected {
    const Statement* prepared;
    const Statement* executed;
  };

  bool Next(PgResult& result) { return NextResult(connection_, deadline_ms_, result); }

  PgConnection& connection_;
  PGconn* handle_;
  const TransactionOptions& options_;
  const int64_t deadline_ms_;
  std::vector<Expected> expected_;
};

bool Transact(PgConnection& connection, const std::vector<BoundStatement>& statements,
              const TransactionOptions& options, TransactionResult& out) {
  static const std::vector<Parameter> none;
  Pipeline pipeline(connection, options);
  const bool write = options.access == Access::kWrite;
  if (!pipeline.Begin()) return false;
  if (write && !pipeline.Send(kBegin, none)) return false;
  for (const BoundStatement& bound : statements) {
    if (!pipeline.Send(*bound.statement, bound.values)) return false;
  }
  if (write && !pipeline.Send(kCommit, none)) return false;
  return pipeline.Collect(statements.back().statement, out);
}

// The statements are prepared on this connection no more, or for a table that has changed since.
bool IsStalePlan(const std::string& sqlstate) { return sqlstate == "0A000" || sqlstate == "26000"; }

bool IsConflict(const std::string& sqlstate) { return sqlstate == "40001" || sqlstate == "40P01"; }

// The server is going away; nothing was committed.
bool IsShutdown(const std::string& sqlstate) { return sqlstate.compare(0, 4, "57P0") == 0; }

}  // namespace

TransactionResult RunTransaction(PgConnection& connection,
                                 const std::vector<BoundStatement>& statements,
                                 const TransactionOptions& options) {
  TransactionResult out;
  if (options.max_answer_bytes != 0) connection.LimitAnswer(options.max_answer_bytes);
  if (!Transact(connection, statements, options, out)) {
    // Results may still be under way, so the connection can't be used any more.
    if (!out.error || !IsShutdown(out.error->sqlstate)) {
      out.error = SqlError{};
      out.error->message = connection.flooded() ? "the answer is larger than what is taken"
                                                : "the connection failed or took too long";
    }
    out.rows.reset();
    return out;
  }
  if (PQtransactionStatus(connection.handle()) != PQTRANS_IDLE) {
    // A failed statement made the server skip our COMMIT.
    RollBack(connection, kRollBackTimeoutMs);
    if (!out.error) {
      out.error = SqlError{};
      out.error->message = "the transaction was left open";
    }
  }
  if (out.error) out.rows.reset();
  return out;
}

TransactionResult RunPooled(Pool& pool, const std::vector<BoundStatement>& statements,
                            const TransactionOptions& options) {
  TransactionResult out;
  bool fresh = false;
  for (int attempt = 1; attempt <= kMaxAttempts; ++attempt) {
    auto connection = pool.Acquire(fresh);
    if (!connection) {
      out.error = SqlError{};
      out.error->message = "no connection";
      return out;
    }
    const int64_t started_ms = MonotonicMs();
    out = RunTransaction(*connection, statements, options);
    if (!out.error) {
      pool.Release(std::move(connection));
      return out;
    }
    const std::string& sqlstate = out.error->sqlstate;
    if (IsConflict(sqlstate)) {
      pool.Release(std::move(connection));
      usleep(static_cast<useconds_t>(1000 << attempt));  // whoever we collided with goes first
      continue;
    }
    const bool lost = sqlstate.empty() || IsShutdown(sqlstate);
    if (!lost && !IsStalePlan(sqlstate)) {
      pool.Release(std::move(connection));
      return out;
    }
    // A writer whose connection died may have committed: only the caller can know what to do.
    const bool unknown = sqlstate.empty() && options.access == Access::kWrite;
    const bool slow = MonotonicMs() - started_ms >= options.timeout_ms;
    pool.Discard(std::move(connection));
    if (lost) pool.Clear();
    if (unknown || slow || fresh) return out;
    fresh = true;
  }
  return out;
}

}  // namespace latchkey
