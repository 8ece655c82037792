"""Routes of the modules sessions and plans, and what happens to tokens that are no good."""
import base64
import json
import threading
import unittest

from harness import PASSWORD, GatewayTest, new_email, sql

BEARER_ROUTES = [("GET", "/api/auth/verify"), ("GET", "/api/auth/me"), ("GET", "/api/auth/sessions"),
                 ("DELETE", "/api/auth/sessions"),
                 ("DELETE", "/api/auth/sessions/00000000-0000-0000-0000-000000000000"),
                 ("POST", "/api/auth/refresh"), ("PATCH", "/api/auth/profile"),
                 ("GET", "/api/subscription/check-status"), ("GET", "/api/models"),
                 ("GET", "/api/models/gpt-4")]


class LoginTest(GatewayTest):

    def login(self, email, password=PASSWORD):
        return self.gateway.post("/api/auth/login", {"email": email, "password": password})

    def test_the_old_clients_fields(self):
        email, _, user_id = self.gateway.register()
        for spelling in (email, email.upper()):
            answer = self.login(spelling)
            self.assertEqual(answer.status, 200, answer.body)
            self.assertIs(answer.json["success"], True)
            self.assertEqual(answer.json["user"]["id"], user_id)
            self.assertEqual(self.gateway.get("/api/auth/verify", answer.json["token"]).status, 200)

    def test_wrong_password_and_unknown_address_look_the_same(self):
        email, _, _ = self.gateway.register()
        wrong = self.login(email, "not the password")
        unknown = self.login(new_email())
        for answer in (wrong, unknown):
            self.assert_problem(answer, 401, "invalid_credentials")
            self.assertEqual(answer.json["message"], "Invalid credentials")
            self.assertNotIn("retry-after", answer.headers)
        self.assertEqual(wrong.json["detail"], unknown.json["detail"])

    def test_too_many_attempts(self):
        self.addCleanup(sql, "DELETE FROM latchkey.login_attempts")
        email, _, _ = self.gateway.register()
        for _ in range(200):
            answer = self.login(email, "not the password")
            if answer.status != 401:
                break
        self.assert_problem(answer, 429, "locked_out")
        self.assertGreater(int(answer.headers["retry-after"]), 0)
        self.assert_problem(self.login(email), 429, "locked_out")

    def test_locked_out_until_the_password_is_reset(self):
        email, _, user_id = self.gateway.register()
        self.login(email, "not the password")
        sql(f"UPDATE latchkey.login_attempts SET failures = 100 WHERE user_id = '{user_id}'")
        answer = self.login(email)
        self.assert_problem(answer, 429, "locked_out")
        self.assertNotIn("retry-after", answer.headers)
        self.assertIn("reset", answer.json["detail"])
        sql(f"SELECT latchkey.set_password('{user_id}', 'a quite new password')")
        self.assertEqual(self.login(email, "a quite new password").status, 200)

    def test_blocked(self):
        email, token, user_id = self.gateway.register()
        sql(f"SELECT latchkey.block_user('{user_id}', 'test')")
        self.assert_problem(self.login(email), 403, "forbidden")
        self.assert_problem(self.gateway.get("/api/auth/verify", token), 401, "invalid_token")

    def test_32_clients_at_once_all_get_in(self):
        email, _, _ = self.gateway.register()
        statuses = []
        threads = [threading.Thread(target=lambda: statuses.append(self.login(email).status))
                   for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(statuses, [200] * 32)


class TokenTest(GatewayTest):

    def test_missing_token(self):
        for method, path in BEARER_ROUTES:
            answer = self.gateway.request(method, path, {} if method == "PATCH" else None)
            self.assert_problem(answer, 401, "invalid_token", "No token provided")
            self.assertEqual(answer.headers["www-authenticate"], "Bearer")

    def test_refused_tokens(self):
        _, token, _ = self.gateway.register()
        for method, path in BEARER_ROUTES:
            answer = self.gateway.request(method, path, {} if method == "PATCH" else None, token + "x")
            self.assert_problem(answer, 401, "invalid_token")
            self.assertEqual(answer.headers["www-authenticate"], 'Bearer error="invalid_token"')

    def test_cut_at_every_length(self):
        _, token, _ = self.gateway.register()
        for length in range(len(token)):
            answer = self.gateway.get("/api/auth/verify", token[:length])
            self.assertEqual((answer.status, answer.code), (401, "invalid_token"), length)

    def test_altered_claims_and_algorithms(self):
        _, token, _ = self.gateway.register()
        header, claims, signature = token.split(".")

        def encode(value):
            return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

        def decode(text):
            return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))

        forged = []
        for name, value in decode(claims).items():
            changed = {**decode(claims), name: value + 1 if isinstance(value, int) else value + "0"}
            forged.append(".".join((header, encode(changed), signature)))
        for algorithm in ("none", "None", "HS512", "RS256", ""):
            other = encode({**decode(header), "alg": algorithm})
            forged += [".".join((other, claims, s)) for s in ("", signature)]
        forged += [header + ".." + signature, "..", "." * 100, token + "=", "A" * 4096, "a" * 5000]
        for bad in forged:
            answer = self.gateway.get("/api/auth/verify", bad)
            self.assertEqual((answer.status, answer.code), (401, "invalid_token"), bad)

    def test_odd_authorization_headers(self):
        _, token, _ = self.gateway.register()
        for value in ("", "Bearer", "Basic abc", token, "Bearer a b", "Bearer \u00fc", "Bearer a,b"):
            answer = self.gateway.request("GET", "/api/auth/verify",
                                          headers={"Authorization": value})
            self.assertEqual((answer.status, answer.code), (401, "invalid_token"), value)
        self.assertEqual(self.gateway.request(
            "GET", "/api/auth/verify", headers={"Authorization": "bEARER  " + token}).status, 200)
        double = self.gateway.raw(
            f"GET /api/auth/verify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            f"authorization: Bearer {token}\r\n\r\n".encode())
        self.assertIn(b"400 Bad Request", double)


class SessionTest(GatewayTest):

    def test_me(self):
        _, token, user_id = self.gateway.register()
        answer = self.gateway.get("/api/auth/me", token)
        self.assertEqual(answer.json["user"]["id"], user_id)
        self.assertEqual(answer.json["session"]["user_id"], user_id)

    def test_refresh(self):
        _, token, user_id = self.gateway.register()
        answer = self.gateway.post("/api/auth/refresh", token=token)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.json["user"]["id"], user_id)
        self.assertEqual(self.gateway.get("/api/auth/verify", answer.json["token"]).status, 200)

    def test_logout_never_fails(self):
        _, token, _ = self.gateway.register()
        for value in (token, token, "x", None):
            answer = self.gateway.post("/api/auth/logout", token=value)
            self.assertEqual(answer.status, 200, answer.body)
            self.assertEqual(answer.json, {"success": True, "message": "Logged out successfully"})
        self.assertEqual(self.gateway.post("/api/auth/logout", {}).status, 200)
        self.assert_problem(self.gateway.get("/api/auth/verify", token), 401, "invalid_token")

    def test_list_and_end(self):
        email, token, _ = self.gateway.register()
        other = self.gateway.post("/api/auth/login", {"email": email, "password": PASSWORD},
                                  headers={"User-Agent": "evil\tagent \u00fc"}).json["token"]
        sessions = self.gateway.get("/api/auth/sessions", token).json["sessions"]
        self.assertEqual(len(sessions), 2)
        self.assertEqual([s["current"] for s in sessions].count(True), 1)
        self.assertEqual(sessions[0]["client_address"], "127.0.0.1")
        ended = next(s["id"] for s in sessions if not s["current"])
        page = self.gateway.get("/api/auth/sessions?limit=1", token).json["sessions"]
        rest = self.gateway.get(f"/api/auth/sessions?limit=1&after={page[0]['id']}", token)
        self.assertEqual([s["id"] for s in page + rest.json["sessions"]], [s["id"] for s in sessions])
        self.assertEqual(
            self.gateway.request("DELETE", f"/api/auth/sessions/{ended}", token=token).status, 200)
        self.assertEqual(self.gateway.get("/api/auth/verify", other).status, 401)
        again = self.gateway.request("DELETE", f"/api/auth/sessions/{ended}", token=token)
        self.assert_problem(again, 404, "not_found")

    def test_end_all(self):
        email, token, _ = self.gateway.register()
        self.gateway.post("/api/auth/login", {"email": email, "password": PASSWORD})
        answer = self.gateway.request("DELETE", "/api/auth/sessions", token=token)
        self.assertEqual((answer.status, answer.json["ended"]), (200, 2), answer.body)
        self.assertEqual(self.gateway.get("/api/auth/verify", token).status, 401)

    def test_somebody_elses_session(self):
        _, token, _ = self.gateway.register()
        _, other, _ = self.gateway.register()
        theirs = self.gateway.get("/api/auth/sessions", other).json["sessions"][0]["id"]
        answer = self.gateway.request("DELETE", f"/api/auth/sessions/{theirs}", token=token)
        self.assert_problem(answer, 404, "not_found")
        self.assertEqual(self.gateway.get("/api/auth/verify", other).status, 200)

    def test_bad_parameters(self):
        _, token, _ = self.gateway.register()
        for query in ("limit=0", "limit=-1", "limit=x", "limit=1001", "limit=", "limit=1&limit=2",
                      "after=x", "after=%00", "after=%zz", "after=%ff", "limit=99999999999999999999"):
            answer = self.gateway.get("/api/auth/sessions?" + query, token)
            self.assert_problem(answer, 400, "invalid_argument", query.split("=")[0])
        for session in ("x", "123", "0" * 36, "%0d%0a", "00000000-0000-0000-0000-00000000000g"):
            answer = self.gateway.request("DELETE", "/api/auth/sessions/" + session, token=token)
            self.assert_problem(answer, 400, "invalid_argument", "id")

    def test_keys(self):
        answer = self.gateway.get("/.well-known/jwks.json")
        self.assertEqual(answer.status, 200)
        self.assertIsInstance(answer.json["keys"], list)
        self.assertIn("max-age", answer.headers["cache-control"])
        self.assertNotIn(b'"k"', answer.body)


