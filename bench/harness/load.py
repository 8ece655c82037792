"""The load generators: one pgbench or wrk run, parsed into numbers."""

import re
import subprocess
import tempfile
import threading
import time

from . import cluster, machine, settings

UNIT_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}


def milliseconds(text):
    """wrk prints 812.00us, 1.20ms, 3.05s or 1.50m."""
    match = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text)
    return float(match[1]) * UNIT_MS[match[2]]


def pgbench(environment, script, clients=8, per_transaction=1, secs=None, defines=()):
    """Statements per second of a prepared script that holds `per_transaction` statements."""
    secs = secs or settings.SECS
    command = [cluster.pg_program("pgbench"), "-n", "-M", "prepared", "-T", str(secs)]
    command += ["-c", str(clients), "-j", str(min(clients, 2)), "-f", str(script)]
    for define in defines:
        command += ["-D", define]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True,
            timeout=secs * 6 + 60, check=False,
        )
    rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.M)
    if done.returncode != 0 or "aborted" in done.stderr or not rate:
        raise SystemExit(f"pgbench failed: {done.stderr[-2000:]}")
    done_count = re.search(r"actually processed: (\d+)", done.stdout)
    return {
        "per_second": float(rate[1]) * per_transaction,
        "statements": int(done_count[1]) * per_transaction,
    }


def parse_wrk(text):
    """The figures of a wrk report; `per_second` counts successful answers only."""
    total, elapsed = re.search(r"(\d+) requests in ([\d.]+m?s|[\d.]+m)", text).groups()
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    errors = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    refused = int(refused[1]) if refused else 0
    result = {
        "per_second": (int(total) - refused) / (milliseconds(elapsed) / 1000),
        "refused": refused,
        "socket_errors": sum(int(n) for n in errors.groups()) if errors else 0,
    }
    for percentile in ("50", "99"):
        match = re.search(rf"^\s+{percentile}%\s+(\S+)", text, re.M)
        result[f"p{percentile}_ms"] = milliseconds(match[1]) if match else float("nan")
    return result


def wrk(url, lua, environment, connections=64, secs=None, pid=None):
    """One wrk run with a script of bench/lua; `rss_mib` is that of `pid` at 80 % of the run."""
    secs = secs or settings.SECS
    command = ["wrk", "-t", "2", "-c", str(connections), "-d", f"{secs}s", "--timeout", "60s"]
    command += ["--latency", "-s", str(settings.BENCH / "lua" / lua), url]
    memory = {}

    def look():
        time.sleep(secs * 0.8)
        memory["rss_mib"] = machine.tree_rss_mib(pid)

    watcher = threading.Thread(target=look) if pid else None
    if watcher:
        watcher.start()
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=secs + 120, check=False
    )
    if watcher:
        watcher.join()
    if done.returncode != 0:
        raise SystemExit(f"wrk failed: {done.stdout}{done.stderr}")
    return {**parse_wrk(done.stdout), **memory}
