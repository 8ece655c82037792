"""Routes of the modules tenants, tenant_databases, tenant_moves and tenant_exports, as clients see them; who may what is in the matrix."""
import json
import unittest

from harness import PASSWORD, Folder, Gateway, GatewayTest, new_email, sql
from mail_box import MailBox

NOBODY = "00000000-0000-7000-8000-000000000000"


class TenantTest(GatewayTest):
    """With a gateway that can mail, an administrator, and an owner with a tenant of their own."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Folder().__enter__()
        cls.mails = MailBox(cls.folder)
        cls.gateway = Gateway("--mail-command", cls.mails.program, "--public-url", "https://app.example.com",
                              environment=cls.mails.environment)
        _, cls.admin, admin_id = cls.gateway.register()
        sql(f"SELECT latchkey.grant_role('{admin_id}', 'admin')")

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.folder.__exit__()

    def setUp(self):
        self.email, self.token, self.user_id = self.gateway.register()
        self.tenant = self.ok("POST", "", {"name": "Shop"}, status=201)["tenant"]

    def call(self, method, path, body=None, token=None, headers=None):
        """Below /api/tenants; {t} is the tenant's id."""
        path = path.replace("{t}", self.tenant["id"]) if "{t}" in path else path
        return self.gateway.request(method, "/api/tenants" + path, body, token or self.token, headers)

    def ok(self, method, path, body=None, token=None, status=200, headers=None):
        answer = self.call(method, path, body, token, headers)
        self.assertEqual(answer.status, status, answer.body)
        self.assertIs(answer.json["success"], True)
        return answer.json

    def refused(self, status, code, method, path, body=None, token=None):
        self.assert_problem(self.call(method, path, body, token), status, code)


