"""Idle keep-alive connections: what they take from the rate of 64 active ones, and from newcomers.

1,000 of them at the gateway itself, 10,000 at nginx with the configuration that we ship, in front
of it. Each has had one answer and then stays silent. While wrk keeps 64 connections busy, fresh
connections are opened every 50 ms, and again without other load: the slowest of all counts.
"""

import time

from harness import idle, machine, nginx, seed, servers

SESSIONS = 5_000
PATH = "/api/auth/verify"
LONELY_SECS = 3


def without_idle(bench, server, tokens):
    return bench.wrk(server, PATH, "bearer.lua", BENCH_TOKENS=tokens)


def with_idle(bench, server, tokens, token, count):
    with idle.connections(server.port, count, PATH, token) as held:
        with idle.FreshProbe(server.port, PATH, token) as lonely:
            time.sleep(LONELY_SECS)
        with idle.FreshProbe(server.port, PATH, token) as busy:
            metrics = without_idle(bench, server, tokens)
        metrics["closed_by_server"] = len(held) - idle.still_open(held)
    alone = {f"lonely_{name}": value for name, value in lonely.metrics().items()}
    return {**metrics, **alone, **busy.metrics()}


def compare(bench, server, count, name):
    """One server stays up for all repetitions, so that what idle clients leave behind shows."""
    tokens = seed.sessions(bench, SESSIONS)
    with tokens.open() as file:
        token = file.readline().strip()
    few, many = f"{name}, no idle", f"{name}, {count} idle"
    bench.in_turn({
        few: lambda: without_idle(bench, server, tokens),
        many: lambda: with_idle(bench, server, tokens, token, count),
    })
    report = bench.report
    report.figure(f"GET verify with {count:,} idle / without, {name}", report.median(many),
                  report.median(few), "1/s", at_least=0.8)
    for label, metric in (("alone", "lonely_fresh_worst_ms"), ("under load", "fresh_worst_ms")):
        report.bound(f"slowest fresh connection, {count:,} idle, {label}, {name}",
                     report.worst(many, metric), "ms", at_most=100)
    lost = max(report.worst(many, metric) for metric in
               ("closed_by_server", "fresh_failed", "lonely_fresh_failed", "refused"))
    report.bound(f"connections or answers lost, {name}", lost, "", at_most=0)


def run(bench):
    machine.raise_file_limit(12_000)
    trusted = {"LATCHKEY_TRUSTED_PROXIES": "127.0.0.1"}
    with bench.serving(servers.gateway(bench, **trusted)) as gateway:
        compare(bench, gateway, 1_000, "gateway")
        with bench.serving(nginx.in_front_of(bench, gateway)) as front:
            compare(bench, front, 10_000, "nginx")
