// Routes of the module `roles`: one's own permissions, and the administration of roles.
#include "gateway/routes/route.hpp"

namespace latchkey {
namespace {

// A role is named by its name, scope and tenant: the first stands in the path, the others in the
// query, also where there is a body.
Argument RoleName() { return PathPart("name", Type::kText, kMaxRoleName, "The name of the role."); }
Argument TenantInQuery() {
  return QueryField("tenant_id", Type::kUuid, 36, "The tenant that made it for itself.");
}
Argument ScopeInQuery() {
  return QueryField("scope", Type::kText, 20,
                    "tenant: the role for all tenants; else, without tenant_id, the platform's.");
}
Argument Description() {
  return BodyField("description", Type::kText, kOptional, 500, "What it is for.");
}
Argument Permissions(bool required) {
  return BodyField("permissions", Type::kTextList, required, kMaxPermission,
                   "Names of permissions, and patterns: *, users.*, *.read.");
}

Route MyPermissions() {
  return Route("GET", "/api/auth/permissions", "myPermissions", "roles")
      .Summary("The caller's roles, and what these permit; with a tenant, there too.")
      .Reads(
          "SELECT json_build_object('roles', (SELECT coalesce(json_agg(r), '[]') FROM "
          "latchkey.roles_of(latchkey.current_user_id()) AS r WHERE r.tenant_id IS NULL OR "
          "$1::uuid "
          "IS NULL OR r.tenant_id = $1::uuid), 'permissions', (SELECT coalesce(json_agg(p.name), "
          "'[]') FROM latchkey.permissions_of(latchkey.current_user_id(), $1::uuid) AS p))")
      .As(Who::kBearer)
      .Takes(QueryField("tenant_id", Type::kUuid, 36, "Where the caller wants to do something."))
      .Merged()
      .Returns("roles", "RoleGrant", true)
      .Returns("permissions", "string", true);
}

Route ListRoles() {
  return Route("GET", "/api/roles", "listRoles", "roles")
      .Summary("The platform's roles and those for all tenants; with a tenant these and its own.")
      .Reads("SELECT coalesce(json_agg(r), '[]') FROM latchkey.list_roles($1::uuid) AS r")
      .As(Who::kBearer)
      .Takes(QueryField("tenant_id", Type::kUuid, 36, "The tenant whose roles are asked for."))
      .Returns("roles", "Role", true)
      .Fails({ErrorId::Forbidden});
}

Route CreateRole() {
  return Route("POST", "/api/roles", "createRole", "roles")
      .Summary("Makes a role that gives no more than the caller holds.")
      .Writes(
          "SELECT row_to_json(r) FROM latchkey.create_role($1, $2::text[], coalesce($3, ''), "
          "$4::uuid, $5) AS r")
      .As(Who::kBearer)
      .Takes(BodyField("name", Type::kText, kRequired, kMaxRoleName, "a-z, 0-9, _ and -."))
      .Takes(Permissions(kRequired))
      .Takes(Description())
      .Takes(BodyField("tenant_id", Type::kUuid, kOptional, 36, "The tenant that it is for."))
      .Takes(BodyField("scope", Type::kText, kOptional, 20,
                       "tenant: for all tenants; else, without tenant_id, for the platform."))
      .Returns("role", "Role")
      .Status(201)
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::AlreadyExists});
}

Route UpdateRole() {
  return Route("PATCH", "/api/roles/{name}", "updateRole", "roles")
      .Summary("Changes what is given of a role, at once also in running sessions.")
      .Writes(
          "SELECT row_to_json(r) FROM latchkey.update_role($1, $2::text[], $3, $4::uuid, $5) AS r")
      .As(Who::kBearer)
      .Takes(RoleName())
      .Takes(Permissions(kOptional))
      .Takes(Description())
      .Takes(TenantInQuery())
      .Takes(ScopeInQuery())
      .Returns("role", "Role")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route ReplaceRole() {
  return Route("PUT", "/api/roles/{name}", "replaceRole", "roles")
      .Summary("Gives a role other permissions and another description.")
      .Writes(
          "SELECT row_to_json(r) FROM latchkey.update_role($1, $2::text[], coalesce($3, ''), "
          "$4::uuid, $5) AS r")
      .As(Who::kBearer)
      .Takes(RoleName())
      .Takes(Permissions(kRequired))
      .Takes(Description())
      .Takes(TenantInQuery())
      .Takes(ScopeInQuery())
      .Returns("role", "Role")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route DeleteRole() {
  return Route("DELETE", "/api/roles/{name}", "deleteRole", "roles")
      .Summary("Deletes a role that nobody has.")
      .Writes("SELECT null::json FROM latchkey.delete_role($1, $2::uuid, $3)")
      .As(Who::kBearer)
      .Takes(RoleName())
      .Takes(TenantInQuery())
      .Takes(ScopeInQuery())
      .Message("Role deleted")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

Route ListPermissions() {
  return Route("GET", "/api/permissions", "listPermissions", "roles")
      .Summary("Everything that can be permitted.")
      .Reads("SELECT coalesce(json_agg(p), '[]') FROM latchkey.list_permissions() AS p")
      .As(Who::kBearer)
      .Returns("permissions", "Permission", true)
      .Fails({ErrorId::Forbidden});
}

Route RegisterPermission() {
  return Route("POST", "/api/permissions", "registerPermission", "roles")
      .Summary("Adds a permission of the application, or describes it anew.")
      .Writes("SELECT row_to_json(p) FROM latchkey.register_permission($1, coalesce($2, '')) AS p")
      .As(Who::kBearer)
      .Takes(BodyField("name", Type::kText, kRequired, kMaxPermission, "thing.verb"))
      .Takes(BodyField("description", Type::kText, kOptional, 500, "What it permits."))
      .Returns("permission", "Permission")
      .Fails({ErrorId::Forbidden, ErrorId::AlreadyExists});
}

Route DeletePermission() {
  return Route("DELETE", "/api/permissions/{name}", "deletePermission", "roles")
      .Summary("Deletes a permission of the application that no role names.")
      .Writes("SELECT null::json FROM latchkey.delete_permission($1)")
      .As(Who::kBearer)
      .Takes(PathPart("name", Type::kText, kMaxPermission, "The name of the permission."))
      .Message("Permission deleted")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

}  // namespace

std::vector<Route> RoleRoutes() {
  return {MyPermissions(),   ListRoles(),          CreateRole(),
          UpdateRole(),      ReplaceRole(),        DeleteRole(),
          ListPermissions(), RegisterPermission(), DeletePermission()};
}

}  // namespace latchkey
