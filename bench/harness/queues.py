"""The queues that are compared: filling and emptying them, and one measurement of a Node.js client."""

import json

from . import latchkey, servers, settings

PAYLOAD = '{"kind":"email","user":42}'
PGMQ_QUEUE = "bench"

SEND = f"SELECT id FROM latchkey.enqueue_job('noop', '{PAYLOAD}')"
CLAIM = "SELECT account_id, id, lease_token FROM latchkey.claim_jobs('{noop}', 'bench')"
CYCLE = f"""{CLAIM} \\gset
SELECT latchkey.complete_job(:account_id, :id, :lease_token);
{SEND}"""
PGMQ_SEND = f"SELECT * FROM pgmq.send('{PGMQ_QUEUE}', '{PAYLOAD}'::jsonb)"
PGMQ_CYCLE = f"""SELECT msg_id FROM pgmq.read('{PGMQ_QUEUE}', 300, 1) \\gset
SELECT pgmq.delete('{PGMQ_QUEUE}', (:msg_id)::bigint);
{PGMQ_SEND}"""


def load_pgmq(cluster, database=None):
    """False when pgmq is neither installed nor named by BENCH_PGMQ."""
    if cluster.sql("SELECT to_regnamespace('pgmq') IS NOT NULL", database) == "t":
        return True
    if cluster.sql("SELECT count(*) FROM pg_available_extensions WHERE name = 'pgmq'", database) == "1":
        cluster.sql("CREATE EXTENSION pgmq", database)
    elif settings.PGMQ:
        cluster.file(settings.PGMQ, database)
    else:
        print("  pgmq is neither installed nor named by BENCH_PGMQ: left out", flush=True)
        return False
    cluster.sql(f"SELECT pgmq.create('{PGMQ_QUEUE}')", database)
    return True


def prepare_ours(cluster, jobs=1000, database=None):
    """So many pending jobs and nothing else, without dead rows."""
    cluster.sql(f"""
        TRUNCATE latchkey.jobs, latchkey.job_history;
        SELECT count(latchkey.enqueue_jobs((SELECT jsonb_agg(jsonb_build_object('type', 'noop', 'payload', '{PAYLOAD}'::jsonb))
                                            FROM generate_series(1, 1000))))
        FROM generate_series(1, {jobs // 1000});
        VACUUM ANALYZE latchkey.jobs; VACUUM ANALYZE latchkey.job_history; CHECKPOINT;
    """, database)


def prepare_pgmq(cluster, jobs=1000, database=None):
    cluster.sql(f"""
        SELECT pgmq.purge_queue('{PGMQ_QUEUE}');
        SELECT count(*) FROM pgmq.send_batch('{PGMQ_QUEUE}', ARRAY(SELECT '{PAYLOAD}'::jsonb FROM generate_series(1, {jobs})));
        VACUUM ANALYZE pgmq.q_{PGMQ_QUEUE}; CHECKPOINT;
    """, database)


def by_node(bench, script, measurement, number):
    """A measurement of bench/peers/queues."""
    environment = dict(bench.cluster.environment(), GATEWAY=str(settings.GATEWAY), WORKER=latchkey.WORKER_ROLE)

    def run():
        bench.cluster.settle()
        return json.loads(servers.run_node("queues", environment, f"{script}.js", measurement, number).splitlines()[-1])

    return run
