// Giving roles to users and taking them away; the first administrator.
#include "extension/roles/granting.hpp"

#include "extension/accounts/passwords.hpp"
#include "extension/accounts/users.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/permissions/tenant_hooks.hpp"
#include "extension/roles/escalation.hpp"
#include "extension/sessions/session_store.hpp"

namespace latchkey::roles {

namespace {

struct GrantKey {
  Uuid user_id;
  Uuid tenant_id;  // kNoTenant: platform-wide
  std::string role;

  std::optional<Uuid> Tenant() const {
    if (tenant_id == kNoTenant) return std::nullopt;
    return tenant_id;
  }
};

GrantKey KeyOf(const pg::Args& args) {
  return {args.Get<Uuid>(0, "user_id"), args.Optional<Uuid>(2).value_or(kNoTenant),
          std::string(args.Text(1, "role"))};
}

RolePtr RequireRole(pg::Spi& spi, const GrantKey& key) {
  RefreshRoles(spi);
  auto role = FindRole(key.tenant_id, key.role);
  if (!role) throw Error(ErrorCode::kNotFound, "there is no role \"" + key.role + "\" here");
  return role;
}

// Also keeps them from going before this is committed: deleting takes a stronger lock.
void RequireUserAndTenant(pg::Spi& spi, const GrantKey& key) {
  static pg::Statement user(
      "SELECT 1 FROM latchkey.users WHERE id = $1 AND status <> 'deleted' FOR KEY SHARE");
  static pg::Statement tenant(
      "SELECT 1 FROM latchkey.accounts WHERE id = $1 AND kind = 'tenant' FOR KEY SHARE");
  if (spi.RunLatest(user, key.user_id).empty()) {
    throw Error(ErrorCode::kNotFound, "there is no such user");
  }
  if (key.tenant_id != kNoTenant && spi.RunLatest(tenant, key.tenant_id).empty()) {
    throw Error(ErrorCode::kNotFound, "there is no such tenant");
  }
}

// A role that is being deleted is not given any more, and the other way round.
void LockRole(pg::Spi& spi, const GrantKey& key) {
  static pg::Statement statement(R"(
    SELECT 1 FROM latchkey.roles
     WHERE scope = $1 AND tenant_id IN ($2, '00000000-0000-0000-0000-000000000000') AND name = $3
       FOR KEY SHARE)");
  const char* scope = key.tenant_id == kNoTenant ? "platform" : "tenant";
  if (spi.RunLatest(statement, scope, key.tenant_id, key.role).empty()) {
    throw Error(ErrorCode::kNotFound, "there is no role \"" + key.role + "\" here");
  }
}

void RecordEvent(pg::Spi& spi, const GrantKey& key, const char* type,
                 const std::optional<pg::Timestamp>& expires_at) {
  JsonObject data;
  data.Add("role", key.role);
  if (const auto tenant_id = key.Tenant()) data.Add("tenant_id", tenant_id->ToString());
  if (expires_at) data.Add("expires_at", expires_at->UnixSeconds());
  events::Record(spi, {key.user_id, "user", key.user_id.ToString(), type, data.ToString()});
}

std::vector<pg::Value> StoreGrant(pg::Spi& spi, const GrantKey& key,
                                  const std::optional<pg::Timestamp>& expires_at) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.role_grants (user_id, tenant_id, role, granted_at, granted_by, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (user_id, tenant_id, role) DO UPDATE SET
      granted_at = EXCLUDED.granted_at, granted_by = EXCLUDED.granted_by,
      expires_at = EXCLUDED.expires_at)");
  const pg::Timestamp now = pg::Now();
  std::optional<Uuid> granted_by;
  if (const pg::Identity* identity = pg::BoundIdentity()) granted_by = identity->user_id;
  LockRole(spi, key);
  if (expires_at) CheckDispensable(spi, key.user_id, key.tenant_id, key.role);
  spi.RunLatest(statement, key.user_id, key.tenant_id, key.role, now, granted_by, expires_at);
  RecordEvent(spi, key, "role.granted", expires_at);
  if (const auto tenant_id = key.Tenant()) {
    permissions::tenant_hooks.member_changed(spi, key.user_id, *tenant_id);
  }
  const MemoryContext old = MemoryContextSwitchTo(pg::ResultContext());
  std::vector<pg::Value> columns = {pg::ToValue(key.role), pg::ToValue(key.Tenant()),
                                    pg::ToValue(now), pg::ToValue(granted_by),
                                    pg::ToValue(expires_at)};
  MemoryContextSwitchTo(old);
  return columns;
}

// An end that is infinitely far is none.
std::optional<pg::Timestamp> ExpiryArgument(const pg::Args& args, int index) {
  const auto expires_at = args.Optional<pg::Timestamp>(index);
  if (!expires_at || TIMESTAMP_IS_NOEND(expires_at->micros)) return std::nullopt;
  if (*expires_at <= pg::Now()) {
    throw Error(ErrorCode::kInvalidArgument, "expires_at lies in the past");
  }
  return expires_at;
}

// Anybody can register an address that is not theirs, with a password of their own, and wait for it
// to be made an administrator's.
void RequireTrustworthy(const accounts::Credentials& user) {
  if (user.status != "active") throw Error(ErrorCode::kConflict, "this user is blocked");
  if (user.email_verified) return;
  throw Error(ErrorCode::kConflict, "the address of this user is not confirmed", {},
              "Whoever registered it knows its password. Let them confirm it, or reset the "
              "password by mail, first.");
}

}  // namespace

