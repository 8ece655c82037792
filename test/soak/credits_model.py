"""Random operations on credits, from many connections, against a simple model.

credits_model.py [URL]   with SOAK_OPERATIONS (1000000), SOAK_CONNECTIONS (8) and SOAK_SEED (printed) from the environment

Each connection has accounts of its own, for which the model foretells every answer, and works on accounts that all share,
where an answer depends on the others: for those the sums of what was answered, the keys and the ledger's proof are compared
after each round. One seed gives one sequence of operations on a connection's own accounts, whatever the others do.
"""

import json
import os
import random
import subprocess
import sys
import threading
import uuid

MAX = 2**63 - 1
MARK = "-- answered --"
COSTS = {"model.one": 1, "model.seven": 7, "model.big": 2**62}
KINDS = ["purchase", "bonus", "trial", "plan_allowance", "adjustment"]
BRIEF = "concat_ws(' ', t.id, t.kind, t.amount, t.balance_after, t.replayed)"


class Psql:
    """A psql that stays open. An error is answered as its SQLSTATE."""

    def __init__(self, url):
        self.process = subprocess.Popen(
            ["psql", "-X", "-q", "-At", "-v", "VERBOSITY=sqlstate", url],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def ask(self, sql):
        self.process.stdin.write(f"{sql};\n\\echo '{MARK}'\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            line = line.rstrip("\n")
            if line == MARK:
                return "\n".join(lines)
            lines.append(line.removeprefix("ERROR:").strip())
        raise SystemExit(f"the connection was lost at: {sql}")


class Lot:
    def __init__(self, rank, amount):
        self.rank, self.available, self.held, self.expired = rank, amount, 0, False


class Model:
    """One account: what each call must answer. None as an answer's id: a new one."""

    def __init__(self):
        self.lots, self.debits, self.holds, self.keys, self.grants = [], {}, {}, {}, 0

    def balance(self):
        return sum(lot.available for lot in self.lots if not lot.expired)

    def held(self):
        return sum(lot.held for lot in self.lots)

    def booked(self):
        return sum(lot.available + lot.held for lot in self.lots)

    def take(self, amount):
        parts = []
        for lot in sorted(self.lots, key=lambda lot: lot.rank):
            share = 0 if lot.expired else min(amount, lot.available)
            if share:
                lot.available -= share
                amount -= share
                parts.append([lot, share])
        return parts

    def grant(self, amount, priority, day):
        if amount < 1 or self.booked() + amount > MAX:
            return "LK400"
        self.grants += 1
        self.lots.append(Lot((priority, day or 10**6, self.grants), amount))
        return amount

    def debit(self, service, quantity):
        cost = COSTS[service] * quantity
        if quantity < 1 or cost > MAX:
            return "LK400"
        if cost > self.balance():
            return "LK402"
        return self.take(cost)

    def release(self, hold, captured=0):
        spent = []
        for lot, amount in hold["parts"]:
            share = min(captured, amount)
            captured -= share
            lot.held -= amount
            lot.available += amount - share
            if share:
                spent.append([lot, share])
        hold["open"] = False
        return spent

    def refund(self, debit, amount):
        left = sum(share for _, share in debit["parts"]) - debit["back"]
        if amount is not None and amount < 1:
            return "LK400"
        amount = left if amount is None else amount
        if amount < 1 or amount > left:
            return "LK410"
        if self.booked() + amount > MAX:
            return "LK400"
        skip, rest, plan = debit["back"], amount, []
        for lot, share in reversed(debit["parts"]):
            over = min(skip, share)
            skip -= over
            back = min(rest, share - over)
            rest -= back
            if back:
                plan.append((lot, back))
        if any(lot.expired for lot, _ in plan):
            return "LK410"
        for lot, back in plan:
            lot.available += back
        debit["back"] += amount
        return amount


class Connection:
    def __init__(self, url, number, seed, own, shared, keys):
        self.psql, self.random = Psql(url), random.Random(f"{seed}/{number}")
        self.own = {account: Model() for account in own}
        self.shared, self.keys = shared, keys  # key → (arguments, id): what all agree on
        self.number, self.operations, self.problems = number, 0, []
        self.sums = dict.fromkeys(shared, 0)  # of what was answered
        self.shared_debits, self.shared_holds = [], []

    def run(self):
        try:
            for _ in range(self.operations):
                if self.random.random() < 0.6:
                    self.own_operation()
                else:
                    self.shared_operation()
                if self.problems:
                    return
        except Exception as error:
            self.problems.append(f"connection {self.number}: {error!r}")
            raise

    def expect(self, sql, expected, answer):
        if answer != expected:
            self.problems.append(f"connection {self.number}: {sql}\n  expected {expected!r}\n  got      {answer!r}")

    # --- accounts of its own: every answer is foretold

    def call(self, model, sql, kind, outcome, amount):
        """Asks; returns the transaction's id when the model foretold success."""
        answer = self.psql.ask(f"SELECT {BRIEF} FROM {sql} AS t")
        if isinstance(outcome, str):
            self.expect(sql, outcome, answer)
            return None
        first, _, rest = answer.partition(" ")
        self.expect(sql, f"{kind} {amount} {model.balance()} f", rest)
        return first, answer

    def own_operation(self):
        account = self.random.choice(list(self.own))
        model = self.own[account]
        operation = self.random.choices(
            [self.grant, self.debit, self.hold, self.settle, self.refund, self.expire, self.batch, self.repeat, self.look],
            [12, 40, 8, 10, 10, 3, 6, 6, 5])[0]
        operation(account, model)

    def uuid(self):
        return str(uuid.UUID(int=self.random.getrandbits(128)))

    def new_key(self):
        return self.uuid() if self.random.random() < 0.5 else None

    def remember(self, model, key, sql, made):
        if key and made:
            model.keys[key] = (sql, made[1])

    def grant(self, account, model):
        amount = self.random.choice([0, 1, 5, 100, 100, 1000, 2**40, 2**62, MAX, -5]) if self.random.random() < 0.5 else \
            self.random.randint(1, 500)
        priority, day = self.random.choice([1, 100, 100]), self.random.choice([None, None, 1, 2, 3])
        expires = f"timestamptz '2100-01-01' + interval '{day} days'" if day else "NULL"
        key = self.new_key()
        sql = (f"latchkey.grant_credits('{account}', {amount}, '{self.random.choice(KINDS)}', {priority}, {expires}, "
               f"idempotency_key => {quote(key)})")
        outcome = model.grant(amount, priority, day)
        made = self.call(model, sql, sql.split("'")[3], outcome, amount)
        if made:
            model.lots[-1].id = made[0]
        self.remember(model, key, sql, made)

    def debit(self, account, model):
        service = self.random.choice(["model.one"] * 5 + ["model.seven"] * 5 + ["model.big"])
        quantity = self.random.choice([0, 1, 1, 1, 2, 3, 10, 50, -1, MAX])
        key = self.new_key()
        sql = f"latchkey.debit_credits('{account}', '{service}', {quantity}, {quote(key)})"
        outcome = model.debit(service, quantity)
        made = self.call(model, sql, "debit", outcome, -COSTS[service] * quantity)
        if made:
            model.debits[made[0]] = {"parts": outcome, "back": 0}
        self.remember(model, key, sql, made)

    def hold(self, account, model):
        service, quantity = self.random.choice(["model.one", "model.seven"]), self.random.choice([1, 2, 10, 40])
        sql = f"latchkey.hold_credits('{account}', '{service}', {quantity}, '1 day')"
        parts = model.debit(service, quantity)
        answer = self.psql.ask(f"SELECT t.id || ' ' || t.amount FROM {sql} AS t")
        if isinstance(parts, str):
            return self.expect(sql, parts, answer)
        for lot, share in parts:
            lot.held += share
        first, _, amount = answer.partition(" ")
        self.expect(sql, str(COSTS[service] * quantity), amount)
        model.holds[first] = {"parts": parts, "quantity": quantity, "cost": COSTS[service], "open": True}

    def settle(self, account, model):
        if not model.holds:
            return
        name = self.random.choice(list(model.holds)[-5:])
        hold = model.holds[name]
        if self.random.random() < 0.3:
            sql = f"latchkey.release_hold('{account}', '{name}')"
            outcome = "LK410" if hold.get("captured") else (hold.get("status") or "released")
            if hold["open"]:
                model.release(hold)
                hold["status"] = "released"
            self.expect(sql, outcome, self.psql.ask(f"SELECT status FROM {sql}"))
            return self.sweep_leftovers(model)
        quantity, key = self.random.randint(0, hold["quantity"] + 1), self.new_key()
        sql = f"latchkey.capture_hold('{account}', '{name}', {quantity}, {quote(key)})"
        outcome = "LK410" if not hold["open"] else "LK400" if not 0 < quantity <= hold["quantity"] else None
        if outcome is None:
            outcome = model.release(hold, quantity * hold["cost"])
            hold["captured"] = True
        made = self.call(model, sql, "capture", outcome, -quantity * hold["cost"])
        if made:
            model.debits[made[0]] = {"parts": outcome, "back": 0}
        self.remember(model, key, sql, made)
        self.sweep_leftovers(model)

    def sweep_leftovers(self, model):
        if any(lot.expired and lot.available for lot in model.lots):
            self.sweep(model)

    def refund(self, account, model):
        if not model.debits:
            return
        name = self.random.choice(list(model.debits)[-20:])
        amount = self.random.choice([None, 1, 3, 8, 0, MAX])
        key = self.new_key()
        sql = f"latchkey.refund_credits('{account}', '{name}', {amount or ('NULL' if amount is None else 0)}, {quote(key)})"
        outcome = model.refund(model.debits[name], amount)
        made = self.call(model, sql, "refund", outcome, outcome)
        self.remember(model, key, sql, made)

    def expire(self, account, model):
        """Turns a clock: a lot's, or a hold's."""
        lots = [lot for lot in model.lots if lot.rank[1] < 10**6 and not lot.expired]
        holds = [name for name, hold in model.holds.items() if hold["open"]]
        if lots and self.random.random() < 0.5:
            lot = self.random.choice(lots)
            lot.expired = True
            self.psql.ask(f"UPDATE latchkey.credit_lots SET expires_at = now() WHERE account_id = '{account}' AND grant_id = '{lot.id}'")
        elif holds:
            name = self.random.choice(holds)
            model.release(model.holds[name])
            model.holds[name]["status"] = "expired"
            self.psql.ask(f"UPDATE latchkey.credit_holds SET expires_at = now() WHERE account_id = '{account}' AND id = '{name}'")
        self.sweep(model)

    def sweep(self, model):
        """Of all accounts, and so at once after what it would change: the others' sweeps then change nothing here."""
        if "LK" in self.psql.ask("SELECT latchkey.expire_credits(100000)"):
            self.problems.append("expire_credits failed")
        for lot in model.lots:
            if lot.expired:
                lot.available = 0

    def batch(self, account, model):
        with_keys = self.random.random() < 0.5
        items = [(self.random.choice(["model.one", "model.seven"]), self.random.choice([1, 2, 5, 0, 1]),
                  self.uuid() if with_keys else self.new_key()) for _ in range(self.random.randint(1, 6))]
        atomic, before = self.random.random() < 0.5, [lot.available for lot in model.lots]
        outcomes = []
        for service, quantity, _ in items:
            outcome = model.debit(service, quantity)
            outcomes.append(outcome if isinstance(outcome, str) else f"ok {model.balance()}")
        refused = [outcome for outcome in outcomes if outcome in self.REFUSALS]
        if atomic and refused:
            for lot, available in zip(model.lots, before):
                lot.available = available
            outcomes = refused[:1]
        else:
            outcomes = [self.REFUSALS.get(outcome, outcome) for outcome in outcomes]
        sql = self.batch_sql(account, items, atomic)
        self.expect(sql, "\n".join(outcomes), self.psql.ask(sql))
        if all(key for _, _, key in items):  # then the batch can be repeated
            self.expect(sql, "\n".join(outcomes), self.psql.ask(sql))
            if not refused:
                self.batch_with_more(account, model, items, outcomes, atomic)

    def batch_with_more(self, account, model, items, outcomes, atomic):
        """A batch that was made, again, behind a debit that is new."""
        outcome = model.debit("model.one", 1)
        if isinstance(outcome, str):
            outcomes = [outcome] if atomic else [self.REFUSALS[outcome], *outcomes]
        else:
            outcomes = [f"ok {model.balance()}", *outcomes]
        sql = self.batch_sql(account, [("model.one", 1, self.uuid()), *items], atomic)
        self.expect(sql, "\n".join(outcomes), self.psql.ask(sql))

    REFUSALS = {"LK400": "invalid_argument", "LK402": "insufficient_credits"}

    @staticmethod
    def batch_sql(account, items, atomic):
        debits = json.dumps([{"service": service, "quantity": quantity, "idempotency_key": key}
                             for service, quantity, key in items])
        return ("SELECT concat_ws(' ', t.outcome, (t.transaction).balance_after) FROM "
                f"latchkey.debit_credits_batch('{account}', '{debits}', {atomic}) AS t ORDER BY t.position")

    def repeat(self, account, model):
        if not model.keys:
            return
        key = self.random.choice(list(model.keys)[-50:])
        sql, answer = model.keys[key]
        self.expect(sql, answer[:-1] + "t", self.psql.ask(f"SELECT {BRIEF} FROM {sql} AS t"))
        other = f"latchkey.debit_credits('{account}', 'model.one', 999999, {quote(key)})"
        self.expect(other, "LK419", self.psql.ask(f"SELECT {BRIEF} FROM {other} AS t"))

    def look(self, account, model):
        self.expect("credit_balance", f"{model.balance()}|{model.held()}",
                    self.psql.ask(f"SELECT available, held FROM latchkey.credit_balance('{account}')"))

    # --- accounts that all share: an answer is one of those that can be

    def shared_operation(self):
        account = self.random.choice(self.shared)
        what = self.random.random()
        if what < 0.08:
            sql = f"latchkey.grant_credits('{account}', {self.random.randint(1, 5000)})"
        elif what < 0.16 and self.shared_debits:
            account, debit = self.random.choice(self.shared_debits[-20:])
            sql = f"latchkey.refund_credits('{account}', '{debit}', {self.random.choice([1, 2, 'NULL'])})"
        elif what < 0.22:
            held = self.psql.ask(f"SELECT id FROM latchkey.hold_credits('{account}', 'model.seven', 2)")
            if held != "LK402":
                self.shared_holds.append((account, held))
            return
        elif what < 0.28 and self.shared_holds:
            account, hold = self.shared_holds.pop()
            sql = f"latchkey.capture_hold('{account}', '{hold}', {self.random.choice([1, 2])})"
        else:
            return self.shared_debit(account)
        self.count(account, self.psql.ask(f"SELECT {BRIEF} FROM {sql} AS t"), sql)

    def shared_debit(self, account):
        """Many sessions draw from few keys: each key has one transaction, whoever came first."""
        quantity = self.random.choice([1, 1, 2, 30])
        key = f"{account}/{quantity}/{self.random.randint(0, 40)}/{self.random.randint(0, self.operations // 20)}"
        key = key if self.random.random() < 0.7 else None
        sql = f"latchkey.debit_credits('{account}', 'model.one', {quantity}, {quote(key)})"
        answer = self.psql.ask(f"SELECT {BRIEF} FROM {sql} AS t")
        made = self.count(account, answer, sql)
        if made:
            self.shared_debits.append((account, made))
            if key and self.keys.setdefault(key, made) != made:
                self.problems.append(f"{sql}: {made} and {self.keys[key]} have one key")

    def count(self, account, answer, sql):
        words = answer.split(" ")
        if len(words) != 5:
            if answer not in ("LK402", "LK410"):
                self.problems.append(f"{sql}: {answer}")
            return None
        if words[4] == "f":
            self.sums[account] += int(words[2])
        return words[0]


def quote(text):
    return f"'{text}'" if text else "NULL"


def new_accounts(psql, count):
    ids = psql.ask("INSERT INTO latchkey.accounts (id, kind) SELECT gen_random_uuid(), 'tenant' "
                   f"FROM generate_series(1, {count}) RETURNING id")
    return ids.split("\n")


def check(psql, connections, shared):
    problems = [problem for connection in connections for problem in connection.problems]
    proof = psql.ask("SELECT * FROM latchkey.verify_ledger()")
    if proof:
        problems.append("verify_ledger: " + proof)
    for account in shared:
        booked = psql.ask("SELECT coalesce(sum(total), 0) FROM latchkey.credit_transactions "
                          f"WHERE account_id = '{account}' AND part = 1")
        answered = sum(connection.sums[account] for connection in connections)
        if int(booked) != answered:
            problems.append(f"shared account {account}: {answered} were answered, {booked} are booked")
    return problems


def main():
    url = sys.argv[1] if len(sys.argv) > 1 else os.environ["LATCHKEY_TEST_ADMIN_URL"]
    operations = int(os.environ.get("SOAK_OPERATIONS", 1_000_000))
    count = int(os.environ.get("SOAK_CONNECTIONS", 8))
    seed = os.environ.get("SOAK_SEED") or str(random.SystemRandom().getrandbits(32))
    rounds = max(1, min(20, operations // 2000))
    print(f"SOAK_SEED={seed} SOAK_OPERATIONS={operations} SOAK_CONNECTIONS={count}", flush=True)
    psql = Psql(url)
    for service, cost in COSTS.items():
        psql.ask(f"SELECT latchkey.set_service_cost('{service}', {cost})")
    shared, keys = new_accounts(psql, 3), {}
    connections = [Connection(url, number, seed, new_accounts(psql, 4), shared, keys) for number in range(count)]
    for number in range(rounds):
        for connection in connections:
            connection.operations = operations // rounds // count
        threads = [threading.Thread(target=connection.run) for connection in connections]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        problems = check(psql, connections, shared)
        for problem in problems:
            print("FAIL " + problem)
        if problems:
            return 1
        print(f"round {number + 1} of {rounds}: the ledger and the model agree", flush=True)
    splits = psql.ask("SELECT count(*) FROM latchkey.credit_transactions WHERE kind = 'split' AND part = 1")
    print(f"ok {operations} operations, {splits} splits")
    return 0


if __name__ == "__main__":
    sys.exit(main())
