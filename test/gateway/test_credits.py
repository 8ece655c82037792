"""Routes of the module credits: who may, what comes back, what is refused, and what a repeated request does."""
import itertools
import os
import threading
import time
import unittest

from harness import AdminTest, Gateway, new_tenant, sql

NOBODY = "00000000-0000-7000-8000-000000000001"
MAX = 9223372036854775807
_keys = itertools.count(time.time_ns())


def new_key():
    return f"{os.getpid()}-{next(_keys)}"


class CreditsTest(AdminTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        sql("SELECT latchkey.set_service_cost('image', 5), latchkey.set_service_cost('mail', 1), "
            f"latchkey.set_service_cost('dear', {MAX}), latchkey.set_service_cost('old', 1, false)")

    def send(self, what, body=None, key=None, token=None, method="POST", **headers):
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.gateway.request(method, "/api/credits/" + what, body, token or self.admin, headers)

    def read(self, what, token=None):
        answer = self.gateway.get("/api/credits/" + what, token or self.admin)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def do(self, what, body, status=201, key=None, **more):
        """A request that works; its transaction or hold."""
        answer = self.send(what, body, new_key() if key is None else key, **more)
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["cache-control"], "no-store")
        return answer.json.get("transaction") or answer.json.get("hold")

    def account(self, credits=100):
        """A new tenant's account that holds credits."""
        account = new_tenant()
        if credits:
            self.do("purchase", {"account_id": account, "amount": credits})
        return account

    def available(self, account):
        return self.read(f"balance?account_id={account}")["balance"]["available"]


class ReadingTest(CreditsTest):

    def test_balance(self):
        _, user, user_id = self.gateway.register()
        self.assertEqual(self.read("balance", user)["balance"],
                         {"available": 0, "held": 0, "expiring": 0, "by_kind": {}})
        self.do("purchase", {"account_id": user_id, "amount": 60})
        soon = sql("SELECT to_char(now() + interval '3 days', 'YYYY-MM-DD\"T\"HH24:MI:SSOF\":00\"')")
        self.do("grants", {"account_id": user_id, "amount": 40, "kind": "bonus", "priority": 1, "expires_at": soon})
        self.do("holds", {"account_id": user_id, "service": "image", "quantity": 2})
        self.assertEqual(self.read("balance", user)["balance"], {
            "available": 90, "held": 10, "expiring": 30, "by_kind": {"purchase": 60, "bonus": 30}})
        self.assertEqual(self.read("balance?expiring_days=1", user)["balance"]["expiring"], 0)
        self.assertEqual(self.read(f"balance?account_id={user_id}")["balance"]["available"], 90)
        self.assertEqual(self.available(NOBODY), 0)

    def test_transactions(self):
        account = self.account()
        made = [self.do("debit", {"account_id": account, "service": service, "quantity": quantity, "metadata": {"n": 1}})
                for service, quantity in (("image", 1), ("mail", 2), ("image", 3))]
        where = f"transactions?account_id={account}"
        page = self.read(where + "&limit=2")["transactions"]
        self.assertEqual([t["id"] for t in page], [made[2]["id"], made[1]["id"]])
        rest = self.read(f"{where}&after={page[1]['id']}")["transactions"]
        self.assertEqual([t["amount"] for t in rest], [-5, 100])
        self.assertEqual((page[0]["amount"], page[0]["balance_after"], page[0]["quantity"], page[0]["metadata"]),
                         (-15, 78, 3, {"n": 1}))
        self.assertEqual([t["id"] for t in self.read(where + "&service=mail")["transactions"]], [made[1]["id"]])
        self.assertEqual([t["kind"] for t in self.read(where + "&kind=purchase")["transactions"]], ["purchase"])
        self.assertEqual(self.read(where + "&from=2099-01-01T00:00:00Z")["transactions"], [])
        self.assertEqual(self.read(where + "&before=2020-01-01T00:00:00Z")["transactions"], [])
        for bad in ("limit=0", "limit=1001", "after=1", "from=yesterday", "account_id=me"):
            answer = self.gateway.get("/api/credits/transactions?" + bad, self.admin)
            self.assert_problem(answer, 400, "invalid_argument", bad.split("=", maxsplit=1)[0])

    def test_usage(self):
        account = self.account()
        for service, quantity in (("image", 1), ("mail", 2), ("image", 3)):
            made = self.do("debit", {"account_id": account, "service": service, "quantity": quantity})
        self.do("refunds", {"account_id": account, "transaction_id": made["id"], "amount": 5})
        usage = self.read(f"usage?account_id={account}")["usage"]
        self.assertEqual([(u["service"], u["amount"], u["debits"]) for u in usage], [("image", 15, 2), ("mail", 2, 1)])
        self.assertRegex(usage[0]["day"], "^20..-..-..T00:00:00")
        self.assertEqual(self.read(f"usage?account_id={account}&from=2099-01-01T00:00:00Z")["usage"], [])
        self.assertEqual(self.read(f"usage?account_id={account}&from=2020-01-01T00:00:00Z&before=2021-01-01T00:00:00Z")["usage"], [])


    def test_holds(self):
        account = self.account(100)
        holds = [self.do("holds", {"account_id": account, "service": "mail"}) for _ in range(3)]
        self.do(f"holds/{holds[1]['id']}/release", {"account_id": account}, 200)
        page = self.read(f"holds?account_id={account}&limit=2")["holds"]
        self.assertEqual([h["id"] for h in page], [holds[2]["id"], holds[1]["id"]])
        self.assertEqual(page[0], holds[2])
        rest = self.read(f"holds?account_id={account}&after={page[1]['id']}")["holds"]
        self.assertEqual(rest, [holds[0]])
        active = self.read(f"holds?account_id={account}&status=active")["holds"]
        self.assertEqual([h["id"] for h in active], [holds[2]["id"], holds[0]["id"]])
        self.assert_problem(self.gateway.get("/api/credits/holds?status=open", self.admin), 400, "invalid_argument", "open")


