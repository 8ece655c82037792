"""Every route, for every kind of caller: the status of each answer stands in matrix.tsv.

Each cell gets a user, a session, a service account and a key of its own to act upon, so that no answer
depends on the one before. 401 and 403: refused. 200, 201, 404, 409 …: let through, and then what the
route says. LATCHKEY_WRITE_MATRIX=1 writes the file anew; read what changed in it.
"""
import itertools
import os
import pathlib
import re
import time
import unittest

from harness import PASSWORD, GatewayTest, new_email, new_tenant, sql

WORKER_URL = os.environ.get("LATCHKEY_TEST_WORKER_URL", "")
EXPECTED = pathlib.Path(__file__).with_name("matrix.tsv")
NO_ID = "00000000-0000-7000-8000-000000000000"
FIELDS = {
    "password": PASSWORD, "current_password": PASSWORD, "new_password": "another " + PASSWORD,
    "name": "matrix", "description": "of the matrix", "permissions": ["users.read"], "role": "support",
    "plan": "free", "status": "active", "reason": "none", "profile": {}, "onboarding_step": "done",
    "token": "a.b.c", "scope": "platform", "disabled": True, "expires_at": "2100-01-01T00:00:00Z",
    "amount": 1, "kind": "bonus", "service": "matrix", "debits": [{"service": "matrix"}], "transaction_id": NO_ID,
    "connection": {"host": "db.example.com", "database": "d", "user": "u"}, "template": "matrix", "server": "matrix", "step": "credits",
    "threshold": 1, "credits_per_unit": 1, "cron": "@yearly", "type": "matrix", "enabled": False, "value": "7 days", "feature": "matrix_unit",
    "url": "https://example.com/", "title": "Matrix", "sku": "matrix", "price_cents": 1, "quantity": 1, "method": "cash",
    "amount_cents": 1, "user_id": NO_ID, "lines": [{"quantity": 1}],
}
ROLES = {"user": None, "foreign": ("owner", "other"), "customer": ("customer", "tenant"),
         "staff": ("staff", "tenant"), "manager": ("admin", "tenant"), "owner": ("owner", "tenant"),
         "support": ("support", None), "admin": ("admin", None)}
KEYS = {"key": ("machine", "{users.read}"), "other_key": ("machine", "{plans.read}"),
        "tenant_key": ("tenant_machine", "{*}")}
CALLERS = ["nobody", *ROLES, *KEYS]


