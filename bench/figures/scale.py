"""verify(token) with 1,000 users and sessions against 1,000,000 users and 3,000,000 sessions.

Two databases of one cluster. The large one is loaded by SQL; 20,000 of its users, spread over all
of them, then log in, and their sessions are what is verified. Both tables are written anew in key
order afterwards, because those sessions would otherwise lie together on few, warm pages.
"""

from figures import verify
from harness import drawn, latchkey, seed, settings

SMALL = 1_000
SAMPLE = 20_000


def load(bench, database, users, sessions, sample):
    cluster = bench.cluster
    cluster.sql(f"CREATE DATABASE {database}", "postgres")
    latchkey.create_extension(cluster, database)
    usual = seed.create_users(bench, users, database)
    if sessions > sample:
        cluster.script("scale_sessions.sql", database, sessions=sessions - sample)
    seed.sign_in(bench, sample, every=users // sample, database=database)
    seed.set_settings(bench, usual, database)
    for table in ("users", "sessions"):
        cluster.sql(f"CLUSTER latchkey.{table} USING {table}_pkey", database)
    cluster.sql("VACUUM ANALYZE", database)


def run(bench):
    sample = min(SAMPLE, settings.SCALE_USERS)
    sizes = {
        "small": (SMALL, SMALL, SMALL),
        "large": (settings.SCALE_USERS, settings.SCALE_SESSIONS, sample),
    }
    sides = {}
    for name, (users, sessions, tokens) in sizes.items():
        print(f"  loading {users:,} users and {sessions:,} sessions", flush=True)
        database = f"scale_{name}"
        load(bench, database, users, sessions, tokens)
        script = verify.write_script(bench.scratch, "verify", tokens, name)
        sides[f"verify, {name}"] = drawn.speed(bench, script, database)
    bench.cluster.settle()
    bench.in_turn(sides)
    report = bench.report
    small, large = (report.median(side, "statement_us") for side in sides)
    report.figure(f"time of verify, {settings.SCALE_USERS:,} users / {SMALL:,}", large, small, "us",
                  at_most=1.2)