std::vector<pg::Value> GrantRole(pg::Spi& spi, const Uuid& user_id,
                                 const std::optional<Uuid>& tenant_id, std::string_view role,
                                 const std::optional<pg::Timestamp>& expires_at) {
  const GrantKey key{user_id, tenant_id.value_or(kNoTenant), std::string(role)};
  RequireOther(user_id);
  RequireUserAndTenant(spi, key);
  RequireHeld(spi, RequireRole(spi, key)->patterns, key.Tenant());
  return StoreGrant(spi, key, expires_at);
}

void GiveRole(pg::Spi& spi, const Uuid& user_id, const Uuid& tenant_id, std::string_view role) {
  const GrantKey key{user_id, tenant_id, std::string(role)};
  RequireUserAndTenant(spi, key);
  StoreGrant(spi, key, std::nullopt);
}

void RequireGrantable(pg::Spi& spi, const Uuid& tenant_id, std::string_view role) {
  const GrantKey key{{}, tenant_id, std::string(role)};
  RequireHeld(spi, RequireRole(spi, key)->patterns, tenant_id);
}

bool TakeRole(pg::Spi& spi, const Uuid& user_id, const std::optional<Uuid>& tenant_id,
              std::string_view role) {
  static pg::Statement remove(
      "DELETE FROM latchkey.role_grants WHERE user_id = $1 AND tenant_id = $2 AND role = $3");
  static pg::Statement another(
      "SELECT 1 FROM latchkey.role_grants WHERE user_id = $1 AND tenant_id = $2 LIMIT 1");
  const GrantKey key{user_id, tenant_id.value_or(kNoTenant), std::string(role)};
  CheckDispensable(spi, key.user_id, key.tenant_id, key.role);
  spi.RunLatest(remove, key.user_id, key.tenant_id, key.role);
  if (spi.affected() == 0) return false;
  RecordEvent(spi, key, "role.revoked", std::nullopt);
  if (tenant_id) permissions::tenant_hooks.member_changed(spi, user_id, *tenant_id);
  if (tenant_id && spi.RunLatest(another, user_id, *tenant_id).empty()) {
    sessions::EndSessionsIn(spi, user_id, *tenant_id, "membership_ended");
  }
  return true;
}

LATCHKEY_FUNCTION(grant_role, kOpen) {
  const GrantKey key = KeyOf(args);
  const auto expires_at = ExpiryArgument(args, 3);
  permissions::Require(args, "roles.grant", key.Tenant());
  pg::Spi spi;
  const auto columns = GrantRole(spi, key.user_id, key.Tenant(), key.role, expires_at);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(revoke_role, kOpen) {
  const GrantKey key = KeyOf(args);
  permissions::Require(args, "roles.grant", key.Tenant());
  RequireOther(key.user_id);
  pg::Spi spi;
  RequireHeld(spi, RequireRole(spi, key)->patterns, key.Tenant());
  if (!TakeRole(spi, key.user_id, key.Tenant(), key.role)) {
    throw Error(ErrorCode::kNotFound, "the user does not have this role");
  }
  spi.Finish();
  return args.Return(true);
}

LATCHKEY_FUNCTION(roles_of, kOpen) {
  const auto user_id = args.Get<Uuid>(0, "user_id");
  const auto tenant_id = args.Optional<Uuid>(1);
  permissions::RequireAccount(args, user_id, "roles.read", tenant_id);
  static pg::Statement statement(R"(
    SELECT role, nullif(tenant_id, '00000000-0000-0000-0000-000000000000'), granted_at, granted_by,
           expires_at
      FROM latchkey.role_grants
     WHERE user_id = $1 AND ($2 IS NULL OR tenant_id = $2)
       AND (expires_at IS NULL OR expires_at > $3)
     ORDER BY tenant_id, role COLLATE "C")");
  std::vector<std::vector<pg::Value>> result;
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement, user_id, tenant_id, pg::Now());
  for (uint64_t i = 0; i < rows.size(); ++i) {
    std::vector<pg::Value> columns;
    for (int column = 1; column <= 5; ++column) {
      columns.push_back(pg::ToValue(rows[i].Copy(column)));
    }
    result.push_back(std::move(columns));
  }
  spi.Finish();
  args.BeginSet();
  for (const auto& columns : result) args.EmitRow(columns);
  return args.Void();
}

// The DBA vouches for the address.
LATCHKEY_FUNCTION(create_admin, kSecret) {
  const auto email = args.Text(0, "email");
  const auto password = args.Optional<std::string>(1);
  permissions::RequireNoIdentity();
  static pg::Statement confirm("UPDATE latchkey.users SET email_verified_at = $2 WHERE id = $1");
  accounts::NewUser user;
  user.address = accounts::ParseAddress(email);
  user.name = args.Optional<std::string>(2);
  accounts::CheckName(user.name);
  pg::Spi spi;
  GrantKey key{{}, kNoTenant, kPlatformAdmin};
  if (const auto existing = accounts::FindCredentials(spi, user.address)) {
    if (password) {
      throw Error(ErrorCode::kAlreadyExists, "a user with this email already exists", {},
                  "Leave the password out to make this user an administrator.");
    }
    RequireTrustworthy(*existing);
    key.user_id = existing->user_id;
  } else {
    if (password) user.password_hash = accounts::HashPassword(spi, *password);
    key.user_id = accounts::CreateUser(spi, user);
    spi.Run(confirm, key.user_id, pg::Now());
  }
  RequireUserAndTenant(spi, key);
  StoreGrant(spi, key, std::nullopt);
  const auto columns = accounts::LoadUserAccount(spi, key.user_id);
  spi.Finish();
  return args.ReturnRow(columns);
}

}  // namespace latchkey::roles
