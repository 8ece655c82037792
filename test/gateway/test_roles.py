"""Roles and permissions over REST: who may read and change them, and what a body may be."""
import itertools
import json
import os
import unittest

from harness import GatewayTest, sql

_names = itertools.count()
NIL_TENANT = "00000000-0000-7000-8000-000000000000"


def new_name(kind="role"):
    return f"{kind}{os.getpid()}_{next(_names)}"


class RolesTest(GatewayTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tokens, cls.ids = {"nobody": None}, {}
        for who, role in (("user", None), ("support", "support"), ("admin", "admin")):
            _, cls.tokens[who], cls.ids[who] = cls.gateway.register()
            if role:
                sql(f"SELECT latchkey.grant_role('{cls.ids[who]}', '{role}')")

    @classmethod
    def tearDownClass(cls):
        sql(f"DELETE FROM latchkey.role_grants WHERE user_id = '{cls.ids['admin']}'")
        super().tearDownClass()

    def as_(self, who, method, path, body=None):
        return self.gateway.request(method, path, body, self.tokens[who])

    def test_who_may(self):
        """Nobody 401, a user 403, support reads, the administrator all."""
        name, permission = new_name(), new_name("campaigns") + ".write"
        role = {"name": name, "permissions": ["users.read"]}
        for method, path, body, reads in (
                ("GET", "/api/roles", None, True), ("GET", "/api/permissions", None, True),
                ("POST", "/api/permissions", {"name": permission, "description": "Write."}, False),
                ("POST", "/api/roles", role, False),
                ("PATCH", f"/api/roles/{name}", {"description": "Reads."}, False),
                ("PUT", f"/api/roles/{name}", {"permissions": [permission]}, False),
                ("PATCH", f"/api/roles/{name}", {"permissions": []}, False),
                ("DELETE", f"/api/roles/{name}", None, False),
                ("DELETE", f"/api/permissions/{permission}", None, False)):
            self.assert_problem(self.as_("nobody", method, path, body), 401, "invalid_token")
            self.assert_problem(self.as_("user", method, path, body), 403, "forbidden")
            answer = self.as_("support", method, path, body)
            if reads:
                self.assertEqual(answer.status, 200, answer.body)
            else:
                self.assert_problem(answer, 403, "forbidden")
            answer = self.as_("admin", method, path, body)
            self.assertEqual(answer.status, 201 if (method, path) == ("POST", "/api/roles") else 200,
                             (method, path, answer.body))

    def test_a_role(self):
        name = new_name()
        answer = self.as_("admin", "POST", "/api/roles", {
            "name": name, "permissions": ["users.read", "*.read"], "description": "Sees"})
        role = {"name": name, "scope": "platform", "tenant_id": None, "description": "Sees",
                "permissions": ["*.read", "users.read"], "built_in": False}
        self.assertEqual((answer.status, answer.json), (201, {"success": True, "role": role}))
        self.assertIn(role, self.as_("support", "GET", "/api/roles").json["roles"])
        path = f"/api/roles/{name}"
        self.assertEqual(self.as_("admin", "PATCH", path, {"permissions": ["plans.read"]}).json["role"],
                         {**role, "permissions": ["plans.read"]})
        self.assertEqual(self.as_("admin", "PATCH", path, {"description": "x", "permissions": None}).json["role"],
                         {**role, "permissions": ["plans.read"], "description": "x"})
        self.assertEqual(self.as_("admin", "PUT", path, {"permissions": []}).json["role"],
                         {**role, "permissions": [], "description": ""})
        self.assert_problem(self.as_("admin", "POST", "/api/roles", {"name": name, "permissions": []}),
                            409, "already_exists")
        sql(f"SELECT latchkey.grant_role('{self.ids['user']}', '{name}')")
        self.assert_problem(self.as_("admin", "DELETE", path), 409, "conflict", "users have this role")
        sql(f"SELECT latchkey.revoke_role('{self.ids['user']}', '{name}')")
        self.assertEqual(self.as_("admin", "DELETE", path).json,
                         {"success": True, "message": "Role deleted"})
        for method, body in (("DELETE", None), ("PATCH", {}), ("PUT", {"permissions": []})):
            self.assert_problem(self.as_("admin", method, path, body), 404, "not_found")

    def test_scopes(self):
        tenant = sql("INSERT INTO latchkey.accounts (id, kind) VALUES (gen_random_uuid(), 'tenant') RETURNING id")
        name = new_name()
        for fields, query in (({}, ""), ({"tenant_id": tenant}, f"?tenant_id={tenant}")):
            made = self.as_("admin", "POST", "/api/roles", {"name": name, "permissions": ["users.read"], **fields})
            self.assertEqual((made.status, made.json["role"]["tenant_id"]), (201, fields.get("tenant_id")))
            changed = self.as_("admin", "PATCH", f"/api/roles/{name}{query}", {"description": "d" + query})
            self.assertEqual(changed.json["role"]["description"], "d" + query)
        own = self.as_("support", "GET", f"/api/roles?tenant_id={tenant}").json["roles"]
        self.assertEqual([role["scope"] for role in own if role["name"] == name], ["tenant"])
        sql(f"SELECT latchkey.grant_role('{self.ids['user']}', '{name}', '{tenant}')")
        for query, status in (("", 403), (f"?tenant_id={tenant}", 403)):
            self.assertEqual(self.as_("user", "GET", "/api/roles" + query).status, status)
        mine = self.as_("user", "GET", f"/api/auth/permissions?tenant_id={tenant}").json
        self.assertEqual((mine["permissions"], [role["role"] for role in mine["roles"]]),
                         (["users.read"], [name]))
        self.assertEqual(mine["roles"][0]["tenant_id"], tenant)
        elsewhere = self.as_("user", "GET", f"/api/auth/permissions?tenant_id={NIL_TENANT}").json
        self.assertEqual((elsewhere["permissions"], elsewhere["roles"]), ([], []))
        sql(f"SELECT latchkey.revoke_role('{self.ids['user']}', '{name}', '{tenant}')")
        for query in ("", f"?tenant_id={tenant}"):
            self.assertEqual(self.as_("admin", "DELETE", f"/api/roles/{name}{query}").status, 200)
        everywhere = {"name": name, "permissions": [], "scope": "tenant"}
        self.assertEqual(self.as_("admin", "POST", "/api/roles", everywhere).json["role"]["scope"], "tenant")
        self.assertEqual(self.as_("admin", "DELETE", f"/api/roles/{name}").status, 404)
        self.assertEqual(self.as_("admin", "DELETE", f"/api/roles/{name}?scope=tenant").status, 200)
        for query, part in (("tenant_id=x", "must be a UUID"), ("scope=global", "scope must be"),
                            (f"scope=platform&tenant_id={tenant}", "belongs to no tenant")):
            self.assert_problem(self.as_("admin", "DELETE", f"/api/roles/{name}?{query}"), 400,
                                "invalid_argument", part)
        self.assert_problem(self.as_("admin", "POST", "/api/roles", {**everywhere, "scope": None,
                                                                     "tenant_id": NIL_TENANT}), 404, "not_found")
        self.assert_problem(self.as_("admin", "POST", "/api/roles", {**everywhere, "tenant_id": "x"}),
                            400, "invalid_argument")

    def test_my_permissions(self):
        self.assert_problem(self.gateway.get("/api/auth/permissions"), 401, "invalid_token")
        mine = self.as_("user", "GET", "/api/auth/permissions")
        self.assertEqual(mine.json, {"success": True, "roles": [], "permissions": []})
        mine = self.as_("support", "GET", "/api/auth/permissions").json
        self.assertEqual([(role["role"], role["tenant_id"], role["expires_at"]) for role in mine["roles"]],
                         [("support", None, None)])
        self.assertIn("users.read", mine["permissions"])
        self.assertTrue(all(name.endswith(".read") for name in mine["permissions"]))
        listed = self.as_("support", "GET", "/api/permissions").json["permissions"]
        self.assertEqual(set(listed[0]), {"name", "module", "description"})
        self.assertEqual(self.as_("admin", "GET", "/api/auth/permissions").json["permissions"],
                         [permission["name"] for permission in listed])

    def test_a_change_counts_at_once(self):
        _, token, user_id = self.gateway.register()
        self.assertEqual(self.gateway.get("/api/roles", token).status, 403)
        sql(f"SELECT latchkey.grant_role('{user_id}', 'support')")
        self.assertEqual(self.gateway.get("/api/roles", token).status, 200)
        sql(f"SELECT latchkey.revoke_role('{user_id}', 'support')")
        self.assertEqual(self.gateway.get("/api/roles", token).status, 403)

    def test_lists_are_strict(self):
        head = '{"name":"%s","permissions":' % new_name()
        for value in ('"users.read"', "1", "true", "null", "{}", "[1]", "[null]", "[true]", '["users.read",1.5]',
                      "[[]]", '[["users.read"]]', '[{"a":1}]', '["users.read",{}]', "[-1]", '{"0":"users.read"}'):
            answer = self.as_("admin", "POST", "/api/roles", (head + value + "}").encode())
            self.assert_problem(answer, 400, "invalid_argument", '"permissions" must be an array of strings')
        for value, part in (('[""]', "must not be empty"), ('["a\\u0000.b"]', "U+0000"), ('["a","a\\ud800"]', "JSON"),
                            (json.dumps(["a" * 101]), "longer than 100"), ('["users.read"', "JSON"), ("[,]", "JSON"),
                            ('["a.b",]', "JSON"), ('["*"],"permissions":["*"]', "given twice"),
                            (json.dumps([f"a{i}.*" for i in range(201)]), "at most 200")):
            answer = self.as_("admin", "POST", "/api/roles", (head + value + "}").encode())
            self.assert_problem(answer, 400, "invalid_argument", part)
        self.assert_problem(self.as_("admin", "POST", "/api/roles", b'["name"]'), 400, "invalid_argument",
                            "must be a JSON object")
        self.assert_problem(self.as_("admin", "POST", "/api/roles", {"name": ["x"], "permissions": []}), 400,
                            "invalid_argument", '"name" must be a string')
        self.assert_problem(self.as_("admin", "PUT", "/api/roles/support", {}), 400, "invalid_argument",
                            '"permissions" is missing')

    def test_lists_are_quoted(self):
        """Nothing in an element ends it, nor becomes another: each is refused whole, by its own name."""
        for text in ('a","*', '*}', '{*}', "a\\", 'a\\","*', '"*"', "NULL", "null", " * ", "*,*", "a'b", "ü.ß", "*"):
            answer = self.as_("admin", "POST", "/api/roles", {"name": new_name(), "permissions": [text]})
            if text == "*":
                self.assertEqual(answer.json["role"]["permissions"], ["*"])
            else:
                self.assert_problem(answer, 400, "invalid_argument", f'"{text}" is no permission')

    def test_no_more_than_one_holds(self):
        name = new_name()
        sql(f"SELECT latchkey.create_role('{name}', '{{roles.*,users.read}}')")
        _, token, user_id = self.gateway.register()
        sql(f"SELECT latchkey.grant_role('{user_id}', '{name}')")
        for permissions, status in ((["users.read"], 201), (["users.write"], 403), (["*"], 403), (["users.*"], 403)):
            answer = self.gateway.post("/api/roles", {"name": new_name(), "permissions": permissions}, token)
            self.assertEqual(answer.status, status, answer.body)
        self.assert_problem(self.gateway.request("PATCH", f"/api/roles/{name}", {"permissions": ["users.read"]}, token),
                            403, "forbidden", "nobody changes their own roles")
        self.assert_problem(self.as_("admin", "PATCH", "/api/roles/admin", {"description": "x"}), 403, "forbidden")
        self.assert_problem(self.as_("admin", "DELETE", "/api/roles/support"), 400, "invalid_argument", "built-in")

    def test_permissions(self):
        name = new_name("things") + ".read"
        for description in ("One", "Two"):
            answer = self.as_("admin", "POST", "/api/permissions", {"name": name, "description": description})
            self.assertEqual(answer.json["permission"],
                             {"name": name, "module": "application", "description": description})
        for bad, status, code in (("things", 400, "invalid_argument"), ("things.*", 400, "invalid_argument"),
                                  ("users.read", 409, "already_exists")):
            self.assert_problem(self.as_("admin", "POST", "/api/permissions", {"name": bad}), status, code)
        role = new_name()
        self.as_("admin", "POST", "/api/roles", {"name": role, "permissions": [name]})
        self.assert_problem(self.as_("admin", "DELETE", f"/api/permissions/{name}"), 409, "conflict", role)
        self.as_("admin", "DELETE", f"/api/roles/{role}")
        self.assertEqual(self.as_("admin", "DELETE", f"/api/permissions/{name}").status, 200)
        self.assert_problem(self.as_("admin", "DELETE", f"/api/permissions/{name}"), 404, "not_found")

    def test_the_document(self):
        document = self.gateway.get("/openapi.json").json
        body = document["paths"]["/api/roles"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        self.assertEqual(body["properties"]["permissions"]["type"], "array")
        self.assertEqual(body["properties"]["permissions"]["items"]["type"], "string")
        self.assertEqual(document["components"]["schemas"]["Role"]["properties"]["permissions"]["items"],
                         {"type": "string"})


if __name__ == "__main__":
    unittest.main()
