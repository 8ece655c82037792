// What administrators ask for: moving, confirming, going back.
#include "extension/core/error.hpp"
#include "extension/core/idempotency.hpp"
#include "extension/core/json_object.hpp"
#include "extension/jobs/enqueue.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/settings/master_key.hpp"
#include "extension/tenant_databases/moving.hpp"
#include "extension/tenant_databases/servers.hpp"
#include "extension/tenant_moves/store.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenant_moves {

namespace {

constexpr size_t kMaxServer = 63;
constexpr size_t kSuffix = 6;

// The job that was enqueued with the key before; none when there is no key, or it is new.
std::optional<Uuid> FindKey(pg::Spi& spi, const Uuid& tenant_id, const Idempotency& idempotency) {
  static pg::Statement find(R"(
    SELECT fingerprint, job_id FROM latchkey.tenant_move_keys
     WHERE tenant_id = $1 AND idempotency_key = $2)");
  if (!idempotency.key) return std::nullopt;
  const pg::Rows rows = spi.RunLatest(find, tenant_id, *idempotency.key);
  if (rows.empty()) return std::nullopt;
  if (rows[0].Text(1) == *idempotency.fingerprint) return rows[0].Get<Uuid>(2);
  throw Error(ErrorCode::kIdempotencyMismatch,
              "the idempotency key was used before with another server");
}

void KeepKey(pg::Spi& spi, const Uuid& tenant_id, const Idempotency& idempotency,
             const Uuid& job_id) {
  static pg::Statement insert(R"(
    INSERT INTO latchkey.tenant_move_keys (tenant_id, idempotency_key, fingerprint, job_id)
    VALUES ($1, $2, $3, $4))");
  if (!idempotency.key) return;
  spi.RunLatest(insert, tenant_id, *idempotency.key, pg::Bytes{*idempotency.fingerprint}, job_id);
}

void RequireUsable(const tenants::LockedTenant& tenant) {
  if (tenant.status == "active" || tenant.status == "suspended") return;
  throw Error(ErrorCode::kConflict, "the tenant is " + tenant.status);
}

tenant_databases::TenantDatabase RequireDatabase(pg::Spi& spi, const Uuid& tenant_id) {
  auto database = tenant_databases::LockDatabase(spi, tenant_id);
  if (!database) tenant_databases::ThrowNoDatabase();
  if (!database->server) {
    throw Error(ErrorCode::kConflict, "the tenant's database is its own",
                "Only one on a server of the platform's can be closed while it is copied.",
                "connect_database() tells where the tenant has moved it.");
  }
  if (database->status != "ready" ||
      jobs::IsWaiting(spi, tenant_id, tenant_databases::kProvisioningJob)) {
    throw Error(ErrorCode::kConflict, "the tenant's database is not ready, or is being migrated");
  }
  return std::move(*database);
}

void RequireNoMove(pg::Spi& spi, const Uuid& tenant_id) {
  const auto former = LockMove(spi, tenant_id);
  if (!former || !former->IsOpen()) return;
  if (former->status == "switched") {
    throw Error(ErrorCode::kConflict, "the last move waits to be confirmed or reverted");
  }
  throw Error(ErrorCode::kConflict, "the tenant's database is being moved");
}

// The target: a database with a name that was never used, so that no step can take one copy for
// the other, and the role of the source, so that privileges in dumps find it.
std::string SealTarget(const tenant_databases::TenantDatabase& database,
                       const tenant_databases::Server& server,
                       const tenants::LockedTenant& tenant) {
  const std::string row = tenant.id.ToString();
  const Secret opened = tenant_databases::kTenantConnection.Open(database.sealed_connection, row);
  const std::string random = NewUuid().ToString();
  ConnectionInfo target = tenant_databases::NewConnection(
      server.connection, tenant, "_" + random.substr(random.size() - kSuffix));
  target.user = ParseConnection(opened.view()).user;
  return kOtherCopy.Seal(target.ToJson(), row);
}

void Insert(pg::Spi& spi, const Uuid& tenant_id, const Uuid& job_id, const std::string& from,
            const std::string& to, const std::string& sealed) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.tenant_moves AS m
           (tenant_id, job_id, status, from_server, to_server, sealed_connection, run,
            discard_writes, started_at, updated_at)
    VALUES ($1, $2, 'moving', $3, $4, $5, 0, false, $6, $6)
    ON CONFLICT (tenant_id) DO UPDATE
       SET job_id = EXCLUDED.job_id, status = 'moving', step = NULL, error = NULL,
           from_server = EXCLUDED.from_server, to_server = EXCLUDED.to_server,
           sealed_connection = EXCLUDED.sealed_connection, run = m.run + 1, discard_writes = false,
           table_count = NULL, row_count = NULL, checksum = NULL, switched_at = NULL,
           started_at = EXCLUDED.started_at, updated_at = EXCLUDED.updated_at)");
  spi.RunLatest(statement, tenant_id, job_id, from, to, pg::Bytes{sealed}, pg::Now());
}

