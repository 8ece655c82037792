// Routes of the module `accounts`: users, their passwords and addresses.
#include "gateway/routes/answers.hpp"
#include "gateway/routes/route.hpp"

namespace latchkey {
namespace {

// The mails of a call that returns mail tokens.
#define LATCHKEY_MAIL(kind, call, link) \
  "SELECT " LATCHKEY_MAIL_LINE("'" kind "'", link) " FROM " call " AS mail"

Route Register() {
  return Route("POST", "/api/auth/register", "register", "accounts")
      .Summary(
          "Creates a user and logs them in; or, where addresses must be confirmed first, mails a "
          "link to do so and answers email_unverified.")
      .Writes(LATCHKEY_LOGIN_ANSWER_AND(
          ", CASE WHEN result.outcome = 'email_unverified' AND $5::text IS NOT NULL "
          "THEN (" LATCHKEY_MAIL("email_verification",
                                 "latchkey.request_email_verification_for($1)", "$5") ") END",
          "latchkey.sign_up($1, $2, $3, $4::jsonb)"))
      .Slow()
      .MailsToo()
      .Takes(BodyField("email", Type::kEmail, kRequired, kMaxEmail, "The address to log in with."))
      .Takes(BodyField("password", Type::kPassword, kRequired, kMaxPassword,
                       "At least 8 characters, at most 1,024 bytes."))
      .Takes(BodyField("name", Type::kText, kOptional, kMaxName, "The name to show."))
      .Takes(BodyField("profile", Type::kObject, kOptional, 0,
                       "Whatever the application wants to keep about the user."))
      .Takes(LinkBase(Source::kVerifyLink))
      .Merged()
      .Returns("user", "User")
      .Returns("token", "string")
      .Returns("expires_at", "date-time")
      .Returns("tenant_count", "integer")
      .Fails({ErrorId::AlreadyExists, ErrorId::EmailUnverified, ErrorId::TooBusy,
              ErrorId::NotConfigured});
}

Route ChangePassword() {
  return Route("POST", "/api/auth/password/change", "changePassword", "accounts")
      .Summary("Changes the caller's password; all their other sessions end.")
      .Writes("SELECT null::json, result.outcome, " LATCHKEY_RETRY_SECONDS
              " "
              "FROM latchkey.change_password(latchkey.current_user_id(), $1, $2) AS result")
      .As(Who::kBearer)
      .Slow()
      .Takes(BodyField("current_password", Type::kPassword, kRequired, kMaxPassword,
                       "The password that is valid now."))
      .Takes(BodyField("new_password", Type::kPassword, kRequired, kMaxPassword,
                       "The password to be valid from now on."))
      .Message("Password changed")
      .Fails({ErrorId::InvalidCredentials, ErrorId::LockedOut, ErrorId::TooBusy});
}

Route ForgotPassword() {
  return Route("POST", "/api/auth/password/forgot", "forgotPassword", "accounts")
      .Summary("Mails a link to reset the password. The answer is the same for every address.")
      .Writes(LATCHKEY_MAIL("password_reset", "latchkey.request_password_reset($1)", "$2"))
      .Mails()
      .Takes(BodyField("email", Type::kEmail, kRequired, kMaxEmail, "The address of the user."))
      .Takes(LinkBase(Source::kResetLink))
      .Status(202)
      .Message("If the address belongs to a user, a mail is on its way")
      .Fails({ErrorId::NotConfigured});
}

Route ResetPassword() {
  return Route("POST", "/api/auth/password/reset", "resetPassword", "accounts")
      .Summary("Sets a new password with the token of a mail; all sessions of the user end.")
      .Writes("SELECT null::json FROM latchkey.reset_password($1, $2)")
      .Slow()
      .Takes(BodyField("token", Type::kText, kRequired, kMaxToken, "The token of the mail."))
      .Takes(BodyField("new_password", Type::kPassword, kRequired, kMaxPassword,
                       "The password to be valid from now on."))
      .Message("Password reset")
      .Fails({ErrorId::InvalidToken, ErrorId::Forbidden, ErrorId::TooBusy});
}

Route VerifyEmail() {
  return Route("POST", "/api/auth/email/verify", "verifyEmail", "accounts")
      .Summary("Confirms an address with the token of a mail.")
      .Writes("SELECT null::json FROM latchkey.confirm_email($1)")
      .Takes(BodyField("token", Type::kText, kRequired, kMaxToken, "The token of the mail."))
      .Message("Address confirmed")
      .Fails({ErrorId::InvalidToken});
}

Route RequestEmailVerification() {
  return Route("POST", "/api/auth/email/verify/request", "requestEmailVerification", "accounts")
      .Summary("Mails the caller a link to confirm their address.")
      .Writes(LATCHKEY_MAIL("email_verification",
                            "latchkey.request_email_verification(latchkey.current_user_id())",
                            "$1"))
      .As(Who::kBearer)
      .Mails()
      .Takes(LinkBase(Source::kVerifyLink))
      .Status(202)
      .Message("If the address is still to be confirmed, a mail is on its way")
      .Fails({ErrorId::NotConfigured});
}

Route ResendEmailVerification() {
  return Route("POST", "/api/auth/email/resend", "resendEmailVerification", "accounts")
      .Summary(
          "Mails another link to confirm an address, without a login. The answer is the same for "
          "every address.")
      .Writes(
          LATCHKEY_MAIL("email_verification", "latchkey.request_email_verification_for($1)", "$2"))
      .Mails()
      .Takes(BodyField("email", Type::kEmail, kRequired, kMaxEmail, "The address to be confirmed."))
      .Takes(LinkBase(Source::kVerifyLink))
      .Status(202)
      .Message("If the address is still to be confirmed, a mail is on its way")
      .Fails({ErrorId::NotConfigured});
}

Route UpdateProfile() {
  return Route("PATCH", "/api/auth/profile", "updateProfile", "accounts")
      .Summary("Changes what is given of the caller's name, profile and onboarding step.")
      .Writes(
          "SELECT row_to_json(u) FROM "
          "latchkey.update_profile(latchkey.current_user_id(), $1, $2::jsonb, $3) AS u")
      .As(Who::kBearer)
      .Takes(BodyField("name", Type::kText, kOptional, kMaxName, "The name to show."))
      .Takes(BodyField("profile", Type::kObject, kOptional, 0,
                       "Members to set; those with the value null are removed."))
      .Takes(
          BodyField("onboarding_step", Type::kText, kOptional, 100, "How far the user has come."))
      .Returns("user", "User");
}

}  // namespace

std::vector<Route> AccountRoutes() {
  return {Register(),    ChangePassword(),           ForgotPassword(),          ResetPassword(),
          VerifyEmail(), RequestEmailVerification(), ResendEmailVerification(), UpdateProfile()};
}

}  // namespace latchkey
