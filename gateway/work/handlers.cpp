// The table of built-in jobs. The schedules of those that are statements come with the extension
// (sql/modules/27_schedules.sql).
#include "gateway/work/handlers.hpp"

#include "gateway/work/worker.hpp"

namespace latchkey {

const std::vector<JobHandler>& JobHandlers() {
  static const std::vector<JobHandler> table = {
      {"latchkey.purge_sessions", "SELECT latchkey.purge_expired_sessions()"},
      {"latchkey.expire_credits", "SELECT e.lots + e.holds FROM latchkey.expire_credits() AS e"},
      {"latchkey.expire_trials", "SELECT latchkey.expire_trials()"},
      {"latchkey.remind_trials", "SELECT latchkey.remind_trials()"},
      {"latchkey.purge_consumptions", "SELECT latchkey.purge_consumptions()"},
      {"latchkey.purge_usage", "SELECT latchkey.purge_usage()"},
      {"latchkey.delete_due_tenants", "SELECT latchkey.delete_due_tenants()"},
      // One batch a run, however many are due.
      {"latchkey.compare_tenants", "SELECT 0 * latchkey.compare_due_tenants()"},
      {"latchkey.apply_parked_events", "SELECT latchkey.apply_parked_events()"},
      {"latchkey.purge_jobs", "SELECT latchkey.purge_jobs()"},
      {"latchkey.maintain_events",
       "SELECT coalesce(sum(m.row_count), 0)::bigint FROM latchkey.maintain_events() AS m"},
      {"latchkey.purge_webhook_deliveries", "SELECT latchkey.purge_webhook_deliveries()"},
      {"latchkey.webhook", nullptr, &Worker::DeliverWebhook},
      {"hostname.verify", nullptr, &Worker::VerifyHostname},
      {"latchkey.sync_tenant_users", nullptr, &Worker::SyncTenantUsers},
      {"latchkey.compare_tenant_users", nullptr, &Worker::CompareTenantUsers},
      {"latchkey.provision_tenant", nullptr, &Worker::ProvisionTenant},
      {"latchkey.move_tenant", nullptr, &Worker::MoveTenant},
      {"latchkey.export_tenant", nullptr, &Worker::ExportTenant},
      {"latchkey.drop_tenant_databases", nullptr, &Worker::DropDatabases},
      {"latchkey.check_databases", nullptr, &Worker::CheckDatabases},
  };
  return table;
}

const JobHandler* FindJobHandler(std::string_view type) {
  for (const JobHandler& handler : JobHandlers()) {
    if (type == handler.type) return &handler;
  }
  return nullptr;
}

std::string HandledTypes(JobKind kind) {
  std::string types;
  for (const JobHandler& handler : JobHandlers()) {
    const JobKind own = handler.step ? JobKind::kStatement : JobKind::kOutside;
    if (kind != JobKind::kAny && kind != own) continue;
    types += (types.empty() ? "{" : ",") + std::string(handler.type);
  }
  return types + "}";
}

}  // namespace latchkey
