"""Many tenants: finding one by its hostname, and reaching their databases through one gateway.

Tenants are registered in a database of their own; some get databases, made by our worker on the same cluster, whose roles log in with
passwords. The owner of each asks for the products of their tenant.
"""

import math
import socket
import statistics
import time

from harness import drawn, idle, settings, tenants

PATH = "/api/tenant/products?limit=10"
FEW_CONNECTIONS = 20
WAITING = 256  # a quarter of them for one tenant
AGAIN = 3
MANY_HOSTNAMES = 100_000

SIDES = {
    "resolve_host": ("SELECT * FROM latchkey.resolve_host(:v{i})", "bench_hosts", "host"),
    "pk_select": ("SELECT tenant_id FROM bench_host_keys WHERE host = :v{i}", "bench_hosts", "host"),
}


def run(bench):
    tenants.register(bench, settings.TENANTS)
    hostnames(bench, settings.TENANTS)
    tenants.add_hostnames(bench, max(1, MANY_HOSTNAMES // settings.TENANTS))
    hostnames(bench, int(tenants.sql(bench, "SELECT count(*) FROM bench_hosts")))
    count = settings.PROVISIONED
    taken = tenants.provision(bench, count)
    bench.report.sample("provisioning", 1, {"tenants": count, "seconds": taken})
    bench.report.figure(f"time to provision one of {count:,} tenants", taken / count, math.nan, "s")
    tokens = tenants.tokens(bench, count)
    bench.cluster.settle()
    connections(bench, tokens, count)
    first_requests(bench, tokens)


def hostnames(bench, count):
    found = tenants.sql(bench, "SELECT count(*) FROM bench_host_keys AS k WHERE (latchkey.resolve_host(k.host)).id = k.tenant_id")
    if int(found) != count:
        raise SystemExit(f"resolve_host finds {found} of {count} hostnames")
    names = {}
    for side, (statement, table, column) in SIDES.items():
        for clients in (1, 8):
            name = f"{side}, {count:,} hostnames, {clients} clients"
            script = drawn.write_script(bench.scratch / f"{side}-{count}.sql", statement, table, column, count)
            names[name] = drawn.speed(bench, script, tenants.DATABASE, clients)
    bench.in_turn(names)
    for clients in (1, 8):
        ours, peer = (bench.report.median(f"{side}, {count:,} hostnames, {clients} clients") for side in SIDES)
        bench.report.figure(f"resolve_host / pk_select, {count:,} hostnames, {clients} client{'s' * (clients > 1)}", ours, peer, "1/s",
                            at_least=0.8)


def connections(bench, tokens, count):
    """All tenants in turn with 64 connections: as many requests may wait for a tenant's database as come at once, under the default
    bound of connections and under a small one; with all defaults, some are refused. One tenant beside it."""
    one = bench.scratch / "one.tokens"
    one.write_text(tokens.read_text().splitlines(keepends=True)[0])
    patient = {"LATCHKEY_TENANT_WAITING": str(WAITING)}
    few = {**patient, "LATCHKEY_TENANT_CONNECTIONS": str(FEW_CONNECTIONS)}
    every = f"{count:,} tenants"
    sides = {every: (tokens, patient, settings.TENANT_CONNECTIONS),
             f"{every}, {FEW_CONNECTIONS} connections": (tokens, few, FEW_CONNECTIONS),
             f"{every}, all defaults": (tokens, {}, settings.TENANT_CONNECTIONS),
             "one tenant": (one, patient, settings.TENANT_CONNECTIONS_EACH)}
    bench.in_turn({side: lambda file=file, variables=variables: load(bench, file, variables)
                   for side, (file, variables, _) in sides.items()})
    report = bench.report
    for side, (*_, most) in sides.items():
        report.bound(f"connections to tenants' databases, {side}", report.worst(side, "connections"), "", at_most=most)
        report.bound(f"answers other than 2xx, {side}", report.worst(side, "refused"), "", at_most=0)
        if side != "one tenant":
            report.figure(f"products of {side} in turn / of one, 64 connections", report.median(side), report.median("one tenant"), "1/s")


def load(bench, tokens, variables):
    with bench.serving(tenants.gateway(bench, **variables)) as gateway, tenants.ConnectionCount(bench) as counted:
        metrics = bench.wrk(gateway, PATH, "bearer.lua", BENCH_TOKENS=tokens)
    return {**metrics, "connections": counted.most}


def first_requests(bench, tokens):
    """Also where the server asks for no password: the rest is what PostgreSQL takes for a new connection and its first statement."""
    tokens = tokens.read_text().split()
    sides = {"first requests": True, "first requests, no passwords": False}
    bench.in_turn({side: lambda asks=asks: time_first(bench, tokens, asks) for side, asks in sides.items()})
    report = bench.report
    for side, asks in sides.items():
        report.figure(f"median of {side.replace('requests', 'requests to a tenant')} / of later ones, one at a time",
                      report.median(side, "first_ms"), report.median(side, "later_ms"), "ms", at_most=5 if asks else None)


def time_first(bench, tokens, asks_passwords):
    """A fresh gateway; the first tenant, which is not counted, makes its connections to the main database."""
    tenants.ask_passwords(bench, asks_passwords)
    first_ms, later_ms = [], []
    with bench.serving(tenants.gateway(bench)) as gateway, socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as client:
        for token in tokens:
            message = idle.request(PATH, token)
            first_ms.append(timed(client, message))
            later_ms.append(statistics.median(timed(client, message) for _ in range(AGAIN)))
    times = {"first_ms": statistics.median(first_ms[1:]), "later_ms": statistics.median(later_ms[1:])}
    return {"per_second": 1000 / times["first_ms"], "tenants": len(tokens) - 1, **times}


def timed(client, message):
    began = time.perf_counter()
    if not idle.exchange(client, message):
        raise SystemExit("a request to a tenant's database got no 200")
    return 1000 * (time.perf_counter() - began)
