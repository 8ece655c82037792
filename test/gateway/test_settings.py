"""Routes of the module settings."""
import unittest

from harness import AdminTest, sql


class SettingsTest(AdminTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        _, cls.user, _ = cls.gateway.register()
        sql("SELECT latchkey.register_setting('rest.limit', 'integer', '5', 'Of this test', 1, 10), "
            "latchkey.register_setting('rest.colour', 'text', 'red', 'Of this test', choices => '{red,green}')")

    @classmethod
    def tearDownClass(cls):
        sql("SELECT latchkey.delete_setting('rest.limit'), latchkey.delete_setting('rest.colour')")
        super().tearDownClass()

    def read(self, category):
        answer = self.gateway.get(f"/api/settings?category={category}", self.admin)
        self.assertEqual(answer.status, 200, answer.body)
        return {s["key"]: s for s in answer.json["settings"]}

    def put(self, key, body, token=None):
        return self.gateway.request("PUT", "/api/settings/" + key, body, token or self.admin)

    def test_list(self):
        everything = self.gateway.get("/api/settings", self.admin).json["settings"]
        keys = [s["key"] for s in everything]
        self.assertEqual(keys, sorted(keys))
        self.assertIn("sessions.lifetime", keys)
        own = self.read("rest")
        self.assertEqual(set(own), {"rest.limit", "rest.colour"})
        limit = {k: v for k, v in own["rest.limit"].items() if k not in ("value", "updated_at")}
        self.assertEqual(limit, {
            "key": "rest.limit", "category": "rest", "default_value": "5", "type": "integer", "minimum": 1, "maximum": 10,
            "choices": None, "hot_reloadable": True, "description": "Of this test", "built_in": False})
        self.assertEqual(own["rest.colour"]["choices"], ["red", "green"])
        self.assertEqual(self.read("none"), {})

    def test_change(self):
        answer = self.put("rest.limit", {"value": "7"})
        self.assertEqual((answer.status, answer.json), (200, {"success": True, "message": "Setting changed"}))
        self.assertEqual(self.read("rest")["rest.limit"]["value"], "7")
        self.assertEqual(sql("SELECT data->>'value', actor_id FROM latchkey.event_history('setting', 'rest.limit', "
                             "newest_first => true, max_rows => 1)"), "7|" + self.admin_id)

    def test_refused(self):
        before = self.read("rest")
        for key, value, part in (("rest.limit", "many", "integer"), ("rest.limit", "11", "range"),
                                 ("rest.limit", "0", "range"), ("rest.colour", "blue", "value")):
            self.assert_problem(self.put(key, {"value": value}), 400, "invalid_argument", part)
        for body in ({}, {"value": None}, {"value": ""}, {"value": 7}, {"value": True}, {"value": "x" * 10001},
                     {"value": "7", "type": "text"}):
            self.assert_problem(self.put("rest.limit", body), 400, "invalid_argument")
        self.assert_problem(self.put("rest.none", {"value": "7"}), 404, "not_found", "rest.none")
        self.assert_problem(self.put("rest.limit", {"value": "7"}, self.user), 403, "forbidden")
        self.assert_problem(self.gateway.get("/api/settings", self.user), 403, "forbidden")
        self.assert_problem(self.gateway.get("/api/settings?category=" + "x" * 101, self.admin), 400, "invalid_argument")
        self.assertEqual(self.read("rest"), before)

    def test_takes_effect(self):
        """On the connections that the gateway has open already."""
        old = sql("SELECT latchkey.get_setting('passwords.min_length')")
        self.addCleanup(sql, f"SELECT latchkey.set_setting('passwords.min_length', '{old}')")
        self.assertEqual(self.put("passwords.min_length", {"value": "30"}).status, 200)
        for _ in range(5):
            answer = self.gateway.post("/api/auth/register", {
                "email": "short@example.com", "password": "correct horse battery", "name": "Ann"})
            self.assert_problem(answer, 400, "invalid_argument", "30")


if __name__ == "__main__":
    unittest.main()
