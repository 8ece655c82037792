#!/usr/bin/env bash
# The templates of tenant databases: what test/templates/*.sql shows, and stock when many want the last piece.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"

server t
folder=$DIR/t
admin_psql "$folder" postgres -c "CREATE ROLE app LOGIN"

# show DATABASE FILE: statements, answers and SQLSTATEs, compared with FILE.DATABASE.out.
show() {
    local expected=$ROOT/test/templates/$2.$1.out actual=$DIR/$2.$1.out
    "$BIN/psql" -X -q -a -v schema="$1" -v VERBOSITY=verbose -v SHOW_CONTEXT=never "$(url "$folder" "$1")" \
        <"$ROOT/test/templates/$2.sql" 2>&1 |
        awk '/^(LOCATION|CONTEXT|DETAIL|[A-Z]+ NAME): / { quiet = 1 } /^(ERROR|HINT):  |^[^A-Z]|^[A-Z]+ [^N]|^$/ { quiet = 0 } !quiet' >"$actual"
    check "$1: the answers of $2.sql" "" "$(diff "$expected" "$actual" 2>&1 || true)"
}

# race DATABASE FILE CLIENTS TRANSACTIONS: what is refused is rolled back.
race() {
    "$BIN/pgbench" --no-vacuum --client="$3" --jobs=2 --transactions="$4" --file="$DIR/$2" "$(url "$folder" "$1")" \
        >"$DIR/race" 2>&1 || fail "pgbench of $2" "$(tail -n 5 "$DIR/race")"
}

for template in store pos; do
    admin_psql "$folder" postgres -c "CREATE DATABASE $template"
    "${LATCHKEY_GATEWAY:-$ROOT/build/latchkey-gateway}" --templates "$ROOT/sql/templates" install-template "$template" \
        "$(url "$folder" "$template")" >"$DIR/install" || fail "$template is installed" "$(cat "$DIR/install")"
    show "$template" catalogue
    show "$template" "$template"
done

# 16 clients × 40 orders of one to three pieces of two variants with 500 pieces each, lines in any order: not one too many.
query "$folder" store "INSERT INTO store.products (id, slug, title) VALUES ('00000000-0000-7000-8000-000000000100', 'p', 'P');
    INSERT INTO store.variants (id, product_id, sku, price_cents)
    SELECT ('00000000-0000-7000-8000-00000000020' || i)::uuid, '00000000-0000-7000-8000-000000000100', 'S' || i, 100 FROM generate_series(1, 2) AS i;
    INSERT INTO store.inventory_movements (variant_id, quantity, reason)
    SELECT ('00000000-0000-7000-8000-00000000020' || i)::uuid, 500, 'receipt' FROM generate_series(1, 2) AS i"
cat >"$DIR/order.sql" <<'SQL'
DO $$
DECLARE
  made uuid := store.uuid7();
BEGIN
  INSERT INTO store.orders (id) VALUES (made);
  INSERT INTO store.order_lines (order_id, variant_id, quantity)
  SELECT made, ('00000000-0000-7000-8000-00000000020' || i)::uuid, 1 + trunc(random() * 3) FROM generate_series(1, 2) AS i ORDER BY random();
  UPDATE store.orders SET status = 'placed' WHERE id = made;
EXCEPTION WHEN SQLSTATE 'LK410' THEN NULL;
END $$;
SQL
race store order.sql 16 40
sold="SELECT sum(quantity) FROM store.order_lines WHERE sku = 'S1'"
check "orders took exactly what is gone" t \
    "$(query "$folder" store "SELECT 500 - on_hand = ($sold) FROM store.inventory WHERE variant_id = '00000000-0000-7000-8000-000000000201'")"
check "and nearly all is gone" t "$(query "$folder" store "SELECT min(on_hand) BETWEEN 0 AND 2 FROM store.inventory i JOIN store.variants v
    ON v.id = i.variant_id WHERE v.sku IN ('S1', 'S2')")"
check "stock is the sum of its movements" 0 "$(query "$folder" store "SELECT count(*) FROM store.inventory_drift")"
check "no deadlock" 0 "$(grep -c 'deadlock detected' "$folder/log/postgresql.log" || true)"

# Lines that many add to one draft, while others try to place it: its total is theirs.
query "$folder" store "INSERT INTO store.orders (id) VALUES ('00000000-0000-7000-8000-000000000300');
    UPDATE store.inventory SET tracked = false"
cat >"$DIR/lines.sql" <<'SQL'
INSERT INTO store.order_lines (order_id, variant_id, quantity)
VALUES ('00000000-0000-7000-8000-000000000300', '00000000-0000-7000-8000-000000000201', 1);
SQL
race store lines.sql 8 25
check "200 lines that were added at once are in the total" 20000 \
    "$(query "$folder" store "SELECT total_cents FROM store.orders WHERE id = '00000000-0000-7000-8000-000000000300'")"

# The last piece, at each isolation level: the second waits for the first, and is refused.
for level in "READ COMMITTED" "REPEATABLE READ" "SERIALIZABLE"; do
    query "$folder" pos "INSERT INTO pos.inventory_movements (product_id, quantity, reason)
        SELECT product_id, 1 - on_hand, 'count' FROM pos.inventory WHERE product_id = '00000000-0000-7000-8000-0000000000a1' AND on_hand <> 1"
    open_session first "$folder" pos
    open_session second "$folder" pos
    for session in first second; do
        ask $session "BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM pos.inventory;"
    done
    take="INSERT INTO pos.inventory_movements (product_id, quantity, reason) VALUES ('00000000-0000-7000-8000-0000000000a1', -1, 'loss');"
    ask first "$take"
    send second "$take"
    waiting="SELECT count(*) FROM pg_stat_activity WHERE datname = 'pos' AND wait_event_type = 'Lock'"
    check_true "$level: the second waits" await 10 query_is "$folder" pos "$waiting" 1
    ask first "COMMIT;"
    await_answer second
    expected=LK410
    [ "$level" = "READ COMMITTED" ] || expected=40001
    check_match "$level: the second is refused" "$expected" "$answer"
    ask second "ROLLBACK;"
    check "$level: nothing is left" 0 "$(query "$folder" pos "SELECT on_hand FROM pos.inventory WHERE product_id = '00000000-0000-7000-8000-0000000000a1'")"
    close_session first
    close_session second
done

# A dump restores, with its triggers: the copy is a shop as well.
query "$folder" postgres "CREATE DATABASE copy"
"$BIN/pg_dump" "$(url "$folder" store)" | "$BIN/psql" -X -q -v ON_ERROR_STOP=1 "$(url "$folder" copy)" >"$DIR/restore" 2>&1 ||
    fail "the dump restores" "$(tail -n 5 "$DIR/restore")"
totals="SELECT count(*), sum(total_cents), (SELECT sum(on_hand) FROM store.inventory) FROM store.orders"
check "a restored dump has the same rows" "$(query "$folder" store "$totals")" "$(query "$folder" copy "$totals")"
check "and the same rules" LK410 "$(sqlstate "$folder" copy "UPDATE store.inventory SET on_hand = 1000")"
finish
