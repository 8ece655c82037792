// Routes about the users of the token's tenant: the main database decides who they are, and the
// tenant's own has them as well.
#include "gateway/routes/tenant_data.hpp"

namespace latchkey {
namespace {

// Without a tenant there is no row, and so nothing happens: never a role on the whole platform.
#define LATCHKEY_OWN_TENANT "(SELECT latchkey.current_tenant_id() AS id OFFSET 0) AS t"

Route List() {
  return Route("GET", "/api/tenant/users", "listTenantUsers", "tenant")
      .Summary("The users that the tenant's database has, newest first, a page at a time.")
      .InTenant(kReadData)
      .InBoth(
          "SELECT coalesce(json_agg(u), '[]') FROM (SELECT u.id, u.email, u.name, u.role, u.status,"
          " u.last_login_at, u.synced_at, u.created_at FROM @.users u"
          " WHERE ($1::uuid IS NULL OR u.id < $1) AND ($3::text IS NULL OR u.status = $3)"
          " ORDER BY u.id DESC LIMIT coalesce($2::integer, 100)) AS u")
      .Takes(PageAfter())
      .Takes(PageSize())
      .Takes(QueryField("status", Type::kText, 20, "active, blocked or deleted."))
      .Returns("users", "object", true)
      .Fails(TenantErrors());
}

Route Add() {
  return Route("POST", "/api/tenant/users", "addTenantUser", "tenant")
      .Summary(
          "Gives a user who exists already a role in the caller's tenant; their row in its "
          "database "
          "follows at once. Others are invited. Needs roles.grant.")
      .Writes("SELECT row_to_json(g) FROM " LATCHKEY_OWN_TENANT
              " CROSS JOIN LATERAL latchkey.grant_role($1::uuid, $2, t.id) AS g"
              " WHERE t.id IS NOT NULL")
      .As(Who::kBearer)
      .Takes(BodyField("user_id", Type::kUuid, kRequired, kUuidLength, "Whom."))
      .Takes(BodyField("role", Type::kText, kRequired, kMaxRoleName, "Which role."))
      .Returns("role", "object")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

Route Change() {
  return Route("PATCH", "/api/tenant/users/{id}", "changeTenantUser", "tenant")
      .Summary("Makes a role the only one of a member of the caller's tenant. Needs roles.grant.")
      .Writes("SELECT row_to_json(g) FROM (SELECT t.id FROM " LATCHKEY_OWN_TENANT
              " WHERE t.id IS NOT NULL AND EXISTS (SELECT FROM "
              "latchkey.roles_of($1::uuid, t.id)) OFFSET 0) AS t CROSS JOIN LATERAL "
              "latchkey.grant_role($1::uuid, $2, t.id) AS g"
              " CROSS JOIN LATERAL (SELECT count(latchkey.revoke_role($1::uuid, r.role, t.id))"
              " FROM latchkey.roles_of($1::uuid, t.id) AS r WHERE r.role <> $2) AS others")
      .As(Who::kBearer)
      .Takes(PathPart("id", Type::kUuid, kUuidLength, "The user."))
      .Takes(BodyField("role", Type::kText, kRequired, kMaxRoleName, "Which role."))
      .Returns("role", "object")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

Route Remove() {
  return Route("DELETE", "/api/tenant/users/{id}", "removeTenantUser", "tenant")
      .Summary(
          "Takes all roles in the caller's tenant from somebody else; in its database they become "
          "deleted. Needs members.remove.")
      .Writes(
          "SELECT null::json FROM latchkey.remove_member(latchkey.current_tenant_id(), $1::uuid)")
      .As(Who::kBearer)
      .Takes(PathPart("id", Type::kUuid, kUuidLength, "The user."))
      .Message("User removed")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

}  // namespace

std::vector<Route> TenantUserRoutes() { return {List(), Add(), Change(), Remove()}; }

}  // namespace latchkey
