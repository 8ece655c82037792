#!/usr/bin/env bash
# How many passwords are hashed at once is bounded; who waits too long is told so; whoever is cancelled or killed, waiting
# or hashing, leaves the slot free.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"

SLOTS=2
server h "latchkey.max_concurrent_hashes = $SLOTS" "latchkey.hash_wait = 60s"
folder=$DIR/h
create_database "$folder" db
admin_psql "$folder" db -c "CREATE DATABASE other"
create_database "$folder" other

# Hashes of about 30 ms, or of a second and more.
short_hashes() { set_cost 8192 3; }
long_hashes() { set_cost 65536 16; }
set_cost() {
    local database
    for database in db other; do
        query "$folder" $database "SELECT latchkey.set_setting('passwords.argon2_memory_kib', '$1');
            SELECT latchkey.set_setting('passwords.argon2_passes', '$2')" >/dev/null
    done
}
HASH="SELECT left(latchkey.hash_password('a password'), 9)"
# The slots' lock tags are our own: the fourth field lies beyond those of pg_advisory_lock.
# The queue in front of the slots is one more, of which the first in the queue has hold.
QUEUE=31000
held="SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = 0 AND objsubid <> $QUEUE AND granted"
waiting="SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = 0 AND objsubid = $QUEUE"
backend() { query "$folder" db "SELECT pid FROM pg_stat_activity WHERE application_name = '$1'"; }
# session NAME [DATABASE]: an open session that can be found by its name.
session() {
    open_session "$1" "$folder" "${2:-db}"
    ask "$1" "SET application_name = '$1';"
}

short_hashes
cat >"$DIR/hash.sql" <<<"$HASH;"
"$BIN/pgbench" -n -c 12 -j 2 -T 4 -f "$DIR/hash.sql" "$(url "$folder" db app)" >"$DIR/bench1" 2>&1 &
bench=$!
"$BIN/pgbench" -n -c 12 -j 2 -T 4 -f "$DIR/hash.sql" "$(url "$folder" other app)" >"$DIR/bench2" 2>&1 &
bench2=$!
highest=0 used=0
for ((i = 0; i < 40; i++)); do
    now=$(query "$folder" db "$held")
    highest=$((now > highest ? now : highest)) used=$((used + now))
    sleep 0.05
done
wait "$bench" "$bench2"
check "24 clients in two databases: never more than $SLOTS hash at once" "$SLOTS" "$highest"
check_true "and hardly ever fewer" [ "$used" -ge 60 ]
check "nobody was turned away" "0 0" \
    "$(sed -nE 's/^number of failed transactions: ([0-9]+).*/\1/p' "$DIR/bench1" "$DIR/bench2" | paste -sd ' ')"
check "all slots are free" 0 "$(query "$folder" db "$held")"

long_hashes
session a
session b other
session c
send a "$HASH;"
send b "$HASH;"
await 10 query_is "$folder" db "$held" 2 || fail "two are hashing"
send c "$HASH;"
await 10 query_is "$folder" db "$waiting" 1 || fail "a third one waits"
check "who waits holds no slot" 2 "$(query "$folder" db "$held")"
query "$folder" db "SELECT pg_cancel_backend($(backend c))" >/dev/null
await_answer c
check_match "who waits can be cancelled" '57014' "$answer"
ask c "SET statement_timeout = 200; $HASH; RESET statement_timeout;"
check_match "or runs into statement_timeout" '57014' "$answer"
ask c "SET lock_timeout = 200; $HASH; RESET lock_timeout;"
check_match "or into lock_timeout: too busy" 'LK503' "$answer"
ask c "SHOW lock_timeout;"
check "lock_timeout is what it was" 0 "$answer"
await_answer a
await_answer b
check "those who hashed have not noticed" '$argon2id' "$answer"

