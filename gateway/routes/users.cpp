// Routes of the module `users`: their administration.
#include "gateway/routes/answers.hpp"
#include "gateway/routes/route.hpp"

namespace latchkey {
namespace {

Argument UserId() { return PathPart("id", Type::kUuid, kUuidLength, "The id of the user."); }

// For who administers users; the extension decides whether the caller does.
Route ForAdministrators(const char* method, const char* path, const char* operation) {
  return Route(method, path, operation, "users").As(Who::kBearer).Fails({ErrorId::Forbidden});
}

Route ForOne(const char* method, const char* path, const char* operation) {
  return ForAdministrators(method, path, operation)
      .Takes(UserId())
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route ListUsers() {
  return ForAdministrators("GET", "/api/users", "listUsers")
      .Summary("Users, newest first, a page at a time. All filters that are given must hold.")
      .Reads(
          "SELECT row_to_json(answer) FROM (SELECT coalesce(json_agg(u), '[]') AS users, "
          "(array_agg(u.id))[coalesce($8::integer, 50)] AS next FROM latchkey.list_users($1, $2, "
          "$3, $4, $5::timestamptz, $6::timestamptz, $7::uuid, coalesce($8::integer, 50)) AS u) "
          "AS answer")
      .Takes(QueryField("search", Type::kText, 200,
                        "A part of name or address, of at least 3 characters, in any case."))
      .Takes(QueryField("role", Type::kText, 63, "A role on the whole platform."))
      .Takes(QueryField("tier", Type::kText, 100, "The plan in force."))
      .Takes(QueryField("status", Type::kText, 20, "active, blocked or deleted."))
      .Takes(QueryField("created_from", Type::kTimestamp, kMaxTimestamp, "Created then or later."))
      .Takes(QueryField("created_before", Type::kTimestamp, kMaxTimestamp, "Created before then."))
      .Takes(QueryField("after", Type::kUuid, kUuidLength, "The member next of the page before."))
      .Takes(QueryField("limit", Type::kInteger, 1000, "How many at most; 50 when absent."))
      .Merged()
      .Returns("users", "User", true)
      .Returns("next", "uuid")
      .OrNull()
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route InviteUser() {
  return ForAdministrators("POST", "/api/users", "inviteUser")
      .Summary(
          "Creates a user and mails them a link to choose a password. With a tenant, who is a user "
          "already gets the role in it, and a mail that says so.")
      .Writes("SELECT row_to_json(answer), 'ok', null, " LATCHKEY_MAIL_LINE(
          "CASE WHEN mail.token IS NULL THEN 'role_granted' ELSE 'invitation' END",
          "$5") " FROM latchkey.invite_user($1, $2, $3, $4::uuid) AS mail, "
                "LATERAL (SELECT mail.user_id, mail.email, mail.expires_at) AS answer")
      .Mails()
      .MailsToo()
      .Takes(BodyField("email", Type::kEmail, kRequired, kMaxEmail, "The address to invite."))
      .Takes(BodyField("name", Type::kText, kOptional, kMaxName, "The name to show."))
      .Takes(BodyField("role", Type::kText, kOptional, 63, "A role to give."))
      .Takes(BodyField("tenant_id", Type::kUuid, kOptional, kUuidLength,
                       "Where the role counts; absent: on the whole platform."))
      .Takes(LinkBase(Source::kInvitationLink))
      .Returns("invitation", "Invitation")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::AlreadyExists, ErrorId::LockedOut,
              ErrorId::NotConfigured});
}

Route AcceptInvitation() {
  return Route("POST", "/api/auth/invitations/accept", "acceptInvitation", "users")
      .Summary("Sets the first password with the token of an invitation, and starts a session.")
      .Writes(LATCHKEY_LOGIN_ANSWER("latchkey.accept_invitation($1, $2, $3)"))
      .Slow()
      .Takes(BodyField("token", Type::kText, kRequired, kMaxToken, "The token of the mail."))
      .Takes(BodyField("password", Type::kPassword, kRequired, kMaxPassword,
                       "At least 8 characters, at most 1,024 bytes."))
      .Takes(BodyField("name", Type::kText, kOptional, kMaxName, "The name to show."))
      .Merged()
      .Returns("user", "User")
      .Returns("token", "string")
      .Returns("expires_at", "date-time")
      .Returns("tenant_count", "integer")
      .Fails({ErrorId::InvalidToken, ErrorId::TooBusy, ErrorId::NotConfigured});
}

Route GetUser() {
  return ForOne("GET", "/api/users/{id}", "getUser")
      .Summary("One user.")
      .Reads("SELECT row_to_json(u) FROM latchkey.get_user($1::uuid) AS u")
      .Returns("user", "User");
}

Route ReplaceUser() {
  return ForOne("PUT", "/api/users/{id}", "replaceUser")
      .Summary(
          "Replaces what is kept about the user; what is absent becomes empty. A new address is to "
          "be confirmed anew, and ends all sessions.")
      .Writes(
          "SELECT row_to_json(u) FROM "
          "latchkey.update_user($1::uuid, $2, $3, $4::jsonb, $5, true) AS u")
      .Takes(BodyField("email", Type::kEmail, kRequired, kMaxEmail, "The address to log in with."))
      .Takes(BodyField("name", Type::kText, kOptional, kMaxName, "The name to show."))
      .Takes(BodyField("profile", Type::kObject, kOptional, 0, "All that the profile holds."))
      .Takes(BodyField("onboarding_step", Type::kText, kOptional, 100, "How far they have come."))
      .Returns("user", "User")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::AlreadyExists});
}

