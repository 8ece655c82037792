// What workers ask and tell while they move a tenant's database.
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/core/utf8.hpp"
#include "extension/settings/master_key.hpp"
#include "extension/tenant_databases/moving.hpp"
#include "extension/tenant_databases/servers.hpp"
#include "extension/tenant_moves/store.hpp"
#include "extension/tenant_users/members.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenant_moves {

namespace {

constexpr size_t kMaxStep = 100;
constexpr size_t kMaxError = 2000;

// A move, held by the worker that began last.
Move LockRun(pg::Spi& spi, const Uuid& tenant_id, int64_t run) {
  tenants::LockTenant(spi, tenant_id);
  Move move = RequireMove(spi, tenant_id);
  if (move.run != run || !move.IsUnderWay()) {
    throw Error(ErrorCode::kConflict, "somebody else has the move, or it was called off");
  }
  return move;
}

int64_t NextRun(pg::Spi& spi, const Uuid& tenant_id) {
  static pg::Statement statement(R"(
    UPDATE latchkey.tenant_moves SET run = run + 1, updated_at = $2 WHERE tenant_id = $1
    RETURNING run)");
  return spi.RunLatest(statement, tenant_id, pg::Now())[0].Get<int64_t>(1);
}

// Going back is switched in its midst.
bool IsOnTarget(const Move& move, const tenant_databases::TenantDatabase& database) {
  return database.server == move.to_server;
}

// The tenant's database and the other copy change places.
void Swap(pg::Spi& spi, const Uuid& tenant_id, const Move& move,
          const tenant_databases::TenantDatabase& database, bool to_target) {
  const std::string row = tenant_id.ToString();
  const Secret now = tenant_databases::kTenantConnection.Open(database.sealed_connection, row);
  const Secret other = kOtherCopy.Open(*move.sealed_connection, row);
  SetOtherCopy(spi, tenant_id, kOtherCopy.Seal(now.view(), row));
  const std::string& there = to_target ? move.to_server : move.from_server;
  const std::string& left = to_target ? move.from_server : move.to_server;
  tenant_databases::UseOtherCopy(spi, tenant_id, there,
                                 tenant_databases::kTenantConnection.Seal(other.view(), row), left);
}

void Record(pg::Spi& spi, const Uuid& tenant_id, const char* type, const Move& move) {
  tenants::RecordEvent(spi, tenant_id, type,
                       JsonObject()
                           .Add("from_server", move.from_server)
                           .Add("to_server", move.to_server)
                           .ToString());
}

void RecordFailure(pg::Spi& spi, const Uuid& tenant_id, const char* type,
                   const std::optional<std::string>& step, const std::string& error) {
  JsonObject data;
  if (step) data.Add("step", *step);
  tenants::RecordEvent(spi, tenant_id, type, data.Add("error", error).ToString());
}

std::optional<std::string> ErrorArgument(const pg::Args& args, int index) {
  const auto error = args.Optional<std::string_view>(index);
  if (!error) return std::nullopt;
  return std::string(CutText(*error, kMaxError));
}

tenant_databases::TenantDatabase LockDatabase(pg::Spi& spi, const Uuid& tenant_id) {
  auto database = tenant_databases::LockDatabase(spi, tenant_id);
  if (!database) tenant_databases::ThrowNoDatabase();
  return std::move(*database);
}

}  // namespace

LATCHKEY_FUNCTION(start_move, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  tenant_databases::RequireWorker(args);
  settings::LoadMasterKey();  // before rows are locked
  pg::Spi spi;
  tenants::LockTenant(spi, tenant_id);
  const Move move = RequireMove(spi, tenant_id);
  if (!move.IsUnderWay()) {
    throw Error(ErrorCode::kConflict, "nothing is to be done: the move is " + move.status);
  }
  const int64_t run = NextRun(spi, tenant_id);
  const auto database = LockDatabase(spi, tenant_id);
  const std::string from = tenant_databases::SealedServer(spi, move.from_server);
  const std::string to = tenant_databases::SealedServer(spi, move.to_server);
  // What is made while SPI is connected is gone with it: connections are opened afterwards.
  spi.Finish();
  using tenant_databases::ClearConnection;
  const std::string row = tenant_id.ToString();
  pg::Value source =
      ClearConnection(tenant_databases::kTenantConnection, database.sealed_connection, row);
  pg::Value target = ClearConnection(kOtherCopy, *move.sealed_connection, row);
  const bool on_target = IsOnTarget(move, database);
  if (on_target) std::swap(source, target);
  return args.ReturnRow(
      {pg::ToValue(tenant_id), pg::ToValue(move.status), pg::ToValue(run), source,
       ClearConnection(tenant_databases::kServerConnection, from, move.from_server), target,
       ClearConnection(tenant_databases::kServerConnection, to, move.to_server),
       pg::ToValue(move.step), pg::ToValue(on_target), pg::ToValue(move.discard_writes),
       pg::ToValue(move.checksum)});
}

