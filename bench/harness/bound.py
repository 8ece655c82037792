"""Scripts of statements in a transaction with a bound identity, as an application's request runs."""

SCRIPT = """\\set id random({first}, {last})
SELECT user_id, token FROM {table} WHERE id = :id \\gset
BEGIN;
SELECT user_id FROM latchkey.authenticate(:token);
{calls}
COMMIT;
"""


def write_script(path, table, statement, calls, first, last):
    """`calls` times the statement as one of the users that `table` numbers, each time another one.

    Its columns: id, user_id, token. The statement can use :user_id.
    """
    path.write_text(SCRIPT.format(table=table, first=first, last=last,
                                  calls="\n".join([f"{statement};"] * calls)))
    return path
