"""Searching 1,000,000 users with list_users() against reading what it finds by primary key.

Terms that one user has, 100, 10,000 and all of them have, drawn anew for each search; a page of 50. One user is
read by get_user(), a page by its 50 keys from the table itself; beside them one row of the table, without a target.
"""

import functools

from harness import latchkey, load, settings

DATABASE = "search"
PAGE = 50

READS = {
    "one row of the table": "SELECT id, email, name FROM latchkey.users WHERE id = user_id(:n)",
    "one user": "SELECT id, email, name FROM latchkey.get_user(user_id(:n))",
    "a page": f"""SELECT id, email, name FROM latchkey.users
 WHERE id = ANY (ARRAY(SELECT user_id(i) FROM generate_series(:n - {PAGE} + 1, :n) AS i)) ORDER BY id DESC""",
}
SEARCH = f"SELECT id, email, name FROM latchkey.list_users(search => {{term}}, max_rows => {PAGE})"
TERMS = {  # what search_users.sql gives to user n, and the read that answers the same
    "one user": ("'.' || :n || '@'", "one user"),
    "1 of 10,000": ("family_name(:n)", "a page"),
    "1 of 100": ("given_name(:n)", "a page"),
    "all": ("'example'", "a page"),
}


def script(bench, name, statement):
    path = bench.scratch / f"search-{name}.sql".replace(" ", "-").replace(",", "")
    path.write_text(f"\\set n random({PAGE}, {settings.SCALE_USERS})\n{statement};\n")
    return path


def run(bench):
    cluster = bench.cluster
    print(f"  loading {settings.SCALE_USERS:,} users", flush=True)
    cluster.sql(f"CREATE DATABASE {DATABASE}", "postgres")
    latchkey.create_extension(cluster, DATABASE)
    cluster.script("search_users.sql", DATABASE, users=settings.SCALE_USERS)
    cluster.settle()
    sides = {f"read {name}": statement for name, statement in READS.items()}
    sides |= {f"search, {name}": SEARCH.format(term=term) for name, (term, _) in TERMS.items()}
    environment = cluster.environment(DATABASE, latchkey.ADMIN_ROLE)
    # The terms are computed by functions of this benchmark: to plan them anew each time is none of the search's work.
    environment["PGOPTIONS"] += " -c plan_cache_mode=force_generic_plan"
    for clients, target in ((1, 10), (8, None)):
        compare(bench, environment, sides, clients, target)


def compare(bench, environment, sides, clients, target):
    """One client is an administrator who waits for the page; 8 share the cores, so that each waits for the others."""
    names = {side: f"{side}, {clients} at once" for side in sides}
    bench.in_turn({
        names[side]: functools.partial(load.latencies, environment, script(bench, side, statement), clients)
        for side, statement in sides.items()
    })

    def p99(side):
        return bench.report.median(names[side], "p99_ms")

    for name, (_, read) in TERMS.items():
        bench.report.figure(f"p99 of a search that finds {name} of {settings.SCALE_USERS:,} / of reading {read}, "
                            f"{clients} at once", p99(f"search, {name}"), p99(f"read {read}"), "ms", at_most=target)
    bench.report.figure(f"p99 of a search that finds one user / of reading one row of the table, {clients} at once",
                        p99("search, one user"), p99("read one row of the table"), "ms")
