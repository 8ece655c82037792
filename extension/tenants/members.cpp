// Who belongs to a tenant: listing, removing, leaving, and handing over.
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/roles/escalation.hpp"
#include "extension/roles/granting.hpp"
#include "extension/tenants/gate.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenants {

namespace {

constexpr const char* kFormerOwnersRole = "admin";

// One row for all that end memberships of a tenant: they go one after the other, and before they
// lock a grant. It is the one that CheckDispensable locks.
void LockMemberships(pg::Spi& spi, const Uuid& tenant_id) {
  static pg::Statement statement(
      "SELECT 1 FROM latchkey.accounts WHERE id = $1 AND kind = 'tenant' FOR NO KEY UPDATE");
  if (spi.RunLatest(statement, tenant_id).empty()) ThrowNoTenant();
}

std::vector<std::string> RolesIn(pg::Spi& spi, const Uuid& user_id, const Uuid& tenant_id) {
  static pg::Statement statement(R"(
    SELECT role FROM latchkey.role_grants WHERE user_id = $1 AND tenant_id = $2 ORDER BY role)");
  std::vector<std::string> roles;
  const pg::Rows rows = spi.RunLatest(statement, user_id, tenant_id);
  for (uint64_t i = 0; i < rows.size(); ++i) roles.push_back(rows[i].Text(1));
  return roles;
}

// What a member invited to, nobody vouches for any more.
void WithdrawInvitations(pg::Spi& spi, const Uuid& tenant_id, const Uuid& user_id) {
  static pg::Statement statement(
      "DELETE FROM latchkey.tenant_invitations WHERE tenant_id = $1 AND invited_by = $2");
  spi.RunLatest(statement, tenant_id, user_id);
}

// Returns how many roles that were.
int32_t EndMembership(pg::Spi& spi, const Uuid& user_id, const Uuid& tenant_id,
                      const std::vector<std::string>& roles) {
  if (roles.empty()) throw Error(ErrorCode::kNotFound, "the user does not belong to this tenant");
  for (const std::string& role : roles) roles::TakeRole(spi, user_id, tenant_id, role);
  WithdrawInvitations(spi, tenant_id, user_id);
  return static_cast<int32_t>(roles.size());
}

// A grant with an end does not make an owner who could hand the tenant over.
void RequireOwner(pg::Spi& spi, const Uuid& tenant_id, const Uuid& user_id) {
  static pg::Statement statement(R"(
    SELECT 1 FROM latchkey.role_grants
     WHERE user_id = $1 AND tenant_id = $2 AND role = 'owner' AND expires_at IS NULL)");
  if (!spi.RunLatest(statement, user_id, tenant_id).empty()) return;
  throw Error(ErrorCode::kConflict, "who hands the tenant over is not its owner");
}

void RequireActiveMember(pg::Spi& spi, const Uuid& tenant_id, const Uuid& user_id) {
  static pg::Statement statement(R"(
    SELECT 1 FROM latchkey.role_grants g JOIN latchkey.users u ON u.id = g.user_id
     WHERE g.user_id = $1 AND g.tenant_id = $2 AND u.status = 'active'
       AND (g.expires_at IS NULL OR g.expires_at > $3))");
  if (!spi.RunLatest(statement, user_id, tenant_id, pg::Now()).empty()) return;
  throw Error(ErrorCode::kConflict, "who gets the tenant is no active member of it", {},
              "Invite them first.");
}

// Whose ownership it is to give: one's own, or with a permission of the platform another's.
Uuid RequireGiver(const pg::Args& args, int index) {
  const pg::Identity* identity = pg::BoundIdentity();
  const bool is_user = identity != nullptr && identity->kind == pg::Identity::kUser;
  const auto given = args.Optional<Uuid>(index);
  if (is_user && (!given || *given == identity->user_id)) return identity->user_id;
  permissions::Require(args, "tenants.write");
  return args.Get<Uuid>(index, "from_user_id");
}

}  // namespace

std::vector<Uuid> OwnedBy(pg::Spi& spi, const Uuid& user_id) {
  static pg::Statement statement(R"(
    SELECT t.id FROM latchkey.role_grants g JOIN latchkey.tenants t ON t.id = g.tenant_id
     WHERE g.user_id = $1 AND g.role = 'owner' AND g.expires_at IS NULL
       AND t.status NOT IN ('archived', 'deleted')
     ORDER BY t.id)");
  std::vector<Uuid> tenants;
  const pg::Rows rows = spi.RunLatest(statement, user_id);
  for (uint64_t i = 0; i < rows.size(); ++i) tenants.push_back(rows[i].Get<Uuid>(1));
  return tenants;
}

