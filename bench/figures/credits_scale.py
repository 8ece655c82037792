"""A debit and credit_balance() with 50,000,000 rows in the ledger against 50,000, of as many accounts.

Two databases of one cluster, loaded by SQL, with keys but without hashes. The keys of 10,000 accounts
lie all over the index of keys: so the pages that a debit needs are rarely those of another's.
"""

import time

from harness import latchkey, load, settings, written

SMALL = 50_000
ACCOUNTS = 10_000
CLIENTS = {"debit": 32, "credit_balance": 8}
CALLS = {
    "debit": "SELECT id, balance_after "
             "FROM latchkey.debit_credits(account_id(:n), 'bench.unit', 1, gen_random_uuid()::text)",
    "credit_balance": "SELECT available, held FROM latchkey.credit_balance(account_id(:n))",
}
WARM_UP_SECS = 2


def load_ledger(bench, database, rows):
    started = time.monotonic()
    bench.cluster.sql(f"CREATE DATABASE {database}", "postgres")
    latchkey.create_extension(bench.cluster, database)
    bench.cluster.script("account_ids.sql", database)
    bench.cluster.script("ledger_rows.sql", database, accounts=ACCOUNTS, debits=max(rows // ACCOUNTS - 1, 1))
    size = bench.cluster.sql("SELECT pg_size_pretty(pg_total_relation_size('latchkey.credit_transactions'))", database)
    print(f"  loaded {rows:,} rows, {size}, in {time.monotonic() - started:.0f} s", flush=True)


def measurement(bench, call, database):
    """As bench.in_turn() takes it; the warm-up is done at once."""
    environment = bench.cluster.environment(database, latchkey.APP_ROLE)
    script = bench.scratch / f"credits-scale-{call}.sql"
    script.write_text(f"\\set n random(1, {ACCOUNTS})\n{CALLS[call]};\n")
    load.pgbench(environment, script, CLIENTS[call], secs=WARM_UP_SECS)
    run = load.speed(bench.cluster, script, environment, 1, clients=CLIENTS[call])
    return written.per_statement(bench.cluster, run, database)


def check_books(bench, database, accounts):
    """None: all of them."""
    of = f"generate_series({ACCOUNTS // accounts}, {ACCOUNTS}, {ACCOUNTS // accounts}) AS n, " \
         "latchkey.verify_ledger(account_id(n))" if accounts else "latchkey.verify_ledger()"
    wrong = bench.cluster.sql(f"SELECT count(*) FROM {of}", database)
    if wrong != "0":
        raise SystemExit(f"{database}: {wrong} balances differ from the ledger")


def run(bench):
    rows = {"ledger_small": SMALL, "ledger_large": settings.SCALE_LEDGER}
    for database, count in rows.items():
        load_ledger(bench, database, count)
    bench.cluster.settle()
    sides = {f"{call}, {database}": measurement(bench, call, database) for call in CALLS for database in rows}
    bench.in_turn(sides)
    check_books(bench, "ledger_small", None)
    check_books(bench, "ledger_large", 100)
    report = bench.report
    for call, clients in CLIENTS.items():
        large, small = (report.median(f"{call}, {database}", "statement_us") for database in reversed(rows))
        report.figure(f"time of {call}, {rows['ledger_large']:,} ledger rows / {SMALL:,}, {clients} clients",
                      large, small, "us", at_most=1.3)
    large, small = (report.median(f"debit, {database}", "wal_bytes") for database in reversed(rows))
    report.figure("WAL per debit, the same", large, small, "bytes")