class WhoMayTest(CreditsTest):

    def test_a_users_own_account(self):
        """They read it, and change nothing."""
        _, user, user_id = self.gateway.register()
        self.do("purchase", {"account_id": user_id, "amount": 10})
        debit = self.do("debit", {"account_id": user_id, "service": "mail"})
        self.assertEqual(self.read("transactions", user)["transactions"][0]["id"], debit["id"])
        for what, body in (
                ("purchase", {"account_id": user_id, "amount": 1}), ("debit", {"service": "mail"}),
                ("grants", {"account_id": user_id, "amount": 1, "kind": "bonus"}),
                ("debits", {"debits": [{"service": "mail"}]}), ("holds", {"service": "mail"}),
                (f"holds/{NOBODY}/capture", {}), (f"holds/{NOBODY}/release", {}), ("refunds", {"transaction_id": debit["id"]})):
            self.assert_problem(self.send(what, body, new_key(), user), 403, "forbidden")
        for method, what, body in (("PUT", "threshold", {"threshold": 1}), ("DELETE", "threshold", None),
                                   ("PUT", "services/mail", {"credits_per_unit": 1}), ("GET", "services/mail/history", None)):
            self.assert_problem(self.send(what, body, token=user, method=method), 403, "forbidden")
        self.assertEqual(self.available(user_id), 9)

    def test_other_peoples_accounts(self):
        _, user, _ = self.gateway.register()
        _, _, other_id = self.gateway.register()
        for what in ("balance", "transactions", "usage", "holds"):
            path = f"/api/credits/{what}?account_id="
            for account in (other_id, new_tenant(), NOBODY):
                self.assert_problem(self.gateway.get(path + account, user), 403, "forbidden")
            self.assert_problem(self.gateway.get(path + user), 401, "invalid_token")
        self.assert_problem(self.gateway.post("/api/credits/debit", {"service": "mail"}), 401, "invalid_token")

    def test_a_tenants_account(self):
        """Its owner debits it and refunds nothing; a customer does neither."""
        account, other = self.account(), self.account()
        _, owner, owner_id = self.gateway.register()
        _, customer, customer_id = self.gateway.register()
        sql(f"SELECT latchkey.grant_role('{owner_id}', 'owner', '{account}'), "
            f"latchkey.grant_role('{customer_id}', 'customer', '{account}')")
        debit = self.do("debit", {"account_id": account, "service": "image"}, token=owner)
        self.assertEqual(self.read(f"balance?account_id={account}", owner)["balance"]["available"], 95)
        for body in ({"account_id": other, "service": "mail"}, {"service": "mail"}):
            self.assert_problem(self.send("debit", body, new_key(), owner), 403, "forbidden")
        refund = {"account_id": account, "transaction_id": debit["id"]}
        for what, body in (("refunds", refund), ("purchase", {"account_id": account, "amount": 1})):
            self.assert_problem(self.send(what, body, new_key(), owner), 403, "forbidden")
        self.assert_problem(self.gateway.get(f"/api/credits/balance?account_id={account}", customer), 403, "forbidden")
        self.assert_problem(self.send("debit", {"account_id": account, "service": "mail"}, new_key(), customer), 403, "forbidden")

    def test_api_keys(self):
        """A tenant's key works on the tenant's account by itself; a platform's names one."""
        tenant, other = self.account(), self.account()

        def key_of(tenant_id, held):
            return sql("SELECT token FROM latchkey.create_api_key((SELECT id FROM latchkey.create_service_account('credits', '', "
                       f"{tenant_id})), '{held}')")
        key = key_of(f"'{tenant}'", "{credits.debit,credits.read}")
        made = self.do("debit", {"service": "image"}, token=key)
        self.assertEqual((made["account_id"], made["balance_after"]), (tenant, 95))
        self.assertEqual(self.read("balance", key)["balance"]["available"], 95)
        self.assert_problem(self.send("debit", {"service": "mail", "account_id": other}, new_key(), key), 403, "forbidden")
        reader = key_of(f"'{tenant}'", "{credits.read}")
        self.assert_problem(self.send("debit", {"service": "mail"}, new_key(), reader), 403, "forbidden")
        platform = key_of("NULL", "{credits.debit}")
        self.do("debit", {"service": "mail", "account_id": other}, token=platform)
        self.assert_problem(self.send("debit", {"service": "mail"}, new_key(), platform), 403, "forbidden", "of its own")


