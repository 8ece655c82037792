"""Stripe's webhooks: signatures, and the same final state whatever the order of the events."""
import concurrent.futures
import json
import os
import random
import time
import unittest

from harness import GatewayTest, sql
from stripe_events import PREVIOUS, SECRET, mac, samples, sign

ORDERS = 12  # test/regress/sql/billing_orders.sql has 200
PATHS = ("/api/webhooks/stripe", "/api/subscription/webhooks/stripe")


class BillingTest(GatewayTest):

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


if __name__ == "__main__":
    unittest.main()
