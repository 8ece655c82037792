"""The load generators: one pgbench or wrk run, parsed into numbers."""

import pathlib
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


def run_pgbench(environment, folder, script, secs, options, with_progress=False):
    """One run in `folder` of a prepared script; returns what pgbench prints."""
    command = [cluster.pg_program("pgbench"), "-n", "-M", "prepared", "-T", str(secs)]
    command += ["-f", str(script), *options]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True,
        timeout=secs * 6 + 60, check=False,
    )
    if done.returncode != 0 or "aborted" in done.stderr:
        raise SystemExit(f"pgbench failed: {done.stderr[-2000:]}")
    return done.stdout + (done.stderr if with_progress else "")


def rate(printed):
    found = re.search(r"^tps = ([\d.]+)", printed, re.M)
    if not found:
        raise SystemExit(f"pgbench has done nothing:\n{printed}")
    return float(found[1])


def pgbench(environment, script, clients=8, per_transaction=1, secs=None, defines=()):
    """Statements per second of a prepared script that holds `per_transaction` statements."""
    options = ["-c", str(clients), "-j", str(min(clients, 2))]
    for define in defines:
        options += ["-D", define]
    with tempfile.TemporaryDirectory() as folder:
        printed = run_pgbench(environment, folder, script, secs or settings.SECS, options)
    done_count = re.search(r"actually processed: (\d+)", printed)
    return {
        "per_second": rate(printed) * per_transaction,
        "statements": int(done_count[1]) * per_transaction,
    }


def statement_ms(printed, text):
    """How long the statement of a script that contains `text` took on average, as pgbench -r prints it."""
    line = next(line for line in printed.split("statement latencies", 1)[1].splitlines() if text in line)
    return float(line.split()[0])


def speed(private, script, environment, per_transaction, defines=(), clients=8):
    """A measurement: `statement_us` is how long each client waits for a statement, on average, and
    `cpu_us` what the server's processes used for it."""

    def run():
        with machine.CpuTime(private.pid) as used:
            metrics = pgbench(environment, script, clients, per_transaction, defines=defines)
        return {**metrics, "statement_us": clients * 1e6 / metrics["per_second"],
                "cpu_us": 1e6 * used.seconds / metrics["statements"]}

    return run


def latencies(environment, script, clients, secs=None):
    """Rate and percentiles of a script of one statement, from pgbench's log of each."""
    secs = secs or settings.SECS
    with tempfile.TemporaryDirectory() as folder:
        run_pgbench(environment, folder, script, secs, ["-c", str(clients), "-j", str(min(clients, 2)), "-l"])
        taken_us = sorted(int(line.split()[2]) for log in pathlib.Path(folder).iterdir()
                          for line in log.read_text().splitlines())
    if not taken_us:
        raise SystemExit(f"pgbench has finished nothing of {script.name} in {secs} s")
    return {
        "per_second": len(taken_us) / secs,
        "p50_ms": taken_us[len(taken_us) // 2] / 1000,
        "p99_ms": taken_us[len(taken_us) * 99 // 100] / 1000,
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
