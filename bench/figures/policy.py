"""A query under the policies of protect_table() against WHERE owner = … without any.

Three tables with the same 1,000,000 rows in the same order, of 1,000 owners and 100 tenants: one
protected by its owner column, one by owner and tenant column, one unprotected. Both sides run as
the same ordinary role, in transactions with an identity bound. Ten more owners have ten rows each.
"""

from harness import bound, latchkey, load, seed

CALLS = 16
OWNERS = {"1,000 rows": (1, 1_000), "10 rows": (1_001, 1_010)}

QUERY = "SELECT count(*), sum(payload) FROM {table}"
SIDES = {
    "policy": QUERY.format(table="shop.owned"),
    "policy with tenants": QUERY.format(table="shop.of_tenants"),
    "where owner": QUERY.format(table="shop.plain") + " WHERE owner = :user_id",
}
PLAIN = "where owner"


def run(bench):
    cluster = bench.cluster
    seed.sessions(bench, OWNERS["10 rows"][1])
    print("  loading three tables of 1,000,000 rows", flush=True)
    cluster.script("policy_tables.sql")
    cluster.settle()
    for what, owners in OWNERS.items():
        check(bench, owners[0], what)
        bench.in_turn(sides_for(bench, what, owners))
        report = bench.report
        for side in ("policy", "policy with tenants"):
            held = side == "policy" and what == "1,000 rows"
            report.figure(f"time under a {side} / where owner, {what} of 1,000,000",
                          report.median(f"{side}, {what}", "statement_us"),
                          report.median(f"{PLAIN}, {what}", "statement_us"), "us",
                          at_most=1.1 if held else None)


def sides_for(bench, what, owners):
    environment = bench.cluster.environment(user=latchkey.APP_ROLE)
    sides = {}
    for side, statement in SIDES.items():
        path = bench.scratch / f"{side} {what}.sql".replace(" ", "-")
        script = bound.write_script(path, "shop.owners", statement, CALLS, *owners)
        sides[f"{side}, {what}"] = load.speed(bench.cluster, script, environment, CALLS)
    return sides


def check(bench, owner, what):
    """All sides find the same rows; their plans are kept beside the measurements."""
    user_id, token = bench.cluster.sql(
        f"SELECT user_id, token FROM shop.owners WHERE id = {owner}").split("|")
    found = {}
    for side, statement in SIDES.items():
        statement = statement.replace(":user_id", f"'{user_id}'")
        begin = f"""BEGIN; SET LOCAL ROLE {latchkey.APP_ROLE};
            SELECT FROM latchkey.authenticate('{token}') \\g /dev/null
        """
        found[side] = bench.cluster.sql(f"{begin} {statement}; COMMIT")
        plan = bench.cluster.sql(f"{begin} EXPLAIN (ANALYZE, BUFFERS) {statement}; COMMIT")
        with (bench.report.folder / "policy-plans.txt").open("a") as file:
            file.write(f"{side}, {what}\n{plan}\n\n")
    if len(set(found.values())) != 1:
        raise SystemExit(f"the sides find different rows: {found}")
