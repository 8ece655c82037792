"""latchkey-gateway work against graphile-worker's runner: jobs per second, and from adding a job to its start."""

from harness import queues, settings

JOBS_PER_SEC = 2_000
TIMES_PER_SEC = 25


def run(bench):
    jobs, times = JOBS_PER_SEC * settings.SECS, TIMES_PER_SEC * settings.SECS
    bench.in_turn({
        "worker, 10 threads": queues.by_node(bench, "latchkey", "work", jobs),
        "graphile-worker, 10 at once": queues.by_node(bench, "graphile", "process", jobs),
        "worker, add to start": queues.by_node(bench, "latchkey", "add-to-start", times),
        "graphile-worker, add to start": queues.by_node(bench, "graphile", "add-to-start", times),
    })
    report = bench.report
    report.figure("jobs of the worker with 10 threads / graphile-worker, 10 at once", report.median("worker, 10 threads"),
                  report.median("graphile-worker, 10 at once"), "1/s", at_least=1)
    for metric, at_most in (("p50_ms", 1), ("p99_ms", None)):
        report.figure(f"{metric[:3]} from adding to start, idle worker / graphile-worker",
                      report.median("worker, add to start", metric), report.median("graphile-worker, add to start", metric),
                      "ms", at_most=at_most)
