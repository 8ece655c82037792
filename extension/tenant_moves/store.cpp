// Reading, locking and changing rows of moves.
#include "extension/tenant_moves/store.hpp"

#include "extension/core/error.hpp"
#include "extension/jobs/enqueue.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenant_moves {

namespace {

constexpr int kMoveColumns = 13;
// A move that is left half done keeps a tenant from writing: its job goes on trying.
constexpr int32_t kMaxRetries = 1000;

}  // namespace

const settings::SealedColumn kOtherCopy("tenant_moves", "sealed_connection", {"tenant_id"});

bool Move::IsUnderWay() const {
  return status == "moving" || status == "undoing" || status == "reverting" ||
         status == "confirming";
}

std::optional<Move> LockMove(pg::Spi& spi, const Uuid& tenant_id) {
  static pg::Statement statement(R"(
    SELECT job_id, status, step, from_server, to_server, sealed_connection, run, discard_writes,
           checksum
      FROM latchkey.tenant_moves WHERE tenant_id = $1 FOR NO KEY UPDATE)");
  const pg::Rows rows = spi.RunLatest(statement, tenant_id);
  if (rows.empty()) return std::nullopt;
  const pg::Row row = rows[0];
  return Move{row.Get<Uuid>(1),    row.Text(2),      row.Optional<std::string>(3),
              row.Text(4),         row.Text(5),      row.Optional<std::string>(6),
              row.Get<int64_t>(7), row.Get<bool>(8), row.Optional<std::string>(9)};
}

Move RequireMove(pg::Spi& spi, const Uuid& tenant_id) {
  auto move = LockMove(spi, tenant_id);
  if (!move) throw Error(ErrorCode::kNotFound, "the tenant was never moved");
  return std::move(*move);
}

void SetStatus(pg::Spi& spi, const Uuid& tenant_id, const char* status,
               const std::optional<std::string>& error) {
  static pg::Statement statement(R"(
    UPDATE latchkey.tenant_moves
       SET status = $2, error = coalesce($3, error), run = run + 1, updated_at = $4,
           switched_at = CASE $2 WHEN 'switched' THEN coalesce(switched_at, $4) ELSE switched_at END
     WHERE tenant_id = $1)");
  spi.RunLatest(statement, tenant_id, status, error, pg::Now());
}

void DiscardWrites(pg::Spi& spi, const Uuid& tenant_id) {
  static pg::Statement statement(
      "UPDATE latchkey.tenant_moves SET discard_writes = true WHERE tenant_id = $1");
  spi.RunLatest(statement, tenant_id);
}

void SetOtherCopy(pg::Spi& spi, const Uuid& tenant_id,
                  const std::optional<std::string>& sealed_connection) {
  static pg::Statement statement(
      "UPDATE latchkey.tenant_moves SET sealed_connection = $2 WHERE tenant_id = $1");
  static pg::Statement erase(
      "UPDATE latchkey.tenant_moves SET sealed_connection = NULL WHERE tenant_id = $1");
  if (sealed_connection) {
    spi.RunLatest(statement, tenant_id, pg::Bytes{*sealed_connection});
  } else {
    spi.RunLatest(erase, tenant_id);
  }
}

Uuid EnqueueMove(pg::Spi& spi, const Uuid& tenant_id) {
  const pg::Param payload = pg::JsonParam("{}");
  jobs::NewJob job;
  job.type = kMoveJob;
  job.max_retries = kMaxRetries;
  job.payload = {payload.type, payload.value, false};
  return jobs::Enqueue(spi, tenant_id, job);
}

std::vector<pg::Value> LoadMove(pg::Spi& spi, const Uuid& tenant_id) {
  static pg::Statement statement(R"(
    SELECT tenant_id, job_id, status, step, error, from_server, to_server, table_count, row_count,
           checksum, started_at, switched_at, updated_at
      FROM latchkey.tenant_moves WHERE tenant_id = $1)");
  const pg::Rows rows = spi.RunLatest(statement, tenant_id);
  if (rows.empty()) return std::vector<pg::Value>(kMoveColumns);
  return tenants::Columns(rows[0], kMoveColumns);
}

}  // namespace latchkey::tenant_moves
