// The state of tenants' databases, one and all, and bringing all up to date.
#include "extension/core/error.hpp"
#include "extension/jobs/enqueue.hpp"
#include "extension/jobs/rules.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/tenant_databases/store.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenant_databases {

namespace {

constexpr int32_t kMaxAtOnce = 100;

// Jobs of one template are a group, whose rule says how many run at once.
void EnqueueMigration(pg::Spi& spi, const Uuid& tenant_id, const std::string& group_key) {
  const pg::Param payload = pg::JsonParam("{}");
  jobs::NewJob job;
  job.type = kProvisioningJob;
  job.group_key = group_key;
  job.payload = {payload.type, payload.value, false};
  jobs::Enqueue(spi, tenant_id, job);
}

// Those that a worker could bring up to date.
std::vector<Uuid> TenantsWith(pg::Spi& spi, const std::string& template_name) {
  static pg::Statement statement(R"(
    SELECT d.tenant_id FROM latchkey.tenant_databases d JOIN latchkey.tenants t ON t.id = d.tenant_id
     WHERE d.template = $1 AND NOT d.moving AND t.status IN ('active', 'suspended', 'provisioning', 'pending')
     ORDER BY d.tenant_id)");
  const pg::Rows rows = spi.Run(statement, template_name);
  std::vector<Uuid> ids;
  ids.reserve(rows.size());
  for (uint64_t i = 0; i < rows.size(); ++i) ids.push_back(rows[i].Get<Uuid>(1));
  return ids;
}

}  // namespace

LATCHKEY_FUNCTION(tenant_database, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  permissions::Require(args, "tenant_databases.read", tenant_id);
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto columns = LoadState(spi, tenant_id);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(list_tenant_databases, kOpen) {
  const auto template_name = args.Optional<std::string>(0);
  const auto status = args.Optional<std::string>(1);
  const auto server = args.Optional<std::string>(2);
  const auto after = args.Optional<Uuid>(3);
  const int32_t max_rows = tenants::PageSize(args, 4);
  permissions::Require(args, "tenant_databases.read");
  static pg::Statement statement("SELECT " LATCHKEY_TENANT_DATABASE_COLUMNS
                                 R"( FROM latchkey.tenant_databases
     WHERE ($1 IS NULL OR template = $1) AND ($2 IS NULL OR status = $2)
       AND ($3 IS NULL OR server = $3) AND ($4 IS NULL OR tenant_id > $4)
     ORDER BY tenant_id LIMIT $5)",
                                 pg::Statement::kCustom);
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto rows = tenants::AllColumns(
      spi.Read(statement, template_name, status, server, after, int64_t{max_rows}),
      kTenantDatabaseColumns);
  spi.Finish();
  return tenants::EmitAll(args, rows);
}

LATCHKEY_FUNCTION(migrate_tenants, kOpen) {
  const std::string template_name(args.Text(0, "template"));
  const auto at_once = args.Get<int32_t>(1, "at_once");
  permissions::Require(args, "tenant_databases.write");
  CheckTemplate(template_name);
  if (at_once < 1 || at_once > kMaxAtOnce) {
    throw Error(ErrorCode::kInvalidArgument, "at_once must lie between 1 and 100");
  }
  pg::Spi spi;
  const std::string group_key = "template:" + template_name;
  jobs::SetRule(spi, kProvisioningJob, group_key, {at_once, false}, pg::Now());
  int64_t count = 0;
  for (const Uuid& tenant_id : TenantsWith(spi, template_name)) {
    if (jobs::IsWaiting(spi, tenant_id, kProvisioningJob)) continue;
    EnqueueMigration(spi, tenant_id, group_key);
    ++count;
  }
  spi.Finish();
  return args.Return(count);
}

}  // namespace latchkey::tenant_databases
