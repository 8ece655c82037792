// What workers ask and tell while they write users to tenants' databases.
#include "extension/core/error.hpp"
#include "extension/jobs/enqueue.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/array.hpp"
#include "extension/tenant_users/members.hpp"
#include "extension/tenant_users/state.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenant_users {

namespace {

constexpr int kStateColumns = 6;

// Roles that have ended: a change that nobody made.
void NoteEnded(pg::Spi& spi, const Uuid& tenant_id, pg::Timestamp now) {
  static pg::Statement statement(R"(
    UPDATE latchkey.tenant_users t SET version = t.version + 1, changed_at = $2
      FROM (SELECT g.user_id, max(g.expires_at) AS ended_at FROM latchkey.role_grants g
             WHERE g.tenant_id = $1 AND g.expires_at <= $2 GROUP BY g.user_id) AS g
     WHERE t.tenant_id = $1 AND t.user_id = g.user_id AND t.changed_at < g.ended_at)");
  spi.RunLatest(statement, tenant_id, now);
}

// A job for the moment when the next role ends; one, however often this is asked.
void AwaitNextEnd(pg::Spi& spi, const Uuid& tenant_id, pg::Timestamp now) {
  static pg::Statement statement(R"(
    SELECT min(expires_at) FROM latchkey.role_grants WHERE tenant_id = $1 AND expires_at > $2)");
  const auto end = spi.RunLatest(statement, tenant_id, now)[0].Optional<pg::Timestamp>(1);
  if (!end) return;
  const pg::Param payload = pg::JsonParam("{}");
  jobs::NewJob job;
  job.type = kSyncJob;
  job.payload = {payload.type, payload.value, false};
  job.run_at = *end;
  job.idempotency_key = "latchkey.role_end:" + std::to_string(end->micros);
  jobs::Enqueue(spi, tenant_id, job);
}

}  // namespace

void RequireWorker(const pg::Args& args) {
  permissions::RequireNoIdentity();
  permissions::Require(args, "tenant_databases.write");
}

LATCHKEY_FUNCTION(pending_tenant_users, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto after = args.Optional<Uuid>(1);
  const int32_t max_rows = tenants::PageSize(args, 2);
  RequireWorker(args);
  static pg::Statement statement("SELECT" LATCHKEY_TENANT_USER_STATE("$4") R"(
     WHERE t.tenant_id = $1 AND t.synced_version < t.version AND ($2 IS NULL OR t.user_id > $2)
     ORDER BY t.user_id LIMIT $3)",
                                 pg::Statement::kCustom);
  pg::Spi spi;
  const pg::Timestamp now = pg::Now();
  if (!after) {
    NoteEnded(spi, tenant_id, now);
    AwaitNextEnd(spi, tenant_id, now);
  }
  const auto rows = tenants::AllColumns(
      spi.RunLatest(statement, tenant_id, after, int64_t{max_rows}, now), kStateColumns);
  spi.Finish();
  return tenants::EmitAll(args, rows);
}

LATCHKEY_FUNCTION(record_tenant_users, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  args.RequireValue(1, "user_ids");
  args.RequireValue(2, "versions");
  const pg::Raw users = args.AsIs(1, UUIDARRAYOID);
  const pg::Raw versions = args.AsIs(2, INT8ARRAYOID);
  RequireWorker(args);
  const pg::ArrayShape shape = pg::ShapeOf(users);
  const pg::ArrayShape other = pg::ShapeOf(versions);
  if (shape.size != other.size || shape.has_nulls || other.has_nulls) {
    throw Error(ErrorCode::kInvalidArgument,
                "user_ids and versions must be of the same length and without nulls");
  }
  // Locked in one order, whatever the order given.
  static pg::Statement statement(R"(
    WITH told AS (
      SELECT t.user_id, n.version
        FROM latchkey.tenant_users t
        JOIN unnest($2, $3) AS n (user_id, version) ON n.user_id = t.user_id
       WHERE t.tenant_id = $1 AND t.synced_version < n.version AND n.version <= t.version
       ORDER BY t.user_id FOR NO KEY UPDATE OF t)
    UPDATE latchkey.tenant_users t SET synced_version = told.version, synced_at = $4
      FROM told WHERE t.tenant_id = $1 AND t.user_id = told.user_id)",
                                 pg::Statement::kCustom);
  pg::Spi spi;
  spi.RunLatest(statement, tenant_id, users, versions, pg::Now());
  const auto news = static_cast<int64_t>(spi.affected());
  spi.Finish();
  return args.Return(news);
}

}  // namespace latchkey::tenant_users