class PlanTest(GatewayTest):

    def test_check_status(self):
        _, token, user_id = self.gateway.register()
        sql(f"SELECT latchkey.set_tier('{user_id}', 'pro')")
        answer = self.gateway.get("/api/subscription/check-status", token)
        self.assertEqual((answer.json["success"], answer.json["user"]["tier"]), (True, "pro"))

    def test_models_of_the_tier(self):
        _, token, user_id = self.gateway.register()
        free = self.gateway.get("/api/models", token).json["models"]
        sql(f"SELECT latchkey.set_tier('{user_id}', 'enterprise')")
        everything = self.gateway.get("/api/models", token).json["models"]
        self.assertLess(len(free), len(everything))
        sql(f"SELECT latchkey.set_tier('{user_id}', 'free')")
        names = {m["name"] for m in everything} - {m["name"] for m in free}
        answer = self.gateway.get("/api/models/" + sorted(names)[0], token)
        self.assert_problem(answer, 403, "tier_required")
        self.assertIn("hint", answer.json)
        one = self.gateway.get("/api/models/" + free[0]["name"], token)
        self.assertEqual(one.json["model"]["name"], free[0]["name"])
        self.assert_problem(self.gateway.get("/api/models/no-such", token), 404, "not_found")

    def test_bad_names(self):
        _, token, _ = self.gateway.register()
        for name in ("%00", "a%0d%0ab", "%ff", "%", "%4", "x" * 201):
            self.assert_problem(self.gateway.get("/api/models/" + name, token), 400,
                                "invalid_argument", "name")
        self.assert_problem(self.gateway.get("/api/models/", token), 404, "not_found")
        self.assert_problem(self.gateway.get("/api/models/a/b", token), 404, "not_found")


if __name__ == "__main__":
    unittest.main()
