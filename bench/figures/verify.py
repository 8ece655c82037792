"""verify(token) in SQL against a primary-key select and a plain plpgsql session check.

pgbench can't pick one of 10,000 strings by number, and fetching a token before each call would
double the statements. So a script holds 64 calls whose parameters are the variables :v1 to :v64,
and every 16th time through it the client first draws 64 other tokens at random: one fetch per
1,024 calls. The peers run in scripts of the very same shape.
"""

from harness import load, seed

CALLS = 64
ROUNDS = 16
SESSIONS = 10_000

SIDES = {
    "verify": "SELECT * FROM latchkey.verify(:v{i})",
    "pk_select": "SELECT value FROM key_value WHERE id = :v{i}",
    "plpgsql_check": "SELECT * FROM plain.check_session(:v{i})",
}
SOURCES = {  # table, column and number of the values that the parameters are drawn from
    "verify": ("bench_tokens", "token", SESSIONS),
    "pk_select": ("key_value", "id", 100_000),
    "plpgsql_check": ("plain.tokens", "token", 100_000),
}

DRAW = """SELECT {columns}
FROM (SELECT n, 1 + floor(random() * {count})::int AS id FROM generate_series(1, {calls}) AS n
      OFFSET 0) AS draw JOIN {table} AS source USING (id) \\gset"""


def write_script(folder, side, values=None, name=None):
    """The pgbench script of one side; `round` counts how often the client went through it."""
    table, column, count = SOURCES[side]
    count = values or count
    columns = ", ".join(
        f"max({column}) FILTER (WHERE n = {i}) AS v{i}" for i in range(1, CALLS + 1)
    )
    draw = DRAW.format(columns=columns, count=count, calls=CALLS, table=table).replace("\n", " ")
    calls = [SIDES[side].format(i=i) + ";" for i in range(1, CALLS + 1)]
    again = f"\\if :round % {ROUNDS} = 0"
    path = folder / f"{name or side}.sql"
    path.write_text("\n".join([again, draw, "\\endif", "\\set round :round + 1", *calls]) + "\n")
    return path


def run(bench):
    bench.cluster.script("key_value.sql")
    bench.cluster.script("plain_session.sql")
    seed.sessions(bench, SESSIONS)
    bench.cluster.settle()
    sides = {side: speed(bench, write_script(bench.scratch, side)) for side in SIDES}
    bench.in_turn(sides)
    report = bench.report
    for peer, target in (("pk_select", 0.7), ("plpgsql_check", None)):
        report.figure(f"verify / {peer}, 8 clients", report.median("verify"), report.median(peer),
                      "1/s", at_least=target)
    report.figure("CPU of the server per statement, verify / pk_select",
                  report.median("verify", "cpu_us"), report.median("pk_select", "cpu_us"), "us")


def speed(bench, script, database=None):
    """A measurement of one script."""
    return load.speed(bench.cluster, script, bench.cluster.environment(database),
                      per_transaction=CALLS, defines=["round=0"])
