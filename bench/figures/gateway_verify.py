"""GET /api/auth/verify with bearer tokens: our gateway against the Node.js backend.

64 keep-alive connections, the tokens of 5,000 sessions in turn. Every server is started for its
measurement and stopped after it, so each has the machine for itself (and for wrk).
"""

import functools

from harness import peers, seed, servers

SESSIONS = 5_000
PATH = "/api/auth/verify"


def measure(bench, server, tokens):
    with bench.serving(server()) as started:
        return bench.wrk(started, PATH, "bearer.lua", BENCH_TOKENS=tokens)


def run(bench):
    ours = seed.sessions(bench, SESSIONS)
    theirs = peers.seed_node_backend(bench, SESSIONS)
    bench.cluster.settle()
    node = functools.partial(servers.node, bench, "node-backend")
    gateway = functools.partial(servers.gateway, bench)
    two = functools.partial(node, processes=2)
    bench.in_turn({
        "gateway": lambda: measure(bench, gateway, ours),
        "node, 1 process": lambda: measure(bench, node, theirs),
        "node, 2 processes": lambda: measure(bench, two, theirs),
    })
    report = bench.report
    report.figure("GET verify / node, 64 connections", report.median("gateway"),
                  report.median("node, 1 process"), "1/s", at_least=10)
    report.figure("its p99 / node", report.median("gateway", "p99_ms"),
                  report.median("node, 1 process", "p99_ms"), "ms", at_most=0.25)
    report.figure("GET verify / node in 2 processes", report.median("gateway"),
                  report.median("node, 2 processes"), "1/s")
    report.figure("its p99 / node in 2 processes", report.median("gateway", "p99_ms"),
                  report.median("node, 2 processes", "p99_ms"), "ms")
    report.bound("memory of the gateway", report.worst("gateway", "rss_mib"), "MiB", at_most=64)
    report.bound("answers other than 2xx", report.worst("gateway", "refused"), "", at_most=0)
