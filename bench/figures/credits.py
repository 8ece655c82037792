"""debit_credits() against a plain plpgsql debit that locks the account's row, in SQL.

Every debit is a transaction of its own with a key of its own, 32 clients, synchronous_commit on: on
one account, and on accounts drawn from 1,000 and from 100,000. Then what the hash chain costs, and
100 debits in one call. After each part both sides' balances must agree with their ledgers, and both
ledgers with the number of debits that pgbench has seen committed, or the run ends.
"""

import functools

from harness import latchkey, load, seed, written

CLIENTS = 32
GRANTED = 10**12  # to each account on both sides, by the .sql files
WARM_UP_SECS = 2
BATCH = 100
MANY = 1_000  # the accounts of batches and of the hash chain
SPREADS = {"one hot account": 1, "1,000 accounts": 1_000, "100,000 accounts": 100_000}
TARGETS = {"one hot account": 5, "1,000 accounts": 1.2, "100,000 accounts": 1.2}
TABLES = "latchkey.credit_lots, latchkey.credit_transactions, plain_credits.accounts, plain_credits.ledger"

SINGLE = """SELECT id, balance_after
FROM latchkey.debit_credits(account_id(:n), 'bench.unit', 1, gen_random_uuid()::text)"""
PLAIN = "SELECT plain_credits.debit(:n, 1, gen_random_uuid())"
# The array as text, as an application sends it; a fresh uuid makes the keys new.
ITEMS = ", ".join(f'{{"service": "bench.unit", "idempotency_key": "KEY-{i}"}}' for i in range(BATCH))
IN_BATCH = f"""SELECT count((transaction).id)
FROM latchkey.debit_credits_batch(account_id(:n), replace('[{ITEMS}]', 'KEY', gen_random_uuid()::text)::jsonb)"""

BOOKS = {
    "ours": """
        SELECT (SELECT count(*) FROM latchkey.verify_ledger()), count(*)
        FROM latchkey.credit_transactions WHERE kind = 'debit' AND part = 1 AND service = 'bench.unit'
    """,
    "plain": f"""
        SELECT count(*) FILTER (WHERE a.balance <> {GRANTED} + coalesce(l.total, 0)
                                   OR a.balance <> coalesce(l.least, a.balance)),
               coalesce(sum(l.debits), 0)
        FROM plain_credits.accounts AS a
        LEFT JOIN (SELECT account_id, sum(amount) AS total, min(balance_after) AS least, count(*) AS debits
                   FROM plain_credits.ledger GROUP BY account_id) AS l ON l.account_id = a.id
    """,
}


class Debits:
    """Measurements of debits, and how many each side has committed in them."""

    def __init__(self, bench):
        self.bench = bench
        self.committed = dict.fromkeys(BOOKS, 0)
        self.environment_ = bench.cluster.environment(user=latchkey.APP_ROLE)

    def script_(self, name, statement, accounts):
        path = self.bench.scratch / f"credits-{name}-{accounts}.sql"
        path.write_text(f"\\set n random(1, {accounts})\n{statement};\n")
        return path

    def measurement(self, side, statement, accounts, clients=CLIENTS, per_statement=1):
        """A measurement as bench.in_turn() takes it; its warm-up is done at once."""
        name = f"{side}-{per_statement}"
        script = self.script_(name, statement, accounts)
        self.count_(side, load.pgbench(self.environment_, script, clients, per_statement, WARM_UP_SECS))
        run = written.per_statement(self.bench.cluster, load.speed(
            self.bench.cluster, script, self.environment_, per_statement, clients=clients))
        return lambda: self.count_(side, run())

    def count_(self, side, metrics):
        self.committed[side] += metrics["statements"]
        return metrics

    def check_books(self):
        for side, question in BOOKS.items():
            wrong, booked = map(int, self.bench.cluster.sql(f"SET work_mem = '256MB'; {question}").split("|"))
            if wrong or booked != self.committed[side]:
                raise SystemExit(f"{side}: {wrong} differences between balances and ledger; {booked} debits are in it, "
                                 f"{self.committed[side]} were committed")
        print(f"  balances and ledgers agree; debits: {self.committed}", flush=True)


def run(bench):
    cluster = bench.cluster
    print(f"  granting credits to {max(SPREADS.values()):,} accounts", flush=True)
    cluster.script("account_ids.sql")
    for script in ("credits.sql", "plain_credits.sql"):
        cluster.script(script, accounts=max(SPREADS.values()))
    cluster.settle()
    debits = Debits(bench)
    for measure, tell in ((measure_spreads, tell_spreads), (measure_chain, tell_chain),
                          (measure_batches, tell_batches)):
        cluster.sql(f"VACUUM ANALYZE {TABLES}")  # as autovacuum would, which is off
        measure(debits)
        debits.check_books()
        tell(bench.report)


def measure_spreads(debits):
    sides = {}
    for spread, accounts in SPREADS.items():
        sides[f"debit, {spread}"] = debits.measurement("ours", SINGLE, accounts)
        sides[f"plain debit, {spread}"] = debits.measurement("plain", PLAIN, accounts)
    debits.bench.in_turn(sides)


def tell_spreads(report):
    for spread, target in TARGETS.items():
        report.figure(f"debits on {spread} / row lock, {CLIENTS} clients", report.median(f"debit, {spread}"),
                      report.median(f"plain debit, {spread}"), "1/s", at_least=target)
    hot, many = (report.median(f"debit, {spread}") for spread in list(SPREADS)[:2])
    report.figure("debits on one hot account / on 1,000", hot, many, "1/s", at_least=0.8)
    for what, metric, unit in (("CPU of the server", "cpu_us", "us"), ("WAL", "wal_bytes", "bytes"),
                               ("rows written", "rows_written", "")):
        for spread in SPREADS:
            report.figure(f"{what} per debit on {spread} / row lock", report.median(f"debit, {spread}", metric),
                          report.median(f"plain debit, {spread}", metric), unit)


def measure_chain(debits):
    def with_chain(setting, measure):
        seed.set_settings(debits.bench, {"credits.hash_chain": setting}, None)
        return measure()

    measure = debits.measurement("ours", SINGLE, MANY)
    debits.bench.in_turn({f"hash chain {setting}": functools.partial(with_chain, setting, measure)
                          for setting in ("true", "false")})
    seed.set_settings(debits.bench, {"credits.hash_chain": "true"}, None)


def tell_chain(report):
    for what, metric, unit in (("debits", "per_second", "1/s"), ("CPU of the server per debit", "cpu_us", "us")):
        report.figure(f"{what} with a hash chain / without", report.median("hash chain true", metric),
                      report.median("hash chain false", metric), unit)


def measure_batches(debits):
    """One client: what a caller with 100 debits gains, who would else commit them one after the
    other. Of 8 clients the single debits commit together, too."""
    sides = {}
    for clients in (1, 8):
        sides[f"singly, {clients} at once"] = debits.measurement("ours", SINGLE, MANY, clients)
        sides[f"in batches, {clients} at once"] = debits.measurement("ours", IN_BATCH, MANY, clients, BATCH)
    debits.bench.in_turn(sides)


def tell_batches(report):
    for clients, target in ((1, 20), (8, None)):
        report.figure(f"debits in batches of {BATCH} / singly, {clients} at once",
                      report.median(f"in batches, {clients} at once"), report.median(f"singly, {clients} at once"),
                      "1/s", at_least=target)
