// Differences between the main database and a tenant's, and mending them.
#include "extension/core/error.hpp"
#include "extension/jobs/enqueue.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/tenant_users/members.hpp"
#include "extension/tenant_users/state.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenant_users {

namespace {

constexpr char kRead[] = "tenant_databases.read";
constexpr char kWrite[] = "tenant_databases.write";

void RequireDatabase(pg::Spi& spi, const Uuid& tenant_id) {
  static pg::Statement statement("SELECT FROM latchkey.tenant_databases WHERE tenant_id = $1");
  if (spi.RunLatest(statement, tenant_id).empty()) {
    throw Error(ErrorCode::kNotFound, "the tenant has no database");
  }
}

void ForgetDifferences(pg::Spi& spi, const Uuid& tenant_id, const std::optional<Uuid>& after,
                       const std::optional<Uuid>& until) {
  static pg::Statement statement(R"(
    DELETE FROM latchkey.tenant_user_differences
     WHERE tenant_id = $1 AND ($2 IS NULL OR user_id > $2) AND ($3 IS NULL OR user_id <= $3))");
  spi.RunLatest(statement, tenant_id, after, until);
}

void NoteComparison(pg::Spi& spi, const Uuid& tenant_id, pg::Timestamp now) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.tenant_user_comparisons (tenant_id, compared_at) VALUES ($1, $2)
    ON CONFLICT (tenant_id) DO UPDATE SET compared_at = EXCLUDED.compared_at)");
  spi.RunLatest(statement, tenant_id, now);
}

}  // namespace

