"""What a run writes, as the server's own statistics count it: bytes of WAL, and rows of tables."""

import time

STATISTICS = """
    SELECT (SELECT wal_bytes FROM pg_stat_wal),
           (SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables)
"""
# PostgreSQL 14 collects them in another process, half a second late.
COLLECTED_AFTER_SECS = 1


def read_(cluster, database):
    time.sleep(COLLECTED_AFTER_SECS)
    return [int(number) for number in cluster.sql(STATISTICS, database).split("|")]


def per_statement(cluster, run, database=None):
    """The run of load.speed() with `wal_bytes` and `rows_written` of each statement; a row that is
    changed counts once, one that is only locked does not."""

    def measured():
        before = read_(cluster, database)
        metrics = run()
        wal_bytes, rows = (b - a for a, b in zip(before, read_(cluster, database)))
        return {**metrics, "wal_bytes": wal_bytes / metrics["statements"],
                "rows_written": rows / metrics["statements"]}

    return measured
