"""Users and sessions on our side, for all figures that need some."""

import concurrent.futures

from . import latchkey, settings

BATCH = 250
CHEAP = {"passwords.argon2_memory_kib": "8192", "passwords.argon2_passes": "1"}


def set_settings(bench, values, database):
    for key, value in values.items():
        bench.cluster.sql(f"SELECT latchkey.set_setting('{key}', '{value}')", database)


def hash_password(bench, database):
    """The hash of the password of all users, with the parameters in force."""
    return bench.cluster.sql(f"SELECT latchkey.hash_password('{settings.PASSWORD}')", database)


def create_users(bench, users, database=None):
    """u1 … uN; their hash is cheap to check until sign_in() is through with them."""
    usual = {key: bench.cluster.sql(f"SELECT latchkey.get_setting('{key}')", database)
             for key in CHEAP}
    set_settings(bench, CHEAP, database)
    bench.cluster.script("users.sql", database, users=users, hash=hash_password(bench, database))
    return usual


def sign_in(bench, count, every=1, database=None):
    """Logs users u1, u1+every … in through login(), and keeps their tokens in bench_tokens."""
    bench.cluster.sql("CREATE TABLE bench_tokens (id integer PRIMARY KEY, token text NOT NULL)",
                      database)

    def batch(first):
        bench.cluster.sql(f"""
            INSERT INTO bench_tokens
            SELECT i, (latchkey.login('u' || (1 + (i - 1) * {every}) || '@example.org',
                                      '{settings.PASSWORD}')).token
            FROM generate_series({first}, {min(first + BATCH - 1, count)}) AS i
        """, database)

    with concurrent.futures.ThreadPoolExecutor(latchkey.cores()) as pool:
        list(pool.map(batch, range(1, count + 1, BATCH)))


def restore_hashes(bench, usual, database=None):
    """The settings as they were, and for every user a hash made with them."""
    set_settings(bench, usual, database)
    bench.cluster.sql(
        f"UPDATE latchkey.users SET password_hash = '{hash_password(bench, database)}'", database)


def sessions(bench, wanted):
    """At least `wanted` sessions of as many users; returns the file of their tokens.

    All figures share one set, so the first that asks decides its size: it is the largest one.
    """
    tokens = bench.scratch / "latchkey.tokens"
    if not tokens.exists():
        most = max(wanted, 10_000)
        print(f"  signing {most:,} users in", flush=True)
        usual = create_users(bench, most)
        sign_in(bench, most)
        restore_hashes(bench, usual)
        bench.cluster.sql("VACUUM (FULL, ANALYZE) latchkey.users")
        bench.cluster.sql("VACUUM ANALYZE")
        tokens.write_text(bench.cluster.sql("SELECT token FROM bench_tokens ORDER BY id") + "\n")
    part = bench.scratch / f"latchkey-{wanted}.tokens"
    part.write_text("".join(tokens.read_text().splitlines(keepends=True)[:wanted]))
    return part
