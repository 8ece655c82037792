"""Onboarding: each step is done when the facts say so, and skipped when the user does."""
import unittest

from harness import GatewayTest, sql

PATH = "/api/onboarding"


class OnboardingTest(GatewayTest):

    def setUp(self):
        _, self.token, self.user_id = self.gateway.register(name=None)

    def steps(self):
        answer = self.gateway.get(PATH, self.token)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def skip(self, **body):
        return self.gateway.request("PATCH", PATH, body, self.token)

    def test_a_new_user_has_all_to_do(self):
        state = self.steps()
        self.assertEqual([(s["step"], s["required"], s["done"], s["skipped"], s["is_next"]) for s in state["steps"]],
                         [("create_store", True, False, False, True), ("connect_database", True, False, False, False),
                          ("payments", False, False, False, False), ("credits", False, False, False, False),
                          ("profile", True, False, False, False)])
        self.assertEqual((state["next_step"], state["complete"]), ("create_store", False))

    def test_from_the_first_step_to_the_last(self):
        tenant = self.gateway.post("/api/tenants", {"name": "Shop"}, self.token).json["tenant"]["id"]
        self.assertEqual(self.steps()["next_step"], "connect_database")
        connection = {"host": "db.example.com", "database": "shop", "user": "shop", "password": "x"}
        answer = self.gateway.post(f"/api/tenants/{tenant}/connect-database", {"connection": connection}, self.token)
        self.assertEqual(answer.status, 202, answer.body)
        self.assertEqual(self.steps()["next_step"], "connect_database")
        sql(f"SELECT latchkey.start_provisioning('{tenant}'), latchkey.finish_provisioning('{tenant}')")
        self.assertEqual(self.steps()["next_step"], "payments")
        self.assertEqual(self.skip(step="payments").json["next_step"], "credits")
        sql(f"SELECT latchkey.grant_credits('{tenant}', 5)")
        self.assertEqual(self.steps()["next_step"], "profile")
        self.gateway.request("PATCH", "/api/auth/profile", {"name": "Ann"}, self.token)
        state = self.steps()
        self.assertEqual((state["next_step"], state["complete"]), (None, True))
        payments = state["steps"][2]
        self.assertEqual((payments["done"], payments["skipped"]), (False, True))
        self.assertEqual(self.skip(step="payments", skipped=False).json["next_step"], "payments")
        sql(f"SELECT latchkey.set_tier('{self.user_id}', 'pro')")
        self.assertTrue(self.steps()["complete"])
        self.gateway.request("DELETE", "/api/tenants/" + tenant, token=self.token)
        self.assertEqual(self.steps()["next_step"], "create_store")

    def test_a_customer_of_the_store_counts(self):
        tenant = self.gateway.post("/api/tenants", {"name": "Shop"}, self.token).json["tenant"]["id"]
        customer = "cus_" + tenant.replace("-", "")
        sql(f"INSERT INTO latchkey.stripe_customers VALUES ('{customer}', '{tenant}'); "
            f"UPDATE latchkey.accounts SET stripe_customer_id = '{customer}' WHERE id = '{tenant}'")
        self.assertTrue(self.steps()["steps"][2]["done"])

    def test_what_can_not_be_skipped(self):
        self.assert_problem(self.skip(step="profile"), 400, "invalid_argument", "can't be skipped")
        self.assert_problem(self.skip(step="lunch"), 400, "invalid_argument", "no such step")
        self.assert_problem(self.skip(), 400, "invalid_argument")
        self.assert_problem(self.gateway.get(PATH), 401, "invalid_token")

    def test_skipping_twice_is_one_event(self):
        count = f"SELECT count(*) FROM latchkey.events WHERE account_id = '{self.user_id}' AND type LIKE 'onboarding.%'"
        for _ in range(2):
            self.assertTrue(self.skip(step="credits").json["steps"][3]["skipped"])
        self.assertEqual(sql(count), "1")
        for _ in range(2):
            self.assertFalse(self.skip(step="credits", skipped=False).json["steps"][3]["skipped"])
        self.assertEqual(sql(count), "2")


if __name__ == "__main__":
    unittest.main()
