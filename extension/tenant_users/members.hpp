// Changes of members: noted with them, and told to the tenant's database by a job.
#pragma once

#include "extension/pg/args.hpp"

namespace latchkey::tenant_users {

inline constexpr char kSyncJob[] = "latchkey.sync_tenant_users";
inline constexpr char kCompareJob[] = "latchkey.compare_tenant_users";

// After a role of the user in the tenant has changed. Nothing, when the tenant has no database.
void NoteMember(pg::Spi& spi, const Uuid& user_id, const Uuid& tenant_id);

// After the user's address, name or status has changed: in all tenants whose databases know them.
void NoteUser(pg::Spi& spi, const Uuid& user_id);

// All members are to be written to a database that is new.
void NoteAllMembers(pg::Spi& spi, const Uuid& tenant_id);

// Has a job do what waits, as soon as this transaction is committed.
void Ring(pg::Spi& spi, const Uuid& tenant_id);

// Raises LK404.
void RequireDatabase(pg::Spi& spi, const Uuid& tenant_id);

// What the last comparison found, of users behind `after` up to `until`.
void ForgetDifferences(pg::Spi& spi, const Uuid& tenant_id,
                       const std::optional<Uuid>& after = std::nullopt,
                       const std::optional<Uuid>& until = std::nullopt);

// As for connections in clear: EXECUTE keeps others out, and no identity changes that.
void RequireWorker(const pg::Args& args);

}  // namespace latchkey::tenant_users