class SpendingTest(CreditsTest):

    def test_purchase(self):
        account = self.account(0)
        made = self.do("purchase", {"account_id": account, "amount": 500, "reference": "pi_1", "metadata": {"vat": "none"},
                                    "expires_at": "2099-01-01T00:00:00Z"})
        self.assertEqual((made["kind"], made["amount"], made["balance_after"], made["reference"], made["replayed"]),
                         ("purchase", 500, 500, "pi_1", False))
        for change, part in (({"amount": 0}, "amount"), ({"amount": -1}, "amount"), ({"amount": MAX + 1}, "amount"),
                             ({"amount": 2 ** 70}, "amount"), ({"amount": 1.5}, "amount"), ({"amount": "1"}, "amount"),
                             ({"amount": None}, "amount"), ({"account_id": None}, "account_id"), ({"kind": "bonus"}, "kind"),
                             ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"), ({"expires_at": "soon"}, "expires_at")):
            body = {"account_id": account, "amount": 1, **change}
            self.assert_problem(self.send("purchase", body, new_key()), 400, "invalid_argument", part)
        self.assert_problem(self.send("purchase", {"account_id": NOBODY, "amount": 1}, new_key()), 404, "not_found")
        self.assert_problem(self.send("grants", {"account_id": account, "amount": 1, "kind": "gift"}, new_key()), 400,
                            "invalid_argument", "gift")

    def test_the_ends_of_bigint(self):
        account = self.account(MAX)
        self.assertEqual(self.available(account), MAX)
        more = {"account_id": account, "amount": 1}
        self.assert_problem(self.send("purchase", more, new_key()), 400, "invalid_argument")
        self.assert_problem(self.send("debit", {"account_id": account, "service": "dear", "quantity": 2}, new_key()), 400,
                            "invalid_argument")
        made = self.do("debit", {"account_id": account, "service": "dear"})
        self.assertEqual((made["amount"], made["balance_after"]), (-MAX, 0))
        self.assertEqual(self.do("refunds", {"account_id": account, "transaction_id": made["id"]})["balance_after"], MAX)

    def test_debit(self):
        account = self.account(12)
        made = self.do("debit", {"account_id": account, "service": "image", "quantity": 2})
        self.assertEqual((made["kind"], made["amount"], made["balance_after"]), ("debit", -10, 2))
        short = self.send("debit", {"account_id": account, "service": "image"}, new_key())
        self.assert_problem(short, 402, "insufficient_credits", "5")
        for body, status, code in (
                ({"service": "none"}, 404, "not_found"), ({"service": "old"}, 404, "not_found"),
                ({"service": "mail", "account_id": NOBODY}, 404, "not_found"), ({}, 400, "invalid_argument"),
                ({"service": "mail", "quantity": 0}, 400, "invalid_argument"),
                ({"service": "mail", "metadata": [1]}, 400, "invalid_argument"),
                ({"service": "mail", "idempotency_key": "x"}, 400, "invalid_argument")):
            self.assert_problem(self.send("debit", {"account_id": account, **body}, new_key()), status, code)
        self.assertEqual(self.available(account), 2)

    def test_batch(self):
        account, key = self.account(12), new_key()
        items = [{"service": "image", "idempotency_key": key}, {"service": "image", "quantity": 2}, {"service": "none"}]
        self.assert_problem(self.send("debits", {"account_id": account, "debits": items[:2]}), 402, "insufficient_credits")
        self.assertEqual(self.available(account), 12)
        entries = self.send("debits", {"account_id": account, "debits": items, "atomic": False}).json["debits"]
        self.assertEqual([(e["position"], e["outcome"]) for e in entries],
                         [(1, "ok"), (2, "insufficient_credits"), (3, "not_found")])
        again = self.send("debits", {"account_id": account, "debits": items[:1]}).json["debits"]
        self.assertEqual((again[0]["transaction"]["id"], again[0]["transaction"]["replayed"]),
                         (entries[0]["transaction"]["id"], True))
        self.assertEqual(self.available(account), 7)
        for bad in ([], [1], ["mail"], [[{"service": "mail"}]], {"service": "mail"}, None, "mail", [{"service": "mail", "quantity": -1}]):
            answer = self.send("debits", {"account_id": account, "debits": bad})
            self.assert_problem(answer, 400, "invalid_argument")

    def test_holds(self):
        account = self.account(100)
        body = {"account_id": account, "service": "image", "quantity": 4, "expires_in_seconds": 60, "metadata": {"job": 1}}
        hold = self.do("holds", body)
        self.assertEqual((hold["amount"], hold["captured"], hold["status"], hold["settled_at"]), (20, 0, "active", None))
        self.assertEqual(self.available(account), 80)
        whose = {"account_id": account}
        self.assert_problem(self.send(f"holds/{hold['id']}/capture", {**whose, "quantity": 5}, new_key()), 400, "invalid_argument")
        made = self.do(f"holds/{hold['id']}/capture", {**whose, "quantity": 3})
        self.assertEqual((made["kind"], made["amount"], made["related_id"], made["balance_after"]),
                         ("capture", -15, hold["id"], 85))
        self.assert_problem(self.send(f"holds/{hold['id']}/capture", whose, new_key()), 409, "conflict", "captured")
        self.assert_problem(self.send(f"holds/{hold['id']}/release", whose), 409, "conflict", "captured")
        hold = self.do("holds", body)
        released = [self.do(f"holds/{hold['id']}/release", whose, 200) for _ in range(2)]
        self.assertEqual([(h["status"], h["replayed"]) for h in released], [("released", False), ("released", True)])
        self.assert_problem(self.send("holds", {**body, "quantity": 18}, new_key()), 402, "insufficient_credits")
        for seconds in (0, -1, 366 * 86400 + 1):
            self.assert_problem(self.send("holds", {**body, "expires_in_seconds": seconds}, new_key()), 400, "invalid_argument")
        for what in (f"holds/{NOBODY}/capture", f"holds/{NOBODY}/release"):
            self.assert_problem(self.send(what, whose, new_key()), 404, "not_found")
        self.assert_problem(self.send("holds/1/capture", whose, new_key()), 400, "invalid_argument")

    def test_refunds(self):
        account = self.account(100)
        debit = self.do("debit", {"account_id": account, "service": "image", "quantity": 4})
        body = {"account_id": account, "transaction_id": debit["id"]}
        made = self.do("refunds", {**body, "amount": 5, "reference": "blurred"})
        self.assertEqual((made["kind"], made["amount"], made["related_id"], made["reference"]), ("refund", 5, debit["id"], "blurred"))
        self.assert_problem(self.send("refunds", {**body, "amount": 16}, new_key()), 409, "conflict", "15")
        self.assertEqual(self.do("refunds", body)["amount"], 15)
        self.assert_problem(self.send("refunds", body, new_key()), 409, "conflict")
        self.assert_problem(self.send("refunds", {**body, "amount": 0}, new_key()), 400, "invalid_argument")
        for other in ({**body, "transaction_id": NOBODY}, {**body, "account_id": new_tenant()}, {"transaction_id": debit["id"]}):
            self.assert_problem(self.send("refunds", other, new_key()), 404, "not_found")

    def test_services(self):
        name = "svc" + new_key()
        self.assertEqual(self.send("services/" + name, {"credits_per_unit": 3}, method="PUT").json["service"]["credits_per_unit"], 3)
        set_again = self.send("services/" + name, {"credits_per_unit": 4, "active": False}, method="PUT").json["service"]
        self.assertIs(set_again["active"], False)
        _, user, _ = self.gateway.register()
        listed = {s["service"]: s["credits_per_unit"] for s in self.read("services", user)["services"]}
        self.assertEqual((listed[name], listed["image"]), (4, 5))
        changes = self.read(f"services/{name}/history")["changes"]
        self.assertEqual([(c["credits_per_unit"], c["actor_id"]) for c in changes], [(4, self.admin_id), (3, self.admin_id)])
        for where, cost in ((name, 0), (name, MAX + 1), (name, None), ("No", 1), ("%20", 1)):
            self.assert_problem(self.send("services/" + where, {"credits_per_unit": cost}, method="PUT"), 400, "invalid_argument")

    def test_threshold(self):
        account = self.account(20)
        low = f"SELECT count(*) FROM latchkey.events WHERE account_id = '{account}' AND type = 'credits.low'"
        self.assertEqual(self.send("threshold", {"account_id": account, "threshold": 10}, method="PUT").status, 200)
        for events in ("0", "0", "1", "1"):  # 15, 10, 5 and 0 are left
            self.do("debit", {"account_id": account, "service": "image"})
            self.assertEqual(sql(low), events)
        self.assertEqual(self.send(f"threshold?account_id={account}", method="DELETE").status, 200)
        self.assertEqual(sql(f"SELECT count(*) FROM latchkey.credit_thresholds WHERE account_id = '{account}'"), "0")
        self.assert_problem(self.send("threshold", {"account_id": account, "threshold": 0}, method="PUT"), 400, "invalid_argument")
        self.assert_problem(self.send("threshold", {"account_id": account}, method="PUT"), 400, "invalid_argument", "threshold")
        self.assert_problem(self.send("threshold", {"account_id": NOBODY, "threshold": 1}, method="PUT"), 404, "not_found")


class IdempotencyTest(CreditsTest):

    def test_a_repeated_request(self):
        """Of each route that needs a key: the same answer, and nothing happens twice."""
        account = self.account(100)
        debit = self.do("debit", {"account_id": account, "service": "image", "quantity": 2})
        hold = self.do("holds", {"account_id": account, "service": "image"})
        for what, body, other in (
                ("purchase", {"amount": 7}, {"amount": 8}),
                ("grants", {"amount": 7, "kind": "bonus"}, {"amount": 7, "kind": "trial"}),
                ("debit", {"service": "image"}, {"service": "image", "quantity": 2}),
                ("holds", {"service": "image"}, {"service": "mail"}),
                (f"holds/{hold['id']}/capture", {}, {"quantity": 1}),
                ("refunds", {"transaction_id": debit["id"], "amount": 1}, {"transaction_id": debit["id"], "amount": 2})):
            key, body, other = new_key(), {"account_id": account, **body}, {"account_id": account, **other}
            self.assert_problem(self.send(what, body), 400, "invalid_argument", "Idempotency-Key is missing")
            first = self.do(what, body, key=key)
            balance = self.available(account)
            for form in (key, f'"{key}"'):
                again = self.do(what, body, key=form)
                self.assertEqual(again, {**first, "replayed": True})
            self.assertIs(first["replayed"], False)
            self.assert_problem(self.send(what, other, key), 409, "idempotency_mismatch")
            self.assertEqual(self.available(account), balance)
        other = self.account(10)
        self.do("debit", {"account_id": other, "service": "mail"}, key=key)  # a key is of its account alone

    def test_an_error_uses_no_key_up(self):
        account, key = self.account(1), new_key()
        body = {"account_id": account, "service": "image"}
        self.assert_problem(self.send("debit", body, key), 402, "insufficient_credits")
        self.do("purchase", {"account_id": account, "amount": 4})
        self.assertEqual(self.do("debit", body, key=key)["balance_after"], 0)
        self.assertIs(self.do("debit", body, key=key)["replayed"], True)  # and not 402

    def test_forms_of_the_header(self):
        account = self.account(100)
        body = {"account_id": account, "service": "mail"}
        stored = f"SELECT idempotency_key FROM latchkey.credit_transactions WHERE account_id = '{account}' ORDER BY id DESC LIMIT 1"
        for text, key in (("a", "a"), ('"b"', "b"), ('"a b; c, d"', "a b; c, d"), ('"\\"\\\\"', '"\\'), ("x" * 255, "x" * 255),
                          ('"' + "y" * 255 + '"', "y" * 255), ("a=b/c:d+e~!*'()", "a=b/c:d+e~!*'()"),
                          ("8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324"), ("z\t ", "z")):
            self.do("debit", body, key=text)
            self.assertEqual(sql(stored), key)
        balance = self.available(account)
        for bad in ("", '""', '"', '"a', 'a"', '"a"b', '"a";p=1', "a;p=1", "a,b", '"a", "b"', "a b", '"\\a"', '"a\\"', "a\\b",
                    "\xe9", '"\xe9"', '"a\tb"', "x" * 256, '"' + "x" * 256 + '"', "(a)b c"):
            self.assert_problem(self.send("debit", body, bad), 400, "invalid_argument", "Idempotency-Key")
        head = (f"POST /api/credits/debit HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.admin}\r\nContent-Type: "
                "application/json\r\nIdempotency-Key: a\r\nidempotency-key: b\r\nContent-Length: 2\r\n\r\n{}")
        answer = self.gateway.raw(head.encode())
        self.assertIn(b" 400 ", answer.split(b"\r\n")[0])
        self.assertEqual(self.available(account), balance)

    def test_a_key_where_none_is_taken(self):
        """It is ignored, as any header that a route does not know."""
        account = self.account(10)
        self.assertEqual(self.gateway.get(f"/api/credits/balance?account_id={account}", self.admin,
                                          **{"Idempotency-Key": "a,b"}).status, 200)

    def at_once(self, what, body):
        """Sends one request 16 times at once; returns the answers."""
        key, answers, start = new_key(), [], threading.Barrier(16)

        def send():
            start.wait()
            answers.append(self.do(what, body, key=key))
        threads = [threading.Thread(target=send) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def test_at_the_same_time(self):
        """Many with one key: it happens once, and all get its result."""
        for what, balance in (("debit", 990), ("holds", 990), ("capture", 995), ("refunds", 1000), ("purchase", 1005)):
            account = self.account(1000)
            body = {"account_id": account, "service": "image", "quantity": 2}
            if what == "capture":
                hold = self.do("holds", body)
                what, body = f"holds/{hold['id']}/capture", {"account_id": account, "quantity": 1}
            elif what == "refunds":
                body = {"account_id": account, "transaction_id": self.do("debit", body)["id"]}
            elif what == "purchase":
                body = {"account_id": account, "amount": 5}
            answers = self.at_once(what, body)
            self.assertEqual(len(answers), 16)
            self.assertEqual(len({answer["id"] for answer in answers}), 1)
            self.assertEqual(sum(not answer["replayed"] for answer in answers), 1)
            self.assertEqual(self.available(account), balance, what)
            self.assertEqual(sql(f"SELECT count(*) FROM latchkey.verify_ledger('{account}')"), "0")

    def test_in_the_document(self):
        paths = self.gateway.get("/openapi.json").json["paths"]
        with_key = {path for path, methods in paths.items() for method in methods.values()
                    for parameter in method.get("parameters", []) if parameter["in"] == "header"
                    and (parameter["name"], parameter["required"]) == ("Idempotency-Key", True)}
        self.assertEqual(with_key, {"/api/credits/" + what for what in (
            "purchase", "grants", "debit", "holds", "holds/{id}/capture", "refunds")} | {"/api/usage"} | {"/api/tenant/" + what for what in (
                "orders", "sales", "sales/{id}/payments")} | {"/api/tenants/{id}/" + what for what in ("move", "exports")})

    def test_from_a_browser(self):
        """CORS lets the header through, and the methods that the routes have."""
        gateway = Gateway("--cors-origins", "https://app.example.com")
        self.addCleanup(gateway.stop)
        answer = gateway.request("OPTIONS", "/api/credits/threshold", headers={
            "Origin": "https://app.example.com", "Access-Control-Request-Method": "PUT"})
        self.assertIn("Idempotency-Key", answer.headers["access-control-allow-headers"])
        self.assertIn("PUT", answer.headers["access-control-allow-methods"])


if __name__ == "__main__":
    unittest.main()
