// Routes of the module `tenants`: the registry and the status of tenants. The router serves them
// below /api/stores as well.
#include "gateway/routes/answers.hpp"
#include "gateway/routes/tenant_argument.hpp"

namespace latchkey {
namespace {

constexpr size_t kMaxSlug = 63;
constexpr size_t kMaxKind = 63;
constexpr size_t kMaxStatus = 20;
constexpr size_t kMaxReason = 500;

Argument Reason() {
  return BodyField("reason", Type::kText, kOptional, kMaxReason,
                   "Why; it is kept with the tenant.");
}

Argument OptionalIdempotencyKey() {
  Argument key = IdempotencyKey();
  key.required = false;
  return key;
}

Route CreateTenant() {
  return Route("POST", "/api/tenants", "createTenant", "tenants")
      .Summary(
          "Makes a tenant that the caller owns. For somebody else: needs tenants.create on the "
          "whole platform.")
      .Writes(
          "SELECT row_to_json(t) FROM latchkey.create_tenant("
          "coalesce($6::uuid, latchkey.current_user_id()), $1, $2, coalesce($3, 'organization'), "
          "coalesce($4::jsonb, '{}'), coalesce($5::boolean, false), $7) AS t")
      .As(Who::kBearer)
      .Takes(BodyField("name", Type::kText, kRequired, kMaxName, "What it is called."))
      .Takes(BodyField("slug", Type::kText, kOptional, kMaxSlug,
                       "a-z, 0-9 and single hyphens; made from the name when absent."))
      .Takes(BodyField("kind", Type::kText, kOptional, kMaxKind,
                       "A word of the application's, such as store; organization when absent."))
      .Takes(
          BodyField("settings", Type::kObject, kOptional, 0, "What the application keeps of it."))
      .Takes(BodyField("provision", Type::kBoolean, kOptional, 0,
                       "It begins as pending, and is to use when its database is ready."))
      .Takes(BodyField("owner_id", Type::kUuid, kOptional, kUuidLength,
                       "Whose it is; the caller's own when absent."))
      .Takes(OptionalIdempotencyKey())
      .Returns("tenant", "Tenant")
      .Status(201)
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::AlreadyExists, ErrorId::Conflict,
              ErrorId::IdempotencyMismatch});
}

Route ListTenants() {
  return Route("GET", "/api/tenants", "listTenants", "tenants")
      .Summary(
          "Tenants, newest first, a page at a time. Needs tenants.read on the whole platform; "
          "one's "
          "own: /api/tenants/dropdown.")
      .Reads(
          "SELECT coalesce(json_agg(t), '[]') FROM "
          "latchkey.list_tenants($1, $2, $3::uuid, coalesce($4::integer, 100)) AS t")
      .As(Who::kBearer)
      .Takes(QueryField("status", Type::kText, kMaxStatus,
                        "Only pending, provisioning, active, suspended, archived or deleted; all "
                        "but deleted when absent."))
      .Takes(QueryField("kind", Type::kText, kMaxKind, "Only of this kind."))
      .Takes(PageAfter("The last id of the page before."))
      .Takes(TenantPageSize())
      .Returns("tenants", "Tenant", true)
      .Fails({ErrorId::Forbidden});
}

Route Dropdown() {
  return Route("GET", "/api/tenants/dropdown", "myTenants", "tenants")
      .Summary("The tenants to which the caller belongs, by name, for a switcher.")
      .Reads(
          "SELECT coalesce(json_agg(t), '[]') FROM "
          "latchkey.tenants_of(latchkey.current_user_id()) AS t")
      .As(Who::kBearer)
      .Returns("tenants", "TenantMembership", true);
}

Route GetTenant() {
  return ForTenant("GET", "/api/tenants/{id}", "getTenant", "tenants")
      .Summary("A tenant. Needs tenants.read in it.")
      .Reads("SELECT row_to_json(t) FROM latchkey.get_tenant($1::uuid) AS t")
      .Returns("tenant", "Tenant");
}

