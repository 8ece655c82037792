"""Searching 1,000,000 users with list_users() against reading one of them by primary key.

Terms that one user has, 100, 10,000 and all of them have, drawn anew for each search; a page of 50.
"""

import functools

from harness import latchkey, load, settings

DATABASE = "search"
PAGE = 50

READ = "SELECT id, email, name FROM latchkey.users WHERE id = user_id(:n)"
SEARCH = f"SELECT id, email, name FROM latchkey.list_users(search => {{term}}, max_rows => {PAGE})"
TERMS = {  # what search_users.sql gives to user n
    "one user": "'.' || :n || '@'",
    "1 of 10,000": "family_name(:n)",
    "1 of 100": "given_name(:n)",
    "all": "'example'",
}


def script(bench, name, statement):
    path = bench.scratch / f"search-{name}.sql".replace(" ", "-").replace(",", "")
    path.write_text(f"\\set n random(1, {settings.SCALE_USERS})\n{statement};\n")
    return path


def run(bench):
    cluster = bench.cluster
    print(f"  loading {settings.SCALE_USERS:,} users", flush=True)
    cluster.sql(f"CREATE DATABASE {DATABASE}", "postgres")
    latchkey.create_extension(cluster, DATABASE)
    cluster.script("search_users.sql", DATABASE, users=settings.SCALE_USERS)
    cluster.settle()
    sides = {"read by primary key": READ}
    sides |= {f"search, {name}": SEARCH.format(term=term) for name, term in TERMS.items()}
    environment = cluster.environment(DATABASE, latchkey.ADMIN_ROLE)
    for clients, target in ((1, 10), (8, None)):
        compare(bench, environment, sides, clients, target)


def compare(bench, environment, sides, clients, target):
    """One client is an administrator who waits for the page; 8 share the cores, so that each waits for the others."""
    names = {side: f"{side}, {clients} at once" for side in sides}
    bench.in_turn({
        names[side]: functools.partial(load.latencies, environment, script(bench, side, statement), clients)
        for side, statement in sides.items()
    })
    report = bench.report
    peer = report.median(names["read by primary key"], "p99_ms")
    for name in TERMS:
        report.figure(f"p99 of a search that finds {name} of {settings.SCALE_USERS:,} / of a read, {clients} at once",
                      report.median(names[f"search, {name}"], "p99_ms"), peer, "ms", at_most=target)