class RegistryTest(TenantTest):

    def test_create_and_look(self):
        slug = "shop-" + self.user_id[-12:]
        made = self.ok("POST", "", {"name": "Zoë's Shop", "slug": slug, "kind": "store", "settings": {"vat": 7}}, status=201)["tenant"]
        self.assertEqual((made["name"], made["slug"], made["kind"], made["status"], made["settings"], made["created_by"]),
                         ("Zoë's Shop", slug, "store", "active", {"vat": 7}, self.user_id))
        self.assertEqual(self.ok("GET", "/" + made["id"])["tenant"], made)
        self.refused(409, "already_exists", "POST", "", {"name": "Another", "slug": slug})
        self.refused(400, "invalid_argument", "POST", "", {"name": "Reserved", "slug": "www"})
        self.refused(400, "invalid_argument", "POST", "", {})
        self.refused(404, "not_found", "GET", "/" + NOBODY, token=self.admin)
        self.refused(403, "forbidden", "GET", "/" + NOBODY)

    def test_one_that_waits_for_its_database(self):
        made = self.ok("POST", "", {"name": "Later", "provision": True}, status=201)["tenant"]
        self.assertEqual(made["status"], "pending")
        self.assertEqual(self.ok("GET", f"/{made['id']}/status", token=self.admin)["tenant"], made)

    def test_an_idempotency_key_makes_one(self):
        headers = {"Idempotency-Key": "make-" + self.user_id}
        first = self.ok("POST", "", {"name": "Once"}, status=201, headers=headers)
        self.assertEqual(self.ok("POST", "", {"name": "Once"}, status=201, headers=headers), first)
        other = self.call("POST", "", {"name": "Other"}, headers=headers)
        self.assert_problem(other, 409, "idempotency_mismatch")

    def test_for_somebody_else(self):
        body = {"name": "Given", "owner_id": self.user_id}
        made = self.ok("POST", "", body, token=self.admin, status=201)["tenant"]
        self.assertIn(made["id"], [t["tenant_id"] for t in self.ok("GET", "/dropdown")["tenants"]])
        _, stranger, _ = self.gateway.register()
        self.refused(403, "forbidden", "POST", "", body, token=stranger)

    def test_dropdown_and_its_number(self):
        mine = self.ok("GET", "/dropdown")["tenants"]
        self.assertEqual([(t["tenant_id"], t["name"], t["status"], t["roles"]) for t in mine],
                         [(self.tenant["id"], "Shop", "active", ["owner"])])
        self.ok("POST", "", {"name": "A second"}, status=201)
        self.assertEqual([t["name"] for t in self.ok("GET", "/dropdown")["tenants"]], ["A second", "Shop"])
        me = self.gateway.get("/api/auth/me", self.token).json
        self.assertEqual((me["tenant_count"], me["role"]), (2, None))
        into = self.gateway.post("/api/auth/login", {"email": self.email, "password": PASSWORD, "tenant": self.tenant["slug"]}).json
        me = self.gateway.get("/api/auth/me", into["token"]).json
        self.assertEqual((into["tenant_id"], me["session"]["tenant_id"], me["role"]), (self.tenant["id"], self.tenant["id"], "owner"))
        answer = self.gateway.post("/api/auth/login", {"email": self.email, "password": PASSWORD})
        self.assertEqual(answer.json["tenant_count"], 2)
        fresh = self.gateway.post("/api/auth/register", {"email": new_email(), "password": PASSWORD})
        self.assertEqual(fresh.json["tenant_count"], 0)

    def test_list_pages(self):
        second = self.ok("POST", "", {"name": "A second"}, status=201)["tenant"]
        page = self.ok("GET", "?limit=1", token=self.admin)["tenants"]
        self.assertEqual(page, [second])
        page = self.ok("GET", f"?limit=1&after={second['id']}", token=self.admin)["tenants"]
        self.assertEqual(page, [self.tenant])
        self.refused(403, "forbidden", "GET", "")
        self.refused(400, "invalid_argument", "GET", "?status=asleep", token=self.admin)

    def test_update(self):
        new = "renamed-" + self.user_id[-12:]
        tenant = self.ok("PATCH", "/{t}", {"name": "Renamed", "slug": new, "settings": {"a": 1, "b": 2}})["tenant"]
        self.assertEqual((tenant["name"], tenant["slug"], tenant["settings"]), ("Renamed", new, {"a": 1, "b": 2}))
        tenant = self.ok("PATCH", "/{t}", {"settings": {"a": None}})["tenant"]
        self.assertEqual((tenant["name"], tenant["settings"]), ("Renamed", {"b": 2}))

    def test_stores_are_the_same_routes(self):
        stores = "/api/stores"
        made = self.gateway.post(stores, {"name": "By the other name"}, self.token)
        self.assertEqual(made.status, 201, made.body)
        tenant = made.json["tenant"]
        self.assertEqual(self.gateway.get(f"{stores}/{tenant['id']}", self.token).json["tenant"], tenant)
        self.assertEqual(len(self.gateway.get(stores + "/dropdown", self.token).json["tenants"]), 2)
        members = self.gateway.get(f"{stores}/{tenant['id']}/members", self.token).json["members"]
        self.assertEqual([m["user_id"] for m in members], [self.user_id])
        renamed = self.gateway.request("PATCH", f"{stores}/{tenant['id']}", {"name": "Renamed"}, self.token)
        self.assertEqual(renamed.json["tenant"]["name"], "Renamed")
        self.assertEqual(self.gateway.request("PUT", f"{stores}/{tenant['id']}", {}, self.token).headers["allow"],
                         self.gateway.request("PUT", f"/api/tenants/{tenant['id']}", {}, self.token).headers["allow"])
        for wrong in ("/api/storesx", "/api/stores-dropdown", "/api/stores/" + tenant["id"] + "/nothing"):
            self.assertEqual(self.gateway.get(wrong, self.token).status, 404, wrong)


