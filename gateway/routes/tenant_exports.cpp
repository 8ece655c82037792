// Routes of the module `tenant_exports`: dumps of a tenant's database, for who runs the platform.
// The files stay with the workers.
#include "gateway/routes/tenant_argument.hpp"

namespace latchkey {
namespace {

Route ExportTenant() {
  return ForTenant("POST", "/api/tenants/{id}/exports", "exportTenant", "tenant_exports")
      .Summary(
          "Has a dump of the tenant's database written to a file at the worker, by a job. Needs "
          "tenant_databases.write on the whole platform.")
      .Writes("SELECT row_to_json(e) FROM latchkey.export_tenant($1::uuid, $2) AS e")
      .Takes(IdempotencyKey())
      .Returns("export", "TenantExport")
      .Status(202)
      .Fails({ErrorId::Conflict});
}

Route ListTenantExports() {
  return ForTenant("GET", "/api/tenants/{id}/exports", "listTenantExports", "tenant_exports")
      .Summary(
          "Dumps of the tenant's database, newest first, a page at a time. Needs "
          "tenant_databases.read on the whole platform.")
      .Reads(
          "SELECT coalesce(json_agg(e), '[]') FROM latchkey.list_tenant_exports($1::uuid, "
          "$2::uuid, coalesce($3::integer, 100)) AS e")
      .Takes(PageAfter("The last id of the page before."))
      .Takes(TenantPageSize())
      .Returns("exports", "TenantExport", true);
}

Route DeleteTenantExport() {
  return ForTenant("DELETE", "/api/tenants/{id}/exports/{export_id}", "deleteTenantExport",
                   "tenant_exports")
      .Summary(
          "Has a dump's file removed, by a job, and then forgotten. Needs tenant_databases.write "
          "on "
          "the whole platform.")
      .Takes(PathPart("export_id", Type::kUuid, kUuidLength, "The id of the export."))
      .Writes("SELECT null::json FROM latchkey.delete_tenant_export($1::uuid, $2::uuid)")
      .Message("The file is being removed")
      .Status(202);
}

}  // namespace

std::vector<Route> TenantExportRoutes() {
  return {ExportTenant(), ListTenantExports(), DeleteTenantExport()};
}

}  // namespace latchkey
