// Rows of latchkey.tenants, and what the functions of tenants have in common.
#pragma once

#include "extension/pg/args.hpp"

namespace latchkey::tenants {

// The columns of latchkey.tenant, for a SELECT or a RETURNING.
#define LATCHKEY_TENANT_COLUMNS                                                             \
  "id, name, slug, kind, status, status_reason, status_changed_at, delete_after, settings," \
  " created_at, created_by, updated_at"
inline constexpr int kTenantColumns = 12;

// Raises LK404.
std::vector<pg::Value> LoadTenant(pg::Spi& spi, const Uuid& tenant_id);

struct LockedTenant {
  Uuid id;
  std::string slug;
  std::string status;
  std::optional<pg::Timestamp> delete_after;
};

// Against other changes. Raises LK404.
LockedTenant LockTenant(pg::Spi& spi, const Uuid& tenant_id);
// The same, and LK410 for a deleted one.
LockedTenant LockLivingTenant(pg::Spi& spi, const Uuid& tenant_id);

// Keeps the status as it is until the end of the transaction. Raises LK404, and LK410 unless it is
// active.
void RequireActiveForChange(pg::Spi& spi, const Uuid& tenant_id);

[[noreturn]] void ThrowNoTenant();

// The tenants that the user owns for good, but for archived and deleted ones.
std::vector<Uuid> OwnedBy(pg::Spi& spi, const Uuid& user_id);

void RecordEvent(pg::Spi& spi, const Uuid& tenant_id, const char* type,
                 const std::string& data = "{}");

// The bound identity: null for a database role.
std::optional<Uuid> Actor();

// The first `count` columns of a row of the result, copied to the caller's memory.
std::vector<pg::Value> Columns(const pg::Row& row, int count);
std::vector<std::vector<pg::Value>> AllColumns(const pg::Rows& rows, int count);
Datum EmitAll(pg::Args& args, const std::vector<std::vector<pg::Value>>& rows);

// Raises LK400 unless between 1 and 1,000.
int32_t PageSize(const pg::Args& args, int index);

// Raise LK400.
void CheckTenantName(const std::string& name);
void CheckSettings(pg::Spi& spi, const pg::Raw& settings);

}  // namespace latchkey::tenants
