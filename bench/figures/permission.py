"""has_permission() of a bound identity against SELECT 1.

An identity is bound for a transaction, so both sides run in the same one: a user drawn from 10,000,
authenticate, then 64 times the statement. The users hold users.read by a role of their own. What is
around the 64 is the same on both sides and not counted.
"""

from harness import bound, latchkey, load, seed

CALLS = 64
USERS = 10_000

SIDES = {
    "has_permission": "SELECT latchkey.has_permission('users.read')",
    "select_1": "SELECT 1",
}


def run(bench):
    cluster = bench.cluster
    seed.sessions(bench, USERS)
    cluster.script("permission_users.sql")
    cluster.settle()
    check(cluster)
    environment = cluster.environment(user=latchkey.APP_ROLE)
    sides = {}
    for side, statement in SIDES.items():
        script = bound.write_script(bench.scratch / f"{side}.sql", "permission_users", statement,
                                    CALLS, 1, USERS)
        sides[side] = load.speed(cluster, script, environment, CALLS)
    bench.in_turn(sides)
    ours, peer = (bench.report.median(side) for side in SIDES)
    bench.report.figure("has_permission / SELECT 1, 8 clients", ours, peer, "1/s", at_least=0.8)
    ours, peer = (bench.report.median(side, "cpu_us") for side in SIDES)
    bench.report.figure("CPU of the server per statement, has_permission / SELECT 1", ours, peer,
                        "us")


def check(cluster):
    """Each of the users holds the permission: what is measured is a yes."""
    without = cluster.sql("""
        SELECT count(*) FROM permission_users
        WHERE NOT EXISTS (SELECT FROM latchkey.permissions_of(user_id) WHERE name = 'users.read')
    """)
    if without != "0":
        raise SystemExit(f"{without} users lack the permission that is measured")
