// Reading and changing tenants.
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/tenants/slugs.hpp"
#include "extension/tenants/status.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenants {

namespace {

// The old one retires first: it may be the one that was given up for the new one before.
void Rename(pg::Spi& spi, const LockedTenant& tenant, const std::string& slug) {
  static pg::Statement statement("UPDATE latchkey.tenants SET slug = $2 WHERE id = $1");
  CheckSlug(spi, slug);
  RetireSlug(spi, tenant.id, tenant.slug);
  if (!TakeSlug(spi, tenant.id, slug)) ThrowSlugTaken(slug);
  spi.RunLatest(statement, tenant.id, slug);
}

void MergeSettings(pg::Spi& spi, const Uuid& tenant_id, const pg::Raw& settings) {
  static pg::Statement statement(R"(
    UPDATE latchkey.tenants t SET settings = (
      SELECT coalesce(jsonb_object_agg(e.key, e.value), '{}')
        FROM jsonb_each(t.settings || $2) AS e WHERE e.value <> 'null')
     WHERE t.id = $1 RETURNING t.settings)");
  CheckSettings(spi, settings);
  const pg::Raw merged = spi.RunLatest(statement, tenant_id, settings)[0].Copy(1);
  CheckSettings(spi, merged);
}

}  // namespace

LATCHKEY_FUNCTION(get_tenant, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  permissions::Require(args, "tenants.read", tenant_id);
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto columns = LoadTenant(spi, tenant_id);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(list_tenants, kOpen) {
  const auto status = args.Optional<std::string>(0);
  const auto kind = args.Optional<std::string>(1);
  const auto after = args.Optional<Uuid>(2);
  const int32_t max_rows = PageSize(args, 3);
  permissions::Require(args, "tenants.read");
  if (status) CheckStatus(*status);
  static pg::Statement statement("SELECT " LATCHKEY_TENANT_COLUMNS R"(
      FROM latchkey.tenants
     WHERE CASE WHEN $1 IS NULL THEN status <> 'deleted' ELSE status = $1 END
       AND ($2 IS NULL OR kind = $2) AND ($3 IS NULL OR id < $3)
     ORDER BY id DESC LIMIT $4)",
                                 pg::Statement::kCustom);
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto tenants =
      AllColumns(spi.Read(statement, status, kind, after, max_rows), kTenantColumns);
  spi.Finish();
  return EmitAll(args, tenants);
}

LATCHKEY_FUNCTION(update_tenant, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto name = args.Optional<std::string>(1);
  const auto slug = args.Optional<std::string>(2);
  const pg::Raw settings = args.AsIs(3, JSONBOID);
  permissions::Require(args, "tenants.write", tenant_id);
  if (name) CheckTenantName(*name);
  static pg::Statement statement(R"(
    UPDATE latchkey.tenants SET name = coalesce($2, name), updated_at = $3 WHERE id = $1)");
  pg::Spi spi;
  const LockedTenant tenant = LockLivingTenant(spi, tenant_id);
  const bool renames = slug && *slug != tenant.slug;
  if (renames) Rename(spi, tenant, *slug);
  if (!settings.is_null) MergeSettings(spi, tenant_id, settings);
  spi.RunLatest(statement, tenant_id, name, pg::Now());
  RecordEvent(spi, tenant_id, "tenant.updated",
              JsonObject()
                  .Add("name", name.has_value())
                  .Add("slug", renames)
                  .Add("settings", !settings.is_null)
                  .ToString());
  const auto columns = LoadTenant(spi, tenant_id);
  spi.Finish();
  return args.ReturnRow(columns);
}

}  // namespace latchkey::tenants