LATCHKEY_FUNCTION(record_move, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto run = args.Get<int64_t>(1, "run");
  const std::string step(CutText(args.Text(2, "step"), kMaxStep));
  const auto error = ErrorArgument(args, 3);
  const auto tables = args.Optional<int64_t>(4);
  const auto rows = args.Optional<int64_t>(5);
  const auto checksum = args.Optional<std::string>(6);
  tenant_databases::RequireWorker(args);
  // A worker that goes on after an error is none that has begun since.
  static pg::Statement statement(R"(
    UPDATE latchkey.tenant_moves
       SET step = $2, error = CASE WHEN status = 'undoing' THEN error ELSE $3 END,
           status = CASE WHEN status = 'moving' AND $3 IS NOT NULL THEN 'undoing' ELSE status END,
           table_count = coalesce($4, table_count), row_count = coalesce($5, row_count),
           checksum = coalesce($6, checksum), updated_at = $7
     WHERE tenant_id = $1)");
  pg::Spi spi;
  const Move move = LockRun(spi, tenant_id, run);
  spi.RunLatest(statement, tenant_id, step, error, tables, rows, checksum, pg::Now());
  if (error) {
    if (move.status == "moving") {
      RecordFailure(spi, tenant_id, "tenant.move_failed", step, *error);
    }
  } else if (move.step != step) {
    tenants::RecordEvent(spi, tenant_id, "tenant.move_step",
                         JsonObject().Add("step", step).ToString());
  }
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(switch_move, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto run = args.Get<int64_t>(1, "run");
  tenant_databases::RequireWorker(args);
  settings::LoadMasterKey();  // before rows are locked
  pg::Spi spi;
  const Move move = LockRun(spi, tenant_id, run);
  const auto database = LockDatabase(spi, tenant_id);
  const bool to_target = move.status == "moving";
  if (!to_target && move.status != "reverting") {
    throw Error(ErrorCode::kConflict, "the move is " + move.status);
  }
  if (IsOnTarget(move, database) != to_target) {
    Swap(spi, tenant_id, move, database, to_target);
    if (to_target) {
      SetStatus(spi, tenant_id, "switched", std::nullopt);
      Record(spi, tenant_id, "tenant.moved", move);
      // Those that failed meanwhile may have given up.
      tenant_users::Ring(spi, tenant_id);
    }
  }
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(finish_move, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto run = args.Get<int64_t>(1, "run");
  const auto error = ErrorArgument(args, 2);
  tenant_databases::RequireWorker(args);
  pg::Spi spi;
  const Move move = LockRun(spi, tenant_id, run);
  const bool on_target = IsOnTarget(move, LockDatabase(spi, tenant_id));
  if (move.status == "reverting" && error) {
    if (!on_target) throw Error(ErrorCode::kConflict, "the tenant is on the source again");
    SetStatus(spi, tenant_id, "switched", error);
    tenant_databases::NoteMove(spi, tenant_id, move.from_server, false);
    RecordFailure(spi, tenant_id, "tenant.move_revert_refused", std::nullopt, *error);
  } else {
    const bool reverting = move.status == "reverting";
    if (move.status == "moving" || (reverting && on_target)) {
      throw Error(ErrorCode::kConflict, "the move has not switched");
    }
    SetStatus(spi, tenant_id,
              reverting                     ? "reverted"
              : move.status == "confirming" ? "confirmed"
                                            : "failed",
              std::nullopt);
    SetOtherCopy(spi, tenant_id, std::nullopt);
    tenant_databases::NoteMove(spi, tenant_id, std::nullopt, false);
    if (reverting) Record(spi, tenant_id, "tenant.move_reverted", move);
    if (move.status == "confirming") Record(spi, tenant_id, "tenant.move_source_dropped", move);
    // What the source was not told, or the target was told in its place.
    if (reverting) tenant_users::NoteAllMembers(spi, tenant_id);
    if (move.status == "undoing") {
      Record(spi, tenant_id, "tenant.move_undone", move);
      tenant_users::Ring(spi, tenant_id);
    }
  }
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::tenant_moves
