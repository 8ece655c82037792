// Making, listing, disabling and deleting service accounts.
#include "extension/accounts/users.hpp"
#include "extension/api_keys/store.hpp"
#include "extension/core/error.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/roles/escalation.hpp"

namespace latchkey::api_keys {

namespace {

constexpr size_t kMaxDescription = 500;

void RequireTenant(pg::Spi& spi, const std::optional<Uuid>& tenant_id) {
  static pg::Statement statement(
      "SELECT 1 FROM latchkey.accounts WHERE id = $1 AND kind = 'tenant' FOR KEY SHARE");
  if (tenant_id && spi.RunLatest(statement, *tenant_id).empty()) {
    throw Error(ErrorCode::kNotFound, "there is no such tenant");
  }
}

// Everything that the account's keys will be able to do again.
void RequireKeysHeld(pg::Spi& spi, const Uuid& account_id, const std::optional<Uuid>& tenant_id) {
  static pg::Statement statement(R"(
    SELECT DISTINCT p FROM latchkey.api_keys k, unnest(k.permissions) AS p
     WHERE k.service_account_id = $1 AND k.revoked_at IS NULL
       AND (k.expires_at IS NULL OR k.expires_at > $2))");
  std::vector<std::string> patterns;
  const pg::Rows rows = spi.RunLatest(statement, account_id, pg::Now());
  for (uint64_t i = 0; i < rows.size(); ++i) patterns.push_back(rows[i].Text(1));
  roles::RequireHeld(spi, patterns, tenant_id);
}

}  // namespace

LATCHKEY_FUNCTION(create_service_account, kOpen) {
  const std::string name(args.Text(0, "name"));
  const auto description = args.Text(1, "description");
  const auto tenant_id = args.Optional<Uuid>(2);
  permissions::Require(args, "api_keys.write", tenant_id);
  accounts::CheckName(name);
  if (name.find_first_not_of(' ') == std::string::npos) {
    throw Error(ErrorCode::kInvalidArgument, "name must not be empty");
  }
  if (description.size() > kMaxDescription) {
    throw Error(ErrorCode::kInvalidArgument, "description is longer than 500 bytes");
  }
  static pg::Statement insert(R"(
    INSERT INTO latchkey.service_accounts (id, tenant_id, name, description, created_at, created_by)
    VALUES ($1, $2, $3, $4, $5, $6))");
  const Uuid id = NewUuid();
  pg::Spi spi;
  RequireTenant(spi, tenant_id);
  spi.Run(insert, id, tenant_id, name, description, pg::Now(), Actor());
  RecordEvent(spi, tenant_id, "service_account", id, "service_account.created");
  const auto columns = LoadAccount(spi, id);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(list_service_accounts, kOpen) {
  const auto tenant_id = args.Optional<Uuid>(0);
  const auto after = args.Optional<Uuid>(1);
  const int32_t max_rows = PageSize(args, 2);
  permissions::Require(args, "api_keys.read", tenant_id);
  static pg::Statement statement(R"(
    SELECT id, tenant_id, name, description, created_at, created_by, disabled_at
      FROM latchkey.service_accounts
     WHERE ($1 IS NULL OR tenant_id = $1) AND ($2 IS NULL OR id < $2)
     ORDER BY id DESC LIMIT $3)");
  std::vector<std::vector<pg::Value>> result;
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement, tenant_id, after, max_rows);
  for (uint64_t i = 0; i < rows.size(); ++i) result.push_back(Columns(rows[i], 7));
  spi.Finish();
  args.BeginSet();
  for (const auto& columns : result) args.EmitRow(columns);
  return args.Void();
}

LATCHKEY_FUNCTION(disable_service_account, kOpen) {
  const auto id = args.Get<Uuid>(0, "service_account_id");
  const auto tenant_id = RequireOnAccount(args, id, "api_keys.write");
  static pg::Statement disable(R"(
    UPDATE latchkey.service_accounts SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL)");
  pg::Spi spi;
  spi.RunLatest(disable, id, pg::Now());
  if (spi.affected() > 0) {
    RecordEvent(spi, tenant_id, "service_account", id, "service_account.disabled");
  }
  const auto columns = LoadAccount(spi, id);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(enable_service_account, kOpen) {
  const auto id = args.Get<Uuid>(0, "service_account_id");
  const auto tenant_id = RequireOnAccount(args, id, "api_keys.write");
  static pg::Statement enable(R"(
    UPDATE latchkey.service_accounts SET disabled_at = NULL
     WHERE id = $1 AND disabled_at IS NOT NULL)");
  pg::Spi spi;
  spi.RunLatest(enable, id);
  const bool was_disabled = spi.affected() > 0;
  // After the lock on the row: whoever gives the account a key is checked for that key's
  // permissions.
  RequireKeysHeld(spi, id, tenant_id);
  if (was_disabled) {
    RecordEvent(spi, tenant_id, "service_account", id, "service_account.enabled");
  }
  const auto columns = LoadAccount(spi, id);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(delete_service_account, kOpen) {
  const auto id = args.Get<Uuid>(0, "service_account_id");
  const auto tenant_id = RequireOnAccount(args, id, "api_keys.write");
  // First the account: nobody gives it another key then.
  static pg::Statement lock("SELECT 1 FROM latchkey.service_accounts WHERE id = $1 FOR UPDATE");
  static pg::Statement keys("DELETE FROM latchkey.api_keys WHERE service_account_id = $1");
  static pg::Statement account("DELETE FROM latchkey.service_accounts WHERE id = $1");
  // Those of deleted keys. A row that a running call holds is left for the next time: no call with
  // a key holds up the end of that key.
  static pg::Statement uses(R"(
    WITH over AS (
      SELECT key_id FROM latchkey.api_key_uses u
       WHERE NOT EXISTS (SELECT FROM latchkey.api_keys k WHERE k.id = u.key_id)
         FOR UPDATE SKIP LOCKED)
    DELETE FROM latchkey.api_key_uses u USING over o WHERE u.key_id = o.key_id)");
  pg::Spi spi;
  if (spi.RunLatest(lock, id).empty()) {
    throw Error(ErrorCode::kNotFound, "there is no such service account");
  }
  spi.RunLatest(keys, id);
  spi.RunLatest(account, id);
  spi.RunLatest(uses);
  RecordEvent(spi, tenant_id, "service_account", id, "service_account.deleted");
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::api_keys
