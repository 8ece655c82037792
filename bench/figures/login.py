"""Logins through the gateway against the Node.js backend's, and what a storm of them does to verify.

16 connections sign in 5,000 users in turn, always with the right password. Then a modest constant
load of verifications (8 connections that pause between requests) and a saturating one (64 that do
not, as in gateway-verify) run without and with 32 other connections that log in without pause.
"""

import functools
import os
import threading

from harness import load, peers, seed, servers, settings

USERS = 5_000
LOGIN = "/api/auth/login"
VERIFY = "/api/auth/verify"
LOADS = {"constant": (8, 10), "saturating": (64, 0)}  # connections, and ms between their requests
STORM_CONNECTIONS = 32


def login_variables():
    return {"BENCH_USERS": str(USERS), "BENCH_PASSWORD": settings.PASSWORD}


def logins(bench, server):
    with bench.serving(server()) as started:
        return bench.wrk(started, LOGIN, "login.lua", connections=16, secs=settings.LOGIN_SECS,
                         **login_variables())


def rates(bench):
    node = functools.partial(servers.node, bench, "node-backend")
    two = functools.partial(node, processes=2)
    bench.in_turn({
        "gateway logins": lambda: logins(bench, functools.partial(servers.gateway, bench)),
        "node logins, 1 process": lambda: logins(bench, node),
        "node logins, 2 processes": lambda: logins(bench, two),
    })
    report = bench.report
    ours = report.median("gateway logins")
    report.figure("logins / node, 16 connections", ours, report.median("node logins, 1 process"),
                  "1/s", at_least=15)
    report.figure("logins / node in 2 processes", ours, report.median("node logins, 2 processes"),
                  "1/s")
    report.bound("logins refused", report.worst("gateway logins", "refused"), "", at_most=0)


class Storm:
    """Clients that log in without pause while the block runs."""

    def __init__(self, server, secs):
        environment = dict(os.environ, **login_variables())
        self.result = {}
        run = functools.partial(load.wrk, server.url + LOGIN, "login.lua", environment,
                                connections=STORM_CONNECTIONS, secs=secs)
        self.thread_ = threading.Thread(target=lambda: self.result.update(run()))

    def __enter__(self):
        self.thread_.start()
        return self

    def __exit__(self, *_):
        self.thread_.join()


def verify_alone(bench, server, tokens, connections, pause_ms):
    return bench.wrk(server, VERIFY, "bearer.lua", connections=connections, BENCH_TOKENS=tokens,
                     BENCH_DELAY_MS=pause_ms)


def verify_in_storm(bench, server, *how):
    with Storm(server, settings.SECS + 4) as storm:  # longer than warm-up and run together
        metrics = verify_alone(bench, server, *how)
    return {**metrics, "logins_per_second": storm.result["per_second"]}


def disturbance(bench, tokens):
    with bench.serving(servers.gateway(bench)) as gateway:
        for load_name, how in LOADS.items():
            calm, storm = f"verify, {load_name} load, calm", f"verify, {load_name} load, storm"
            bench.in_turn({
                calm: functools.partial(verify_alone, bench, gateway, tokens, *how),
                storm: functools.partial(verify_in_storm, bench, gateway, tokens, *how),
            })
            report = bench.report
            report.figure(f"p99 of verify with {STORM_CONNECTIONS} logging in / without, "
                          f"{load_name} load", report.median(storm, "p99_ms"),
                          report.median(calm, "p99_ms"), "ms", at_most=3)


def run(bench):
    tokens = seed.sessions(bench, USERS)
    peers.seed_node_backend(bench, USERS)
    bench.cluster.settle()
    rates(bench)
    disturbance(bench, tokens)
