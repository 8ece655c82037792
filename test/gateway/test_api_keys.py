"""Routes of the module api_keys, and what machines get from the others."""
import json
import threading
import unittest

from harness import AdminTest, sql

NOBODY = "00000000-0000-0000-0000-000000000001"
ROUTES = [("GET", "/api/service-accounts", None), ("POST", "/api/service-accounts", {"name": "x"}),
          ("PATCH", f"/api/service-accounts/{NOBODY}", {"disabled": True}),
          ("DELETE", f"/api/service-accounts/{NOBODY}", None),
          ("GET", f"/api/service-accounts/{NOBODY}/keys", None),
          ("POST", f"/api/service-accounts/{NOBODY}/keys", {"permissions": []}),
          ("POST", f"/api/api-keys/{NOBODY}/rotate", {}), ("DELETE", f"/api/api-keys/{NOBODY}", None)]


class ApiKeyTest(AdminTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tenant = sql(f"SELECT id FROM latchkey.create_tenant('{cls.admin_id}', 'Keys')")

    def account(self, token=None, **fields):
        answer = self.gateway.post("/api/service-accounts", {"name": "Robot", **fields},
                                   token or self.admin)
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json["service_account"]["id"]

    def key(self, permissions, account=None, token=None, **fields):
        answer = self.gateway.post(f"/api/service-accounts/{account or self.account()}/keys",
                                   {"permissions": permissions, **fields}, token or self.admin)
        self.assertEqual(answer.status, 201, answer.body)
        self.assertEqual(answer.headers["cache-control"], "no-store")
        return answer.json["key"]

    def works(self, token):
        return self.gateway.get("/api/auth/verify", token).status == 200


class ManagementTest(ApiKeyTest):

    def test_who_may(self):
        _, user, _ = self.gateway.register()
        unable = self.key(["users.read"])["token"]
        for method, path, body in ROUTES:
            self.assert_problem(self.gateway.request(method, path, body), 401, "invalid_token")
            for token in (user, unable):
                self.assert_problem(self.gateway.request(method, path, body, token), 403,
                                    "forbidden", "permit")
            answer = self.gateway.request(method, path, body, self.admin)
            if NOBODY in path:
                self.assert_problem(answer, 404, "not_found")
            else:
                self.assertIn(answer.status, (200, 201))

    def test_from_the_first_to_the_last(self):
        account = self.account(description="Sends the reports", tenant_id=self.tenant)
        listed = self.gateway.get(f"/api/service-accounts?tenant_id={self.tenant}&limit=1", self.admin)
        self.assertEqual([a["id"] for a in listed.json["service_accounts"]], [account])
        self.assertEqual(listed.json["service_accounts"][0]["description"], "Sends the reports")
        key = self.key(["users.read", "plans.*"], account, expires_at="2099-01-01T00:00:00Z")
        self.assertRegex(key["token"], "^lk_[0-9a-hjkmnp-tv-z]{12}_[A-Za-z0-9_-]{43}$")
        self.assertEqual(key["permissions"], ["plans.*", "users.read"])
        self.assertTrue(key["token"].startswith(key["prefix"] + "_"))
        page = self.gateway.get(f"/api/service-accounts/{account}/keys", self.admin)
        self.assertEqual([k["id"] for k in page.json["keys"]], [key["id"]])
        self.assertNotIn(key["token"][16:], page.body.decode())
        self.assertNotIn("token", page.json["keys"][0])
        self.assertNotIn("secret_hash", page.json["keys"][0])

        answer = self.gateway.post(f"/api/api-keys/{key['id']}/rotate", {"overlap_seconds": 3600},
                                   self.admin)
        self.assertEqual((answer.status, answer.headers["cache-control"]), (201, "no-store"))
        successor = answer.json["key"]
        self.assertTrue(self.works(key["token"]) and self.works(successor["token"]))
        self.assert_problem(self.gateway.post(f"/api/api-keys/{key['id']}/rotate", token=self.admin),
                            409, "conflict")
        self.assertEqual(self.gateway.request("DELETE", f"/api/api-keys/{key['id']}",
                                              token=self.admin).status, 200)
        self.assertFalse(self.works(key["token"]))
        self.assert_problem(self.gateway.request("DELETE", f"/api/api-keys/{key['id']}",
                                                 token=self.admin), 404, "not_found")

        path = f"/api/service-accounts/{account}"
        answer = self.gateway.request("PATCH", path, {"disabled": True}, self.admin)
        self.assertIsNotNone(answer.json["service_account"]["disabled_at"])
        self.assertFalse(self.works(successor["token"]))
        answer = self.gateway.request("PATCH", path, {"disabled": False}, self.admin)
        self.assertIsNone(answer.json["service_account"]["disabled_at"])
        self.assertTrue(self.works(successor["token"]))
        self.assertEqual(self.gateway.request("DELETE", path, token=self.admin).status, 200)
        self.assertFalse(self.works(successor["token"]))

    def test_overlap_of_a_day_without_a_body(self):
        key = self.key([])
        answer = self.gateway.post(f"/api/api-keys/{key['id']}/rotate", token=self.admin)
        self.assertEqual(answer.status, 201, answer.body)
        self.assertTrue(self.works(key["token"]))

    def test_bad_bodies(self):
        account = self.account()
        keys, switch = f"/api/service-accounts/{account}/keys", f"/api/service-accounts/{account}"
        for method, path, body, part in (
                ("POST", keys, {}, "missing"), ("POST", keys, {"permissions": "users.read"}, "array"),
                ("POST", keys, {"permissions": {}}, "array"), ("POST", keys, {"permissions": None}, "array"),
                ("POST", keys, {"permissions": True}, "array"), ("POST", keys, {"permissions": 1}, "array"),
                ("POST", keys, {"permissions": [1]}, "array"),
                ("POST", keys, {"permissions": [None]}, "array"),
                ("POST", keys, {"permissions": [["users.read"]]}, "array"),
                ("POST", keys, {"permissions": [], "expires_at": "tomorrow-ish"}, "malformed"),
                ("POST", keys, {"permissions": [], "expires_at": "2001-01-01"}, "past"),
                ("POST", keys, {"permissions": [], "secret": "x"}, "not known"),
                ("PATCH", switch, {}, "missing"), ("PATCH", switch, {"disabled": "true"}, "true or false"),
                ("PATCH", switch, {"disabled": [True]}, "true or false"),
                ("PATCH", switch, {"disabled": 1}, "true or false"),
                ("POST", "/api/service-accounts", {"name": ["x"]}, "string"),
                ("POST", "/api/service-accounts", {"name": True}, "string"),
                ("POST", "/api/service-accounts", {"name": " "}, "empty"),
                ("POST", "/api/service-accounts", {"name": "x", "tenant_id": "y"}, "must be a UUID"),
                ("POST", f"/api/api-keys/{NOBODY}/rotate", {"overlap_seconds": 2592001}, "2592000"),
                ("POST", f"/api/api-keys/{NOBODY}/rotate", {"overlap_seconds": -1}, "2592000")):
            answer = self.gateway.request(method, path, body, self.admin)
            self.assert_problem(answer, 400, "invalid_argument", part)
        self.assert_problem(self.gateway.post(keys, {"permissions": ["no.such"]}, self.admin), 404,
                            "not_found")
        self.assert_problem(self.gateway.request("DELETE", "/api/api-keys/x", token=self.admin), 400,
                            "invalid_argument")


class MachineTest(ApiKeyTest):

    def test_who_it_is(self):
        account = self.account(tenant_id=self.tenant)
        token = self.key(["users.read"], account)["token"]
        answer = self.gateway.get("/api/auth/verify", token)
        self.assertEqual((answer.status, answer.json), (200, {"success": True, "user": None}))
        answer = self.gateway.get("/api/auth/me", token)
        self.assertEqual(answer.json, {"success": True, "user": None, "role": "service", "tenant_count": 0, "session": {
            "user_id": None, "session_id": None, "tenant_id": self.tenant, "email": None,
            "name": "Robot", "role": "service", "expires_at": None}})

    def test_what_is_a_users_only(self):
        token = self.key(["*"])["token"]
        for method, path, body in (("GET", "/api/auth/sessions", None), ("DELETE", "/api/auth/sessions", None),
                                   ("PATCH", "/api/auth/profile", {"name": "x"}),
                                   ("POST", "/api/auth/password/change",
                                    {"current_password": "some password", "new_password": "another one"})):
            answer = self.gateway.request(method, path, body, token)
            self.assertIn(answer.status, (400, 403), (path, answer.body))
        self.assert_problem(self.gateway.post("/api/auth/refresh", token=token), 401, "invalid_token")
        self.assertEqual(self.gateway.post("/api/auth/logout", token=token).status, 200)
        self.assertTrue(self.works(token))

    def test_bad_tokens_all_look_the_same(self):
        token = self.key([])["token"]
        answers = {self.gateway.get("/api/auth/verify", t).json["detail"] for t in (
            token[:-1], token + "A", token[:16] + "A" * 43, "lk_000000000000" + token[15:], "lk_",
            token.upper())}
        self.assertEqual(len(answers), 1, answers)

    def test_no_escalation(self):
        account = self.account()
        maker = self.key(["api_keys.*", "users.read"], account)["token"]
        for permissions in (["*"], ["users.*"], ["users.write"], ["users.read", "roles.read"]):
            answer = self.gateway.post(f"/api/service-accounts/{account}/keys",
                                       {"permissions": permissions}, maker)
            self.assert_problem(answer, 403, "forbidden")
        self.key(["users.read"], account, maker)
        strong = self.key(["*"], account)
        self.assert_problem(self.gateway.post(f"/api/api-keys/{strong['id']}/rotate", token=maker), 403,
                            "forbidden")

    def test_tenants_are_apart(self):
        local = self.account(tenant_id=self.tenant)
        platform = self.account()
        token = self.key(["*"], local)["token"]
        self.assertEqual(self.gateway.get(f"/api/service-accounts?tenant_id={self.tenant}", token).status, 200)
        for method, path, body in (("GET", "/api/service-accounts", None),
                                   ("GET", f"/api/service-accounts?tenant_id={NOBODY}", None),
                                   ("POST", "/api/service-accounts", {"name": "x"}),
                                   ("POST", "/api/service-accounts", {"name": "x", "tenant_id": NOBODY}),
                                   ("GET", f"/api/service-accounts/{platform}/keys", None),
                                   ("POST", f"/api/service-accounts/{platform}/keys", {"permissions": []}),
                                   ("DELETE", f"/api/service-accounts/{platform}", None)):
            self.assert_problem(self.gateway.request(method, path, body, token), 403, "forbidden")

    def test_use_is_noted_also_by_reading(self):
        key = self.key([])
        noted = f"SELECT last_used_at IS NOT NULL FROM latchkey.api_key_uses WHERE key_id = '{key['id']}'"
        self.assertEqual(sql(noted), "f")
        self.assertTrue(self.works(key["token"]))
        self.assertEqual(sql(noted), "t")

    def test_many_at_once_with_one_key(self):
        token = self.key(["api_keys.read"])["token"]
        statuses = []
        threads = [threading.Thread(target=lambda: statuses.append(
            self.gateway.get("/api/service-accounts?limit=1", token).status)) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(statuses, [200] * 32)

    def test_nothing_in_the_log(self):
        key = self.key(["users.read"])
        self.works(key["token"])
        answer = self.gateway.get("/api/auth/verify", key["token"] + "A")
        self.gateway.log_of(answer.headers["x-request-id"])
        log = "\n".join(self.gateway.lines)
        self.assertNotIn(key["token"][16:], log)
        for line in self.gateway.lines:
            json.loads(line)


if __name__ == "__main__":
    unittest.main()
