"""can_use() against SELECT 1, and consume() against a plain counter with a limit.

can_use runs in one backend, in two ways. Unbound, as an application's backend calls it: of 1,000
accounts 64 are drawn at random, and asked about 16 times each before the next draw. Bound, as a
request does: another one of 10,000 users in each transaction, authenticate, then 64 times the
statement; the backend remembers 5,000 accounts. What is around the statements is the same on both
sides and not counted.

consume: 32 clients, each call a transaction of its own, without a key, on one account and on
accounts drawn from 1,000. The peer is one UPDATE … RETURNING with the limit in its WHERE, on a row
that is there. Afterwards usage() must tell as many as pgbench has seen committed, or the run ends.
"""

from harness import bound, latchkey, load, seed

CALLS = 64
ROUNDS = 16
USERS = 10_000
ACCOUNTS = 1_000
CLIENTS = 32
WARM_UP_SECS = 2

ASKED = {
    "can_use": "SELECT latchkey.can_use({account}, 'bench_unit')",
    "select_1": "SELECT 1",
}
COUNTED = {
    "consume": "SELECT used FROM latchkey.consume(quota_account(:n), 'bench_unit')",
    "plain": """UPDATE plain_usage SET used = used + 1 WHERE account_id = quota_account(:n)
AND feature = 'bench_unit' AND month = '2026-01-01' AND used + 1 <= granted_limit RETURNING used""",
}
SPREADS = {"one hot account": 1, "1,000 accounts": ACCOUNTS}
BOOKS = {
    "consume": """SELECT coalesce(sum(q.used), 0) FROM quota_accounts AS a, latchkey.usage(a.account_id) AS q
        WHERE q.feature = 'bench_unit'""",
    "plain": "SELECT sum(used) FROM plain_usage",
}

DRAW = """SELECT {columns}
FROM (SELECT n, 1 + floor(random() * {count})::int AS id FROM generate_series(1, {calls}) AS n
      OFFSET 0) AS draw JOIN quota_accounts AS source USING (id) \\gset"""


def unbound_script(folder, side):
    columns = ", ".join(f"max(account_id::text) FILTER (WHERE n = {i}) AS v{i}" for i in range(1, CALLS + 1))
    draw = DRAW.format(columns=columns, count=ACCOUNTS, calls=CALLS).replace("\n", " ")
    calls = [ASKED[side].format(account=f":v{i}") + ";" for i in range(1, CALLS + 1)]
    path = folder / f"entitlements-{side}.sql"
    path.write_text("\n".join([f"\\if :round % {ROUNDS} = 0", draw, "\\endif", "\\set round :round + 1", *calls]) + "\n")
    return path


def run(bench):
    cluster = bench.cluster
    seed.sessions(bench, USERS)
    cluster.script("quotas.sql", accounts=ACCOUNTS)
    cluster.settle()
    environment = cluster.environment(user=latchkey.APP_ROLE)
    measure_asking(bench, environment)
    measure_counting(bench, environment)


def measure_asking(bench, environment):
    sides = {}
    for side in ASKED:
        sides[f"{side}, unbound"] = load.speed(bench.cluster, unbound_script(bench.scratch, side), environment, CALLS,
                                               defines=["round=0"], clients=1)
    for side, statement in ASKED.items():
        script = bound.write_script(bench.scratch / f"entitlements-bound-{side}.sql", "quota_users",
                                    statement.format(account=":user_id"), CALLS, 1, USERS)
        sides[f"{side}, bound"] = load.speed(bench.cluster, script, environment, CALLS, clients=1)
    bench.in_turn(sides)
    report = bench.report
    for how in ("unbound", "bound"):
        report.figure(f"can_use / SELECT 1, one backend, {how}", report.median(f"can_use, {how}"),
                      report.median(f"select_1, {how}"), "1/s", at_least=0.8)
    report.figure("CPU of the server per statement, can_use / SELECT 1, unbound",
                  report.median("can_use, unbound", "cpu_us"), report.median("select_1, unbound", "cpu_us"), "us")


def measure_counting(bench, environment):
    committed = dict.fromkeys(COUNTED, 0)

    def counted(side, metrics):
        committed[side] += metrics["statements"]
        return metrics

    def measurement(side, statement, accounts):
        script = bench.scratch / f"entitlements-{side}-{accounts}.sql"
        script.write_text(f"\\set n random(1, {accounts})\n{statement};\n")
        counted(side, load.pgbench(environment, script, CLIENTS, secs=WARM_UP_SECS))
        speed = load.speed(bench.cluster, script, environment, 1, clients=CLIENTS)
        return lambda: counted(side, speed())

    sides = {f"{side}, {spread}": measurement(side, statement, accounts)
             for spread, accounts in SPREADS.items() for side, statement in COUNTED.items()}
    bench.cluster.sql("VACUUM ANALYZE latchkey.usage, plain_usage")  # as autovacuum would, which is off
    bench.in_turn(sides)
    for side, question in BOOKS.items():
        told = int(bench.cluster.sql(question))
        if told != committed[side]:
            raise SystemExit(f"{side}: {told} are counted, {committed[side]} were committed")
    print(f"  counters agree: {committed}", flush=True)
    report = bench.report
    for spread in SPREADS:
        ours, peer = (report.median(f"{side}, {spread}") for side in COUNTED)
        report.figure(f"consume on {spread} / plain UPDATE, {CLIENTS} clients", ours, peer, "1/s")
    for spread in SPREADS:
        ours, peer = (report.median(f"{side}, {spread}", "cpu_us") for side in COUNTED)
        report.figure(f"CPU of the server per consume on {spread} / plain UPDATE", ours, peer, "us")
