"""The knobs of a benchmark run, read from the environment once."""

import os
import pathlib

BENCH = pathlib.Path(__file__).resolve().parent.parent
ROOT = BENCH.parent
BUILD = ROOT / "build"


def number(name, default):
    """An integer knob; anything else in the variable ends the run with a clear message."""
    text = os.environ.get(name, "")
    try:
        return int(text) if text else default
    except ValueError:
        raise SystemExit(f"{name}={text} is not a whole number") from None


SECS = number("BENCH_SECS", 8)
REPS = number("BENCH_REPS", 3)

# bcryptjs needs seconds for a handful of logins: a shorter run would count a dozen of them.
LOGIN_SECS = number("BENCH_LOGIN_SECS", max(SECS, 20))

SCALE_USERS = number("BENCH_SCALE_USERS", 1_000_000)
SCALE_SESSIONS = number("BENCH_SCALE_SESSIONS", 3_000_000)
SCALE_LEDGER = number("BENCH_SCALE_LEDGER", 50_000_000)
SCALE_JOBS = number("BENCH_SCALE_JOBS", 1_000_000)
SNAPSHOT_SECS = number("BENCH_SNAPSHOT_SECS", 3600)
SNAPSHOT_RATE = number("BENCH_SNAPSHOT_RATE", 0)  # jobs per second; 0: as many as can be

TENANTS = number("BENCH_TENANTS", 1_000)
PROVISIONED = number("BENCH_PROVISIONED", 200)

# The gateway's defaults, which the figure tenants holds it to.
TENANT_CONNECTIONS = 100
TENANT_CONNECTIONS_EACH = 8

# A measurement counts when the rest of the machine used less than this share during it.
QUIET_PERCENT = number("BENCH_QUIET_PERCENT", 8)
QUIET_WAIT_SECS = number("BENCH_QUIET_WAIT_SECS", 60)
TRIES = number("BENCH_TRIES", 3)

GATEWAY = pathlib.Path(os.environ.get("BENCH_GATEWAY", BUILD / "latchkey-gateway"))
NGINX_CONF = pathlib.Path(os.environ.get("BENCH_NGINX_CONF", ROOT / "deploy" / "nginx.conf"))

# pgmq's SQL file, where the extension itself is not installed.
PGMQ = os.environ.get("BENCH_PGMQ", "")

PASSWORD = "correct horse battery staple"


def email(number_of_user):
    """The address of user N on every side of every comparison."""
    return f"u{number_of_user}@example.org"
