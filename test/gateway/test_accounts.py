"""Routes of the module accounts: registration, passwords, addresses, profile."""
import json
import os
import time
import unittest

from harness import PASSWORD, Folder, Gateway, GatewayTest, new_email, sql

USER_FIELDS = {"id", "email", "name", "tier", "subscription_status", "stripe_customer_id",
               "usage_daily", "usage_total", "created_at", "updated_at"}


class RegisterTest(GatewayTest):

    def test_answers_user_and_token(self):
        email = new_email()
        answer = self.gateway.post("/api/auth/register",
                                   {"email": email, "password": PASSWORD, "name": "Ann",
                                    "profile": {"plan": {"a": [1, 2.5, None, True]}}})
        self.assertEqual(answer.status, 200, answer.body)
        self.assertIs(answer.json["success"], True)
        self.assertLessEqual(USER_FIELDS, set(answer.json["user"]))
        self.assertEqual(answer.json["user"]["email"], email)
        self.assertEqual(answer.json["user"]["tier"], "free")
        self.assertEqual(answer.json["user"]["profile"], {"plan": {"a": [1, 2.5, None, True]}})
        verified = self.gateway.get("/api/auth/verify", answer.json["token"])
        self.assertEqual(verified.json["user"]["id"], answer.json["user"]["id"])

    def test_name_may_be_null_or_absent(self):
        for extra in ({}, {"name": None}):
            answer = self.gateway.post("/api/auth/register",
                                       {"email": new_email(), "password": PASSWORD, **extra})
            self.assertEqual(answer.status, 200, answer.body)

    def test_taken_address(self):
        email, _, _ = self.gateway.register()
        for other in (email, email.upper()):
            answer = self.gateway.post("/api/auth/register", {"email": other, "password": PASSWORD})
            self.assert_problem(answer, 409, "already_exists")

    def test_bad_addresses_and_passwords(self):
        bad_emails = ["x", "@", "a@", "@b.c", "a b@c.d", "a@b@c", "x" * 250 + "@example.com",
                      "a\r\n@example.com", "a@exa mple.com"]
        for email in bad_emails:
            answer = self.gateway.post("/api/auth/register", {"email": email, "password": PASSWORD})
            self.assert_problem(answer, 400, "invalid_argument")
        for password in ("", "1234567", "x" * 1025, "ü" * 513):
            answer = self.gateway.post("/api/auth/register",
                                       {"email": new_email(), "password": password})
            self.assert_problem(answer, 400, "invalid_argument")

    def test_privileged_fields_are_refused(self):
        for name, value in (("tier", "pro"), ("id", "x"), ("status", "active"), ("usage_daily", 0),
                            ("email_verified", True)):
            answer = self.gateway.post("/api/auth/register",
                                       {"email": new_email(), "password": PASSWORD, name: value})
            self.assert_problem(answer, 400, "invalid_argument", name)


class PasswordTest(GatewayTest):

    def change(self, token, current, new):
        return self.gateway.post("/api/auth/password/change",
                                 {"current_password": current, "new_password": new}, token)

    def test_change_ends_the_other_sessions(self):
        email, token, _ = self.gateway.register()
        other = self.gateway.post("/api/auth/login", {"email": email, "password": PASSWORD})
        answer = self.change(token, PASSWORD, "another good password")
        self.assertEqual((answer.status, answer.json["success"]), (200, True), answer.body)
        self.assertEqual(self.gateway.get("/api/auth/verify", token).status, 200)
        self.assertEqual(self.gateway.get("/api/auth/verify", other.json["token"]).status, 401)
        old = self.gateway.post("/api/auth/login", {"email": email, "password": PASSWORD})
        self.assert_problem(old, 401, "invalid_credentials")

    def test_change_refuses(self):
        _, token, _ = self.gateway.register()
        self.assert_problem(self.change(token, "not the password", "another good password"), 401,
                            "invalid_credentials")
        self.assert_problem(self.change(token, PASSWORD, "short"), 400, "invalid_argument")
        self.assert_problem(self.change("x.y.z", PASSWORD, "another good password"), 401,
                            "invalid_token")

    def test_reset_and_verify_refuse_bad_tokens(self):
        for bad in ("x", "a" * 4096, "ü"):
            answer = self.gateway.post("/api/auth/password/reset",
                                       {"token": bad, "new_password": "another good password"})
            self.assert_problem(answer, 401, "invalid_token")
            answer = self.gateway.post("/api/auth/email/verify", {"token": bad})
            self.assert_problem(answer, 401, "invalid_token")

    def test_mail_routes_without_a_mail_program(self):
        answer = self.gateway.post("/api/auth/password/forgot", {"email": new_email()})
        self.assert_problem(answer, 503, "not_configured")
        _, token, _ = self.gateway.register()
        answer = self.gateway.post("/api/auth/email/verify/request", token=token)
        self.assert_problem(answer, 503, "not_configured")


