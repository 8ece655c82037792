// Comparing the users of tenants' databases with the main database: by jobs, when somebody asks and
// when they are due.
#include "extension/core/error.hpp"
#include "extension/jobs/enqueue.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/settings/settings.hpp"
#include "extension/tenant_users/members.hpp"
#include "extension/tenant_users/state.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenant_users {

namespace {

constexpr char kWrite[] = "tenant_databases.write";
// Behind changes that wait to be written: those are news, and this only looks for what is wrong.
constexpr int32_t kDuePriority = 200;
const settings::DurationSetting kInterval("tenants.user_comparison_interval");

void EnqueueComparison(pg::Spi& spi, const Uuid& tenant_id, int32_t priority) {
  if (jobs::HoldWaiting(spi, tenant_id, kCompareJob)) return;
  const pg::Param payload = pg::JsonParam("{}");
  jobs::NewJob job;
  job.type = kCompareJob;
  job.priority = priority;
  job.payload = {payload.type, payload.value, false};
  jobs::Enqueue(spi, tenant_id, job);
}

// Locked, so that of two who ask at once each gets its own.
std::vector<Uuid> LockDue(pg::Spi& spi, pg::Timestamp now, int32_t max_rows) {
  static pg::Statement statement(R"(
    SELECT d.tenant_id
      FROM latchkey.tenant_databases d JOIN latchkey.tenants t ON t.id = d.tenant_id
     WHERE d.status = 'ready' AND d.template IS NOT NULL AND t.status = 'active'
       AND (d.users_due_at IS NULL OR d.users_due_at <= $1)
     ORDER BY d.users_due_at NULLS FIRST, d.tenant_id
     LIMIT $2 FOR NO KEY UPDATE OF d SKIP LOCKED)",
                                 pg::Statement::kCustom);
  std::vector<Uuid> due;
  const pg::Rows rows = spi.RunLatest(statement, now, int64_t{max_rows});
  for (uint64_t i = 0; i < rows.size(); ++i) due.push_back(rows[i].Get<Uuid>(1));
  return due;
}

void NoteComparison(pg::Spi& spi, const Uuid& tenant_id, pg::Timestamp now) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.tenant_user_comparisons (tenant_id, compared_at) VALUES ($1, $2)
    ON CONFLICT (tenant_id) DO UPDATE SET compared_at = EXCLUDED.compared_at)");
  spi.RunLatest(statement, tenant_id, now);
}

}  // namespace

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

LATCHKEY_FUNCTION(compare_tenant_users, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  permissions::Require(args, kWrite, tenant_id);
  pg::Spi spi;
  RequireDatabase(spi, tenant_id);
  EnqueueComparison(spi, tenant_id, jobs::NewJob().priority);
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(compare_due_tenants, kOpen) {
  const int32_t max_rows = tenants::PageSize(args, 0);
  RequireWorker(args);
  static pg::Statement later(
      "UPDATE latchkey.tenant_databases SET users_due_at = $2 WHERE tenant_id = $1");
  pg::Spi spi;
  const int64_t interval_micros = kInterval.Micros(spi);
  int32_t count = 0;
  if (interval_micros > 0) {
    const pg::Timestamp now = pg::Now();
    for (const Uuid& tenant_id : LockDue(spi, now, max_rows)) {
      spi.RunLatest(later, tenant_id, pg::Timestamp{now.micros + interval_micros});
      EnqueueComparison(spi, tenant_id, kDuePriority);
      ++count;
    }
  }
  spi.Finish();
  return args.Return(count);
}

LATCHKEY_FUNCTION(record_tenant_user_comparison, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  args.RequireValue(1, "rows");
  const pg::Raw rows = args.AsIs(1, JSONBOID);
  const auto after = args.Optional<Uuid>(2);
  const auto until = args.Optional<Uuid>(3);
  RequireWorker(args);
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
