// Noting changes of members. Called where they are made, and no trigger: rows that a restore brings
// back are no changes, and a trigger could not reach beyond a distributed table's own shard.
#include "extension/tenant_users/members.hpp"

#include "extension/jobs/enqueue.hpp"

namespace latchkey::tenant_users {

void Ring(pg::Spi& spi, const Uuid& tenant_id) {
  if (jobs::HoldWaiting(spi, tenant_id, kSyncJob)) return;
  const pg::Param payload = pg::JsonParam("{}");
  jobs::NewJob job;
  job.type = kSyncJob;
  job.payload = {payload.type, payload.value, false};
  jobs::Enqueue(spi, tenant_id, job);
}

void NoteMember(pg::Spi& spi, const Uuid& user_id, const Uuid& tenant_id) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.tenant_users AS t (user_id, tenant_id, version, synced_version, changed_at)
    SELECT $1, d.tenant_id, 1, 0, $3 FROM latchkey.tenant_databases d WHERE d.tenant_id = $2
    ON CONFLICT (user_id, tenant_id) DO UPDATE
       SET version = t.version + 1, changed_at = EXCLUDED.changed_at)");
  spi.RunLatest(statement, user_id, tenant_id, pg::Now());
  if (spi.affected() > 0) Ring(spi, tenant_id);
}

void NoteUser(pg::Spi& spi, const Uuid& user_id) {
  static pg::Statement statement(R"(
    UPDATE latchkey.tenant_users SET version = version + 1, changed_at = $2 WHERE user_id = $1
    RETURNING tenant_id)");
  std::vector<Uuid> tenants;
  const pg::Rows rows = spi.RunLatest(statement, user_id, pg::Now());
  for (uint64_t i = 0; i < rows.size(); ++i) tenants.push_back(rows[i].Get<Uuid>(1));
  for (const Uuid& tenant_id : tenants) Ring(spi, tenant_id);
}

void NoteAllMembers(pg::Spi& spi, const Uuid& tenant_id) {
  static pg::Statement again(
      "UPDATE latchkey.tenant_users SET synced_version = 0 WHERE tenant_id = $1");
  static pg::Statement add(R"(
    INSERT INTO latchkey.tenant_users (user_id, tenant_id, version, synced_version, changed_at)
    SELECT DISTINCT g.user_id, g.tenant_id, 1, 0, $2::timestamptz
      FROM latchkey.role_grants g WHERE g.tenant_id = $1
    ON CONFLICT (user_id, tenant_id) DO NOTHING)");
  spi.RunLatest(again, tenant_id);
  spi.RunLatest(add, tenant_id, pg::Now());
  Ring(spi, tenant_id);
}

}  // namespace latchkey::tenant_users
