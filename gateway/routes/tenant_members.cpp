// Routes of the module `tenants` about people: members and invitations.
#include "gateway/routes/tenant_argument.hpp"

namespace latchkey {
namespace {

Route ListMembers() {
  return ForTenant("GET", "/api/tenants/{id}/members", "listMembers", "tenants")
      .Summary("Who has a role in the tenant, a page at a time. Needs members.read in it.")
      .Reads(
          "SELECT coalesce(json_agg(m), '[]') FROM "
          "latchkey.members_of($1::uuid, $2::uuid, coalesce($3::integer, 100)) AS m")
      .Takes(PageAfter("The last user_id of the page before."))
      .Takes(TenantPageSize())
      .Returns("members", "TenantMember", true);
}

Route RemoveMember() {
  return ForTenant("DELETE", "/api/tenants/{id}/members/{user_id}", "removeMember", "tenants")
      .Summary(
          "Takes all roles in the tenant from somebody else, and ends their sessions in it. Needs "
          "members.remove in it.")
      .Writes(
          "SELECT row_to_json(answer) FROM latchkey.remove_member($1::uuid, $2::uuid) AS roles, "
          "LATERAL (SELECT roles, 'Member removed' AS message) AS answer")
      .Takes(PathPart("user_id", Type::kUuid, kUuidLength, "The member."))
      .Merged()
      .Returns("roles", "integer")
      .Returns("message", "string")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

Route LeaveTenant() {
  return ForTenant("POST", "/api/tenants/{id}/leave", "leaveTenant", "tenants")
      .Summary("Gives up all of the caller's roles in the tenant. The last owner can't.")
      .Writes(
          "SELECT row_to_json(answer) FROM "
          "latchkey.leave_tenant(latchkey.current_user_id(), $1::uuid) AS roles, "
          "LATERAL (SELECT roles, 'Left the tenant' AS message) AS answer")
      .Merged()
      .Returns("roles", "integer")
      .Returns("message", "string")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

Route ListInvitations() {
  return ForTenant("GET", "/api/tenants/{id}/invitations", "listInvitations", "tenants")
      .Summary(
          "Invitations that nobody has accepted yet, newest first, a page at a time. Needs "
          "members.read in the tenant.")
      .Reads(
          "SELECT coalesce(json_agg(i), '[]') FROM "
          "latchkey.list_invitations($1::uuid, $2::uuid, coalesce($3::integer, 100)) AS i")
      .Takes(PageAfter("The last id of the page before."))
      .Takes(TenantPageSize())
      .Returns("invitations", "TenantInvitation", true);
}

Route InviteMember() {
  return ForTenant("POST", "/api/tenants/{id}/invitations", "inviteMember", "tenants")
      .Summary(
          "Mails a link to join the tenant with a role. Again: another link, and the one before "
          "ends. Needs members.invite in the tenant, and what the role permits.")
      .Writes(
          "SELECT row_to_json(answer), 'ok', null, json_build_object('kind', 'tenant_invitation', "
          "'to', mail.email, 'tenant', mail.tenant_name, 'role', mail.role, 'token', mail.token, "
          "'expires_at', mail.expires_at, 'link', $4::text || mail.token) "
          "FROM latchkey.invite_member($1::uuid, $2, $3) AS mail, LATERAL (SELECT mail.id, "
          "mail.tenant_id, mail.email, mail.role, mail.expires_at) AS answer")
      .Mails()
      .MailsToo()
      .Takes(BodyField("email", Type::kEmail, kRequired, kMaxEmail, "The address to invite."))
      .Takes(BodyField("role", Type::kText, kRequired, kMaxRoleName, "The role in the tenant."))
      .Takes(LinkBase(Source::kJoinLink))
      .Returns("invitation", "SentInvitation")
      .Status(201)
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict, ErrorId::LockedOut,
              ErrorId::NotConfigured});
}

Route RevokeInvitation() {
  return ForTenant("DELETE", "/api/tenants/{id}/invitations/{invitation_id}", "revokeInvitation",
                   "tenants")
      .Summary("Ends an invitation. Needs members.invite in the tenant.")
      .Writes("SELECT null::json FROM latchkey.revoke_invitation($1::uuid, $2::uuid)")
      .Takes(PathPart("invitation_id", Type::kUuid, kUuidLength, "The invitation."))
      .Message("Invitation revoked");
}

Route JoinTenant() {
  return Route("POST", "/api/invitations/accept", "joinTenant", "tenants")
      .Summary(
          "Joins a tenant with the token of a mailed invitation, as the user with the invited "
          "address; who is none yet signs up first.")
      .Writes(
          "SELECT row_to_json(t) FROM latchkey.join_tenant(latchkey.current_user_id(), $1) AS t")
      .As(Who::kBearer)
      .Takes(BodyField("token", Type::kText, kRequired, kMaxToken, "The token of the mail."))
      .Returns("tenant", "TenantMembership")
      .Fails({ErrorId::InvalidToken, ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

}  // namespace

std::vector<Route> TenantMemberRoutes() {
  return {ListMembers(),  RemoveMember(),     LeaveTenant(), ListInvitations(),
          InviteMember(), RevokeInvitation(), JoinTenant()};
}

}  // namespace latchkey
