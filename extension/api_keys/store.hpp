// Rows of latchkey.service_accounts and latchkey.api_keys.
#pragma once

#include "extension/core/uuid.hpp"
#include "extension/pg/args.hpp"

namespace latchkey::api_keys {

// Asks for the permission where the service account, or the key's one, counts: in its tenant, or
// platform-wide. Opens and ends an SPI session of its own. Raises LK403, and LK404 only to who may
// see all of them: others don't learn which ids there are. Returns the tenant.
std::optional<Uuid> RequireOnAccount(const pg::Args& args, const Uuid& account_id,
                                     const char* permission,
                                     pg::Spi::Mode mode = pg::Spi::kReadWrite);
std::optional<Uuid> RequireOnKey(const pg::Args& args, const Uuid& key_id, const char* permission);

// Raises LK404 when the account has been deleted meanwhile. Its columns as of
// latchkey.service_account.
std::vector<pg::Value> LoadAccount(pg::Spi& spi, const Uuid& account_id);

// The bound identity: null for a database role.
std::optional<Uuid> Actor();

// Records an event of a service account or of a key, of the tenant or of the platform.
void RecordEvent(pg::Spi& spi, const std::optional<Uuid>& tenant_id, const char* aggregate,
                 const Uuid& id, const char* type, const std::string& data = "{}");

// All columns of a row of the result, copied to the caller's memory.
std::vector<pg::Value> Columns(const pg::Row& row, int count);

// Permissions are stored in arrays, and read as text that a space separates: no pattern has one.
std::vector<std::string> SplitPatterns(std::string_view text);

// Raises LK400 unless between 1 and 1,000.
int32_t PageSize(const pg::Args& args, int index);

}  // namespace latchkey::api_keys
