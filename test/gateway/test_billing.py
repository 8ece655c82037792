"""Stripe's webhooks: signatures, and the same final state whatever the order of the events."""
import concurrent.futures
import json
import os
import random
import time
import unittest

from harness import AdminTest, sql
from stripe_events import PREVIOUS, SECRET, mac, samples, sign

ORDERS = 200
PATHS = ("/api/webhooks/stripe", "/api/subscription/webhooks/stripe")


class BillingTest(AdminTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        sql(f"SELECT latchkey.set_secret('stripe.webhook_secret', '{SECRET}'), "
            f"latchkey.set_secret('stripe.previous_webhook_secret', '{PREVIOUS}'), "
            "latchkey.set_plan('premium', stripe_monthly_price_id => 'price_1SamplePremiumMonthly'), "
            "latchkey.set_plan('pro', stripe_monthly_price_id => 'price_1SampleProMonthly')")

    def send(self, body, signature=None, path=PATHS[0]):
        return self.gateway.post(path, body, headers={"Stripe-Signature": signature or sign(body)})

    def new_account(self):
        _, token, user = self.gateway.register()
        return user, token, "x" + user.replace("-", "")

    def state(self, user):
        """What must not depend on the order."""
        return sql(f"""
            SELECT to_jsonb(s) - 'account_id' - 'stripe_customer_id' FROM latchkey.subscription('{user}') AS s;
            SELECT kind, amount_cents, currency, occurred_at, credits, credits_revoked
              FROM latchkey.billing_transactions WHERE account_id = '{user}' ORDER BY kind, amount_cents;
            SELECT coalesce(sum(amount), 0), sum(amount) FILTER (WHERE kind = 'purchase')
              FROM latchkey.credit_transactions WHERE account_id = '{user}';
            SELECT available FROM latchkey.credit_balance('{user}');
            SELECT credit_debt FROM latchkey.billing_accounts WHERE account_id = '{user}';
            SELECT count(*) FROM latchkey.verify_ledger('{user}')""")


class SignatureTest(BillingTest):

    def test_matrix(self):
        user, _, suffix = self.new_account()
        body = samples(user, suffix)[0]
        now = int(time.time())
        good = mac(body, now)
        reserialised = json.dumps(json.loads(body), sort_keys=True).encode()
        wrong = [(body, sign(body, "whsec_other")), (body, sign(body, seconds=now - 310)), (body, sign(body, seconds=now + 310)),
                 (body, f"t={now},v0={good}"), (body, f"t={now}"), (body, "nonsense"), (body[:-2] + b" }", f"t={now},v1={good}"),
                 (reserialised, f"t={now},v1={good}")]
        for path in PATHS:
            for sent, signature in wrong:
                self.assert_problem(self.send(sent, signature, path), 400, "invalid_argument")
            self.assert_problem(self.gateway.post(path, body), 400, "invalid_argument", "Stripe-Signature")
        self.assertEqual(sql(f"SELECT count(*) FROM latchkey.billing_events WHERE stripe_event_id LIKE '%{suffix}%'"), "0")
        self.assertEqual(self.send(body, f"t={now},v1={'0' * 64},v1={good}").json["outcome"], "applied")
        self.assertEqual(self.send(body, sign(body, PREVIOUS)).json["outcome"], "duplicate")
        self.assertEqual(self.send(body, path=PATHS[1]).json["outcome"], "duplicate")

    def test_refused_events(self):
        for text in (b"{}", b"[", b"\xff\xfe", b'{"id":"evt_thin","object":"v2.core.event"}', b"[" * 5000,
                     b'{"id":"evt_live","object":"event","type":"x","created":1,"livemode":true,"data":{"object":{}}}'):
            self.assert_problem(self.send(text), 400, "invalid_argument")
        self.assert_problem(self.send(b" " * (1 << 20) + b"{}"), 413, "payload_too_large")


class OrderTest(BillingTest):

    def deliver(self, events, clients=1):
        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            for answer in pool.map(self.send, events):
                self.assertEqual(answer.status, 200, answer.body)

    def test_any_order(self):
        seed = int(os.environ.get("LATCHKEY_TEST_SEED", random.randrange(1 << 30)))
        print(f"seed {seed}", flush=True)
        rng = random.Random(seed)
        expected = None
        for attempt in range(ORDERS + 2):
            user, _, suffix = self.new_account()
            events = samples(user, suffix)
            if attempt == 2:
                events.reverse()
            elif attempt:
                events += rng.sample(events, 6)
                rng.shuffle(events)
            self.deliver(events, 8 if attempt % 2 else 1)
            state = self.state(user)
            if expected is None:
                self.assertIn('"plan": "pro"', state)
                self.assertIn('"status": "canceled"', state)
                self.assertIn("payment|5000|usd|2025-11-21 04:41:00+00|500|500", state)
                expected = state
            self.assertEqual(state, expected, f"attempt {attempt}, seed {seed}")


class RoutesTest(BillingTest):

    def get(self, target, token):
        return self.gateway.get("/api/billing" + target, token)

    def test_what_is_known_of_ones_own(self):
        user, token, suffix = self.new_account()
        for event in samples(user, suffix):
            self.assertEqual(self.send(event).status, 200)
        payments = self.get("/transactions", token).json["transactions"]
        self.assertEqual([p["amount_cents"] for p in payments], [-3000, -2000, 5000, 1999])
        self.assertEqual({p["account_id"] for p in payments}, {user})
        first = self.get("/transactions?limit=3", token).json["transactions"]
        rest = self.get("/transactions?after=" + first[-1]["id"], token).json["transactions"]
        self.assertEqual(first + rest, payments)
        cards = self.get("/payment-methods", token).json["payment_methods"]
        self.assertEqual([(c["brand"], c["last_four"], c["expires_year"]) for c in cards], [("visa", "4242", 2030)])
        subscription = self.gateway.get("/api/subscription", token).json["subscription"]
        self.assertEqual((subscription["plan"], subscription["tier"], subscription["status"]), ("pro", "free", "canceled"))
        self.assertEqual(subscription["stripe_customer_id"], f"cus_SampleCustomer1{suffix}")
        for target in (f"/transactions?account_id={self.admin_id}", f"/payment-methods?account_id={self.admin_id}", "/events"):
            self.assert_problem(self.get(target, token), 403, "forbidden")

    def test_a_customer_is_linked_by_hand(self):
        user, token, suffix = self.new_account()
        events = [e for e in samples(user, suffix) if b"checkout.session" not in e]
        self.assertEqual({self.send(e).json["outcome"] for e in events}, {"parked", "ignored"})
        waiting = [e for e in self.get("/events?outcome=parked&limit=1000", self.admin).json["events"]
                   if suffix in e["stripe_event_id"]]
        self.assertEqual({e["waits_for"] for e in waiting}, {f"cus_SampleCustomer1{suffix}"})
        self.assertEqual({e["reason"] for e in waiting}, {"unknown_customer"})
        path = f"/api/billing/customers/cus_SampleCustomer1{suffix}"
        self.assert_problem(self.gateway.get(path, self.admin), 404, "not_found")
        self.assert_problem(self.gateway.request("PUT", path, {"account_id": user}, token), 403, "forbidden")
        self.assertEqual(self.gateway.request("PUT", path, {"account_id": user}, self.admin).status, 200)
        self.assertEqual(self.gateway.get(path, self.admin).json["account_id"], user)
        self.assert_problem(self.gateway.request("PUT", path, {"account_id": self.admin_id}, self.admin), 409, "already_exists")
        self.assertEqual(self.gateway.get("/api/subscription", token).json["subscription"]["status"], "canceled")
        self.assertEqual(len(self.get("/transactions", token).json["transactions"]), 3)
        self.assertGreaterEqual(self.gateway.post("/api/billing/events/apply-parked", token=self.admin).json["applied"], 0)
        before = self.state(user)
        replay = self.gateway.post("/api/billing/replay", token=self.admin).json["replay"]
        self.assertEqual(replay["events"], replay["applied"] + replay["ignored"] + replay["parked"])
        total, last = 0, ""
        while last is not None:
            page = self.gateway.post(f"/api/billing/replay?limit=40&after={last}" if last else "/api/billing/replay?limit=40",
                                     token=self.admin).json["replay"]
            total, last = total + page["events"], page["last_event_id"]
        self.assertEqual(str(total), sql("SELECT count(*) FROM latchkey.billing_events"))
        self.assert_problem(self.gateway.post("/api/billing/replay?after=evt_nowhere", token=self.admin), 404, "not_found")
        self.assertEqual(self.state(user), before)

    def test_bytes_as_they_came(self):
        """What is signed isn't normalised: spaces, escapes, another media type."""
        user, _, suffix = self.new_account()
        body = samples(user, suffix)[0]
        odd = b" \r\n" + json.dumps(json.loads(body), indent=3, ensure_ascii=True).replace("\n", "\r\n").encode() + b"\t"
        answer = self.gateway.post(PATHS[0], odd, headers={"Stripe-Signature": sign(odd), "Content-Type": "text/plain; charset=x"})
        self.assertEqual((answer.status, answer.json.get("outcome")), (200, "applied"), answer.body)


if __name__ == "__main__":
    unittest.main()