class ProfileTest(GatewayTest):

    def patch(self, token, body):
        return self.gateway.request("PATCH", "/api/auth/profile", body, token)

    def test_merges_the_profile(self):
        _, token, _ = self.gateway.register(profile={"a": 1, "b": 2})
        answer = self.patch(token, {"name": "Zoë 李", "profile": {"b": None, "c": {"d": "\u00e9"}},
                                    "onboarding_step": "done"})
        self.assertEqual(answer.status, 200, answer.body)
        user = answer.json["user"]
        self.assertEqual((user["name"], user["onboarding_step"]), ("Zoë 李", "done"))
        self.assertEqual(user["profile"], {"a": 1, "c": {"d": "\u00e9"}})

    def test_refuses(self):
        _, token, _ = self.gateway.register()
        self.assert_problem(self.patch(token, {"email": "other@example.com"}), 400,
                            "invalid_argument", "email")
        self.assert_problem(self.patch(token, {"profile": [1]}), 400, "invalid_argument", "profile")
        self.assert_problem(self.patch(token, {"name": 5}), 400, "invalid_argument", "name")
        self.assert_problem(self.patch(None, {"name": "x"}), 401, "invalid_token")


MAIL_PROGRAM = """#!/bin/sh
cat >> "$MAIL_BOX"
"""