Route UpdateTenant() {
  return ForTenant("PATCH", "/api/tenants/{id}", "updateTenant", "tenants")
      .Summary(
          "Changes what is given. The slug before leads to the tenant for a while. Needs "
          "tenants.write in it.")
      .Writes("SELECT row_to_json(t) FROM latchkey.update_tenant($1::uuid, $2, $3, $4::jsonb) AS t")
      .Takes(BodyField("name", Type::kText, kOptional, kMaxName, "What it is called."))
      .Takes(BodyField("slug", Type::kText, kOptional, kMaxSlug, "a-z, 0-9 and single hyphens."))
      .Takes(BodyField("settings", Type::kObject, kOptional, 0,
                       "Members to set; those with the value null are removed."))
      .Returns("tenant", "Tenant")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::AlreadyExists, ErrorId::Conflict});
}

Route DeleteTenant() {
  return ForTenant("DELETE", "/api/tenants/{id}", "deleteTenant", "tenants")
      .Summary(
          "Archives the tenant, and has it deleted at delete_after; until then it can be "
          "reactivated. Needs tenants.delete in it.")
      .Writes("SELECT row_to_json(t) FROM latchkey.delete_tenant($1::uuid, $2) AS t")
      .Takes(QueryField("reason", Type::kText, kMaxReason, "Why; it is kept with the tenant."))
      .Returns("tenant", "Tenant")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

Route Moves(const char* path, const char* operation) {
  return ForTenant("POST", path, operation, "tenants")
      .Takes(Reason())
      .Returns("tenant", "Tenant")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

Route SuspendTenant() {
  return Moves("/api/tenants/{id}/suspend", "suspendTenant")
      .Summary(
          "Switches the tenant off: its tokens and keys are refused at the next call. Needs "
          "tenants.suspend on the whole platform.")
      .Writes("SELECT row_to_json(t) FROM latchkey.suspend_tenant($1::uuid, $2) AS t");
}

Route ReactivateTenant() {
  return Moves("/api/tenants/{id}/reactivate", "reactivateTenant")
      .Summary(
          "Brings a suspended or archived tenant back, and calls off its deletion. Needs "
          "tenants.suspend on the whole platform.")
      .Writes("SELECT row_to_json(t) FROM latchkey.reactivate_tenant($1::uuid, $2) AS t");
}

Route ArchiveTenant() {
  return Moves("/api/tenants/{id}/archive", "archiveTenant")
      .Summary("Closes the tenant and keeps everything. Needs tenants.delete in it.")
      .Writes("SELECT row_to_json(t) FROM latchkey.archive_tenant($1::uuid, $2) AS t");
}

Route TransferTenant() {
  return ForTenant("POST", "/api/tenants/{id}/transfer", "transferTenant", "tenants")
      .Summary("Makes a member the owner, and the owner before an admin of the tenant.")
      .Writes("SELECT null::json FROM latchkey.transfer_ownership($1::uuid, $2::uuid, $3::uuid)")
      .Takes(BodyField("to_user_id", Type::kUuid, kRequired, kUuidLength, "The new owner."))
      .Takes(BodyField("from_user_id", Type::kUuid, kOptional, kUuidLength,
                       "The owner before; the caller when absent, else it needs tenants.write on "
                       "the whole platform."))
      .Message("Ownership transferred")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

Route SwitchTenant() {
  return Route("POST", "/api/auth/switch-tenant", "switchTenant", "tenants")
      .Summary(
          "Another token of the same session, for a tenant to which the caller belongs. The token "
          "before ends.")
      .Writes(LATCHKEY_LOGIN_ANSWER("latchkey.switch_tenant($1, $2::uuid)"))
      .As(Who::kBearerIsGiven)
      .Takes(BearerToken())
      .Takes(BodyField("tenant_id", Type::kUuid, kOptional, kUuidLength,
                       "The tenant; none when it is absent."))
      .Merged()
      .Returns("user", "User")
      .Returns("token", "string")
      .Returns("expires_at", "date-time")
      .Returns("tenant_count", "integer")
      .Fails({ErrorId::Forbidden, ErrorId::Conflict, ErrorId::NotConfigured});
}

}  // namespace

std::vector<Route> TenantRoutes() {
  return {CreateTenant(),  ListTenants(),    Dropdown(),      GetTenant(),
          UpdateTenant(),  DeleteTenant(),   SuspendTenant(), ReactivateTenant(),
          ArchiveTenant(), TransferTenant(), SwitchTenant()};
}

}  // namespace latchkey
