"""A storm of debits and grants with idempotency keys, in which backends and the postmaster are killed.

credits_crash.py URL KILLS SECONDS SEED PIDFILE   prints what is wrong, and at the end a line of totals

A kill comes after 40 % to 100 % of SECONDS.

What was acknowledged must be in the ledger once. What was not is sent again with its key: it was there, and is answered as
replayed, or it was not, and is made now. Something else must start the server again when the postmaster is gone.
"""
import os
import random
import signal
import sys
import threading
import time

from storm import Psql

WORKERS = 8
ACCOUNTS = 6
KILLS_BETWEEN_CHECKS = 100
POSTMASTER_EVERY = 8
COSTS = {"image": 3, "mail": 1}


class Operation:
    """A call with its key, and what became of it."""

    def __init__(self, key, account, call, works):
        self.key, self.account, self.call, self.works = key, account, call, works
        self.id = self.total = None

    def sql(self):
        answer = f"SELECT id, amount, replayed FROM latchkey.{self.call}"
        if not self.works:
            return answer
        return f"BEGIN;\nINSERT INTO work VALUES ('{self.key}') ON CONFLICT DO NOTHING;\n{answer};\nCOMMIT"


class Storm:
    def __init__(self, url, seconds, seed, pid_file):
        self.url, self.seconds, self.pid_file = url, seconds, pid_file
        self.random = random.Random(seed)
        self.failures = []
        self.done, self.unknown, self.accounts = {}, [], []
        self.granted = 0
        self.replays = self.found = self.made = 0
        self.guard = threading.Lock()

    def wrong(self, what):
        self.failures.append(what)
        if len(self.failures) <= 20:
            print(what, flush=True)

    def ask(self, sql):
        """For the program itself, between the kills."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            psql = Psql(self.url)
            answer = psql.ask(sql)
            psql.process.kill()
            psql.process.wait()
            if answer is not None:
                return answer
            time.sleep(0.05)
        raise SystemExit("the server does not come back")

    def prepare(self):
        self.ask("CREATE TABLE work (key text PRIMARY KEY)")
        for service, cost in COSTS.items():
            self.ask(f"SELECT latchkey.set_service_cost('{service}', {cost})")
        self.accounts = self.ask(
            "INSERT INTO latchkey.accounts (id, kind) SELECT gen_random_uuid(), 'tenant' "
            f"FROM generate_series(1, {ACCOUNTS}) RETURNING id").split("\n")
        for account in self.accounts:
            self.ask(f"SELECT latchkey.grant_credits('{account}', 100000000, priority => 200)")
        # The hot account burns through many small lots before the large one, which debits that meet split.
        for priority in range(1, 41):
            self.ask(f"SELECT latchkey.grant_credits('{self.accounts[0]}', 500, 'bonus', {priority})")
        self.granted = ACCOUNTS * 100000000 + 40 * 500

    def finish(self, operation, answer):
        """Takes an answer; false when it is none of a transaction."""
        words = answer.split("|")
        if len(words) != 3:
            self.wrong(f"{operation.sql()}: {answer}")
            return False
        if operation.id and (operation.id, operation.total, "t") != (words[0], int(words[1]), words[2]):
            self.wrong(f"{operation.key} was {operation.id} {operation.total}, and is answered {answer}")
        operation.id, operation.total = words[0], int(words[1])
        with self.guard:
            self.done[operation.key] = operation
        return True

    def settle(self, psql):
        """Sends one again of which no answer came; the ledger says beforehand what the answer must be."""
        with self.guard:
            operation = self.unknown.pop() if self.unknown else None
        if operation is None:
            return True
        there = psql.ask(f"SELECT count(*) FROM latchkey.credit_transactions WHERE account_id = '{operation.account}' "
                         f"AND idempotency_key = '{operation.key}'")
        answer = None if there is None else psql.ask(operation.sql())
        if answer is None:
            with self.guard:
                self.unknown.append(operation)
            return False
        if self.finish(operation, answer):
            replayed = answer.endswith("|t")
            if there != ("1" if replayed else "0"):
                self.wrong(f"{operation.key} is there {there} times, and its retry is answered {answer}")
            with self.guard:
                self.found += replayed
                self.made += not replayed
        return True

    def settle_all(self):
        deadline = time.monotonic() + 60
        while self.unknown and time.monotonic() < deadline:
            psql = Psql(self.url)
            while self.unknown and self.settle(psql):
                pass
            psql.process.kill()
            psql.process.wait()

    def kill(self, postmaster):
        if postmaster:
            with open(self.pid_file, encoding="ascii") as file:
                pid = file.readline()
        else:  # one that is in the middle of something, if there is one
            pid = ""
            while not pid:  # until the first has connected
                pid = self.ask("SELECT pid FROM pg_stat_activity WHERE application_name = 'worker' "
                               "ORDER BY state = 'active' DESC, random() LIMIT 1")
        os.kill(int(pid), signal.SIGKILL)

    def round(self, number):
        self.ask("SELECT 'it is up'")
        workers = [Worker(self, f"{number}-{i}") for i in range(WORKERS)]
        for worker in workers:
            worker.start()
        time.sleep(self.seconds * self.random.uniform(0.4, 1))
        self.kill(number % POSTMASTER_EVERY == POSTMASTER_EVERY - 1)
        for worker in workers:
            worker.join()

    def check(self):
        self.settle_all()
        if self.unknown:
            self.wrong(f"{len(self.unknown)} operations can't be settled")
        rows = self.ask("SELECT idempotency_key, account_id, id, total FROM latchkey.credit_transactions "
                        "WHERE part = 1 AND idempotency_key IS NOT NULL").split("\n")
        if len(rows) != len(self.done):
            self.wrong(f"{len(self.done)} were acknowledged, {len(rows)} are in the ledger")
        ledger = dict(row.split("|", 1) for row in rows)
        for key, operation in self.done.items():
            expected = f"{operation.account}|{operation.id}|{operation.total}"
            if ledger.get(key) != expected:
                self.wrong(f"{key}: acknowledged {expected}, in the ledger {ledger.get(key)}")
        worked = self.ask("SELECT key FROM work").split("\n")
        if sorted(worked) != sorted(key for key, operation in self.done.items() if operation.works):
            self.wrong("the work and the debits that were to commit with it differ")
        totals = [operation.total for operation in self.done.values()]
        expected = f"{self.granted + sum(totals)}|0|0"
        held = self.ask("SELECT sum(available), sum(held), count(*) FILTER (WHERE available < 0) FROM latchkey.credit_lots")
        if held != expected:
            self.wrong(f"grants less debits are {expected}, the lots hold {held}")
        proof = self.ask("SELECT * FROM latchkey.verify_ledger()")
        if proof:
            self.wrong("verify_ledger: " + proof)
        locks = self.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        if locks != "0":
            self.wrong(f"{locks} advisory locks are held")


class Worker(threading.Thread):
    """One connection, until it is lost."""

    def __init__(self, storm, name):
        super().__init__()
        self.storm, self.key = storm, name
        self.random = random.Random(storm.random.random())
        self.psql = Psql(storm.url + " application_name=worker")
        self.count = 0

    def run(self):
        while self.step():
            pass
        self.psql.process.kill()
        self.psql.process.wait()

    def step(self):
        choice = self.random.random()
        if self.storm.unknown:
            return self.storm.settle(self.psql)
        if choice < 0.1 and self.storm.done:
            return self.repeat()
        return self.begin(choice)

    def repeat(self):
        """Sends again what was acknowledged, maybe to another connection."""
        with self.storm.guard:
            operation = next(reversed(self.storm.done.values()))
        answer = self.psql.ask(operation.sql())
        if answer is not None:
            self.storm.finish(operation, answer)
            with self.storm.guard:
                self.storm.replays += 1
        return answer is not None

    def begin(self, choice):
        self.count += 1
        key = f"{self.key}-{self.count}"
        accounts = self.storm.accounts
        account = accounts[0] if self.random.random() < 0.6 else self.random.choice(accounts)
        call = (f"debit_credits('{account}', '{self.random.choice(list(COSTS))}', {self.random.randint(1, 200)}, '{key}', "
                f"'{{\"worker\": \"{self.key}\"}}')")
        if choice > 0.95:
            call = f"grant_credits('{account}', {self.random.randint(1, 1000)}, priority => 100, idempotency_key => '{key}')"
        operation = Operation(key, account, call, works=choice < 0.3)
        answer = self.psql.ask(operation.sql())
        if answer is None:
            with self.storm.guard:
                self.storm.unknown.append(operation)
            return False
        return self.storm.finish(operation, answer)


def main(url, kills, seconds, seed, pid_file):
    storm = Storm(url, float(seconds), seed, pid_file)
    storm.prepare()
    for number in range(int(kills)):
        storm.round(number)
        if (number + 1) % KILLS_BETWEEN_CHECKS == 0:
            storm.check()
    storm.check()
    splits = storm.ask("SELECT count(*) FROM latchkey.credit_transactions WHERE kind = 'split' AND part = 1")
    print(f"{kills} kills, {int(kills) // POSTMASTER_EVERY} of the postmaster: {len(storm.done)} acknowledged, {storm.replays} replays, "
          f"{storm.found + storm.made} unknown of which {storm.found} were there, {splits} splits, {len(storm.failures)} failures")
    # Too few of them would prove nothing.
    stormy = len(storm.done) > 20 * int(kills) and storm.found + storm.made > int(kills) and storm.replays > 0
    if not stormy:
        print("that was no storm")
    return 0 if stormy and not storm.failures else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
