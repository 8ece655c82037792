// Routes for those who run the gateway, and the list of all routes.
#include "gateway/routes/route.hpp"

namespace latchkey {

std::vector<Route> OperationRoutes() {
  return {
      Route("GET", "/healthz", "health", "operations")
          .Summary("Is the process alive? Asks nobody else.")
          .Plain("Health")
          .Does(BuiltIn::kHealth),
      Route("GET", "/readyz", "ready", "operations")
          .Summary("Can requests be served: is the database there, and the extension in it?")
          .Reads("SELECT row_to_json(answer), CASE WHEN extension_version IS NULL "
                 "THEN 'not_configured' ELSE 'ok' END FROM (SELECT 'ready' AS status, "
                 "(SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'latchkey') "
                 "AS extension_version) AS answer")
          .Plain("Readiness")
          .Fails({ErrorId::NotConfigured}),
      Route("GET", "/metrics", "metrics", "operations")
          .Summary("Figures for Prometheus, in its text format 0.0.4.")
          .Plain("text")
          .Content("text/plain; version=0.0.4; charset=utf-8")
          .Does(BuiltIn::kMetrics),
      Route("GET", "/openapi.json", "openapi", "operations")
          .Summary("This document.")
          .Plain("OpenApi")
          .Cache("public, max-age=300")
          .Does(BuiltIn::kOpenApi),
  };
}

const std::vector<Route>& AllRoutes() {
  static const std::vector<Route> all = [] {
    std::vector<Route> routes;
    for (const auto& module :
         {AccountRoutes(),        SessionRoutes(),        RoleRoutes(),
          ApiKeyRoutes(),         PlanRoutes(),           SubscriptionRoutes(),
          UserRoutes(),           CreditRoutes(),         CreditAdministrationRoutes(),
          BillingRoutes(),        TenantRoutes(),         TenantMemberRoutes(),
          HostnameRoutes(),       TenantDatabaseRoutes(), TenantMoveRoutes(),
          TenantExportRoutes(),   OnboardingRoutes(),     JobRoutes(),
          ScheduleRoutes(),       EventRoutes(),          SettingRoutes(),
          WebhookRoutes(),        TenantUserRoutes(),     TenantProductRoutes(),
          TenantCustomerRoutes(), TenantShopRoutes(),     TenantStockRoutes(),
          OperationRoutes()}) {
      routes.insert(routes.end(), module.begin(), module.end());
    }
    return routes;
  }();
  return all;
}

}  // namespace latchkey
