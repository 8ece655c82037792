"""The time of claim_jobs() with a million finished and a million pending jobs, against a queue that is nearly empty.

Each side is a database of its own, in which clients add a job, claim one and complete it.
"""

from harness import latchkey, load, queues, settings

SMALL = "small_queue"
LARGE = "large_queue"
CLIENTS = (1, 8)
PENDING_ON_SMALL = 20


def run(bench):
    cluster = bench.cluster
    for database in (SMALL, LARGE):
        cluster.sql(f"CREATE DATABASE {database}")
        latchkey.create_extension(cluster, database)
    cluster.sql(f"SELECT count(latchkey.enqueue_job('noop')) FROM generate_series(1, {PENDING_ON_SMALL})", SMALL)
    print(f"  completing {settings.SCALE_JOBS:,} jobs, and enqueuing as many", flush=True)
    cluster.script("queue_depth.sql", LARGE, jobs=settings.SCALE_JOBS)
    print("  finished, pending:", cluster.sql(
        "SELECT count(*), (SELECT count(*) FROM latchkey.jobs) FROM latchkey.job_history", LARGE), flush=True)
    script = bench.scratch / "queue-depth.sql"
    script.write_text(f"{queues.SEND};\n{queues.CLAIM} \\gset\nSELECT latchkey.complete_job(:account_id, :id, :lease_token);\n")
    bench.in_turn({f"{database}, {clients} clients": measurement(bench, script, database, clients)
                   for clients in CLIENTS for database in (LARGE, SMALL)})
    for clients in CLIENTS:
        large, small = (1000 * bench.report.median(f"{database}, {clients} clients", "claim_ms") for database in (LARGE, SMALL))
        bench.report.figure(f"time of claim_jobs with {settings.SCALE_JOBS:,} jobs finished and pending / none, "
                            f"{clients} clients", large, small, "us", at_most=1.5)


def measurement(bench, script, database, clients):
    environment = bench.cluster.environment(database, latchkey.WORKER_ROLE)

    def run_script():
        bench.cluster.sql("VACUUM latchkey.jobs; VACUUM latchkey.job_history; CHECKPOINT", database)
        printed = load.run_pgbench(environment, bench.scratch, script, settings.SECS,
                                   ["-c", str(clients), "-j", str(min(clients, 2)), "-r"])
        return {"per_second": load.rate(printed), "claim_ms": load.statement_ms(printed, "claim_jobs")}

    return run_script