class MailTest(unittest.TestCase):
    """The routes that send mails, with a program that keeps them."""

    def setUp(self):
        self.folder = Folder().__enter__()
        self.addCleanup(self.folder.__exit__)
        program = self.folder.path("mail")
        with open(program, "w", encoding="utf-8") as file:
            file.write(MAIL_PROGRAM)
        os.chmod(program, 0o755)
        self.box = self.folder.path("box")
        self.gateway = Gateway("--mail-command", program, "--public-url", "https://app.example.com/",
                               environment={"MAIL_BOX": self.box})
        self.addCleanup(self.gateway.stop)

    def mails(self, count):
        for _ in range(100):
            try:
                with open(self.box, encoding="utf-8") as file:
                    lines = [json.loads(line) for line in file.read().splitlines()]
                if len(lines) >= count:
                    return lines
            except (FileNotFoundError, ValueError):
                pass
            time.sleep(0.05)
        raise AssertionError("no mail came")

    def test_reset_by_mail(self):
        email, token, _ = self.gateway.register()
        known = self.gateway.post("/api/auth/password/forgot", {"email": email},
                                  headers={"Host": "evil.example.net"})
        unknown = self.gateway.post("/api/auth/password/forgot", {"email": new_email()})
        self.assertEqual((known.status, known.body), (202, unknown.body))
        mail = self.mails(1)[0]
        self.assertEqual((mail["kind"], mail["to"]), ("password_reset", email))
        self.assertEqual(mail["link"],
                         "https://app.example.com/reset-password?token=" + mail["token"])
        self.assertNotIn(mail["token"].encode(), known.body)
        body = {"token": mail["token"], "new_password": "another good password"}
        self.assertEqual(self.gateway.post("/api/auth/password/reset", body).status, 200)
        self.assert_invalid(self.gateway.post("/api/auth/password/reset", body))
        self.assertEqual(self.gateway.get("/api/auth/verify", token).status, 401)
        login = self.gateway.post("/api/auth/login",
                                  {"email": email, "password": "another good password"})
        self.assertEqual(login.status, 200, login.body)
        self.gateway.stop()
        for secret in (mail["token"], "another good password", email):
            self.assertFalse([line for line in self.gateway.lines if secret in line])

    def assert_invalid(self, answer):
        self.assertEqual((answer.status, answer.code), (401, "invalid_token"))

    def test_address_confirmed_by_mail(self):
        email, token, user_id = self.gateway.register()
        answer = self.gateway.post("/api/auth/email/verify/request", token=token)
        self.assertEqual(answer.status, 202, answer.body)
        mail = self.mails(1)[0]
        self.assertEqual((mail["kind"], mail["to"]), ("email_verification", email))
        confirmed = self.gateway.post("/api/auth/email/verify", {"token": mail["token"]})
        self.assertEqual(confirmed.status, 200, confirmed.body)
        self.assertEqual(sql(f"SELECT (latchkey.get_user('{user_id}')).email_verified"), "t")
        self.assert_invalid(self.gateway.post("/api/auth/email/verify", {"token": mail["token"]}))

    def require_verified(self):
        sql("SELECT latchkey.set_setting('accounts.require_verified_email', 'true')")
        self.addCleanup(sql, "SELECT latchkey.set_setting('accounts.require_verified_email', 'false')")

    def test_register_confirm_login_where_addresses_must_be_confirmed(self):
        self.require_verified()
        email = new_email()
        credentials = {"email": email, "password": PASSWORD}
        registered = self.gateway.post("/api/auth/register", credentials)
        self.assertEqual((registered.status, registered.code), (403, "email_unverified"))
        self.assertIn("/api/auth/email/resend", registered.json["hint"])
        mail = self.mails(1)[0]
        self.assertEqual((mail["kind"], mail["to"]), ("email_verification", email))
        self.assertEqual(mail["link"], "https://app.example.com/verify-email?token=" + mail["token"])
        self.assertNotIn(mail["token"].encode(), registered.body)
        login = self.gateway.post("/api/auth/login", credentials)
        self.assertEqual((login.status, login.code), (403, "email_unverified"))
        # The mail got lost.
        resent = self.gateway.post("/api/auth/email/resend", {"email": email.upper()})
        self.assertEqual(resent.status, 202, resent.body)
        mail = self.mails(2)[1]
        self.assertEqual((mail["kind"], mail["to"]), ("email_verification", email))
        confirmed = self.gateway.post("/api/auth/email/verify", {"token": mail["token"]})
        self.assertEqual(confirmed.status, 200, confirmed.body)
        self.assertEqual(self.gateway.post("/api/auth/login", credentials).status, 200)
        # Confirmed, unknown, asked for too often: the same answer, and no mail.
        for other in [email] + [new_email()] * 6:
            answer = self.gateway.post("/api/auth/email/resend", {"email": other})
            self.assertEqual((answer.status, answer.body), (202, resent.body))
        self.gateway.stop()
        self.assertEqual(len(self.mails(2)), 2)

    def test_registration_mails_nothing_where_nothing_is_to_be_confirmed(self):
        email, _, _ = self.gateway.register()
        again = self.gateway.post("/api/auth/register", {"email": email, "password": PASSWORD})
        self.assertEqual((again.status, again.code), (409, "already_exists"))
        self.gateway.stop()
        self.assertFalse(os.path.exists(self.box))

    def test_registration_without_a_mail_program_spends_no_mail(self):
        self.require_verified()
        gateway = Gateway()
        self.addCleanup(gateway.stop)
        email = new_email()
        answer = gateway.post("/api/auth/register", {"email": email, "password": PASSWORD})
        self.assertEqual((answer.status, answer.code), (403, "email_unverified"))
        self.assertEqual(sql("SELECT count(*) FROM latchkey.user_tokens AS t JOIN latchkey.users AS u "
                             f"ON u.id = t.user_id WHERE u.email = '{email}'"), "0")
        answer = gateway.post("/api/auth/email/resend", {"email": email})
        self.assertEqual((answer.status, answer.code), (503, "not_configured"))

    def test_a_broken_mail_program_harms_nobody(self):
        gateway = Gateway("--mail-command", "/nonexistent/mail", "--public-url", "https://a.example")
        self.addCleanup(gateway.stop)
        email, _, _ = gateway.register()
        self.assertEqual(gateway.post("/api/auth/password/forgot", {"email": email}).status, 202)
        for _ in range(100):
            if b"latchkey_mails_failed_total 1" in gateway.get("/metrics").body:
                return
            time.sleep(0.02)
        self.fail("the failure was not counted")


if __name__ == "__main__":
    unittest.main()