class MatrixTest(GatewayTest):
    flags = ("--mail-command", "/bin/true", "--public-url", "https://example.com", "--worker-database-url", WORKER_URL)
    maxDiff = None
    numbers = itertools.count(time.time_ns())

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.keys_of_cell = {}
        cls.tenants = {"tenant": new_tenant(), "other": new_tenant()}
        cls.people = {}
        for name, grant in ROLES.items():
            email, token, user_id = cls.gateway.register()
            cls.people[name] = (email, token, user_id)
            if grant:
                role, tenant = grant
                where = f"'{cls.tenants[tenant]}'" if tenant else "NULL"
                sql(f"SELECT latchkey.grant_role('{user_id}', '{role}', {where})")
        machines = {
            "machine": sql("SELECT id FROM latchkey.create_service_account('matrix')"),
            "tenant_machine": sql("SELECT id FROM latchkey.create_service_account('matrix', '', "
                                  f"'{cls.tenants['tenant']}')")}
        cls.keys = {name: sql(f"SELECT token FROM latchkey.create_api_key('{machines[machine]}', '{held}')")
                    for name, (machine, held) in KEYS.items()}
        sql(f"SELECT latchkey.set_service_cost('matrix', 1), latchkey.grant_credits('{cls.tenants['tenant']}', 1000)")
        sql("SELECT latchkey.set_plan('matrix', 'Matrix', rank => 1), latchkey.set_plan_feature('free', 'matrix_unit')")
        sql("SELECT latchkey.set_setting('webhooks.max_endpoints', '1000')")
        cls.document = cls.gateway.get("/openapi.json").json

    @classmethod
    def tearDownClass(cls):
        sql("DELETE FROM latchkey.plan_features WHERE feature = 'matrix_unit'")
        sql("DELETE FROM latchkey.plans WHERE key = 'matrix'")
        sql("SELECT latchkey.set_setting('webhooks.max_endpoints', '10'); DELETE FROM latchkey.webhook_endpoints")
        super().tearDownClass()

    def token_of(self, caller, path):
        if caller == "nobody":
            return None
        if caller in self.keys:
            return self.keys_of_cell.pop(caller, self.keys[caller])
        email, token, _ = self.people[caller]
        if path.startswith("/api/auth/"):  # these end sessions, or change passwords
            sql(f"SELECT latchkey.set_password(id, '{PASSWORD}') FROM latchkey.find_user('{email}')")
        if path.startswith(("/api/auth/", "/api/tenant/")):
            return self.log_in(email)
        if self.gateway.get("/api/auth/verify", token).status != 200:
            # Out of the tenant that a login leads into: there, roles in others would count for nothing.
            token = self.gateway.post("/api/auth/switch-tenant", {"tenant_id": None}, token=self.log_in(email)).json["token"]
            self.people[caller] = (email, token, self.people[caller][2])
        return token

    def log_in(self, email):
        return self.gateway.post("/api/auth/login", {"email": email, "password": PASSWORD}).json["token"]

    def tenant_for(self, caller):
        """A tenant for this cell, in which the caller has the role that they have in the matrix's; a tenant's key gets another."""
        tenant = new_tenant()
        if caller == "tenant_key":
            self.keys_of_cell[caller] = sql("SELECT k.token FROM latchkey.create_service_account('matrix', '', "
                                            f"'{tenant}') AS a, latchkey.create_api_key(a.id, '{KEYS[caller][1]}') AS k")
        elif ROLES.get(caller) and ROLES[caller][1] == "tenant":
            sql(f"SELECT latchkey.grant_role('{self.people[caller][2]}', '{ROLES[caller][0]}', '{tenant}')")
        return tenant

    def parts_for(self, tenant):
        """Who and what is in that tenant."""
        email = new_email()
        sql(f"SELECT latchkey.add_hostname('{tenant}', '{tenant}.example')")
        return {"user_id": sql(f"SELECT u.id FROM latchkey.register_user('{email}') AS u, "
                               f"latchkey.grant_role(u.id, 'customer', '{tenant}')"),
                "invitation_id": sql(f"SELECT id FROM latchkey.invite_member('{tenant}', '{email}', 'customer')"),
                "hostname": tenant + ".example", "export_id": NO_ID}

    def id_for(self, path):
        """Something new for the route to act upon."""
        if path.startswith("/api/service-accounts"):
            return sql("SELECT id FROM latchkey.create_service_account('target')")
        if path.startswith("/api/api-keys"):
            return sql("SELECT id FROM latchkey.create_api_key((SELECT id FROM "
                       "latchkey.create_service_account('target')), '{users.read}')")
        if path.startswith("/api/users"):
            return sql(f"SELECT id FROM latchkey.register_user('{new_email()}')")
        if path.startswith("/api/jobs"):
            return sql(f"SELECT id FROM latchkey.enqueue_job('matrix', account_id => '{self.tenants['tenant']}')")
        if path.startswith("/api/webhooks"):
            return sql("SELECT id FROM latchkey.create_webhook_endpoint("
                       f"'{self.tenants['tenant']}', 'https://example.com')")
        return NO_ID

    def name_for(self, path):
        if path.startswith("/api/schedules"):
            return sql(f"SELECT name FROM latchkey.schedule_job('matrix-{next(self.numbers)}', '@yearly', 'matrix')")
        return "gpt-4"

    def type_for(self, _):
        return sql(f"SELECT type FROM latchkey.set_job_rule('matrix-{next(self.numbers)}', max_running => 1)")

    def fill(self, path, caller):
        if path.startswith("/api/tenants/{id}"):
            tenant = self.tenant_for(caller)
            values = {"id": tenant, **(self.parts_for(tenant) if path.count("{") > 1 else {})}
            return re.sub(r"\{(\w+)\}", lambda m: values[m.group(1)], path)
        values = {"id": self.id_for, "role": lambda _: "support", "name": self.name_for, "type": self.type_for,
                  "service": lambda _: "matrix", "aggregate": lambda _: "matrix", "aggregate_id": lambda _: "1",
                  "key": lambda _: "jobs.retention", "plan": lambda _: "matrix", "feature": lambda _: "matrix_unit",
                  "event_id": lambda _: NO_ID, "customer": lambda _: f"cus_matrix{next(self.numbers)}"}
        return re.sub(r"\{(\w+)\}", lambda m: values[m.group(1)](path), path)

    def query_of(self, operation):
        """The account is the tenant's: one's own is in test_credits."""
        names = [p["name"] for p in operation.get("parameters", [])]
        return "?account_id=" + self.tenants["tenant"] if "account_id" in names else ""

    def headers_of(self, operation):
        return {p["name"]: f"matrix-{next(self.numbers)}" for p in operation.get("parameters", []) if p["in"] == "header"}

    def body_of(self, path, operation):
        if "requestBody" not in operation:
            return None
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        body = {}
        for name in schema.get("properties", {}):
            if name == "email":
                body[name] = new_email()
            elif name == "name" and path == "/api/roles":
                body[name] = f"matrix-{next(self.numbers)}"
            elif name == "role" and path == "/api/tenants/{id}/invitations":
                body[name] = "customer"
            elif name == "hostname":
                body[name] = f"matrix-{next(self.numbers)}.example"
            elif name == "to_user_id":
                body[name] = NO_ID
            elif name == "account_id":
                body[name] = self.tenants["tenant"]
            elif name in FIELDS and name in schema.get("required", []):
                body[name] = FIELDS[name]
        return body

    def status(self, method, path, operation, caller):
        target = self.fill(path, caller) + self.query_of(operation)
        token = self.token_of(caller, path)
        answer = self.gateway.request(method, target, self.body_of(path, operation), token, self.headers_of(operation))
        self.assertLess(answer.status, 500, (method, path, caller, answer.body))
        return str(answer.status)

    def test_every_route_for_every_caller(self):
        self.addCleanup(sql, "DELETE FROM latchkey.login_attempts")
        lines = ["\t".join(["method", "path", *CALLERS])]
        for path, methods in sorted(self.document["paths"].items()):
            for method, operation in sorted(methods.items()):
                cells = [self.status(method.upper(), path, operation, caller) for caller in CALLERS]
                lines.append("\t".join([method.upper(), path, *cells]))
        if os.environ.get("LATCHKEY_WRITE_MATRIX"):
            EXPECTED.write_text("\n".join(lines) + "\n")
        self.assertEqual(EXPECTED.read_text().splitlines(), lines)


if __name__ == "__main__":
    unittest.main()