int64_t CountMemberships(pg::Spi& spi, const Uuid& user_id) {
  static pg::Statement statement(R"(
    SELECT count(DISTINCT t.id)
      FROM latchkey.role_grants g JOIN latchkey.tenants t ON t.id = g.tenant_id
     WHERE g.user_id = $1 AND (g.expires_at IS NULL OR g.expires_at > $2)
       AND t.status <> 'deleted')");
  return spi.RunLatest(statement, user_id, pg::Now())[0].Get<int64_t>(1);
}

LATCHKEY_FUNCTION(members_of, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto after = args.Optional<Uuid>(1);
  const int32_t max_rows = PageSize(args, 2);
  permissions::Require(args, "members.read", tenant_id);
  static pg::Statement statement(R"(
    SELECT m.user_id, u.email, u.name, u.status, m.roles, m.member_since
      FROM (SELECT user_id, array_agg(role ORDER BY role COLLATE "C") AS roles,
                   min(granted_at) AS member_since
              FROM latchkey.role_grants
             WHERE tenant_id = $1 AND ($2 IS NULL OR user_id < $2)
               AND (expires_at IS NULL OR expires_at > $4)
             GROUP BY user_id ORDER BY user_id DESC LIMIT $3) AS m
      JOIN latchkey.users u ON u.id = m.user_id ORDER BY m.user_id DESC)",
                                 pg::Statement::kCustom);
  pg::Spi spi(pg::Spi::kReadOnly);
  LoadTenant(spi, tenant_id);
  const auto members = AllColumns(spi.Read(statement, tenant_id, after, max_rows, pg::Now()), 6);
  spi.Finish();
  return EmitAll(args, members);
}

LATCHKEY_FUNCTION(tenants_of, kOpen) {
  const auto user_id = args.Get<Uuid>(0, "user_id");
  permissions::RequireAccount(args, user_id, "tenants.read");
  static pg::Statement statement(R"(
    SELECT t.id, t.name, t.slug, t.kind, t.status, t.status_reason,
           array_agg(g.role ORDER BY g.role COLLATE "C")
      FROM latchkey.role_grants g JOIN latchkey.tenants t ON t.id = g.tenant_id
     WHERE g.user_id = $1 AND (g.expires_at IS NULL OR g.expires_at > $2) AND t.status <> 'deleted'
     GROUP BY t.id ORDER BY t.name COLLATE "C", t.id)");
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto tenants = AllColumns(spi.Read(statement, user_id, pg::Now()), 7);
  spi.Finish();
  return EmitAll(args, tenants);
}

LATCHKEY_FUNCTION(remove_member, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto user_id = args.Get<Uuid>(1, "user_id");
  permissions::Require(args, "members.remove", tenant_id);
  roles::RequireOther(user_id);
  pg::Spi spi;
  LockMemberships(spi, tenant_id);
  const auto roles = RolesIn(spi, user_id, tenant_id);
  for (const std::string& role : roles) roles::RequireGrantable(spi, tenant_id, role);
  const int32_t taken = EndMembership(spi, user_id, tenant_id, roles);
  spi.Finish();
  return args.Return(taken);
}

LATCHKEY_FUNCTION(leave_tenant, kOpen) {
  const auto user_id = args.Get<Uuid>(0, "user_id");
  const auto tenant_id = args.Get<Uuid>(1, "tenant_id");
  permissions::RequireSelf(args, user_id);
  pg::Spi spi;
  LockMemberships(spi, tenant_id);
  const int32_t taken = EndMembership(spi, user_id, tenant_id, RolesIn(spi, user_id, tenant_id));
  spi.Finish();
  return args.Return(taken);
}

LATCHKEY_FUNCTION(transfer_ownership, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto to = args.Get<Uuid>(1, "to_user_id");
  const Uuid from = RequireGiver(args, 2);
  pg::Spi spi;
  LockMemberships(spi, tenant_id);
  RequireOwner(spi, tenant_id, from);
  if (from == to) throw Error(ErrorCode::kConflict, "the user is the owner already");
  RequireActiveMember(spi, tenant_id, to);
  roles::GiveRole(spi, to, tenant_id, "owner");
  roles::GiveRole(spi, from, tenant_id, kFormerOwnersRole);
  roles::TakeRole(spi, from, tenant_id, "owner");
  RecordEvent(spi, tenant_id, "tenant.ownership_transferred",
              JsonObject().Add("from", from.ToString()).Add("to", to.ToString()).ToString());
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::tenants