Route UpdateUser() {
  return ForOne("PATCH", "/api/users/{id}", "updateUser")
      .Summary(
          "Changes what is given. A new address is to be confirmed anew, and ends all sessions.")
      .Writes(
          "SELECT row_to_json(u) FROM latchkey.update_user($1::uuid, $2, $3, $4::jsonb, $5) AS u")
      .Takes(BodyField("email", Type::kEmail, kOptional, kMaxEmail, "The address to log in with."))
      .Takes(BodyField("name", Type::kText, kOptional, kMaxName, "The name to show."))
      .Takes(BodyField("profile", Type::kObject, kOptional, 0,
                       "Members to set; those with the value null are removed."))
      .Takes(BodyField("onboarding_step", Type::kText, kOptional, 100, "How far they have come."))
      .Returns("user", "User")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::AlreadyExists});
}

Route DeleteUser() {
  return ForOne("DELETE", "/api/users/{id}", "deleteUser")
      .Summary("Erases everything that says who the user was. One's own account, too.")
      .Writes("SELECT null::json FROM latchkey.delete_user($1::uuid)")
      .Message("User deleted")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

Route BlockUser() {
  return ForOne("POST", "/api/users/{id}/block", "blockUser")
      .Summary("Blocks the user: no login, and all sessions end.")
      .Writes("SELECT row_to_json(u) FROM latchkey.block_user($1::uuid, $2) AS u")
      .Takes(BodyField("reason", Type::kText, kOptional, 500, "Why; it is kept with the user."))
      .Returns("user", "User")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

Route UnblockUser() {
  return ForOne("POST", "/api/users/{id}/unblock", "unblockUser")
      .Summary("Lets a blocked user log in again.")
      .Writes("SELECT row_to_json(u) FROM latchkey.unblock_user($1::uuid) AS u")
      .Returns("user", "User");
}

Route ListUserRoles() {
  return ForOne("GET", "/api/users/{id}/roles", "listUserRoles")
      .Summary("The roles that the user has now.")
      .Reads("SELECT coalesce(json_agg(r), '[]') FROM latchkey.roles_of($1::uuid, $2::uuid) AS r")
      .Takes(QueryField("tenant_id", Type::kUuid, kUuidLength, "Only those in this tenant."))
      .Returns("roles", "RoleGrant", true);
}

Route GrantRole() {
  return ForOne("POST", "/api/users/{id}/roles", "grantRole")
      .Summary("Gives the user a role, at once also in running sessions.")
      .Writes(
          "SELECT row_to_json(r) FROM "
          "latchkey.grant_role($1::uuid, $2, $3::uuid, $4::timestamptz) AS r")
      .Takes(BodyField("role", Type::kText, kRequired, 63, "The role."))
      .Takes(BodyField("tenant_id", Type::kUuid, kOptional, kUuidLength,
                       "Where it counts; absent: on the whole platform."))
      .Takes(BodyField("expires_at", Type::kTimestamp, kOptional, kMaxTimestamp, "When it ends."))
      .Returns("role", "RoleGrant")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

Route RevokeRole() {
  return ForOne("DELETE", "/api/users/{id}/roles/{role}", "revokeRole")
      .Summary("Takes a role from the user, at once also in running sessions.")
      .Writes("SELECT null::json FROM latchkey.revoke_role($1::uuid, $2, $3::uuid)")
      .Takes(PathPart("role", Type::kText, 63, "The role."))
      .Takes(QueryField("tenant_id", Type::kUuid, kUuidLength,
                        "Where it counts; absent: on the whole platform."))
      .Message("Role revoked")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

Route SetTier() {
  return ForOne("PUT", "/api/users/{id}/tier", "setTier")
      .Summary("Subscribes the user to a plan.")
      .Writes("SELECT null::json FROM latchkey.set_tier($1::uuid, $2, coalesce($3, 'active'))")
      .Takes(BodyField("plan", Type::kText, kRequired, 100, "The plan."))
      .Takes(BodyField("status", Type::kText, kOptional, 50,
                       "The state of the subscription; active when absent."))
      .Message("Tier changed");
}

Route ListUserSessions() {
  return ForOne("GET", "/api/users/{id}/sessions", "listUserSessions")
      .Summary("The sessions of the user, a page at a time.")
      .Reads(
          "SELECT coalesce(json_agg(s), '[]') FROM latchkey.list_sessions("
          "$1::uuid, $2::uuid, coalesce($3::integer, 100)) AS s")
      .Takes(QueryField("after", Type::kUuid, kUuidLength, "The last id of the page before."))
      .Takes(QueryField("limit", Type::kInteger, 1000, "How many at most."))
      .Returns("sessions", "SessionEntry", true);
}

Route EndUserSessions() {
  return ForOne("DELETE", "/api/users/{id}/sessions", "endUserSessions")
      .Summary("Ends all sessions of the user.")
      .Writes(
          "SELECT row_to_json(answer) FROM latchkey.logout_everywhere($1::uuid) AS ended, "
          "LATERAL (SELECT ended, 'Logged out everywhere' AS message) AS answer")
      .Merged()
      .Returns("ended", "integer")
      .Returns("message", "string");
}

}  // namespace

std::vector<Route> UserRoutes() {
  return {ListUsers(),  InviteUser(), AcceptInvitation(), GetUser(),          ReplaceUser(),
          UpdateUser(), DeleteUser(), BlockUser(),        UnblockUser(),      ListUserRoles(),
          GrantRole(),  RevokeRole(), SetTier(),          ListUserSessions(), EndUserSessions()};
}

}  // namespace latchkey