LATCHKEY_FUNCTION(tenant_user_sync, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  permissions::Require(args, kRead, tenant_id);
  static pg::Statement statement(R"(
    SELECT $1, count(*), count(*) FILTER (WHERE t.synced_version < t.version),
           min(t.changed_at) FILTER (WHERE t.synced_version < t.version),
           (SELECT count(*) FROM latchkey.tenant_user_differences d WHERE d.tenant_id = $1),
           (SELECT c.compared_at FROM latchkey.tenant_user_comparisons c WHERE c.tenant_id = $1)
      FROM latchkey.tenant_users t WHERE t.tenant_id = $1)");
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto columns = tenants::Columns(spi.Read(statement, tenant_id)[0], 6);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(tenant_user_drift, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  permissions::Require(args, kRead, tenant_id);
  static pg::Statement statement(R"(
    SELECT t.user_id, 'waiting', NULL::jsonb, NULL::jsonb, t.changed_at
      FROM latchkey.tenant_users t WHERE t.tenant_id = $1 AND t.synced_version < t.version
     UNION ALL
    SELECT d.user_id, d.difference, d.main, d.tenant, d.found_at
      FROM latchkey.tenant_user_differences d
     WHERE d.tenant_id = $1 AND NOT EXISTS (
           SELECT FROM latchkey.tenant_users t
            WHERE t.tenant_id = $1 AND t.user_id = d.user_id AND t.synced_version < t.version)
     ORDER BY 1 LIMIT 1000)");
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto rows = tenants::AllColumns(spi.Read(statement, tenant_id), 5);
  spi.Finish();
  return tenants::EmitAll(args, rows);
}

LATCHKEY_FUNCTION(compare_tenant_users, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  permissions::Require(args, kWrite, tenant_id);
  pg::Spi spi;
  RequireDatabase(spi, tenant_id);
  if (!jobs::HoldWaiting(spi, tenant_id, kCompareJob)) {
    const pg::Param payload = pg::JsonParam("{}");
    jobs::NewJob job;
    job.type = kCompareJob;
    job.payload = {payload.type, payload.value, false};
    jobs::Enqueue(spi, tenant_id, job);
  }
  spi.Finish();
  return args.Void();
}

// The tenant keeps a user's newest version, so that what is there already needs a newer one.
LATCHKEY_FUNCTION(repair_tenant_users, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  permissions::Require(args, kWrite, tenant_id);
  static pg::Statement differing(R"(
    INSERT INTO latchkey.tenant_users AS t (user_id, tenant_id, version, synced_version, changed_at)
    SELECT d.user_id, d.tenant_id, d.tenant_version + 1, 0, $2::timestamptz
      FROM latchkey.tenant_user_differences d WHERE d.tenant_id = $1 ORDER BY d.user_id
    ON CONFLICT (user_id, tenant_id) DO UPDATE
       SET version = greatest(t.version + 1, EXCLUDED.version), changed_at = EXCLUDED.changed_at)");
  static pg::Statement forgotten(R"(
    INSERT INTO latchkey.tenant_users (user_id, tenant_id, version, synced_version, changed_at)
    SELECT DISTINCT g.user_id, g.tenant_id, 1, 0, $2::timestamptz
      FROM latchkey.role_grants g WHERE g.tenant_id = $1
    ON CONFLICT (user_id, tenant_id) DO NOTHING)");
  static pg::Statement waiting(R"(
    SELECT count(*) FROM latchkey.tenant_users WHERE tenant_id = $1 AND synced_version < version)");
  pg::Spi spi;
  RequireDatabase(spi, tenant_id);
  spi.RunLatest(differing, tenant_id, pg::Now());
  spi.RunLatest(forgotten, tenant_id, pg::Now());
  ForgetDifferences(spi, tenant_id, std::nullopt, std::nullopt);
  const auto count = spi.RunLatest(waiting, tenant_id)[0].Get<int64_t>(1);
  if (count > 0) Ring(spi, tenant_id);
  spi.Finish();
  return args.Return(count);
}

LATCHKEY_FUNCTION(record_tenant_user_comparison, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  args.RequireValue(1, "rows");
  const pg::Raw rows = args.AsIs(1, JSONBOID);
  const auto after = args.Optional<Uuid>(2);
  const auto until = args.Optional<Uuid>(3);
  permissions::RequireNoIdentity();
  permissions::Require(args, kWrite);
  static pg::Statement statement(R"(
    INSERT INTO latchkey.tenant_user_differences
           (tenant_id, user_id, difference, main, tenant, tenant_version, found_at)
    SELECT $1, coalesce(m.user_id, r.id),
           CASE WHEN r.id IS NULL THEN 'missing' WHEN m.user_id IS NULL THEN 'unknown'
                ELSE 'changed' END,
           CASE WHEN m.user_id IS NOT NULL THEN
             jsonb_build_object('email', m.email, 'name', m.name, 'role', m.role,
                                'status', m.status, 'version', m.version) END,
           to_jsonb(r) - 'id', coalesce(r.version, 0), $5
      FROM (SELECT)" LATCHKEY_TENANT_USER_STATE("$5") R"(
             WHERE t.tenant_id = $1 AND ($3 IS NULL OR t.user_id > $3)
               AND ($4 IS NULL OR t.user_id <= $4)) AS m
      FULL JOIN jsonb_to_recordset($2) AS r (id uuid, email text, name text, role text, status text,
                                             version bigint) ON r.id = m.user_id
     WHERE (m.user_id IS NULL OR r.id IS NULL OR
            (m.email, m.name, m.role, m.status, m.version) IS DISTINCT FROM
            (r.email, r.name, r.role, r.status, r.version))
       AND NOT EXISTS (SELECT FROM latchkey.tenant_users w
                        WHERE w.tenant_id = $1 AND w.user_id = coalesce(m.user_id, r.id)
                          AND w.synced_version < w.version))",
                                 pg::Statement::kCustom);
  pg::Spi spi;
  const pg::Timestamp now = pg::Now();
  ForgetDifferences(spi, tenant_id, after, until);
  spi.RunLatest(statement, tenant_id, rows, after, until, now);
  const auto count = static_cast<int64_t>(spi.affected());
  if (!until) NoteComparison(spi, tenant_id, now);
  spi.Finish();
  return args.Return(count);
}

}  // namespace latchkey::tenant_users
