// Routes of the module `tenant_moves`: moving a tenant's database, for who runs the platform.
#include "gateway/routes/tenant_argument.hpp"

namespace latchkey {
namespace {

constexpr size_t kMaxServer = 63;

Route MoveTenant() {
  return ForTenant("POST", "/api/tenants/{id}/move", "moveTenant", "tenant_moves")
      .Summary(
          "Moves the tenant's database to another server of the platform's, by a job; writes are "
          "refused meanwhile. Needs tenant_databases.write on the whole platform.")
      .Writes("SELECT to_json(latchkey.move_tenant($1::uuid, $2, $3))")
      .Takes(BodyField("server", Type::kText, kRequired, kMaxServer, "Where to."))
      .Takes(IdempotencyKey())
      .Returns("job_id", "uuid")
      .Status(202)
      .Fails({ErrorId::Conflict, ErrorId::IdempotencyMismatch, ErrorId::NotConfigured});
}

Route TenantMove() {
  return ForTenant("GET", "/api/tenants/{id}/move", "tenantMove", "tenant_moves")
      .Summary(
          "The last move of the tenant's database; not_found when there was none. Needs "
          "tenant_databases.read on the whole platform.")
      .Reads(
          "SELECT (SELECT row_to_json(m) FROM latchkey.tenant_move($1::uuid) AS m"
          " WHERE m.tenant_id IS NOT NULL)")
      .Returns("move", "TenantMove");
}

Route ConfirmTenantMove() {
  return ForTenant("POST", "/api/tenants/{id}/move/confirm", "confirmTenantMove", "tenant_moves")
      .Summary(
          "Drops the database that the tenant has left, by a job: there is no way back then. Needs "
          "tenant_databases.write on the whole platform.")
      .Writes("SELECT row_to_json(m) FROM latchkey.confirm_tenant_move($1::uuid) AS m")
      .Returns("move", "TenantMove")
      .Status(202)
      .Fails({ErrorId::Conflict});
}

Route RevertTenantMove() {
  return ForTenant("POST", "/api/tenants/{id}/move/revert", "revertTenantMove", "tenant_moves")
      .Summary(
          "Calls the move off, or goes back to the database that the tenant has left, by a job; "
          "refused there when writes would be lost. Needs tenant_databases.write on the whole "
          "platform.")
      .Writes(
          "SELECT row_to_json(m) FROM latchkey.revert_tenant_move($1::uuid, "
          "coalesce($2::boolean, false)) AS m")
      .Takes(BodyField("discard_writes", Type::kBoolean, kOptional, 0,
                       "Go back even if what was written since the switch is lost."))
      .Returns("move", "TenantMove")
      .Status(202)
      .Fails({ErrorId::Conflict});
}

}  // namespace

std::vector<Route> TenantMoveRoutes() {
  return {MoveTenant(), TenantMove(), ConfirmTenantMove(), RevertTenantMove()};
}

}  // namespace latchkey
