"""For those who run it: health, metrics, the OpenAPI document, logs, CORS, proxies, configuration."""
import json
import re
import subprocess
import unittest

from harness import BINARY, PASSWORD, Answer, Gateway, GatewayTest, new_email, read_answer, sql

SECURITY_HEADERS = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer",
                    "cache-control": "no-store"}


def run(*arguments):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, check=False,
                          timeout=20, env={})


class ObservationTest(GatewayTest):

    def test_health_and_readiness(self):
        self.assertEqual(self.gateway.get("/healthz").json, {"status": "ok"})
        ready = self.gateway.get("/readyz").json
        self.assertEqual(ready["status"], "ready")
        self.assertRegex(ready["extension_version"], r"^\d+\.\d+")

    def test_metrics(self):
        self.gateway.get("/healthz")
        self.gateway.get("/nothing")
        answer = self.gateway.get("/metrics")
        self.assertEqual(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
        text = answer.body.decode()
        self.assertRegex(text, r'latchkey_http_requests_total\{method="GET",route="/healthz",'
                               r'status="200"\} [1-9]')
        self.assertRegex(text, r'route="\(none\)",status="404"\} [1-9]')
        for name in ("latchkey_db_connections_in_use", "latchkey_db_connections_idle",
                     "latchkey_slow_requests_waiting", "latchkey_http_connections",
                     "process_resident_memory_bytes"):
            self.assertRegex(text, rf"(?m)^{name} \d")
        for line in text.splitlines():
            self.assertRegex(line, r"^(# (HELP|TYPE) \S+ .+|[a-z_]+(\{.*\})? [0-9.e+-]+|\S+ \S+)$")
        buckets = re.findall(r'duration_seconds_bucket\{method="GET",route="/healthz",le="([^"]+)"\} '
                             r"(\d+)", text)
        counts = [int(count) for _, count in buckets]
        self.assertEqual(counts, sorted(counts))
        self.assertEqual(buckets[-1][0], "+Inf")

    def test_security_headers(self):
        for path in ("/healthz", "/api/auth/verify", "/nothing"):
            headers = self.gateway.get(path).headers
            for name, value in SECURITY_HEADERS.items():
                self.assertEqual(headers[name], value)
            self.assertIn("default-src 'none'", headers["content-security-policy"])
            self.assertIn("date", headers)
            self.assertNotIn("server", headers)
            self.assertNotIn("access-control-allow-origin", headers)

    def test_request_ids(self):
        for given in ("abc", "A.b_c-9", "x" * 64):
            answer = self.gateway.get("/healthz", **{"X-Request-Id": given})
            self.assertEqual(answer.headers["x-request-id"], given)
        for bad in ("", "x" * 65, "a b", "a;b", "a%0d%0ab", "\u00e9"):
            answer = self.gateway.get("/healthz", **{"X-Request-Id": bad})
            self.assertRegex(answer.headers["x-request-id"], r"^[0-9a-f]{32}$")
        ids = {self.gateway.get("/healthz").headers["x-request-id"] for _ in range(50)}
        self.assertEqual(len(ids), 50)

    def test_log_lines(self):
        answer = self.gateway.get("/api/models/gpt-4?secret=1", "bad.token.here",
                                  **{"User-Agent": 'a"b\\c' + "x" * 300})
        line = self.gateway.log_of(answer.headers["x-request-id"])
        self.assertEqual((line["method"], line["route"], line["path"], line["status"], line["error"]),
                         ("GET", "/api/models/{name}", "/api/models/gpt-4", 401, "invalid_token"))
        self.assertEqual(line["client"], "127.0.0.1")
        self.assertEqual(len(line["user_agent"]), 200)
        self.assertGreater(line["bytes"], 100)
        self.assertIn("duration_ms", line)

    def test_no_secret_in_the_log(self):
        email, token, _ = self.gateway.register()
        password = "a very secret password"
        self.gateway.post("/api/auth/login", {"email": email, "password": password})
        self.gateway.post("/api/auth/login", ('{"email":"%s","password":"%s",}' % (email, password))
                          .encode())
        self.gateway.post("/api/auth/password/reset", {"token": "secret-token-1",
                                                       "new_password": password})
        self.gateway.post("/api/auth/password/change", {"current_password": PASSWORD,
                                                        "new_password": "short"}, token)
        self.gateway.get("/api/auth/verify?token=" + token, token)
        last = self.gateway.get("/api/auth/verify", token[:-1])
        self.gateway.log_of(last.headers["x-request-id"])
        log = "\n".join(self.gateway.lines)
        for secret in (email, token, token[:-1], password, PASSWORD, "secret-token-1"):
            self.assertNotIn(secret, log)
        for line in self.gateway.lines:
            json.loads(line)


class OpenApiTest(GatewayTest):

    def document(self):
        return self.gateway.get("/openapi.json").json

    def test_printed_and_served_are_the_same(self):
        printed = json.loads(run("openapi").stdout)
        self.assertEqual(printed, self.document())

    def test_complete(self):
        document = self.document()
        self.assertEqual(document["openapi"], "3.1.0")
        routes = [line.split("|")[1:3] for line in run("routes").stdout.splitlines()[2:]]
        self.assertGreater(len(routes), 20)
        operations = set()
        for method, path in routes:
            operation = document["paths"][path.strip(" `")][method.strip().lower()]
            operations.add(operation["operationId"])
            for status, response in operation["responses"].items():
                self.assertTrue(response["description"], (path, status))
            names = re.findall(r"\{(\w+)\}", path)
            declared = [p["name"] for p in operation.get("parameters", []) if p["in"] == "path"]
            self.assertEqual(names, declared)
            if "requestBody" in operation:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                # Stripe's events are taken as they come.
                self.assertIs(schema["additionalProperties"], "/webhooks/stripe" in path)
        self.assertEqual(len(operations), len(routes))
        self.assertEqual(sum(len(methods) for methods in document["paths"].values()), len(routes))

    def test_references_resolve(self):
        document = self.document()
        for reference in re.findall(r'"\$ref": ?"#/([^"]+)"', json.dumps(document)):
            node = document
            for part in reference.split("/"):
                node = node[part]

    def test_answers_match_their_schemas(self):
        document = self.document()
        _, token, user_id = self.gateway.register()
        for path in ("/api/auth/verify", "/api/auth/me", "/api/auth/sessions", "/api/models",
                     "/api/subscription/check-status", "/readyz", "/healthz"):
            schema = document["paths"][path]["get"]["responses"]["200"]["content"][
                "application/json"]["schema"]
            self.check(document, schema, self.gateway.get(path, token).json, path)
        self.make_administrator(user_id)
        for path in ("/api/settings", "/api/events", "/api/events/end", "/api/events/consumers", "/api/jobs/all",
                     "/api/job-rules", "/api/schedules"):
            schema = document["paths"][path]["get"]["responses"]["200"]["content"][
                "application/json"]["schema"]
            answer = self.gateway.get(path, token).json
            for member in answer.values():
                self.assertTrue(member, path)
            self.check(document, schema, answer, path)
        problem = self.gateway.get("/api/auth/verify").json
        self.check(document, document["components"]["schemas"]["Problem"], problem, "problem")

    def make_administrator(self, user_id):
        """Of a system where every list has something to show."""
        sql(f"SELECT latchkey.grant_role('{user_id}', 'admin'), latchkey.enqueue_job('openapi', '[1]'), "
            "latchkey.enqueue_job('openapi', timeout => '1 minute'), latchkey.schedule_job('openapi', '@yearly', 'openapi'), "
            "latchkey.set_job_rule('openapi', max_running => 1), latchkey.create_event_consumer('openapi', '{user.*}')")
        self.addCleanup(sql, "SELECT latchkey.unschedule_job('openapi'), latchkey.remove_job_rule('openapi'), "
                        f"latchkey.drop_event_consumer('openapi'), latchkey.revoke_role('{user_id}', 'admin')")

    def check(self, document, schema, value, where):
        """As much of JSON Schema as our document uses."""
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        if "anyOf" in schema:  # something or null
            if value is not None:
                self.check(document, schema["anyOf"][0], value, where)
            return
        if "type" not in schema:  # any value
            return
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if "number" in kinds and isinstance(value, (int, float)):
            return
        actual = {bool: "boolean", int: "integer", str: "string", dict: "object", list: "array",
                  type(None): "null"}[type(value)]
        self.assertIn(actual, kinds, (where, value))
        if actual == "object":
            for name in schema.get("required", []):
                self.assertIn(name, value, where)
            if "properties" in schema:
                self.assertLessEqual(set(value), set(schema["properties"]), where)
                for name, member in value.items():
                    self.check(document, schema["properties"][name], member, where + "." + name)
        if actual == "array":
            for item in value:
                self.check(document, schema["items"], item, where + "[]")


class CorsTest(unittest.TestCase):

    def test_allowed_origins(self):
        gateway = Gateway("--cors-origins", "https://app.example.com, https://b.example.com")
        self.addCleanup(gateway.stop)
        for origin in ("https://app.example.com", "https://b.example.com"):
            answer = gateway.get("/api/auth/verify", Origin=origin)
            self.assertEqual(answer.headers["access-control-allow-origin"], origin)
            self.assertEqual(answer.headers["vary"], "Origin")
        preflight = gateway.request("OPTIONS", "/api/auth/login",
                                    headers={"Origin": "https://app.example.com",
                                             "Access-Control-Request-Method": "POST"})
        self.assertEqual(preflight.status, 204)
        self.assertIn("POST", preflight.headers["access-control-allow-methods"])
        self.assertIn("Authorization", preflight.headers["access-control-allow-headers"])
        for origin in ("https://evil.example.net", "null", "https://app.example.com.evil.net",
                       "http://app.example.com"):
            answer = gateway.get("/healthz", Origin=origin)
            self.assertNotIn("access-control-allow-origin", answer.headers)

    def test_refusals_before_routing(self):
        """A script must be able to read why its request was refused."""
        origin = "https://app.example.com"
        gateway = Gateway("--cors-origins", origin, "--request-timeout-ms", "300")
        self.addCleanup(gateway.stop)
        head = b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nOrigin: %s\r\n" % origin.encode()
        for rest, status in ((b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
                             (b"Content-Length: 999999\r\n\r\n", 413),
                             (b"Transfer-Encoding: chunked\r\n\r\n", 411)):
            answer = Answer(gateway.raw(head + rest))
            self.assertEqual(answer.status, status)
            self.assertEqual(answer.headers["access-control-allow-origin"], origin)
            self.assertEqual(answer.headers["vary"], "Origin")
        with gateway.connect() as sock:
            sock.sendall(head + b"Content-Length: 10\r\n\r\n")
            answer = read_answer(sock)
        self.assertEqual((answer.status, answer.headers["access-control-allow-origin"]), (408, origin))
        answer = Answer(gateway.raw(head.replace(b"app.example", b"evil.example") + b"Bad\r\n\r\n"))
        self.assertEqual(answer.status, 400)
        self.assertNotIn("access-control-allow-origin", answer.headers)

    def test_every_origin(self):
        gateway = Gateway("--cors-origins", "*")
        self.addCleanup(gateway.stop)
        answer = gateway.get("/healthz", Origin="https://x.example")
        self.assertEqual(answer.headers["access-control-allow-origin"], "*")
        answer = Answer(gateway.raw(b"GET /healthz HTTP/1.1\n\n"))
        self.assertEqual((answer.status, answer.headers["access-control-allow-origin"]), (400, "*"))
        self.assertNotIn("access-control-allow-credentials", answer.headers)


class ProxyTest(unittest.TestCase):

    def client_of(self, gateway, forwarded):
        answer = gateway.get("/healthz", **{"X-Forwarded-For": forwarded})
        return gateway.log_of(answer.headers["x-request-id"])["client"]

    def test_trusted(self):
        gateway = Gateway("--trusted-proxies", "127.0.0.0/8, 10.0.0.0/8, fd00::/8")
        self.addCleanup(gateway.stop)
        for forwarded, client in (("203.0.113.9", "203.0.113.9"), ("1.1.1.1, 203.0.113.9", "203.0.113.9"),
                                  ("203.0.113.9, 10.1.2.3", "203.0.113.9"), ("2001:db8::1", "2001:db8::1"),
                                  ("nonsense", "127.0.0.1"), ("203.0.113.9, x", "127.0.0.1"),
                                  ("1.1.1.1, fd00::5, 10.9.9.9", "1.1.1.1"), ("", "127.0.0.1")):
            self.assertEqual(self.client_of(gateway, forwarded), client, forwarded)
        # A proxy may add a line of its own instead of adding to the client's: the last one counts.
        answer = Answer(gateway.raw(
            b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.1.1.1\r\n"
            b"X-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n"))
        self.assertEqual(gateway.log_of(answer.headers["x-request-id"])["client"], "203.0.113.9")
        token = gateway.post("/api/auth/register", {"email": new_email(), "password": PASSWORD},
                             headers={"X-Forwarded-For": "203.0.113.77"}).json["token"]
        session = gateway.get("/api/auth/sessions", token).json["sessions"][0]
        self.assertEqual(session["client_address"], "203.0.113.77")

    def test_untrusted(self):
        gateway = Gateway()
        self.addCleanup(gateway.stop)
        self.assertEqual(self.client_of(gateway, "203.0.113.9"), "127.0.0.1")


class CommandTest(unittest.TestCase):

    def test_help_and_version(self):
        answer = run("--help")
        self.assertEqual(answer.returncode, 0)
        for flag in ("--port", "--database-url", "LATCHKEY_POOL_SIZE", "import-users"):
            self.assertIn(flag, answer.stdout)
        self.assertRegex(run("--version").stdout, r"^latchkey-gateway \d+\.\d+")

    def test_errors_table(self):
        table = run("errors").stdout
        for part in ("| LK411 | `invalid_token` | 401 |", "| LK423 | `locked_out` | 429 |",
                     "| gateway | `payload_too_large` | 413 |"):
            self.assertIn(part, table)

    def test_a_malformed_database_url_is_not_quoted(self):
        for url in ("postgresql://gateway:hunter2@[::1/db", "postgresql://gateway:hun@ter2@db.example.com/db",
                    "postgresql://gateway:hunter2/x@db.example.com/db", "host=db password='hunter2",
                    "hostt=db password=hunter2", "postgresql://gateway:hunter2%zz@db.example.com/db",
                    "postgresql://db.example.com/db?pasword=hunter2"):
            for command in (["serve"], ["import-users", "/dev/null"]):
                done = run(*command, "--database-url", url)
                self.assertIn(done.returncode, (1, 2), url)
                self.assertIn("the database URL", done.stderr)
                for part in ("hunter2", "ter2"):
                    self.assertNotIn(part, done.stdout + done.stderr)

    def test_bad_configuration(self):
        for arguments, part in ((("--port", "x"), "--port must be a number"),
                                (("--port", "70000"), "--port must be a number"),
                                (("--nonsense", "1"), "unknown flag"), (("--port",), "needs a value"),
                                (("nonsense",), "unknown command"), (("serve", "x"), "unexpected"),
                                (("--prepare", "maybe"), "must be on or off"),
                                (("--pool-size", "4", "--slow-limit", "4"), "--slow-limit"),
                                (("--public-url", "app.example.com"), "--public-url"),
                                (("--mail-command", "x"), "--public-url"), ((), "--database-url"),
                                (("--database-url", "x", "--trusted-proxies", "300.0.0.1"), "300.0.0.1"),
                                (("--database-url", "x", "--trusted-proxies", "::/129"), "::/129")):
            answer = run(*arguments)
            self.assertIn(answer.returncode, (1, 2), arguments)
            self.assertIn(part, answer.stderr, arguments)
        environment = subprocess.run([BINARY], capture_output=True, text=True, check=False, timeout=20,
                                     env={"LATCHKEY_PORT": "none"})
        self.assertIn("LATCHKEY_PORT must be a number", environment.stderr)


if __name__ == "__main__":
    unittest.main()
