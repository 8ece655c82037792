// Suspending, reactivating, archiving and deleting tenants.
#include "extension/tenants/status.hpp"

#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/core/utf8.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/settings/settings.hpp"
#include "extension/tenants/slugs.hpp"
#include "extension/webhooks/webhooks.hpp"

namespace latchkey::tenants {

namespace {

constexpr settings::DurationSetting kGrace("tenants.deletion_grace");
constexpr size_t kMaxReason = 500;

struct Step {
  std::string_view from, to;
};
constexpr Step kSteps[] = {
    {"pending", "provisioning"}, {"pending", "active"},      {"pending", "archived"},
    {"provisioning", "pending"}, {"provisioning", "active"}, {"provisioning", "archived"},
    {"active", "suspended"},     {"active", "archived"},     {"suspended", "active"},
    {"suspended", "archived"},   {"archived", "active"},     {"archived", "deleted"},
};

bool IsStep(std::string_view from, std::string_view to) {
  if (from == to) return from != "deleted";
  for (const Step& step : kSteps) {
    if (step.from == from && step.to == to) return true;
  }
  return false;
}

// What it held that others may want. The rest stays for who removes the tenant's data.
void Release(pg::Spi& spi, const LockedTenant& tenant) {
  static pg::Statement hostnames("DELETE FROM latchkey.tenant_hostnames WHERE tenant_id = $1");
  static pg::Statement invitations("DELETE FROM latchkey.tenant_invitations WHERE tenant_id = $1");
  spi.RunLatest(hostnames, tenant.id);
  spi.RunLatest(invitations, tenant.id);
  RetireSlug(spi, tenant.id, tenant.slug);
}

void MarkDeleted(pg::Spi& spi, const LockedTenant& tenant,
                 const std::optional<std::string>& reason) {
  SetStatus(spi, tenant, "deleted", reason);
  webhooks::EraseEndpoints(spi, tenant.id);
  Release(spi, tenant);
}

// The argument after the tenant, or after the status.
std::optional<std::string> Reason(const pg::Args& args, int index) {
  const auto reason = args.Optional<std::string_view>(index);
  if (!reason) return std::nullopt;
  return std::string(CutText(*reason, kMaxReason));
}

Datum Return(pg::Args& args, pg::Spi& spi, const Uuid& tenant_id) {
  const auto columns = LoadTenant(spi, tenant_id);
  spi.Finish();
  return args.ReturnRow(columns);
}

// `from`: what it may be before, besides what it becomes.
Datum Change(pg::Args& args, const char* to, std::initializer_list<std::string_view> from) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto reason = Reason(args, 1);
  permissions::Require(args, "tenants.suspend");
  pg::Spi spi;
  const LockedTenant tenant = LockTenant(spi, tenant_id);
  bool fits = tenant.status == to;
  for (const auto status : from) fits = fits || tenant.status == status;
  if (!fits) throw Error(ErrorCode::kConflict, "the tenant is " + tenant.status);
  SetStatus(spi, tenant, to, reason);
  return Return(args, spi, tenant_id);
}

}  // namespace

void CheckStatus(std::string_view status) {
  for (const Step& step : kSteps) {
    if (status == step.from || status == step.to) return;
  }
  throw Error(ErrorCode::kInvalidArgument, "there is no such status of a tenant");
}

void SetStatus(pg::Spi& spi, const LockedTenant& tenant, const std::string& status,
               const std::optional<std::string>& reason) {
  static pg::Statement statement(R"(
    UPDATE latchkey.tenants
       SET status = $2, status_reason = $3, status_changed_at = $4, updated_at = $4,
           delete_after = CASE WHEN $2 = 'archived' THEN delete_after END
     WHERE id = $1)");
  if (!IsStep(tenant.status, status)) {
    throw Error(ErrorCode::kConflict,
                "a tenant that is " + tenant.status + " can't become " + status);
  }
  spi.RunLatest(statement, tenant.id, status, reason, pg::Now());
  JsonObject data;
  data.Add("from", tenant.status).Add("to", status);
  if (reason) data.Add("reason", *reason);
  RecordEvent(spi, tenant.id, "tenant.status_changed", data.ToString());
}

// Only platform-wide: an owner must not undo what the platform has done.
LATCHKEY_FUNCTION(set_tenant_status, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const std::string status(args.Text(1, "status"));
  const auto reason = Reason(args, 2);
  permissions::Require(args, "tenants.suspend");
  CheckStatus(status);
  if (status == "deleted") {
    throw Error(ErrorCode::kConflict, "a tenant becomes deleted after a grace period", {},
                "SELECT latchkey.delete_tenant(…) begins it.");
  }
  pg::Spi spi;
  SetStatus(spi, LockTenant(spi, tenant_id), status, reason);
  return Return(args, spi, tenant_id);
}

LATCHKEY_FUNCTION(suspend_tenant, kOpen) { return Change(args, "suspended", {"active"}); }

LATCHKEY_FUNCTION(reactivate_tenant, kOpen) {
  return Change(args, "active", {"suspended", "archived"});
}

LATCHKEY_FUNCTION(archive_tenant, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto reason = Reason(args, 1);
  permissions::Require(args, "tenants.delete", tenant_id);
  pg::Spi spi;
  SetStatus(spi, LockTenant(spi, tenant_id), "archived", reason);
  return Return(args, spi, tenant_id);
}

LATCHKEY_FUNCTION(delete_tenant, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto reason = Reason(args, 1);
  permissions::Require(args, "tenants.delete", tenant_id);
  static pg::Statement schedule("UPDATE latchkey.tenants SET delete_after = $2 WHERE id = $1");
  pg::Spi spi;
  LockedTenant tenant = LockLivingTenant(spi, tenant_id);
  if (tenant.status != "archived") {
    SetStatus(spi, tenant, "archived", reason);
    tenant.status = "archived";
  }
  if (!tenant.delete_after) {
    tenant.delete_after = pg::Now() + kGrace.Micros(spi);
    spi.RunLatest(schedule, tenant_id, *tenant.delete_after);
    RecordEvent(spi, tenant_id, "tenant.deletion_scheduled",
                JsonObject().Add("delete_after", tenant.delete_after->UnixSeconds()).ToString());
  }
  if (*tenant.delete_after <= pg::Now()) MarkDeleted(spi, tenant, reason);
  return Return(args, spi, tenant_id);
}

LATCHKEY_FUNCTION(delete_due_tenants, kOpen) {
  const int32_t max_rows = PageSize(args, 0);
  permissions::Require(args, "tenants.delete");
  static pg::Statement statement(R"(
    SELECT id, slug, status_reason FROM latchkey.tenants
     WHERE delete_after <= $1 AND status = 'archived'
     ORDER BY delete_after LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED)");
  struct Due {
    LockedTenant tenant;
    std::optional<std::string> reason;
  };
  std::vector<Due> all;
  pg::Spi spi;
  const pg::Rows rows = spi.RunLatest(statement, pg::Now(), max_rows);
  for (uint64_t i = 0; i < rows.size(); ++i) {
    const pg::Row row = rows[i];
    all.push_back(
        {{row.Get<Uuid>(1), row.Text(2), "archived", std::nullopt}, row.Optional<std::string>(3)});
  }
  for (const Due& due : all) MarkDeleted(spi, due.tenant, due.reason);
  spi.Finish();
  return args.Return(static_cast<int32_t>(all.size()));
}

}  // namespace latchkey::tenants
