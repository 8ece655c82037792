"""Routes of the module users: who may do what to whom, and that it is done."""
import json
import time
import unittest

from harness import PASSWORD, Folder, Gateway, GatewayTest, new_email, sql
from mail_box import MailBox

NOBODY = "00000000-0000-7000-8000-000000000000"
LATER = "2100-01-01T00:00:00Z"

# (method, path below /api/users, body, whether support may): every route for administrators.
ROUTES = [
    ("GET", "", None, True),
    ("POST", "", {"email": "routes@example.com"}, False),
    ("GET", "/{id}", None, True),
    ("PUT", "/{id}", {"email": "routes@example.com"}, False),
    ("PATCH", "/{id}", {"name": "X"}, False),
    ("DELETE", "/{id}", None, False),
    ("POST", "/{id}/block", None, False),
    ("POST", "/{id}/unblock", None, False),
    ("GET", "/{id}/roles", None, True),
    ("POST", "/{id}/roles", {"role": "support"}, False),
    ("DELETE", "/{id}/roles/support", None, False),
    ("PUT", "/{id}/tier", {"plan": "pro"}, False),
    ("GET", "/{id}/sessions", None, True),
    ("DELETE", "/{id}/sessions", None, False),
]


class UsersTest(GatewayTest):

    @classmethod
    def setUpClass(cls):
        cls.folder = Folder().__enter__()
        cls.mails = MailBox(cls.folder)
        cls.gateway = Gateway("--mail-command", cls.mails.program, "--public-url", "https://app.example.com",
                              environment=cls.mails.environment)
        cls.admin_email = new_email()
        sql(f"SELECT latchkey.create_admin('{cls.admin_email}', '{PASSWORD}')")
        cls.admin = cls.login(cls.admin_email)
        support_email, cls.support, cls.support_id = cls.gateway.register()
        sql(f"SELECT latchkey.grant_role('{cls.support_id}', 'support')")
        _, cls.user, cls.user_id = cls.gateway.register()
        cls.support_email = support_email

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.folder.__exit__()

    @classmethod
    def login(cls, email, password=PASSWORD):
        answer = cls.gateway.post("/api/auth/login", {"email": email, "password": password})
        assert answer.status == 200, answer.body
        return answer.json["token"]

    def call(self, method, path, body=None, token=None):
        return self.gateway.request(method, "/api/users" + path, body, token or self.admin)

    def ok(self, method, path, body=None):
        answer = self.call(method, path, body)
        self.assertEqual((answer.status, answer.json["success"]), (200, True), answer.body)
        return answer.json

    # Who may.

    def test_nobody_without_the_permission(self):
        _, _, victim = self.gateway.register()
        for method, path, body, for_support in ROUTES:
            with self.subTest(route=method + " " + path):
                path = path.replace("{id}", victim)
                anonymous = self.gateway.request(method, "/api/users" + path, body)
                self.assert_problem(anonymous, 401, "invalid_token")
                self.assert_problem(self.call(method, path, body, "x.y.z"), 401, "invalid_token")
                self.assert_problem(self.call(method, path, body, self.user), 403, "forbidden")
                support = self.call(method, path, body, self.support)
                if for_support:
                    self.assertEqual(support.status, 200, support.body)
                else:
                    self.assert_problem(support, 403, "forbidden")
        self.assertEqual(sql(f"SELECT status, email_verified_at FROM latchkey.users WHERE id = '{victim}'"),
                         "active|")

    def test_only_uuids_that_are_known(self):
        for method, path, body, _ in ROUTES:
            if "{id}" not in path:
                continue
            with self.subTest(route=method + " " + path):
                for bad in ("x", "1", NOBODY[:-1], NOBODY + "0", "%00", "..", "null"):
                    answer = self.call(method, path.replace("{id}", bad), body)
                    self.assert_problem(answer, 400, "invalid_argument")
                if path in ("/{id}/roles", "/{id}/sessions") and method != "POST":
                    continue  # of nobody there are none
                self.assert_problem(self.call(method, path.replace("{id}", NOBODY), body), 404,
                                    "not_found")

    def test_unknown_fields_are_refused(self):
        _, _, victim = self.gateway.register()
        for method, path, body, _ in ROUTES:
            if body is None:
                continue
            for extra in ({"id": NOBODY}, {"status": "blocked"}, {"email_verified": True}):
                answer = self.call(method, path.replace("{id}", victim), {**body, **extra})
                self.assert_problem(answer, 400, "invalid_argument", next(iter(extra)))
        for method, path in (("DELETE", ""), ("POST", "/unblock")):
            answer = self.call(method, "/" + victim + path, {"reason": "more than sixteen bytes"})
            self.assert_problem(answer, 413, "payload_too_large")

    # Lists.

    def test_search_filters_and_pages(self):
        mark = "mark" + str(time.time_ns())
        ids = [self.gateway.register(name=f"{mark} {n}")[2] for n in range(5)]
        sql(f"SELECT latchkey.set_tier('{ids[1]}', 'pro'), latchkey.grant_role('{ids[2]}', 'support'),"
            f" latchkey.block_user('{ids[3]}')")
        for query, expected in (
                ("", [4, 3, 2, 1, 0]), ("&tier=pro", [1]), ("&tier=free&role=support", [2]),
                ("&status=blocked", [3]), ("&status=active", [4, 2, 1, 0]), ("&status=deleted", []),
                ("&created_from=2000-01-01T00:00:00%2B01:00", [4, 3, 2, 1, 0]),
                ("&created_from=" + LATER, []), ("&created_before=" + LATER, [4, 3, 2, 1, 0]),
                ("&after=" + ids[2], [1, 0]), ("&limit=2", [4, 3])):
            found = self.ok("GET", "?search=" + mark.upper() + query)
            self.assertEqual([user["id"] for user in found["users"]], [ids[n] for n in expected], query)
        seen, page = [], {"next": None}
        while page["next"] or not seen:
            after = "&after=" + page["next"] if seen else ""
            page = self.ok("GET", f"?search={mark}&limit=2{after}")
            seen += [user["id"] for user in page["users"]]
        self.assertEqual(seen, ids[::-1])
        self.assertIsNone(page["next"])
        self.assertNotIn("password_hash", page["users"][0])

    def test_lists_refuse(self):
        for query in ("search=ab", "search=%25", "limit=0", "limit=1001", "limit=x", "after=x",
                      "status=gone", "created_from=yesterday", "created_from=2030-01-01",
                      "created_from=2030-13-01T00:00:00Z", "created_before=2030-01-01T00:00:00",
                      "created_before=infinity", "after=" + NOBODY + "&after=" + NOBODY):
            self.assert_problem(self.call("GET", "?" + query), 400, "invalid_argument")
        for query in ("role=nobody", "tier=gold"):
            self.assert_problem(self.call("GET", "?" + query), 404, "not_found")

    # Invitations.

    def test_invite_and_accept(self):
        email = new_email()
        answer = self.ok("POST", "", {"email": email, "name": "Ivy", "role": "support"})
        self.assertEqual(set(answer["invitation"]), {"user_id", "email", "expires_at"})
        mail = self.mails.last_to(email)
        self.assertEqual((mail["kind"], mail["name"]), ("invitation", "Ivy"))
        self.assertEqual(mail["link"], "https://app.example.com/accept-invitation?token=" + mail["token"])
        self.assertNotIn(mail["token"], json.dumps(answer))
        path = "/api/auth/invitations/accept"
        short = self.gateway.post(path, {"token": mail["token"], "password": "short"})
        self.assert_problem(short, 400, "invalid_argument")
        accepted = self.gateway.post(path, {"token": mail["token"], "password": PASSWORD, "name": "I."})
        self.assertEqual(accepted.status, 200, accepted.body)
        user = accepted.json["user"]
        self.assertEqual((user["email"], user["name"], user["email_verified"]), (email, "I.", True))
        self.assertEqual(self.gateway.get("/api/users", accepted.json["token"]).status, 200)
        again = self.gateway.post(path, {"token": mail["token"], "password": PASSWORD})
        self.assert_problem(again, 401, "invalid_token")
        for bad in ({}, {"token": mail["token"]}, {"password": PASSWORD},
                    {"token": mail["token"], "password": PASSWORD, "email": email}):
            self.assert_problem(self.gateway.post(path, bad), 400, "invalid_argument")
        self.assert_problem(self.call("POST", "", {"email": email}), 409, "already_exists")
        for secret in (mail["token"], email):
            self.assertFalse([line for line in self.gateway.lines if secret in line])

    def test_invite_to_a_tenant(self):
        tenant = sql("INSERT INTO latchkey.accounts (id, kind) VALUES (gen_random_uuid(), 'tenant') RETURNING id")
        owner_email, owner, owner_id = self.gateway.register()
        sql(f"SELECT latchkey.grant_role('{owner_id}', 'owner', '{tenant}')")
        email, _, member = self.gateway.register()
        body = {"email": email, "role": "staff", "tenant_id": tenant}
        answer = self.call("POST", "", body, owner)
        self.assertEqual((answer.status, answer.json["invitation"]["expires_at"]), (200, None), answer.body)
        mail = self.mails.last_to(email)
        self.assertEqual((mail["kind"], mail["token"], mail["link"]), ("role_granted", None, None))
        answer = self.call("GET", f"/{member}/roles?tenant_id={tenant}", token=owner)
        self.assertEqual([grant["role"] for grant in answer.json["roles"]], ["staff"])
        self.assert_problem(self.call("POST", "", {"email": email}, owner), 403, "forbidden")
        self.assert_problem(self.call("POST", "", {**body, "tenant_id": NOBODY}, owner), 403, "forbidden")
        self.assert_problem(self.call("POST", "", {**body, "tenant_id": "x"}, owner), 400,
                            "invalid_argument", "tenant_id")
        self.assert_problem(self.call("POST", "", {**body, "email": owner_email}, owner), 403, "forbidden")

    def test_invitations_need_a_mail_program(self):
        gateway = Gateway()
        self.addCleanup(gateway.stop)
        email = new_email()
        answer = gateway.post("/api/users", {"email": email}, self.admin)
        self.assertEqual((answer.status, answer.code), (503, "not_configured"))
        self.assertEqual(sql(f"SELECT count(*) FROM latchkey.find_user('{email}')"), "0")

    # One user.

    def test_read_change_and_replace(self):
        email, token, user_id = self.gateway.register(profile={"a": 1, "b": 2})
        self.assertEqual(self.ok("GET", "/" + user_id)["user"]["email"], email)
        user = self.ok("PATCH", "/" + user_id, {"profile": {"a": None, "c": 3}, "onboarding_step": "two"})["user"]
        self.assertEqual((user["name"], user["profile"], user["onboarding_step"]),
                         ("Ann", {"b": 2, "c": 3}, "two"))
        user = self.ok("PUT", "/" + user_id, {"email": email, "profile": {"d": 4}})["user"]
        self.assertEqual((user["name"], user["profile"], user["onboarding_step"]), (None, {"d": 4}, None))
        self.assertEqual(self.gateway.get("/api/auth/verify", token).status, 200)
        moved = new_email()
        user = self.ok("PATCH", "/" + user_id, {"email": moved})["user"]
        self.assertEqual((user["email"], user["email_verified"]), (moved, False))
        self.assertEqual(self.gateway.get("/api/auth/verify", token).status, 401)
        self.login(moved)
        self.assert_problem(self.call("PATCH", "/" + user_id, {"email": self.admin_email.upper()}), 409,
                            "already_exists")
        self.assert_problem(self.call("PUT", "/" + user_id, {"name": "X"}), 400, "invalid_argument", "email")
        self.assert_problem(self.call("PATCH", "/" + user_id, {"profile": []}), 400, "invalid_argument")
        self.assertEqual(sql("SELECT actor_id IS NOT NULL FROM latchkey.events WHERE type = 'user.updated' "
                             f"AND account_id = '{user_id}' ORDER BY id DESC LIMIT 1"), "t")

    def test_block_unblock_and_delete(self):
        email, token, user_id = self.gateway.register()
        self.assertEqual(self.ok("POST", f"/{user_id}/block", {"reason": "spam"})["user"]["status"], "blocked")
        self.assertEqual(self.gateway.get("/api/auth/verify", token).status, 401)
        self.assertEqual(sql(f"SELECT status_reason FROM latchkey.users WHERE id = '{user_id}'"), "spam")
        self.assertEqual(self.ok("POST", f"/{user_id}/unblock")["user"]["status"], "active")
        self.login(email)
        self.assertEqual(self.ok("DELETE", "/" + user_id)["message"], "User deleted")
        self.assert_problem(self.call("GET", "/" + user_id + "/sessions?limit=x"), 400, "invalid_argument")
        self.assert_problem(self.call("PATCH", "/" + user_id, {"name": "X"}), 404, "not_found")
        self.assertEqual(sql(f"SELECT count(*) FROM latchkey.find_user('{email}')"), "0")

    def test_deleting_oneself(self):
        _, token, user_id = self.gateway.register()
        self.assertEqual(self.call("DELETE", "/" + user_id, token=token).status, 200)
        self.assertEqual(self.gateway.get("/api/auth/verify", token).status, 401)

    def test_roles(self):
        _, token, user_id = self.gateway.register()
        grant = self.ok("POST", f"/{user_id}/roles", {"role": "support", "expires_at": LATER})["role"]
        self.assertEqual((grant["role"], grant["tenant_id"], grant["expires_at"][:4]), ("support", None, "2100"))
        self.assertEqual(self.call("GET", "", token=token).status, 200)
        self.assertEqual([role["role"] for role in self.ok("GET", f"/{user_id}/roles")["roles"]], ["support"])
        self.assertEqual(self.ok("DELETE", f"/{user_id}/roles/support")["message"], "Role revoked")
        self.assert_problem(self.call("GET", "", token=token), 403, "forbidden")
        self.assertEqual(self.ok("GET", f"/{user_id}/roles")["roles"], [])
        self.assert_problem(self.call("DELETE", f"/{user_id}/roles/support"), 404, "not_found")
        for bad in ({"role": "support", "expires_at": "soon"}, {"role": "support", "expires_at": 5},
                    {"role": "support", "expires_at": "2000-01-01T00:00:00Z"}, {"role": ""}, {},
                    {"role": "support", "tenant_id": "x"}):
            self.assert_problem(self.call("POST", f"/{user_id}/roles", bad), 400, "invalid_argument")
        self.assert_problem(self.call("POST", f"/{user_id}/roles", {"role": "nobody"}), 404, "not_found")
        self.assert_problem(self.call("DELETE", f"/{user_id}/roles/support?tenant_id=x"), 400,
                            "invalid_argument")

    def test_tier(self):
        _, _, user_id = self.gateway.register()
        self.assertEqual(self.ok("PUT", f"/{user_id}/tier", {"plan": "pro"})["message"], "Tier changed")
        self.assertEqual(self.ok("GET", "/" + user_id)["user"]["tier"], "pro")
        self.ok("PUT", f"/{user_id}/tier", {"plan": "pro", "status": "canceled"})
        user = self.ok("GET", "/" + user_id)["user"]
        self.assertEqual((user["tier"], user["subscription_status"]), ("free", "canceled"))
        self.assert_problem(self.call("PUT", f"/{user_id}/tier", {"plan": "gold"}), 404, "not_found")
        self.assert_problem(self.call("PUT", f"/{user_id}/tier", {"plan": "pro", "status": "x"}), 400,
                            "invalid_argument")

    def test_sessions(self):
        email, token, user_id = self.gateway.register()
        self.login(email)
        sessions = self.ok("GET", f"/{user_id}/sessions")["sessions"]
        self.assertEqual([session["current"] for session in sessions], [False, False])
        page = self.ok("GET", f"/{user_id}/sessions?limit=1&after={sessions[0]['id']}")["sessions"]
        self.assertEqual([session["id"] for session in page], [sessions[1]["id"]])
        self.assertEqual(self.ok("DELETE", f"/{user_id}/sessions")["ended"], 2)
        self.assertEqual(self.gateway.get("/api/auth/verify", token).status, 401)


if __name__ == "__main__":
    unittest.main()
