// Routes of the module `tenant_databases`: where a tenant's data lives, and how far its making is.
#include "gateway/routes/tenant_argument.hpp"

namespace latchkey {
namespace {

constexpr size_t kMaxTemplate = 63;
constexpr size_t kMaxServer = 63;
constexpr size_t kMaxAtOnce = 100;
constexpr size_t kMaxDatabaseStatus = 20;

Argument Template() {
  return BodyField("template", Type::kText, kOptional, kMaxTemplate,
                   "What to install there; the one that it has when absent.");
}

Route ConnectDatabase() {
  return ForTenant("POST", "/api/tenants/{id}/connect-database", "connectDatabase",
                   "tenant_databases")
      .Summary(
          "Gives the tenant a database that exists, or another connection to the one it has; a "
          "job makes it ready. Needs tenant_databases.write in the tenant.")
      .Writes("SELECT row_to_json(d) FROM latchkey.connect_database($1::uuid, $2::jsonb, $3) AS d")
      .Takes(BodyField("connection", Type::kObject, kRequired, 0,
                       "host, port, database, user, password, sslmode. It is kept sealed, and "
                       "never answered."))
      .Takes(Template())
      .Returns("database", "TenantDatabase")
      .Status(202)
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict, ErrorId::NotConfigured});
}

Route ProvisionTenant() {
  return ForTenant("POST", "/api/tenants/{id}/provision", "provisionTenant", "tenant_databases")
      .Summary(
          "Has a database made for the tenant on a server of the platform's, or does again what "
          "failed. Needs tenant_databases.write in the tenant; for a certain server, on the whole "
          "platform.")
      .Writes("SELECT row_to_json(d) FROM latchkey.provision_tenant($1::uuid, $2, $3) AS d")
      .Takes(Template())
      .Takes(BodyField("server", Type::kText, kOptional, kMaxServer,
                       "Where; the server with the fewest when absent."))
      .Returns("database", "TenantDatabase")
      .Status(202)
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict, ErrorId::NotConfigured});
}

Route TenantStatus() {
  return ForTenant("GET", "/api/tenants/{id}/status", "tenantStatus", "tenant_databases")
      .Summary(
          "The tenant, its database and the last job that worked on it, with its progress; null "
          "where there is none. Needs tenants.read, tenant_databases.read and jobs.read in the "
          "tenant.")
      .Reads(
          "SELECT row_to_json(answer) FROM (SELECT "
          "(SELECT row_to_json(t) FROM latchkey.get_tenant($1::uuid) AS t) AS tenant, "
          "(SELECT row_to_json(d) FROM latchkey.tenant_database($1::uuid) AS d "
          "WHERE d.tenant_id IS NOT NULL) AS database, "
          "(SELECT row_to_json(j) FROM latchkey.list_jobs($1::uuid, NULL, "
          "'latchkey.provision_tenant', NULL, 1) AS j) AS job) AS answer")
      .Merged()
      .Returns("tenant", "Tenant")
      .Returns("database", "TenantDatabase")
      .OrNull()
      .Returns("job", "Job")
      .OrNull();
}

// For who runs the platform.
Route ForPlatform(const char* method, const char* path, const char* operation) {
  return Route(method, path, operation, "tenant_databases")
      .As(Who::kBearer)
      .Fails({ErrorId::Forbidden});
}

Route ListTenantDatabases() {
  return ForPlatform("GET", "/api/tenant-databases", "listTenantDatabases")
      .Summary(
          "Databases of tenants, by tenant, a page at a time. Needs tenant_databases.read on the "
          "whole platform.")
      .Reads(
          "SELECT coalesce(json_agg(d), '[]') FROM latchkey.list_tenant_databases("
          "$1, $2, $3, $4::uuid, coalesce($5::integer, 100)) AS d")
      .Takes(QueryField("template", Type::kText, kMaxTemplate, "Only with this template."))
      .Takes(QueryField("status", Type::kText, kMaxDatabaseStatus,
                        "Only pending, provisioning, ready or failed."))
      .Takes(QueryField("server", Type::kText, kMaxServer, "Only on this server."))
      .Takes(PageAfter("The last tenant_id of the page before."))
      .Takes(TenantPageSize())
      .Returns("databases", "TenantDatabase", true);
}

Route MigrateTenants() {
  return ForPlatform("POST", "/api/tenant-databases/migrate", "migrateTenants")
      .Summary(
          "Brings all databases with a template up to date, by a job for each. Needs "
          "tenant_databases.write on the whole platform.")
      .Writes("SELECT to_json(latchkey.migrate_tenants($1, coalesce($2::integer, 4)))")
      .Takes(BodyField("template", Type::kText, kRequired, kMaxTemplate, "The template."))
      .Takes(BodyField("at_once", Type::kInteger, kOptional, kMaxAtOnce,
                       "How many at a time, from 1 on; 4 when absent."))
      .Returns("jobs", "integer")
      .Status(202);
}

// They are registered in SQL alone: what that takes opens every tenant's database.
Route ListServers() {
  return ForPlatform("GET", "/api/tenant-servers", "listTenantServers")
      .Summary(
          "The servers on which databases of tenants are made, by name. Needs tenant_servers.read.")
      .Reads("SELECT coalesce(json_agg(s), '[]') FROM latchkey.list_servers() AS s")
      .Returns("servers", "TenantServer", true);
}

}  // namespace

std::vector<Route> TenantDatabaseRoutes() {
  return {ConnectDatabase(),     ProvisionTenant(), TenantStatus(),
          ListTenantDatabases(), MigrateTenants(),  ListServers()};
}

}  // namespace latchkey
