"""Routes of the module webhooks: endpoints of one's own, of others and of the platform."""
from harness import AdminTest, sql

PLATFORM = "00000000-0000-0000-0000-000000000000"
URL = "https://example.com/hook"


class WebhooksTest(AdminTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        _, cls.user, cls.user_id = cls.gateway.register()

    def setUp(self):
        sql("DELETE FROM latchkey.webhook_endpoints; DELETE FROM latchkey.webhook_deliveries")

    def send(self, method, target, body=None, token=None):
        return self.gateway.request(method, "/api/webhooks" + target, body, token or self.user)

    def make(self, token=None, **fields):
        answer = self.send("POST", "", {"url": URL, **fields}, token)
        self.assertEqual(answer.status, 201, answer.body)
        self.assertEqual(answer.headers["cache-control"], "no-store")
        return answer.json["endpoint"]

    def test_an_endpoint_lives_and_dies(self):
        made = self.make(event_types=["order.*"], description="mine")
        self.assertRegex(made["secret"], "^whsec_[A-Za-z0-9_-]{43}$")
        self.assertEqual((made["account_id"], made["url"]), (self.user_id, URL))
        self.assertEqual((made["event_types"], made["active"]), (["order.*"], True))
        one = "/" + made["id"]
        changed = self.send("PATCH", one, {"active": False, "event_types": ["*"]}).json["endpoint"]
        self.assertEqual((changed["active"], changed["event_types"], changed["url"]), (False, ["*"], URL))
        self.assertNotIn("secret", changed)
        rotated = self.send("POST", one + "/rotate", {"overlap_seconds": 60})
        self.assertEqual(rotated.status, 201)
        self.assertNotEqual(rotated.json["endpoint"]["secret"], made["secret"])
        self.assertIsNotNone(rotated.json["endpoint"]["previous_secret_expires_at"])
        listed = self.send("GET", "").json["endpoints"]
        self.assertEqual([e["id"] for e in listed], [made["id"]])
        self.assertNotIn("secret", listed[0])
        self.assertEqual(self.send("DELETE", one).json["message"], "Webhook endpoint deleted")
        self.assertEqual(self.send("DELETE", one).status, 404)

    def test_what_is_refused(self):
        for body in ({}, {"url": "http://example.com"}, {"url": "https://a:b@example.com"}, {"url": URL, "event_types": []},
                     {"url": URL, "event_types": ["Order"]}, {"url": URL, "secret": "whsec_mine"},
                     {"url": URL, "description": "x" * 501}):
            answer = self.send("POST", "", body)
            self.assertEqual((answer.status, answer.json["code"]), (400, "invalid_argument"), body)
        self.assertEqual(self.send("GET", "/x/deliveries").status, 400)
        self.assertEqual(self.send("GET", f"/{PLATFORM}/deliveries").status, 404)
        one = "/" + self.make()["id"]
        self.assertEqual(self.send("GET", one + "/deliveries?status=lost").status, 400)
        self.assertEqual(self.send("POST", f"{one}/deliveries/{PLATFORM}/retry").status, 404)

    def test_others_need_the_permission(self):
        mine = self.make()
        of_all = self.make(self.admin, account_id=PLATFORM)
        _, other, _ = self.gateway.register()
        for target in ("/" + mine["id"], "/" + of_all["id"]):
            self.assertEqual(self.send("DELETE", target, token=other).status, 404)
        for account in (self.user_id, PLATFORM):
            for method, target, body in (
                    ("GET", f"?account_id={account}", None), ("POST", "", {"url": URL, "account_id": account}),
                    ("DELETE", f"/{mine['id']}?account_id={account}", None),
                    ("GET", f"/{mine['id']}/deliveries?account_id={account}", None),
                    ("POST", f"/{mine['id']}/rotate", {"account_id": account})):
                answer = self.send(method, target, body, other)
                self.assertEqual((answer.status, answer.json["code"]), (403, "forbidden"), (method, target))
        self.assertEqual(self.send("GET", "/all", token=other).status, 403)
        listed = {e["id"] for e in self.send("GET", "/all", token=self.admin).json["endpoints"]}
        self.assertEqual(listed, {mine["id"], of_all["id"]})
        self.assertEqual(self.send("GET", f"?account_id={self.user_id}", token=self.admin).json["endpoints"][0]["id"], mine["id"])

    def test_deliveries_are_listed_and_retried(self):
        one = "/" + self.make(event_types=["order.paid"])["id"]
        sql(f"SELECT latchkey.record_event('order', '7', 'order.paid', '{{}}', '{self.user_id}')")
        for _ in range(50):
            sql("SELECT latchkey.dispatch_webhooks(1000)")
            if deliveries := self.send("GET", one + "/deliveries").json["deliveries"]:
                break
        self.assertEqual([(d["event_type"], d["status"], d["attempts"]) for d in deliveries], [("order.paid", "pending", 0)])
        sql(f"SELECT latchkey.cancel_job('{self.user_id}', '{deliveries[0]['job_id']}')")
        self.assertEqual(len(self.send("GET", one + "/deliveries?status=cancelled").json["deliveries"]), 1)
        again = self.send("POST", f"{one}/deliveries/{deliveries[0]['event_id']}/retry")
        self.assertEqual((again.status, again.json["delivery"]["status"]), (200, "pending"), again.body)
        sql(f"SELECT latchkey.cancel_job('{self.user_id}', '{again.json['delivery']['job_id']}')")