class StatusTest(TenantTest):

    def switched(self):
        answer = self.gateway.post("/api/auth/switch-tenant", {"tenant_id": self.tenant["id"]}, self.token)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json["token"]

    def test_suspending_refuses_its_tokens_at_once(self):
        token = self.switched()
        session = self.gateway.get("/api/auth/me", token).json["session"]
        self.assertEqual(session["tenant_id"], self.tenant["id"])
        tenant = self.ok("POST", "/{t}/suspend", {"reason": "unpaid"}, token=self.admin)["tenant"]
        self.assertEqual((tenant["status"], tenant["status_reason"]), ("suspended", "unpaid"))
        self.assert_problem(self.gateway.get("/api/auth/verify", token), 403, "forbidden")
        tenant = self.ok("POST", "/{t}/reactivate", token=self.admin)["tenant"]
        self.assertEqual(tenant["status"], "active")
        self.assertEqual(self.gateway.get("/api/auth/verify", token).status, 200)
        self.refused(403, "forbidden", "POST", "/{t}/suspend", token=token)

    def test_delete_gives_time(self):
        tenant = self.ok("DELETE", "/{t}?reason=closing%20down")["tenant"]
        self.assertEqual((tenant["status"], tenant["status_reason"]), ("archived", "closing down"))
        self.assertIsNotNone(tenant["delete_after"])
        tenant = self.ok("POST", "/{t}/reactivate", {"reason": "a mistake"}, token=self.admin)["tenant"]
        self.assertEqual((tenant["status"], tenant["delete_after"]), ("active", None))

    def test_archive(self):
        self.assertEqual(self.ok("POST", "/{t}/archive")["tenant"]["status"], "archived")
        self.refused(409, "conflict", "POST", "/{t}/suspend", token=self.admin)

    def test_switching(self):
        token = self.switched()
        self.assert_problem(self.gateway.get("/api/auth/verify", self.token), 401, "invalid_token")
        back = self.gateway.post("/api/auth/switch-tenant", {}, token)
        self.assertEqual(back.status, 200, back.body)
        self.assertEqual(back.json["user"]["id"], self.user_id)
        self.assertIsNone(self.gateway.get("/api/auth/me", back.json["token"]).json["session"]["tenant_id"])
        _, stranger, _ = self.gateway.register()
        body = {"tenant_id": self.tenant["id"]}
        self.assert_problem(self.gateway.post("/api/auth/switch-tenant", body, stranger), 403, "forbidden")
        self.assert_problem(self.gateway.post("/api/auth/switch-tenant", body, "a.b.c"), 401, "invalid_token")


class PeopleTest(TenantTest):

    def invite(self, email, role="staff"):
        return self.ok("POST", "/{t}/invitations", {"email": email, "role": role}, status=201)["invitation"]

    def join(self, role="staff"):
        email, token, user_id = self.gateway.register()
        self.invite(email, role)
        answer = self.gateway.post("/api/invitations/accept", {"token": self.mails.last_to(email)["token"]}, token)
        self.assertEqual(answer.status, 200, answer.body)
        return token, user_id

    def test_invite_and_accept(self):
        email, token, user_id = self.gateway.register()
        invitation = self.invite(email)
        self.assertEqual(set(invitation), {"id", "tenant_id", "email", "role", "expires_at"})
        mail = self.mails.last_to(email)
        self.assertEqual((mail["kind"], mail["tenant"], mail["role"]), ("tenant_invitation", "Shop", "staff"))
        self.assertEqual(mail["link"], "https://app.example.com/join?token=" + mail["token"])
        self.assertNotIn(mail["token"], json.dumps(invitation))
        listed = self.ok("GET", "/{t}/invitations")["invitations"]
        self.assertEqual([(i["id"], i["email"], i["invited_by"]) for i in listed], [(invitation["id"], email, self.user_id)])
        body = {"token": mail["token"]}
        _, stranger, _ = self.gateway.register()
        self.assert_problem(self.gateway.post("/api/invitations/accept", body, stranger), 403, "forbidden")
        joined = self.gateway.post("/api/invitations/accept", body, token)
        self.assertEqual((joined.json["tenant"]["tenant_id"], joined.json["tenant"]["roles"]), (self.tenant["id"], ["staff"]))
        self.assert_problem(self.gateway.post("/api/invitations/accept", body, token), 401, "invalid_token")
        members = self.ok("GET", "/{t}/members")["members"]
        self.assertEqual([(m["user_id"], m["roles"]) for m in members], [(user_id, ["staff"]), (self.user_id, ["owner"])])
        self.assertEqual(self.ok("GET", f"/{{t}}/members?limit=1&after={user_id}")["members"], members[1:])
        self.assertEqual(self.ok("GET", "/{t}/invitations")["invitations"], [])

    def test_a_revoked_invitation_is_void(self):
        email, token, _ = self.gateway.register()
        invitation = self.invite(email)
        mail = self.mails.last_to(email)
        self.ok("DELETE", "/{t}/invitations/" + invitation["id"])
        answer = self.gateway.post("/api/invitations/accept", {"token": mail["token"]}, token)
        self.assert_problem(answer, 401, "invalid_token")
        self.refused(404, "not_found", "DELETE", "/{t}/invitations/" + invitation["id"])

    def test_invitations_that_are_refused(self):
        email = new_email()
        self.refused(404, "not_found", "POST", "/{t}/invitations", {"email": email, "role": "nothing"})
        self.refused(400, "invalid_argument", "POST", "/{t}/invitations", {"email": "nobody", "role": "staff"})
        self.assertEqual(self.mails.all_to(email), [])
        for _ in range(5):
            self.invite(email)
        answer = self.call("POST", "/{t}/invitations", {"email": email, "role": "staff"})
        self.assert_problem(answer, 429, "locked_out")

    def test_without_a_mail_program(self):
        gateway = Gateway()
        self.addCleanup(gateway.stop)
        answer = gateway.post(f"/api/tenants/{self.tenant['id']}/invitations",
                              {"email": new_email(), "role": "staff"}, self.token)
        self.assert_problem(answer, 503, "not_configured")
        self.assertEqual(self.ok("GET", "/{t}/invitations")["invitations"], [])

    def test_remove_and_leave(self):
        token, user_id = self.join()
        inside = self.gateway.post("/api/auth/switch-tenant", {"tenant_id": self.tenant["id"]}, token).json["token"]
        self.assertEqual(self.ok("DELETE", "/{t}/members/" + user_id)["roles"], 1)
        self.assert_problem(self.gateway.get("/api/auth/verify", inside), 401, "invalid_token")
        self.refused(404, "not_found", "DELETE", "/{t}/members/" + user_id)
        self.refused(403, "forbidden", "DELETE", "/{t}/members/" + self.user_id)
        token, _ = self.join("customer")
        self.assertEqual(self.ok("POST", "/{t}/leave", token=token)["roles"], 1)
        self.refused(404, "not_found", "POST", "/{t}/leave", token=token)
        self.refused(409, "conflict", "POST", "/{t}/leave")

    def test_transfer(self):
        token, user_id = self.join()
        self.refused(409, "conflict", "POST", "/{t}/transfer", {"to_user_id": NOBODY})
        self.refused(409, "conflict", "POST", "/{t}/transfer", {"to_user_id": user_id}, token=token)
        self.ok("POST", "/{t}/transfer", {"to_user_id": user_id})
        roles = {m["user_id"]: m["roles"] for m in self.ok("GET", "/{t}/members")["members"]}
        self.assertEqual(roles, {user_id: ["owner", "staff"], self.user_id: ["admin"]})
        self.ok("POST", "/{t}/leave")


