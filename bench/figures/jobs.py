"""Jobs by SQL against pgmq, and from a Node.js client against graphile-worker and pg-boss."""

from harness import latchkey, load, queues, settings

CLIENTS = (8, 32)
BATCH = 1000
# How many jobs are processed in a measurement, for each second that it is to take.
SINGLY_PER_SEC = 1_000
BATCHED_PER_SEC = 10_000


def run(bench):
    with_pgmq = queues.load_pgmq(bench.cluster)
    measure_sql(bench, with_pgmq)
    measure_clients(bench)
    tell(bench.report, with_pgmq)


def measure_sql(bench, with_pgmq):
    environment = bench.cluster.environment(user=latchkey.WORKER_ROLE)
    sides = {}
    for clients in CLIENTS:
        sides[f"enqueue_job, {clients} clients"] = prepared(bench, queues.prepare_ours, "send", queues.SEND, environment, clients)
    sides["enqueue, claim, complete"] = prepared(bench, queues.prepare_ours, "cycle", queues.CYCLE, environment, 8)
    if with_pgmq:
        environment = bench.cluster.environment()
        for clients in CLIENTS:
            sides[f"pgmq.send, {clients} clients"] = prepared(
                bench, queues.prepare_pgmq, "pgmq-send", queues.PGMQ_SEND, environment, clients)
        sides["pgmq send, read, delete"] = prepared(
            bench, queues.prepare_pgmq, "pgmq-cycle", queues.PGMQ_CYCLE, environment, 8)
    bench.in_turn(sides)


def prepared(bench, prepare, name, statements, environment, clients):
    script = bench.scratch / f"jobs-{name}.sql"
    script.write_text(statements + ";\n")
    run_script = load.speed(bench.cluster, script, environment, 1, clients=clients)

    def measure():
        prepare(bench.cluster)
        return run_script()

    return measure


def measure_clients(bench):
    singly, batched = SINGLY_PER_SEC * settings.SECS, BATCHED_PER_SEC * settings.SECS
    bench.in_turn({
        f"{measurement}, {peer}": queues.by_node(bench, peer, measurement, number)
        for measurement, peers, number in (
            ("add", ("latchkey", "graphile"), settings.SECS),
            ("add-8", ("latchkey", "graphile"), settings.SECS),
            ("batches", ("latchkey", "graphile", "pgboss"), settings.SECS),
            ("process", ("latchkey", "graphile"), singly),
            ("process-batches", ("latchkey", "graphile"), batched),
        ) for peer in peers
    })


def tell(report, with_pgmq):
    if with_pgmq:
        for clients in CLIENTS:
            report.figure(f"enqueue_job / pgmq.send, {clients} clients", report.median(f"enqueue_job, {clients} clients"),
                          report.median(f"pgmq.send, {clients} clients"), "1/s", at_least=1)
        report.figure("enqueue, claim, complete / pgmq send, read, delete, 8 clients",
                      report.median("enqueue, claim, complete"), report.median("pgmq send, read, delete"), "1/s", at_least=1)
    for what, measurement, peers in (
        ("add one by one, 1 in flight", "add", ("graphile",)),
        ("add one by one, 8 in flight", "add-8", ("graphile",)),
        (f"add in batches of {BATCH}", "batches", ("graphile", "pgboss")),
        ("process by SQL one by one, 10 at once", "process", ("graphile",)),
        ("process by SQL in batches", "process-batches", ("graphile",)),
    ):
        for peer in peers:
            name = {"graphile": "graphile-worker", "pgboss": "pg-boss"}[peer]
            report.figure(f"{what} / {name}", report.median(f"{measurement}, latchkey"),
                          report.median(f"{measurement}, {peer}"), "1/s", at_least=1)
