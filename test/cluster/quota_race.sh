#!/usr/bin/env bash
# 32 clients consume one quota of 1,000, with and without keys, and through a metered table: exactly 1,000 succeed.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"

server t
folder=$DIR/t
create_database "$folder" db
query "$folder" db "SELECT latchkey.set_plan_feature('free', 'units', 1000, 'month'), latchkey.set_plan_feature('free', 'rows', 1000, 'ever');
    INSERT INTO latchkey.accounts (id, kind) SELECT ('00000000-0000-7000-8000-00000000000' || i)::uuid, 'tenant' FROM generate_series(1, 3) AS i;
    CREATE TABLE metered (account_id uuid, client integer);
    GRANT INSERT ON metered TO latchkey_app;
    CREATE TRIGGER meter AFTER INSERT ON metered FOR EACH ROW EXECUTE FUNCTION latchkey.meter('rows');
    CREATE TABLE granted (script integer, key text);
    GRANT INSERT ON granted TO latchkey_app;" >/dev/null

# race FILE: 32 clients × 40 calls; each that is refused is rolled back, and notes nothing.
race() {
    "$BIN/pgbench" --no-vacuum --client=32 --jobs=2 --transactions=40 --file="$DIR/$1" --max-tries=1 \
        "$(url "$folder" db app)" >"$DIR/race" 2>&1 || fail "pgbench of $1" "$(tail -n 5 "$DIR/race")"
}
succeeded() { query "$folder" db "SELECT count(*) FROM granted WHERE script = $1"; }
used() { query "$folder" db "SELECT used FROM latchkey.quota('00000000-0000-7000-8000-00000000000$1', '$2')"; }

cat >"$DIR/plain.sql" <<'SQL'
DO $$ BEGIN
  PERFORM latchkey.consume('00000000-0000-7000-8000-000000000001', 'units');
  INSERT INTO granted VALUES (1, NULL);
EXCEPTION WHEN SQLSTATE 'LK429' THEN NULL; END $$;
SQL
race plain.sql
check "1,280 calls on a quota of 1,000: as many succeed" 1000 "$(succeeded 1)"
check "and as many are counted" 1000 "$(used 1 units)"

cat >"$DIR/keyed.sql" <<'SQL'
DO $$ BEGIN
  PERFORM latchkey.consume('00000000-0000-7000-8000-000000000002', 'units', 1, 'key ' || trunc(random() * 1500));
  INSERT INTO granted VALUES (2, NULL);
EXCEPTION WHEN SQLSTATE 'LK429' THEN NULL; END $$;
SQL
race keyed.sql
check "with keys that come again: one unit for each key" "$(query "$folder" db "SELECT count(*) FROM latchkey.quota_consumptions")" "$(used 2 units)"
check "and some came again" t "$(query "$folder" db "SELECT $(succeeded 2) > $(used 2 units)")"

cat >"$DIR/metered.sql" <<'SQL'
DO $$ BEGIN
  INSERT INTO metered VALUES ('00000000-0000-7000-8000-000000000003', 1);
EXCEPTION WHEN SQLSTATE 'LK429' THEN NULL; END $$;
SQL
race metered.sql
check "1,280 rows into a table metered with 1,000: as many are there" 1000 "$(query "$folder" db "SELECT count(*) FROM metered")"
check "and as many are counted" 1000 "$(used 3 rows)"
finish
