"""Routes of plans, subscriptions, trials and quotas: the public list, one's own standing, and administration."""
import threading
import unittest

from harness import AdminTest, sql

PLAN = "rest-studio"
UNIT = "rest_unit"


class PlansTest(AdminTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        sql(f"SELECT latchkey.set_plan_feature('free', '{UNIT}', 3, 'day')")

    @classmethod
    def tearDownClass(cls):
        sql(f"DELETE FROM latchkey.plan_features WHERE feature = '{UNIT}'")
        super().tearDownClass()

    def setUp(self):
        _, self.token, self.user_id = self.gateway.register()

    def get(self, path, token=None):
        answer = self.gateway.get(path, token or self.token)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json


class OwnTest(PlansTest):

    def test_anybody_sees_the_plans_on_offer(self):
        answer = self.gateway.get("/api/plans")
        self.assertEqual(answer.status, 200)
        plans = {plan["key"]: plan for plan in answer.json["plans"]}
        self.assertLessEqual({"free", "premium", "pro", "enterprise"}, set(plans))
        self.assertEqual(plans["pro"]["monthly_price_cents"], 2999)
        self.assertIsNone(plans["enterprise"]["monthly_price_cents"])
        self.assertIn({"feature": "model:gpt-4", "granted_limit": None, "period": None}, plans["pro"]["features"])

    def test_a_trial_from_start_to_end(self):
        self.assertEqual(self.get("/api/subscription")["subscription"]["tier"], "free")
        answer = self.gateway.post("/api/subscription/trial", {"plan": "pro"}, self.token)
        self.assertEqual((answer.status, answer.json["trial"]["status"]), (201, "active"))
        subscription = self.get("/api/subscription")["subscription"]
        self.assertEqual((subscription["tier"], subscription["status"], subscription["trial_status"]),
                         ("pro", "trialing", "active"))
        again = self.gateway.post("/api/subscription/trial", {"plan": "premium"}, self.token)
        self.assert_problem(again, 409, "conflict")
        answer = self.gateway.request("DELETE", "/api/subscription/trial", None, self.token)
        self.assertEqual((answer.status, answer.json["trial"]["status"]), (200, "cancelled"))
        self.assertEqual(self.get("/api/subscription")["subscription"]["tier"], "free")
        answer = self.gateway.post("/api/subscription/trial", {"plan": "pro"}, self.token)
        self.assert_problem(answer, 409, "conflict", "there was a trial before")

    def test_the_length_of_a_trial_is_not_the_callers(self):
        answer = self.gateway.post("/api/subscription/trial", {"plan": "pro", "length": "99 days"}, self.token)
        self.assert_problem(answer, 400, "invalid_argument", "length")

    def test_a_trial_of_what_has_no_price_is_refused(self):
        for plan, status, code in (("enterprise", 403, "forbidden"), ("none", 403, "forbidden")):
            answer = self.gateway.post("/api/subscription/trial", {"plan": plan}, self.token)
            self.assert_problem(answer, status, code)

    def test_the_intended_plan(self):
        answer = self.gateway.post("/api/subscription/intended-plan",
                                   {"plan": "premium", "billing_interval": "year"}, self.token)
        self.assertEqual(answer.status, 200, answer.body)
        subscription = self.get("/api/subscription")["subscription"]
        self.assertEqual((subscription["intended_plan"], subscription["intended_interval"], subscription["tier"]),
                         ("premium", "year", "free"))
        answer = self.gateway.post("/api/subscription/intended-plan", {"plan": "platinum"}, self.token)
        self.assert_problem(answer, 404, "not_found")

    def test_another_account_is_not_ones_own(self):
        _, _, other = self.gateway.register()
        for path in ("subscription", "subscription/features", "usage"):
            self.assert_problem(self.gateway.get(f"/api/{path}?account_id={other}", self.token), 403, "forbidden")
            self.get(f"/api/{path}?account_id={other}", self.admin)
            self.assertEqual(self.gateway.get(f"/api/{path}").status, 401)
        answer = self.gateway.post("/api/subscription/trial", {"plan": "pro", "account_id": other}, self.token)
        self.assert_problem(answer, 403, "forbidden")


class QuotaTest(PlansTest):

    def consume(self, key, token=None, **body):
        return self.gateway.request("POST", "/api/usage", {"feature": UNIT, **body}, token or self.token,
                                    {"Idempotency-Key": f"{self.user_id}-{key}"})

    def test_up_to_the_limit(self):
        answer = self.consume("one", amount=2)
        self.assertEqual((answer.status, answer.json["quota"]["used"], answer.json["quota"]["remaining"]), (200, 2, 1))
        self.assertEqual(self.consume("one", amount=2).json["quota"]["used"], 2)
        self.assert_problem(self.consume("one", amount=1), 409, "idempotency_mismatch")
        self.assert_problem(self.consume("two", amount=2), 429, "quota_exceeded")
        usage = {entry["feature"]: entry for entry in self.get("/api/usage")["usage"]}
        self.assertEqual((usage[UNIT]["used"], usage[UNIT]["remaining"], usage[UNIT]["period"]), (2, 1, "day"))

    def test_a_feature_of_a_higher_plan(self):
        self.assert_problem(self.consume("model", feature="model:gpt-4"), 403, "tier_required")
        self.assert_problem(self.consume("none", feature="nowhere"), 404, "not_found")
        self.assert_problem(self.consume("zero", amount=0), 400, "invalid_argument")

    def test_ten_at_once(self):
        statuses = []
        threads = [threading.Thread(target=lambda i=i: statuses.append(self.consume(i).status)) for i in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(statuses), [200] * 3 + [429] * 7)


class AdministrationTest(PlansTest):

    def send(self, method, path, body=None, token=None):
        return self.gateway.request(method, "/api/" + path, body, token or self.admin)

    def test_a_plan_and_its_versions(self):
        self.addCleanup(sql, f"DELETE FROM latchkey.plans WHERE key = '{PLAN}'")
        for table in ("features", "versions", "version_features", "prices"):
            self.addCleanup(sql, f"DELETE FROM latchkey.plan_{table} WHERE plan = '{PLAN}'")
        self.addCleanup(sql, f"SELECT latchkey.set_tier('{self.user_id}', 'free')")
        answer = self.send("PUT", f"plans/{PLAN}", {"display_name": "Studio", "rank": 15, "monthly_price_cents": 1900})
        self.assertEqual((answer.status, answer.json["plan"]["version"]), (200, 1), answer.body)
        answer = self.send("PUT", f"plans/{PLAN}/features/{UNIT}", {"granted_limit": 7, "period": "month"})
        self.assertEqual((answer.status, answer.json["version"]), (200, 1), answer.body)
        sql(f"SELECT latchkey.set_tier('{self.user_id}', '{PLAN}')")
        answer = self.send("PUT", f"plans/{PLAN}", {"monthly_price_cents": 2500})
        self.assertEqual(answer.json["plan"]["version"], 2)
        answer = self.send("DELETE", f"plans/{PLAN}/features/{UNIT}")
        self.assertEqual(answer.json["version"], 2)
        features = self.get("/api/subscription/features")["features"]
        self.assertEqual([(f["feature"], f["granted_limit"], f["source"]) for f in features], [(UNIT, 7, "plan")])
        self.assertEqual(self.send("DELETE", f"plans/{PLAN}").status, 200)
        self.assertNotIn(PLAN, [plan["key"] for plan in self.gateway.get("/api/plans").json["plans"]])
        self.assertEqual(self.get("/api/subscription")["subscription"]["tier"], PLAN)

    def test_an_override(self):
        body = {"account_id": self.user_id, "granted_limit": 9, "period": "ever", "ends_at": "2100-01-01T00:00:00Z"}
        self.assertEqual(self.send("PUT", f"subscription/overrides/{UNIT}", body).status, 200)
        features = {f["feature"]: f for f in self.get("/api/subscription/features")["features"]}
        self.assertEqual((features[UNIT]["granted_limit"], features[UNIT]["source"]), (9, "override"))
        answer = self.send("DELETE", f"subscription/overrides/{UNIT}?account_id={self.user_id}")
        self.assertEqual(answer.status, 200, answer.body)
        features = {f["feature"]: f for f in self.get("/api/subscription/features")["features"]}
        self.assertEqual((features[UNIT]["granted_limit"], features[UNIT]["source"]), (3, "plan"))

    def test_nobody_else_administers(self):
        for method, path, body in (("PUT", "plans/mine", {"display_name": "Mine", "rank": 1}), ("DELETE", "plans/pro", None),
                                   ("PUT", f"plans/free/features/{UNIT}", {}), ("DELETE", f"plans/free/features/{UNIT}", None),
                                   ("PUT", f"subscription/overrides/{UNIT}", {"account_id": self.user_id}),
                                   ("DELETE", f"subscription/overrides/{UNIT}", None)):
            self.assert_problem(self.send(method, path, body, self.token), 403, "forbidden")


if __name__ == "__main__":
    unittest.main()
