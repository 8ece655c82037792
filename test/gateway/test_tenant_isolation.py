"""No row of another tenant: every route for every role of tenant A, aimed at what is tenant B's.

The cases are generated from the OpenAPI document and isolation_rules.py. Each thing of B's that a route can name (in its path, query, body,
or header) is named, alone among A's own and together with all others, under a hostname of B's and with headers that claim to be B. No answer
may hold anything of B's that was not in the request, none may be a success, and no row of B may have changed, in either database. The same
routes with A's own things must work for A's owner, or they would prove nothing.
"""
import re
import unittest
import uuid

import isolation_rules as rules
from harness import PASSWORD, GatewayTest, new_email, sql
from tenant_shops import WORKER_URL
from tenant_worlds import World, main_rows, seed_platform, unseed_platform

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NO_ID = "00000000-0000-7000-8000-000000000000"
OPERATIONS_BETWEEN_LOOKS = 20  # at all rows: that takes longer than the requests do
# Members of A with these roles, the owner with a token for no tenant, and a key that may do everything in A.
CALLERS = ("owner", "outside", "admin", "staff", "customer", "custom", "key")


def cell(method, path, caller, named):
    return f"{method} {path} as {caller} naming " + (", ".join(named) or "nothing")


class IsolationTest(GatewayTest):
    flags = ("--worker-database-url", WORKER_URL, "--mail-command", "/bin/true", "--public-url", "https://example.com")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        seed_platform()
        cls.addClassCleanup(unseed_platform)
        cls.document = cls.gateway.get("/openapi.json").json

    def prepare(self, template):
        run = uuid.uuid4().hex[:8]
        self.ours, self.theirs = World(template, "alice" + run), World(template, "bob" + run)
        self.addCleanup(self.ours.drop)
        self.addCleanup(self.theirs.drop)
        self.key = sql("SELECT token FROM latchkey.create_api_key((SELECT id FROM latchkey.create_service_account('key', '', "
                       f"'{self.ours.id}')), '{{*}}')")
        self.tokens = {}
        self.secrets = self.secrets_of(self.theirs)
        self.failures = []

    def secrets_of(self, world):
        """The ids that rows of this tenant alone hold."""
        rows = world.rows()
        own = {found for row in rows for found in UUID.findall(row)}
        others = main_rows("!~ '" + "|".join([world.mark, *world.principals()]) + "'")
        return own - {found for row in others for found in UUID.findall(row)}

    # Callers

    def token_of(self, caller):
        if caller == "key":
            return self.key
        if caller not in self.tokens:
            body = {"email": self.person(caller)[0], "password": PASSWORD, "tenant": self.ours.slug}
            token = self.gateway.post("/api/auth/login", body).json["token"]
            if caller == "outside":
                token = self.gateway.post("/api/auth/switch-tenant", {"tenant_id": None}, token).json["token"]
            self.tokens[caller] = token
        return self.tokens[caller]

    def person(self, caller):
        return self.ours.users["owner" if caller == "key" else caller]

    # Requests

    def values_of(self, method, path, operation):
        """What the route takes: place, name, whether it is required, and what thing it names or None."""
        taken = []
        for parameter in operation.get("parameters", []):
            place, name = parameter["in"], parameter["name"]
            taken.append((place, name, parameter.get("required", False), self.thing_of(method, path, name, place)))
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        for name in schema.get("properties", {}):
            taken.append(("body", name, name in schema.get("required", []), self.thing_of(method, path, name)))
        return taken

    def thing_of(self, method, path, name, place="body"):
        usual = rules.PATHS[path][name] if place == "path" else rules.THINGS.get(name)
        thing = rules.THINGS_OF.get((method, path, name), usual)
        if not thing and name not in rules.NEUTRAL:
            self.fail(f"{method} {path}: which tenant does {name} aim at? Say so in isolation_rules.py")
        return thing

    def neutral(self, method, path, name, caller):
        if name in ("email", "sku", "slug", "hostname") or (name == "name" and path in ("/api/roles", "/api/permissions")):
            if path == "/api/auth/login":
                return self.person(caller)[0]
            return new_email() if name == "email" else self.ours.text() + (".example" if name == "hostname" else "")
        return rules.VALUES_OF.get((method, path, name), rules.VALUES.get(name))

    def send(self, method, path, taken, caller, thing_at):
        """Sends what `thing_at` says for each thing (null: left out), and its request and answer as texts."""
        parts, query, body, headers = {}, [], {}, {}
        for place, name, required, thing in taken:
            if thing and thing.startswith("="):
                value = thing[1:]
            elif thing:
                value = thing_at(name, thing)
            elif required or (method, path, name) in rules.VALUES_OF:
                value = self.neutral(method, path, name, caller)
            else:
                continue
            if value is None:
                if place != "path":
                    continue
                value = NO_ID
            if place == "path":
                parts[name] = value
            elif place == "query":
                query.append(f"{name}={value}")
            elif place == "header":
                headers[name] = value
            else:
                body[name] = value
        target = re.sub(r"\{(\w+)\}", lambda match: parts[match.group(1)], path) + ("?" + "&".join(query) if query else "")
        claims = {"Host": self.theirs.things["host"], "X-Forwarded-Host": self.theirs.things["host"], "X-Tenant-Id": self.theirs.id}
        has_body = any(place == "body" for place, *_ in taken)
        answer = self.gateway.request(method, target, body if has_body else None, self.token_of(caller), {**claims, **headers})
        if path.startswith("/api/auth/") or path.endswith("/sessions"):
            self.tokens.pop(caller, None)
        if path == "/api/auth/password/change":
            sql(f"SELECT latchkey.set_password('{self.person(caller)[1]}', '{PASSWORD}')")
        return f"{target} {body} {headers}", answer

    # Judging

    def judge(self, name, sent, answer, may_succeed):
        """`may_succeed`() is asked when it did."""
        text = answer.body.decode("utf-8", "replace")
        leaked = {secret for secret in self.secrets if secret in text and secret not in sent}
        leaked |= {found for found in re.findall(self.theirs.mark + r"[\w.-]*", text) if found not in sent}
        if leaked:
            self.failures.append(f"{name}: {answer.status} leaks {sorted(leaked)[:5]}")
        elif answer.status >= 500 or (answer.status < 300 and not may_succeed()):
            self.failures.append(f"{name}: {answer.status} {text[:200]}")

    def aims(self, taken, caller):
        """Which values are B's: all that name something of B's; each alone among A's own, for those who may most; none."""
        names = [name for _, name, _, thing in taken if thing and not thing.startswith("=")]
        owned = [name for _, name, _, thing in taken if name in names and thing not in rules.UNOWNED]
        each = [(name,) for name in names] if caller in ("owner", "outside", "key") and len(names) > 1 else []
        return [tuple(owned or names), *each]

    def attack(self, method, path, taken, caller):
        for named in self.aims(taken, caller):
            def send(theirs, named=named):
                return self.send(method, path, taken, caller, lambda name, thing: theirs(thing) if name in named else self.mine(thing))

            def is_harmless(named=named, send=send):
                """What is named is nobody's, or nobody's thing gets the same answer, which so says nothing about B's."""
                if all(thing in rules.UNOWNED for _, name, _, thing in taken if name in named):
                    return True
                return method == "GET" and send(lambda _: NO_ID)[1].body == answer.body

            sent, answer = send(self.theirs.things.get)
            self.judge(cell(method, path, caller, named), sent, answer, is_harmless)

    def mine(self, thing):
        return self.ours.text() if thing == "key" else self.ours.things.get(thing)

    def control(self, method, path, taken):
        """The owner, with their own things: under /api/tenants from outside, as a token for a tenant is for that one alone."""
        branch = self.ours.branch() if path.startswith("/api/tenants") else {}

        def thing_at(_, thing):
            if thing in branch:
                return branch[thing]
            return self.ours.make(thing) if thing != "key" and thing in self.ours.factories() else self.mine(thing)

        sent, answer = self.send(method, path, taken, "outside" if path.startswith("/api/tenants") else "owner", thing_at)
        wanted = self.wanted(method, path)
        name = cell(method, path, "the owner", ["their own"])
        self.judge(name, sent, answer, lambda: True)
        if answer.status != wanted and not (wanted == 200 and answer.status in (201, 202)):
            self.failures.append(f"{name}: {answer.status}, not {wanted}: {answer.body[:200]}")

    def wanted(self, method, path):
        if path.startswith(rules.NOT_IN[self.ours.template]):
            return 404
        if path in rules.PLATFORM.get(method, "").split():
            return 403
        return rules.OTHERWISE.get((method, path), 200)

    def look(self, before, operations):
        """Which rows B has now; none may have changed by these operations."""
        after = self.theirs.rows()
        if after != before:
            self.failures.append(f"rows of B changed by one of {operations}: {sorted(after ^ before)[:4]}")
        operations.clear()
        return after

    def check_all(self, prefix):
        before, operations = self.theirs.rows(), []
        self.assertGreater(len(before), 50)
        for path, methods in sorted(self.document["paths"].items()):
            if not path.startswith(prefix):
                continue
            self.assertIn(path, rules.PATHS, "which tenant does it aim at? Say so in isolation_rules.py")
            for method, operation in sorted(methods.items()):
                method = method.upper()
                taken = self.values_of(method, path, operation)
                for caller in CALLERS:
                    self.attack(method, path, taken, caller)
                self.control(method, path, taken)
                operations.append(f"{method} {path}")
                if len(operations) == OPERATIONS_BETWEEN_LOOKS:
                    before = self.look(before, operations)
        self.look(before, operations)
        self.assertEqual(self.failures, [], "\n".join(self.failures))

    def test_every_route(self):
        self.prepare("pos")
        self.check_all("/")

    def test_the_database_of_a_store(self):
        self.prepare("store")
        self.check_all("/api/tenant/")


if __name__ == "__main__":
    unittest.main()
