"""Jobs per second while a transaction holds an old snapshot, so that nothing dead can be removed: ours, then pgmq's.

The clients keep their connections, as workers do. Autovacuum runs, because what it can't do is the point.
"""

import contextlib
import re
import subprocess

from harness import cluster, latchkey, load, queues, settings

SLICES = 12
CLIENTS = 8


def run(bench):
    private = bench.cluster
    sides = {"ours": (queues.prepare_ours, queues.CYCLE, private.environment(user=latchkey.WORKER_ROLE))}
    if queues.load_pgmq(private):
        sides["pgmq"] = (queues.prepare_pgmq, queues.PGMQ_CYCLE, private.environment())
    private.sql("ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf()")
    bench.in_turn({f"{side} under a snapshot": measurement(bench, side, *of_side) for side, of_side in sides.items()},
                  repetitions=1)
    private.sql("ALTER SYSTEM RESET autovacuum; SELECT pg_reload_conf()")
    for side in sides:
        last, first = (bench.report.median(f"{side} under a snapshot", metric) for metric in ("last_per_second", "first_per_second"))
        bench.report.figure(f"{side}: last twelfth of {settings.SNAPSHOT_SECS} s under a snapshot / first",
                            last, first, "1/s", at_least=0.5 if side == "ours" else None)


@contextlib.contextmanager
def snapshot(private):
    """A transaction that has read something and goes on forever."""
    holder = subprocess.Popen([cluster.pg_program("psql"), "-XAtq"], env=private.environment(), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    try:
        holder.stdin.write("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class;\n")
        holder.stdin.flush()
        holder.stdout.readline()
        yield
    finally:
        holder.communicate("ROLLBACK;\n", timeout=30)


def measurement(bench, side, prepare, statements, environment):
    script = bench.scratch / f"snapshot-{side}.sql"
    script.write_text(statements + ";\n")

    def run_script():
        prepare(bench.cluster)
        with snapshot(bench.cluster):
            options = ["-c", str(CLIENTS), "-j", "2", "-P", str(max(1, settings.SNAPSHOT_SECS // SLICES))]
            if settings.SNAPSHOT_RATE:
                options += ["-R", str(settings.SNAPSHOT_RATE)]
            printed = load.run_pgbench(environment, bench.scratch, script, settings.SNAPSHOT_SECS, options,
                                       with_progress=True)
        slices = re.findall(r"^progress: [\d.]+ s, ([\d.]+) tps, lat ([\d.]+) ms", printed, re.M)
        if len(slices) < 2:
            raise SystemExit(f"pgbench told no progress:\n{printed}")
        rates = [float(rate) for rate, _ in slices]
        print(f"  {side}, jobs per second:", " ".join(f"{rate:,.0f}" for rate in rates), flush=True)
        print(f"  {side}, ms per job:", " ".join(latency for _, latency in slices), flush=True)
        return {"per_second": load.rate(printed), "first_per_second": rates[0], "last_per_second": rates[-1],
                **{f"slice_{i}": rate for i, rate in enumerate(rates, 1)}}

    return run_script
