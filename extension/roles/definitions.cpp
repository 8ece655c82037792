// Making, changing, listing and deleting roles.
#include <algorithm>

#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/roles/escalation.hpp"
#include "extension/roles/grants.hpp"
#include "extension/roles/patterns.hpp"

namespace latchkey::roles {

namespace {

constexpr size_t kMaxDescription = 500;

struct RoleKey {
  std::string scope;
  Uuid tenant_id;
  std::string name;

  std::optional<Uuid> Tenant() const {
    if (tenant_id == kNoTenant) return std::nullopt;
    return tenant_id;
  }
};

RoleKey KeyOf(const pg::Args& args, int tenant, int scope) {
  RoleKey key;
  key.name = args.Text(0, "name");
  key.tenant_id = args.Optional<Uuid>(tenant).value_or(kNoTenant);
  const bool in_tenant = key.tenant_id != kNoTenant;
  key.scope = args.Optional<std::string>(scope).value_or(in_tenant ? "tenant" : "platform");
  if (key.scope != "platform" && key.scope != "tenant") {
    throw Error(ErrorCode::kInvalidArgument, "scope must be platform or tenant");
  }
  if (in_tenant && key.scope == "platform") {
    throw Error(ErrorCode::kInvalidArgument, "a role of the platform belongs to no tenant");
  }
  return key;
}

bool IsRoleName(std::string_view name) {
  if (name.empty() || name.size() > 63 || name[0] < 'a' || name[0] > 'z') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::string CheckDescription(std::optional<std::string> description) {
  if (description.value_or("").size() > kMaxDescription) {
    throw Error(ErrorCode::kInvalidArgument, "description is longer than 500 bytes");
  }
  return description.value_or("");
}

void RequireTenant(pg::Spi& spi, const RoleKey& key) {
  static pg::Statement statement(
      "SELECT 1 FROM latchkey.accounts WHERE id = $1 AND kind = 'tenant' FOR KEY SHARE");
  if (key.tenant_id != kNoTenant && spi.RunLatest(statement, key.tenant_id).empty()) {
    throw Error(ErrorCode::kNotFound, "there is no such tenant");
  }
}

struct StoredRole {
  std::vector<std::string> patterns;
  std::vector<std::string> kept;  // those that a built-in role came with
  bool built_in = false;
};

StoredRole LockRole(pg::Spi& spi, const RoleKey& key) {
  static pg::Statement lock(R"(
    SELECT seeded FROM latchkey.roles WHERE scope = $1 AND tenant_id = $2 AND name = $3 FOR UPDATE)");
  static pg::Statement patterns(R"(
    SELECT p, p = ANY (built_in) FROM latchkey.roles r, unnest(r.permissions) AS p
     WHERE scope = $1 AND tenant_id = $2 AND name = $3)");
  const pg::Rows locked = spi.RunLatest(lock, key.scope, key.tenant_id, key.name);
  if (locked.empty())
    throw Error(ErrorCode::kNotFound, "there is no role \"" + key.name + "\" here");
  StoredRole role;
  role.built_in = locked[0].Get<bool>(1);
  const pg::Rows rows = spi.RunLatest(patterns, key.scope, key.tenant_id, key.name);
  for (uint64_t i = 0; i < rows.size(); ++i) {
    role.patterns.push_back(rows[i].Text(1));
    if (rows[i].Get<bool>(2)) role.kept.push_back(rows[i].Text(1));
  }
  return role;
}

// Who has a role would change their own with it.
void RequireNotHeld(pg::Spi& spi, const RoleKey& key) {
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity == nullptr || identity->kind != pg::Identity::kUser) return;
  const Grants grants = GrantsOf(spi, identity->user_id);
  for (const Grant& grant : *grants) {
    const bool same_scope = (grant.tenant_id == kNoTenant) == (key.scope == "platform");
    const bool same_tenant = key.tenant_id == kNoTenant || grant.tenant_id == key.tenant_id;
    if (same_scope && same_tenant && grant.role->name == key.name && !grant.IsOver()) {
      throw Error(ErrorCode::kForbidden, "nobody changes their own roles");
    }
  }
}

void RequireKeepsSeed(const RoleKey& key, const StoredRole& role,
                      const std::vector<std::string>& patterns) {
  for (const std::string& pattern : role.kept) {
    if (std::find(patterns.begin(), patterns.end(), pattern) != patterns.end()) continue;
    throw Error(ErrorCode::kInvalidArgument,
                "the built-in role \"" + key.name + "\" keeps the permission \"" + pattern + "\"",
                {}, "Make a role of your own with create_role().");
  }
}

void RecordEvent(pg::Spi& spi, const RoleKey& key, const char* type) {
  JsonObject data;
  data.Add("scope", key.scope).Add("role", key.name);
  events::Record(spi, {key.tenant_id, "role", key.name, type, data.ToString()});
}

#define LATCHKEY_ROLE_COLUMNS                                                            \
  "name, scope, nullif(tenant_id, '00000000-0000-0000-0000-000000000000'), description," \
  " permissions, seeded"

std::vector<pg::Value> RoleColumns(const pg::Row& row) {
  std::vector<pg::Value> columns;
  for (int column = 1; column <= 6; ++column) columns.push_back(pg::ToValue(row.Copy(column)));
  return columns;
}

std::vector<pg::Value> LoadRole(pg::Spi& spi, const RoleKey& key) {
  static pg::Statement statement("SELECT " LATCHKEY_ROLE_COLUMNS R"( FROM latchkey.roles
     WHERE scope = $1 AND tenant_id = $2 AND name = $3)");
  return RoleColumns(spi.RunLatest(statement, key.scope, key.tenant_id, key.name)[0]);
}

}  // namespace

LATCHKEY_FUNCTION(create_role, kOpen) {
  const RoleKey key = KeyOf(args, 3, 4);
  args.RequireValue(1, "permissions");
  const std::string description = CheckDescription(args.Optional<std::string>(2));
  permissions::Require(args, "roles.write", key.Tenant());
  if (!IsRoleName(key.name)) {
    throw Error(ErrorCode::kInvalidArgument, "a role's name is made of a-z, 0-9, _ and -");
  }
  // The names of a tenant's own roles and of those for all tenants are one space.
  static pg::Statement taken(R"(
    SELECT 1 FROM latchkey.roles
     WHERE scope = $1 AND name = $3
       AND ($2 = '00000000-0000-0000-0000-000000000000' OR tenant_id IN ($2, '00000000-0000-0000-0000-000000000000')))");
  static pg::Statement lock("LOCK TABLE latchkey.roles IN SHARE ROW EXCLUSIVE MODE");
  static pg::Statement insert(R"(
    INSERT INTO latchkey.roles (scope, tenant_id, name, permissions, description, updated_at)
    VALUES ($1, $2, $3, ARRAY(SELECT DISTINCT p COLLATE "C" FROM unnest($4) AS p ORDER BY 1), $5, $6))");
  pg::Spi spi;
  RequireTenant(spi, key);
  const pg::Raw array = args.AsIs(1, TEXTARRAYOID);
  RequireHeld(spi, ReadPatterns(spi, array), key.Tenant());
  spi.RunLatest(lock);
  if (!spi.RunLatest(taken, key.scope, key.tenant_id, key.name).empty()) {
    throw Error(ErrorCode::kAlreadyExists, "a role with this name already exists");
  }
  spi.RunLatest(insert, key.scope, key.tenant_id, key.name, array, description, pg::Now());
  RecordEvent(spi, key, "role.created");
  const auto columns = LoadRole(spi, key);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(update_role, kOpen) {
  const RoleKey key = KeyOf(args, 3, 4);
  const pg::Raw array = args.AsIs(1, TEXTARRAYOID);
  const auto description = args.Optional<std::string>(2);
  CheckDescription(description);
  permissions::Require(args, "roles.write", key.Tenant());
  static pg::Statement update(R"(
    UPDATE latchkey.roles
       SET permissions = CASE WHEN $4 IS NULL THEN permissions
                              ELSE ARRAY(SELECT DISTINCT p COLLATE "C" FROM unnest($4) AS p ORDER BY 1) END,
           description = coalesce($5, description), updated_at = $6
     WHERE scope = $1 AND tenant_id = $2 AND name = $3)");
  pg::Spi spi;
  const StoredRole role = LockRole(spi, key);
  RequireNotHeld(spi, key);
  RequireHeld(spi, role.patterns, key.Tenant());
  if (!array.is_null) {
    const auto patterns = ReadPatterns(spi, array);
    RequireHeld(spi, patterns, key.Tenant());
    RequireKeepsSeed(key, role, patterns);
  }
  spi.RunLatest(update, key.scope, key.tenant_id, key.name, array, description, pg::Now());
  RecordEvent(spi, key, "role.changed");
  const auto columns = LoadRole(spi, key);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(delete_role, kOpen) {
  const RoleKey key = KeyOf(args, 1, 2);
  permissions::Require(args, "roles.write", key.Tenant());
  static pg::Statement holders(R"(
    SELECT 1 FROM latchkey.role_grants
     WHERE role = $2 AND (expires_at IS NULL OR expires_at > $4)
       AND CASE WHEN $1 = '00000000-0000-0000-0000-000000000000'
                THEN (tenant_id = $1) = $3 ELSE tenant_id = $1 END
     LIMIT 1)");
  // Grants that are over by now.
  static pg::Statement sweep(R"(
    DELETE FROM latchkey.role_grants
     WHERE role = $2
       AND CASE WHEN $1 = '00000000-0000-0000-0000-000000000000'
                THEN (tenant_id = $1) = $3 ELSE tenant_id = $1 END)");
  static pg::Statement remove(
      "DELETE FROM latchkey.roles WHERE scope = $1 AND tenant_id = $2 AND name = $3");
  pg::Spi spi;
  const StoredRole role = LockRole(spi, key);
  if (role.built_in) throw Error(ErrorCode::kInvalidArgument, "a built-in role can't be deleted");
  RequireHeld(spi, role.patterns, key.Tenant());
  const bool platform = key.scope == "platform";
  if (!spi.RunLatest(holders, key.tenant_id, key.name, platform, pg::Now()).empty()) {
    throw Error(ErrorCode::kConflict, "users have this role", {}, "Take it from them first.");
  }
  spi.RunLatest(sweep, key.tenant_id, key.name, platform);
  spi.RunLatest(remove, key.scope, key.tenant_id, key.name);
  RecordEvent(spi, key, "role.deleted");
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(list_roles, kOpen) {
  const auto tenant_id = args.Optional<Uuid>(0);
  permissions::Require(args, "roles.read", tenant_id);
  static pg::Statement statement("SELECT " LATCHKEY_ROLE_COLUMNS R"( FROM latchkey.roles
     WHERE ($1 IS NULL AND tenant_id = '00000000-0000-0000-0000-000000000000')
        OR (scope = 'tenant' AND tenant_id IN ($1, '00000000-0000-0000-0000-000000000000')
            AND $1 IS NOT NULL)
     ORDER BY scope, tenant_id, name COLLATE "C")");
  std::vector<std::vector<pg::Value>> result;
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement, tenant_id);
  for (uint64_t i = 0; i < rows.size(); ++i) result.push_back(RoleColumns(rows[i]));
  spi.Finish();
  args.BeginSet();
  for (const auto& columns : result) args.EmitRow(columns);
  return args.Void();
}

}  // namespace latchkey::roles
