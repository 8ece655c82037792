// Routes of the module `sessions`: logging in and out, tokens, and the keys that sign them.
#include "gateway/routes/answers.hpp"
#include "gateway/routes/route.hpp"

namespace latchkey {
namespace {

Route Login() {
  return Route("POST", "/api/auth/login", "login", "sessions")
      .Summary("Starts a session.")
      .Writes("SELECT row_to_json(answer), result.outcome, " LATCHKEY_RETRY_SECONDS
              ", NULL, result.tenant_id, result.user_id, result.token FROM latchkey.login($1, $2, "
              "$3, $4) AS result,"
              " LATERAL (SELECT result.account AS \"user\", result.token, result.expires_at,"
              " result.tenant_count, result.tenant_id) AS answer")
      .Slow()
      .EntersTenant()
      .Takes(BodyField("email", Type::kEmail, kRequired, kMaxEmail, "The address of the user."))
      .Takes(BodyField("password", Type::kPassword, kRequired, kMaxPassword, "Their password."))
      .Takes(BodyField("tenant", Type::kText, kOptional, 63,
                       "The id or slug of the tenant to log in to; without it the one of the host, "
                       "or the user's only one."))
      .Takes(HostHeader())
      .Merged()
      .Returns("user", "User")
      .Returns("token", "string")
      .Returns("expires_at", "date-time")
      .Returns("tenant_count", "integer")
      .Returns("tenant_id", "uuid")
      .OrNull()
      .Fails({ErrorId::InvalidCredentials, ErrorId::LockedOut, ErrorId::Forbidden,
              ErrorId::EmailUnverified, ErrorId::TooBusy, ErrorId::NotConfigured,
              ErrorId::TenantUnavailable});
}

Route Refresh() {
  return Route("POST", "/api/auth/refresh", "refresh", "sessions")
      .Summary("Replaces the token by a new one; the old one ends.")
      .Writes(LATCHKEY_LOGIN_ANSWER("latchkey.refresh($1)"))
      .As(Who::kBearerIsGiven)
      .Takes(BearerToken())
      .Merged()
      .Returns("user", "User")
      .Returns("token", "string")
      .Returns("expires_at", "date-time")
      .Returns("tenant_count", "integer");
}

Route Logout() {
  return Route("POST", "/api/auth/logout", "logout", "sessions")
      .Summary("Ends the session of the token. Without a valid token there is nothing to end.")
      .Writes("SELECT null::json FROM latchkey.logout($1)")
      .As(Who::kBearerIsGiven)
      .IgnoresBadToken()
      .Takes(BearerToken())
      .Message("Logged out successfully");
}

// The bound user as JSON; null for an API key, which is nobody's.
#define LATCHKEY_CALLER                                                          \
  "CASE WHEN latchkey.current_user_id() IS NULL THEN 'null'::json ELSE (SELECT " \
  "row_to_json(caller) FROM latchkey.get_user(latchkey.current_user_id()) AS caller) END"

Route Verify() {
  return Route("GET", "/api/auth/verify", "verify", "sessions")
      .Summary("Checks the token, and tells whose it is; user is null for an API key.")
      .Reads("SELECT " LATCHKEY_CALLER)
      .As(Who::kBearer)
      .Returns("user", "User")
      .OrNull();
}

Route Me() {
  return Route("GET", "/api/auth/me", "me", "sessions")
      .Summary(
          "The caller, their session and their role where it is; user is null for an API key, "
          "whose role "
          "is service.")
      .Reads(
          "SELECT row_to_json(answer) FROM latchkey.verify($1) AS s, LATERAL "
          "(SELECT " LATCHKEY_CALLER
          " AS \"user\", s AS session, coalesce(s.role, latchkey.current_role_name()) AS role, "
          "CASE WHEN s.user_id IS NULL THEN 0 "
          "ELSE (SELECT count(*) FROM latchkey.tenants_of(s.user_id)) END AS tenant_count) AS "
          "answer")
      .As(Who::kBearer)
      .Takes(BearerToken())
      .Merged()
      .Returns("user", "User")
      .OrNull()
      .Returns("session", "Session")
      .Returns("role", "string")
      .OrNull()
      .Returns("tenant_count", "integer");
}

Route ListSessions() {
  return Route("GET", "/api/auth/sessions", "listSessions", "sessions")
      .Summary("The caller's sessions, a page at a time.")
      .Reads(
          "SELECT coalesce(json_agg(s), '[]') FROM latchkey.list_sessions("
          "latchkey.current_user_id(), $1::uuid, coalesce($2::integer, 100)) AS s")
      .As(Who::kBearer)
      .Takes(QueryField("after", Type::kUuid, 36, "The last id of the page before."))
      .Takes(QueryField("limit", Type::kInteger, 1000, "How many at most."))
      .Returns("sessions", "SessionEntry", true);
}

Route EndAllSessions() {
  return Route("DELETE", "/api/auth/sessions", "endAllSessions", "sessions")
      .Summary("Ends all sessions of the caller, this one too.")
      .Writes(
          "SELECT row_to_json(answer) FROM "
          "latchkey.logout_everywhere(latchkey.current_user_id()) AS ended, "
          "LATERAL (SELECT ended, 'Logged out everywhere' AS message) AS answer")
      .As(Who::kBearer)
      .Merged()
      .Returns("ended", "integer")
      .Returns("message", "string");
}

Route EndSession() {
  return Route("DELETE", "/api/auth/sessions/{id}", "endSession", "sessions")
      .Summary("Ends one session of the caller.")
      .Writes(
          "SELECT null::json FROM "
          "latchkey.revoke_session(latchkey.current_user_id(), $1::uuid)")
      .As(Who::kBearer)
      .Takes(PathPart("id", Type::kUuid, 36, "The id of the session."))
      .Message("Session ended")
      .Fails({ErrorId::NotFound});
}

Route Keys() {
  return Route("GET", "/.well-known/jwks.json", "jwks", "sessions")
      .Summary("The public keys that verify tokens (RFC 7517); empty for symmetric signatures.")
      .Reads("SELECT latchkey.jwks()")
      .Plain("KeySet")
      .Content("application/jwk-set+json")
      .Cache("public, max-age=300")
      .Fails({ErrorId::NotConfigured});
}

}  // namespace

std::vector<Route> SessionRoutes() {
  return {Login(),        Refresh(),        Logout(),     Verify(), Me(),
          ListSessions(), EndAllSessions(), EndSession(), Keys()};
}

}  // namespace latchkey