configure "$folder" "latchkey.hash_wait = 300ms"
reload "$folder"
send a "$HASH;"
send b "$HASH;"
await 10 query_is "$folder" db "$held" 2 || fail "two are hashing"
start=$(date +%s%N)
ask c "$HASH;"
took=$((($(date +%s%N) - start) / 1000000))
check_match "beyond latchkey.hash_wait: LK503, in a running backend" 'LK503' "$answer"
check_true "neither early nor late ($took ms)" [ "$took" -ge 290 -a "$took" -lt 1200 ]
await_answer a
await_answer b
send a "$HASH;"
send b "$HASH;"
await 10 query_is "$folder" db "$held" 2 || fail "two are hashing"
ask c "DO \$\$ BEGIN PERFORM latchkey.hash_password('a password'); EXCEPTION WHEN OTHERS THEN RAISE NOTICE 'caught %', SQLSTATE; END \$\$;
    SELECT 'goes on';"
check_match "caught in plpgsql, the transaction goes on" 'caught LK503.*goes on' "$(paste -sd ' ' <<<"$answer")"
await_answer a
await_answer b
# For login too: no outcome, no attempt counted.
send a "$HASH;"
send b "$HASH;"
await 10 query_is "$folder" db "$held" 2 || fail "two are hashing"
ask c "SELECT latchkey.login('nobody@example.com', 'a password');"
check_match "login says LK503" 'LK503' "$answer"
check "and counts no attempt" 0 "$(query "$folder" db "SELECT count(*) FROM latchkey.login_attempts")"
await_answer a
await_answer b

# While hashing. argon2 can't be interrupted: the cancel is honoured right after, and the slot is free.
send a "$HASH;"
await 10 query_is "$folder" db "$held" 1 || fail "one is hashing"
query "$folder" db "SELECT pg_cancel_backend($(backend a))" >/dev/null
await_answer a
check_match "who hashes can be cancelled" '57014' "$answer"
check "which frees the slot" 0 "$(query "$folder" db "$held")"
ask a "SET statement_timeout = 100; $HASH; RESET statement_timeout;"
check_match "statement_timeout is honoured while hashing" '57014' "$answer"
ask a "BEGIN; SAVEPOINT s; SET LOCAL statement_timeout = 100; $HASH; ROLLBACK TO s; SET LOCAL statement_timeout = 0;"
check "a savepoint rolled back frees it, while the transaction lives" 0 "$(query "$folder" db "$held")"
ask a "$HASH; COMMIT;"
check "and it can hash again" '$argon2id' "$answer"
ask a "BEGIN; $HASH;"
check "no slot is kept to the end of the transaction" 0 "$(query "$folder" db "$held")"
ask a "COMMIT;"

send a "$HASH;"
await 10 query_is "$folder" db "$held" 1 || fail "one is hashing"
query "$folder" db "SELECT pg_terminate_backend($(backend a), 10000)" >/dev/null
check "terminated while hashing: the slot is free" 0 "$(query "$folder" db "$held")"

session d
send d "$HASH;"
send b "$HASH;"
await 10 query_is "$folder" db "$held" 2 || fail "two are hashing"
kill -9 "$(backend d)"
await 20 query_is "$folder" db "SELECT 1" 1 || fail "the server recovers"
check "killed while hashing: all slots are free" 0 "$(query "$folder" db "$held")"
check "and can be used" '$argon2id' "$(query "$folder" db "$HASH" app)"

configure "$folder" "latchkey.max_concurrent_hashes = 1"
reload "$folder"
session e
session f
send e "$HASH;"
await 10 query_is "$folder" db "$held" 1 || fail "one is hashing"
ask f "$HASH;"
check_match "another bound after a reload" 'LK503' "$answer"
await_answer e
configure "$folder" "latchkey.max_concurrent_hashes = 0"
reload "$folder"
check "0: by the number of cores" '$argon2id' "$(query "$folder" db "$HASH" app)"
check "users can't change the bound" 55P02 "$(sqlstate "$folder" db "SELECT latchkey.current_user_id(); SET latchkey.max_concurrent_hashes = 99" app)"
finish