Uuid Begin(pg::Spi& spi, const tenants::LockedTenant& tenant, const std::string& server_name) {
  RequireUsable(tenant);
  const auto database = RequireDatabase(spi, tenant.id);
  RequireNoMove(spi, tenant.id);
  if (*database.server == server_name) {
    throw Error(ErrorCode::kConflict, "the tenant's database is on that server");
  }
  const tenant_databases::Server server = tenant_databases::ChooseServer(spi, server_name);
  const Uuid job_id = EnqueueMove(spi, tenant.id);
  Insert(spi, tenant.id, job_id, *database.server, server_name,
         SealTarget(database, server, tenant));
  tenant_databases::NoteMove(spi, tenant.id, server_name, true);
  tenants::RecordEvent(spi, tenant.id, "tenant.move_requested",
                       JsonObject()
                           .Add("from_server", *database.server)
                           .Add("to_server", server_name)
                           .Add("job_id", job_id.ToString())
                           .ToString());
  return job_id;
}

void EnqueueUnlessWaiting(pg::Spi& spi, const Uuid& tenant_id) {
  if (!jobs::HoldWaiting(spi, tenant_id, kMoveJob)) EnqueueMove(spi, tenant_id);
}

Datum Return(pg::Args& args, pg::Spi& spi, const Uuid& tenant_id) {
  const auto columns = LoadMove(spi, tenant_id);
  spi.Finish();
  return args.ReturnRow(columns);
}

void Confirm(pg::Spi& spi, const Uuid& tenant_id, const Move& move) {
  if (move.status != "confirming") {
    if (move.status != "switched") {
      throw Error(ErrorCode::kConflict, "the move is " + move.status);
    }
    SetStatus(spi, tenant_id, "confirming", std::nullopt);
    tenants::RecordEvent(spi, tenant_id, "tenant.move_confirmed");
  }
  EnqueueUnlessWaiting(spi, tenant_id);
}

// A worker that is at it learns so at its next step.
void Revert(pg::Spi& spi, const Uuid& tenant_id, const Move& move, bool discard_writes) {
  if (move.status == "moving" || move.status == "switched") {
    const bool off = move.status == "moving";
    SetStatus(spi, tenant_id, off ? "undoing" : "reverting",
              off ? std::optional<std::string>("called off") : std::nullopt);
    if (!off) tenant_databases::NoteMove(spi, tenant_id, move.from_server, true);
    tenants::RecordEvent(spi, tenant_id, "tenant.move_revert_requested",
                         JsonObject().Add("discard_writes", discard_writes).ToString());
  } else if (move.status != "undoing" && move.status != "reverting") {
    throw Error(ErrorCode::kConflict, "the move is " + move.status);
  }
  if (discard_writes) DiscardWrites(spi, tenant_id);
  EnqueueUnlessWaiting(spi, tenant_id);
}

}  // namespace

LATCHKEY_FUNCTION(move_tenant, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const std::string server(args.Text(1, "server"));
  const Idempotency idempotency =
      MakeIdempotency(args.Optional<std::string>(2), {Spell(std::optional(server))});
  permissions::Require(args, kWrite);
  if (server.size() > kMaxServer) {
    throw Error(ErrorCode::kInvalidArgument, "a server's name has at most 63 characters");
  }
  settings::LoadMasterKey();  // before rows are locked
  pg::Spi spi;
  const tenants::LockedTenant tenant = tenants::LockLivingTenant(spi, tenant_id);
  auto job_id = FindKey(spi, tenant_id, idempotency);
  if (!job_id) {
    job_id = Begin(spi, tenant, server);
    KeepKey(spi, tenant_id, idempotency, *job_id);
  }
  spi.Finish();
  return args.Return(*job_id);
}

LATCHKEY_FUNCTION(tenant_move, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  permissions::Require(args, kRead);
  pg::Spi spi(pg::Spi::kReadOnly);
  return Return(args, spi, tenant_id);
}

LATCHKEY_FUNCTION(confirm_tenant_move, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  permissions::Require(args, kWrite);
  pg::Spi spi;
  tenants::LockTenant(spi, tenant_id);
  Confirm(spi, tenant_id, RequireMove(spi, tenant_id));
  return Return(args, spi, tenant_id);
}

LATCHKEY_FUNCTION(revert_tenant_move, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto discard_writes = args.Get<bool>(1, "discard_writes");
  permissions::Require(args, kWrite);
  pg::Spi spi;
  tenants::LockTenant(spi, tenant_id);
  Revert(spi, tenant_id, RequireMove(spi, tenant_id), discard_writes);
  return Return(args, spi, tenant_id);
}

// Before the databases themselves are dropped, so that none of the two is left over.
LATCHKEY_FUNCTION(end_abandoned_moves, kOpen) {
  const int32_t max_rows = tenants::PageSize(args, 0);
  tenant_databases::RequireWorker(args);
  static pg::Statement find(R"(
    SELECT m.tenant_id FROM latchkey.tenant_moves m JOIN latchkey.tenants t ON t.id = m.tenant_id
     WHERE t.status = 'deleted' AND m.status IN ('moving', 'switched')
     ORDER BY m.tenant_id LIMIT $1)");
  pg::Spi spi;
  const pg::Rows rows = spi.RunLatest(find, int64_t{max_rows});
  std::vector<Uuid> tenant_ids;
  for (uint64_t i = 0; i < rows.size(); ++i) tenant_ids.push_back(rows[i].Get<Uuid>(1));
  int32_t count = 0;
  for (const Uuid& tenant_id : tenant_ids) {
    tenants::LockTenant(spi, tenant_id);
    const Move move = RequireMove(spi, tenant_id);
    if (move.status == "moving") {
      Revert(spi, tenant_id, move, true);
    } else if (move.status == "switched") {
      Confirm(spi, tenant_id, move);
    } else {
      continue;
    }
    ++count;
  }
  spi.Finish();
  return args.Return(count);
}

}  // namespace latchkey::tenant_moves
