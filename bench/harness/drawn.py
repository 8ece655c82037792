"""Scripts of many calls whose parameters are texts drawn at random, which pgbench has no way to choose itself.

A script holds CALLS calls with the variables :v1 to :v64, and every 16th time through it the client first draws others: one query for
1,024 calls.
"""

from . import load

CALLS = 64
ROUNDS = 16

DRAW = """SELECT {columns}
FROM (SELECT n, 1 + floor(random() * {count})::int AS id FROM generate_series(1, {calls}) AS n
      OFFSET 0) AS draw JOIN {table} AS source USING (id) \\gset"""


def write_script(path, statement, table, column, count):
    """`statement` says {i} where the number of the variable stands; values are drawn from `count` rows of the table,
    which numbers them in column id. `round` counts how often the client went through the script."""
    columns = ", ".join(
        f"max({column}) FILTER (WHERE n = {i}) AS v{i}" for i in range(1, CALLS + 1)
    )
    draw = DRAW.format(columns=columns, count=count, calls=CALLS, table=table).replace("\n", " ")
    calls = [statement.format(i=i) + ";" for i in range(1, CALLS + 1)]
    again = f"\\if :round % {ROUNDS} = 0"
    path.write_text("\n".join([again, draw, "\\endif", "\\set round :round + 1", *calls]) + "\n")
    return path


def speed(bench, script, database=None, clients=8):
    """A measurement of one script."""
    return load.speed(bench.cluster, script, bench.cluster.environment(database),
                      per_transaction=CALLS, defines=["round=0"], clients=clients)
