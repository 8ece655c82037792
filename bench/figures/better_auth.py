"""Session check and sign-in against better-auth, a library that many Node.js products use.

Both sides check the tokens of 200 sessions with 64 connections, and sign 200 users in with 16.
better-auth hashes with scrypt (N=16384, r=16), we with argon2id: each with its own default.
"""

import functools

from harness import peers, seed, servers, settings

USERS = 200


def measure(bench, server, path, lua, **arguments):
    with bench.serving(server()) as started:
        return bench.wrk(started, path, lua, **arguments)


def run(bench):
    ours = seed.sessions(bench, USERS)
    theirs = peers.seed_better_auth(bench, USERS)
    bench.cluster.settle()
    sides = {
        "gateway": (functools.partial(servers.gateway, bench), ours,
                    "/api/auth/verify", "/api/auth/login"),
        "better-auth": (functools.partial(servers.node, bench, "better-auth"), theirs,
                        "/api/auth/get-session", "/api/auth/sign-in/email"),
    }
    checks, logins = {}, {}
    for name, (server, tokens, check, login) in sides.items():
        checks[f"{name} check of {USERS}"] = functools.partial(
            measure, bench, server, check, "bearer.lua", BENCH_TOKENS=tokens)
        logins[f"{name} sign-in of {USERS}"] = functools.partial(
            measure, bench, server, login, "login.lua", connections=16,
            BENCH_USERS=USERS, BENCH_PASSWORD=settings.PASSWORD)
    bench.in_turn(checks)
    bench.in_turn(logins)
    report = bench.report
    for name, measured in (("session checks", checks), ("sign-ins", logins)):
        mine, peer = measured
        report.figure(f"{name} / better-auth", report.median(mine), report.median(peer), "1/s")
