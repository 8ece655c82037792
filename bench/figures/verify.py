"""verify(token) in SQL against a primary-key select and a plain plpgsql session check."""

from harness import drawn, seed

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


def write_script(folder, side, values=None, name=None):
    """The pgbench script of one side."""
    table, column, count = SOURCES[side]
    return drawn.write_script(folder / f"{name or side}.sql", SIDES[side], table, column, values or count)


def run(bench):
    bench.cluster.script("key_value.sql")
    bench.cluster.script("plain_session.sql")
    seed.sessions(bench, SESSIONS)
    bench.cluster.settle()
    sides = {side: drawn.speed(bench, write_script(bench.scratch, side)) for side in SIDES}
    bench.in_turn(sides)
    report = bench.report
    for peer, target in (("pk_select", 0.7), ("plpgsql_check", None)):
        report.figure(f"verify / {peer}, 8 clients", report.median("verify"), report.median(peer),
                      "1/s", at_least=target)
    report.figure("CPU of the server per statement, verify / pk_select",
                  report.median("verify", "cpu_us"), report.median("pk_select", "cpu_us"), "us")
