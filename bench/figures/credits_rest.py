"""POST /api/credits/debit: our gateway against the Node.js backend, which locks the row of the balance.

64 keep-alive connections, each of 1,000 users in turn debits their own account, each request with an
idempotency key of its own. Afterwards balances must agree with ledgers on both sides, or the run ends.
"""

import functools
import json

from harness import peers, seed, servers

SESSIONS = 5_000  # as gateway-verify has them: the peer's users are made once
USERS = 1_000
PATH = "/api/credits/debit"

BOOKS = {
    "gateway": "SELECT count(*) FROM latchkey.verify_ledger()",
    "node": """
        SELECT count(*) FROM node_backend.credit_balances AS b
        WHERE b.balance <> 1000000000000 + (SELECT coalesce(sum(t.amount), 0)
                                            FROM node_backend.credit_transactions AS t WHERE t.user_id = b.user_id)
    """,
}


def measure(bench, server, tokens, body):
    with bench.serving(server()) as started:
        return bench.wrk(started, PATH, "debit.lua", BENCH_TOKENS=tokens, BENCH_USERS=USERS,
                         BENCH_BODY=json.dumps(body))


def check_books(bench):
    for side, question in BOOKS.items():
        wrong = bench.cluster.sql(f"SET work_mem = '256MB'; {question}")
        if wrong != "0":
            raise SystemExit(f"{side}: {wrong} balances differ from the ledger")


def run(bench):
    ours = seed.sessions(bench, SESSIONS)
    theirs = peers.seed_node_backend(bench, SESSIONS)
    bench.cluster.script("spenders.sql", users=USERS)
    bench.cluster.settle()
    node = functools.partial(servers.node, bench, "node-backend")
    service, amount = {"service": "bench.rest"}, {"amount": 1}
    bench.in_turn({
        "gateway debits": lambda: measure(bench, functools.partial(servers.gateway, bench), ours, service),
        "node debits, 1 process": lambda: measure(bench, node, theirs, amount),
        "node debits, 2 processes": lambda: measure(bench, functools.partial(node, processes=2), theirs, amount),
    })
    check_books(bench)
    report = bench.report
    rate = report.median("gateway debits")
    report.figure("POST debit / node, 64 connections", rate, report.median("node debits, 1 process"), "1/s", at_least=6)
    report.figure("POST debit / node in 2 processes", rate, report.median("node debits, 2 processes"), "1/s")
    report.figure("p99 of POST debit / node", report.median("gateway debits", "p99_ms"),
                  report.median("node debits, 1 process", "p99_ms"), "ms")
    report.bound("debits refused by the gateway", report.worst("gateway debits", "refused"), "", at_most=0)