class DatabaseTest(TenantTest):
    connection = {"host": "db.example.com", "port": 5432, "database": "shop", "user": "shop", "password": "s3cr3t-of-shop"}

    def test_connecting_and_its_progress(self):
        status = self.ok("GET", "/{t}/status")
        self.assertEqual((status["tenant"]["id"], status["database"], status["job"]), (self.tenant["id"], None, None))
        body = {"connection": self.connection, "template": "store"}
        database = self.ok("POST", "/{t}/connect-database", body, status=202)["database"]
        self.assertEqual((database["status"], database["template"], database["server"]), ("pending", "store", None))
        status = self.ok("GET", "/{t}/status")
        self.assertEqual(status["database"], database)
        self.assertEqual((status["job"]["type"], status["job"]["status"], status["job"]["progress"]),
                         ("latchkey.provision_tenant", "pending", 0))
        self.assertNotIn("s3cr3t", json.dumps(status))
        sql(f"SELECT latchkey.start_provisioning('{self.tenant['id']}'), "
            f"latchkey.record_provisioning('{self.tenant['id']}', 'install_template', 'it broke')")
        database = self.ok("GET", "/{t}/status")["database"]
        self.assertEqual((database["status"], database["step"], database["error"]), ("failed", "install_template", "it broke"))
        listed = self.gateway.get("/api/tenant-databases?status=failed&limit=1000", self.admin).json["databases"]
        self.assertIn(database, listed)

    def test_what_can_not_be_connected(self):
        for wrong in ({"host": "db.example.com"}, {**self.connection, "host": "127.0.0.1"}, {**self.connection, "more": 1}):
            answer = self.call("POST", "/{t}/connect-database", {"connection": wrong})
            self.assertIn((answer.status, answer.code), ((400, "invalid_argument"), (403, "forbidden")), wrong)
            self.assertNotIn(b"s3cr3t", answer.body)
        self.assertIsNone(self.ok("GET", "/{t}/status")["database"])

    def test_provisioning_on_a_server(self):
        self.refused(409, "conflict", "POST", "/{t}/provision", {"template": "store"})
        name = "rest-" + self.user_id[-12:]
        sql(f"SELECT latchkey.register_server('{name}', '{json.dumps({**self.connection, 'host': '127.0.0.1'})}', false)")
        self.refused(403, "forbidden", "POST", "/{t}/provision", {"server": name})
        body = {"template": "store", "server": name}
        database = self.ok("POST", "/{t}/provision", body, token=self.admin, status=202)["database"]
        self.assertEqual((database["server"], database["status"]), (name, "pending"))
        servers = self.gateway.get("/api/tenant-servers", self.admin).json["servers"]
        self.assertEqual([(s["databases"], s["accepts_new"]) for s in servers if s["name"] == name], [(1, False)])
        self.assertNotIn("s3cr3t", json.dumps(servers))
        self.assert_problem(self.gateway.get("/api/tenant-servers", self.token), 403, "forbidden")

    def test_moving_and_exporting(self):
        names = [f"{letter}-{self.user_id[-12:]}" for letter in "ab"]
        for name in names:
            sql(f"SELECT latchkey.register_server('{name}', '{json.dumps({**self.connection, 'host': '127.0.0.1'})}', false)")
        key = {"Idempotency-Key": "move-1"}
        move_there = ("POST", "/{t}/move", {"server": names[1]})
        self.assert_problem(self.call(*move_there, self.admin, key), 404, "not_found")
        self.ok("POST", "/{t}/provision", {"template": "store", "server": names[0]}, token=self.admin, status=202)
        sql(f"SELECT count(*) FROM latchkey.jobs AS j, latchkey.cancel_job(j.account_id, j.id) WHERE j.account_id = '{self.tenant['id']}'; "
            f"SELECT latchkey.finish_provisioning('{self.tenant['id']}')")
        self.refused(404, "not_found", "GET", "/{t}/move", token=self.admin)
        self.assert_problem(self.call(*move_there, self.token, key), 403, "forbidden")
        job = self.ok(*move_there, token=self.admin, status=202, headers=key)["job_id"]
        again = self.ok(*move_there, token=self.admin, status=202, headers=key)["job_id"]
        self.assertEqual(again, job)
        move = self.ok("GET", "/{t}/move", token=self.admin)["move"]
        self.assertEqual((move["job_id"], move["status"], move["from_server"], move["to_server"]), (job, "moving", *names))
        self.assertIs(self.ok("GET", "/{t}/status")["database"]["moving"], True)
        self.assert_problem(self.call(*move_there, self.admin, {"Idempotency-Key": "move-2"}), 409, "conflict")
        self.refused(409, "conflict", "POST", "/{t}/move/confirm", token=self.admin)
        self.assertEqual(self.ok("POST", "/{t}/move/revert", {}, token=self.admin, status=202)["move"]["status"], "undoing")
        export = self.ok("POST", "/{t}/exports", token=self.admin, status=202, headers=key)["export"]
        self.assertEqual(self.ok("GET", "/{t}/exports", token=self.admin)["exports"], [export])
        self.refused(403, "forbidden", "GET", "/{t}/exports")
        self.ok("DELETE", "/{t}/exports/" + export["id"], token=self.admin, status=202)
        self.assertEqual(self.ok("GET", "/{t}/exports", token=self.admin)["exports"][0]["status"], "deleting")

    def test_migrating(self):
        template = "rest_" + self.user_id[-12:]
        self.ok("POST", "/{t}/connect-database", {"connection": self.connection, "template": template}, status=202)
        path = "/api/tenant-databases/migrate"
        self.assert_problem(self.gateway.post(path, {"template": template}, self.token), 403, "forbidden")
        self.assertEqual(self.gateway.post(path, {"template": template}, self.admin).json["jobs"], 0)
        sql(f"SELECT latchkey.cancel_job('{self.tenant['id']}', id) FROM latchkey.list_jobs('{self.tenant['id']}')")
        answer = self.gateway.post(path, {"template": template, "at_once": 2}, self.admin)
        self.assertEqual((answer.status, answer.json["jobs"]), (202, 1))
        self.assert_problem(self.gateway.post(path, {"template": template, "at_once": 0}, self.admin), 400, "invalid_argument")


if __name__ == "__main__":
    unittest.main()
