// Differences between the main database and a tenant's, and mending them.
#include "extension/permissions/principal.hpp"
#include "extension/tenant_users/members.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenant_users {

namespace {

constexpr char kRead[] = "tenant_databases.read";
constexpr char kWrite[] = "tenant_databases.write";

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
  ForgetDifferences(spi, tenant_id);
  const auto count = spi.RunLatest(waiting, tenant_id)[0].Get<int64_t>(1);
  if (count > 0) Ring(spi, tenant_id);
  spi.Finish();
  return args.Return(count);
}

}  // namespace latchkey::tenant_users
