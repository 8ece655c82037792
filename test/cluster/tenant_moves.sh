#!/usr/bin/env bash
# Databases of tenants moved between two servers: with writers that don't stop, killed in every step, refused, reverted, confirmed.
# Functions that are awaited are called by name.
# shellcheck disable=SC2317
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"
GATEWAY=${LATCHKEY_GATEWAY:-$ROOT/build/latchkey-gateway}

# Both ask for passwords; the role of one is no superuser.
server a
server b
here=$DIR/a there=$DIR/b
create_database "$here" db
for folder in "$here" "$there"; do
    echo 'local all postgres trust
local all worker trust
local all all scram-sha-256' | as_user tee "$folder/data/pg_hba.conf" >/dev/null
    reload "$folder"
    query "$folder" postgres "CREATE ROLE maker LOGIN CREATEDB CREATEROLE PASSWORD 'hunter2'"
done
query "$here" db "UPDATE latchkey.job_schedules SET enabled = false;
    SELECT latchkey.set_setting('jobs.retry_delay', '1 second');
    SELECT latchkey.set_setting('jobs.max_retry_delay', '2 seconds');
    SELECT latchkey.set_setting('tenants.deletion_grace', '0 seconds')" >/dev/null
cheap_hashes "$here" db
owner=$(query "$here" db "SELECT id FROM latchkey.register_user('owner@example.com', 'password 1')")
# register NAME FOLDER USER PASSWORD
register() {
    query "$here" db "SELECT latchkey.register_server('$1', '{\"host\": \"$2/socket\", \"database\": \"postgres\", \"user\": \"$3\", \"password\": \"$4\"}')" >/dev/null
}
register here "$here" maker hunter2
register there "$there" maker hunter2
register here-super "$here" postgres ""
register there-super "$there" postgres ""

# Programs that wait, while there is a file hold.NAME, before they run.
mkdir "$DIR/bin"
for name in pg_dump pg_restore; do
    cat >"$DIR/bin/$name" <<SCRIPT
#!/bin/sh
[ "\$1" = --list ] || while [ -e "$DIR/hold.$name" ]; do touch "$DIR/held.$name"; sleep 0.05; done
exec "$BIN/$name" "\$@"
SCRIPT
    chmod 755 "$DIR/bin/$name"
done
mkdir -m 0700 "$DIR/dumps" "$DIR/exports"

worker=
start_worker() {
    "$GATEWAY" work --drain-timeout-ms 300 --worker-lease-s 1 --worker-poll-ms 200 --templates "$ROOT/sql/templates" --tenant-connect-timeout-s 2 \
        --dump-folder "$DIR/dumps" --export-folder "$DIR/exports" --pg-bin "$DIR/bin" --worker-database-url "$(url "$here" db worker)" >>"$DIR/worker.log" 2>&1 9>&- &
    worker=$!
    child_pids+=("$worker")
}
kill_worker() {
    kill -KILL "$worker"
    wait "$worker" 2>/dev/null || true
}
move_state() { query "$here" db "SELECT status FROM latchkey.tenant_move('$1')"; }
move_error() { query "$here" db "SELECT step || ': ' || error FROM latchkey.tenant_move('$1')"; }
is() { [ "$(move_state "$1")" = "$2" ]; }
jobs() { query "$here" db "SELECT count(*) FROM latchkey.jobs WHERE type IN ('latchkey.move_tenant', 'latchkey.provision_tenant')"; }
no_jobs() { [ "$(jobs)" = 0 ]; }
# becomes NAME TENANT STATUS
becomes() {
    await 60 is "$2" "$3" || true
    check "$1" "$3" "$(move_state "$2")"
    [ "$(move_state "$2")" = "$3" ] || move_error "$2"
    check_true "$1: no job is left" await 10 no_jobs
}
move() { query "$here" db "SELECT latchkey.move_tenant('$1', '$2')" >/dev/null; }
connection() { query "$here" db "SELECT connection ->> '$2' FROM latchkey.tenant_connection('$1')"; }
# as_tenant TENANT SQL [FOLDER DATABASE]: by the tenant's role, where its connection leads, or elsewhere with the same password.
as_tenant() {
    local id=$1 sql=$2 folder base
    folder=${3:-$(dirname "$(connection "$id" host)")}
    base=${4:-$(connection "$id" database)}
    PGPASSWORD=${5:-$(connection "$id" password)} "$BIN/psql" -X -q -At -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -c "$sql" \
        "host=$folder/socket dbname=$base user=$(connection "$id" user)" 2>&1
}
databases() { query "$1" postgres "SELECT count(*) FROM pg_database WHERE datname LIKE 'tenant%'"; }
roles() { query "$1" postgres "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'tenant%' OR rolname LIKE 'latchkey_move%'"; }
# tenant NAME SERVER: its id; with the template store and some of everything in it.
tenant() {
    local id
    id=$(query "$here" db "SELECT id FROM latchkey.create_tenant('$owner', '$1', '$1', 'store', provision => true)")
    query "$here" db "SELECT latchkey.provision_tenant('$id', 'store', '$2')" >/dev/null
    await 30 ready "$id" || true
    as_tenant "$id" "CREATE SCHEMA extra; CREATE SEQUENCE extra.numbers START 7; SELECT nextval('extra.numbers');
        CREATE TYPE extra.mood AS ENUM ('ok', 'bad');
        CREATE TABLE extra.lines (id integer PRIMARY KEY, txt text, mood extra.mood, at timestamptz DEFAULT now(), f double precision, raw bytea)
            PARTITION BY RANGE (id);
        CREATE TABLE extra.lines_1 PARTITION OF extra.lines FOR VALUES FROM (0) TO (500);
        CREATE TABLE extra.lines_2 PARTITION OF extra.lines FOR VALUES FROM (500) TO (100000);
        INSERT INTO extra.lines SELECT i, E'ü\\n\\\\' || i, 'ok', now(), i / 3.0, decode(md5(i::text), 'hex') FROM generate_series(1, 1000) AS i;
        CREATE TABLE extra.written (n bigint PRIMARY KEY);
        CREATE TABLE extra.empty ();
        CREATE VIEW extra.sums AS SELECT count(*) FROM extra.lines;
        CREATE FUNCTION extra.secret() RETURNS text LANGUAGE sql AS 'SELECT ''x''';
        REVOKE ALL ON FUNCTION extra.secret() FROM PUBLIC;
        COMMENT ON TABLE extra.lines IS 'it''s a comment';
        SELECT lo_from_bytea(0, 'a large object');
        CREATE EXTENSION citext;
        DO \$\$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = extra, \"\$user\", public', current_database()); END \$\$" >/dev/null
    echo "$id"
}
ready() { [ "$(query "$here" db "SELECT status FROM latchkey.tenant_database('$1')")" = ready ]; }
events_of() { query "$here" db "SELECT string_agg(replace(type, 'tenant.', '') || coalesce(':' || (data ->> 'step'), ''), ' ' ORDER BY id) FROM latchkey.events
    WHERE account_id = '$1' AND type ~ 'move'"; }

start_worker
shop=$(tenant shop here)
check "a shop is on one server" "here 1 0" "$(query "$here" db "SELECT server FROM latchkey.tenant_database('$shop')") $(databases "$here") $(databases "$there")"

# ---- Moved while somebody writes: what was acknowledged is there, what was refused says why, and then it goes on.
first_db=$(connection "$shop" database) first_password=$(connection "$shop" password)
# The servers' own is C.UTF-8: what a database has is to be kept, or other rows may be equal there.
query "$here" postgres "UPDATE pg_database SET datcollate = 'C', datctype = 'C' WHERE datname = '$first_db'"
as_tenant "$shop" "DO \$\$ BEGIN EXECUTE format('ALTER ROLE %I SET work_mem = ''5MB''', current_user); END \$\$"
: >"$DIR/acknowledged" && : >"$DIR/refused"
touch "$DIR/writing"
write_on() {
    local n=0 answer
    while [ -e "$DIR/writing" ]; do
        n=$((n + 1))
        answer=$(as_tenant "$shop" "INSERT INTO extra.written VALUES ($n) RETURNING 'done'") || true
        if [ "$answer" = "done" ]; then echo "$n" >>"$DIR/acknowledged"; else echo "$answer" >>"$DIR/refused"; fi
    done
}
write_on &
writer=$!
child_pids+=("$writer")
has_written() { [ "$(wc -l <"$DIR/acknowledged")" -ge "$1" ]; }
check_true "somebody writes" await 20 has_written 20
touch "$DIR/hold.pg_restore"
move "$shop" there
check_true "the move waits in restore" await 30 test -e "$DIR/held.pg_restore"
check "who asks is told" "t moving restore" "$(query "$here" db "SELECT d.moving, m.status, m.step FROM latchkey.tenant_database('$shop') AS d, latchkey.tenant_move('$shop') AS m" | tr '|' ' ')"
check "reads go on" 1000 "$(as_tenant "$shop" "SELECT count(*) FROM extra.lines")"
check_match "writes are refused" 'ERROR:  25006: cannot execute INSERT in a read-only transaction' "$(as_tenant "$shop" "INSERT INTO extra.written VALUES (-1)" || true)"
check "no second move, migration or connection meanwhile" "LK410 LK410 LK410" \
    "$(for call in "move_tenant('$shop', 'there')" "provision_tenant('$shop')" "confirm_tenant_move('$shop')"; do sqlstate "$here" db "SELECT latchkey.$call"; done | tr '\n' ' ' | sed 's/ $//')"
check "no password in arguments" 0 "$(pgrep -fc -- "$(connection "$shop" password)" || true)"
before=$(wc -l <"$DIR/acknowledged")
rm "$DIR/hold.pg_restore"
becomes "moved" "$shop" switched
check_true "writing goes on" await 20 has_written $((before + 20))
rm "$DIR/writing"
wait "$writer" || true
check "nothing that was acknowledged is missing" "0 0" "$(as_tenant "$shop" "SELECT string_agg(n::text, E'\n' ORDER BY n) FROM extra.written" | sort | comm -3 - <(sort "$DIR/acknowledged") |
    awk '/^\t/ { acknowledged++; next } { other++ } END { print acknowledged + 0, other + 0 }')"
check_match "and some were refused" '^[1-9]' "$(wc -l <"$DIR/refused")"
# Refused by the source, kept from it, or the connection ended.
check "all for a reason of the move" 0 "$(grep -cvE '25006|28000|57P01|not permitted to log in|terminating connection|server closed|before or while|connection to server.*(lost|failed)|^$|LOCATION|This probably' "$DIR/refused" || true)"
check "it is there" "there 3 f" "$(query "$here" db "SELECT d.server, c.version + 1, d.moving FROM latchkey.tenant_connection('$shop') AS c, latchkey.tenant_database('$shop') AS d" | tr '|' ' ')"
check_match "with figures" '^[1-9][0-9]*\|[1-9][0-9]{3,}\|[0-9a-f]{64}$' "$(query "$here" db "SELECT table_count, row_count, checksum FROM latchkey.tenant_move('$shop')")"
check "each step was told" "move_requested move_step:connect move_step:create_database move_step:refuse_writes move_step:dump move_step:restore move_step:verify move_step:switch moved" "$(events_of "$shop")"
check "what no dump has is there too" "extra, \"\$user\", public 7 ok 1 f 1" "$(as_tenant "$shop" "SELECT current_setting('search_path'), (SELECT last_value FROM numbers), (SELECT mood FROM lines WHERE id = 5),
    (SELECT count(*) FROM pg_largeobject_metadata), has_function_privilege('public', 'secret()', 'EXECUTE'), (SELECT count(*) FROM pg_extension WHERE extname = 'citext')" | tr '|' ' ')"
check "so are the locale, and settings of the role" "C C 5MB" "$(as_tenant "$shop" "SELECT datcollate, datctype, current_setting('work_mem') FROM pg_database WHERE datname = current_database()" | tr '|' ' ')"
check_match "the source is closed" 'not permitted to log in' "$(as_tenant "$shop" "SELECT 1" "$here" "$first_db" "$first_password" || true)"
check "and kept" "1 1" "$(databases "$here") $(databases "$there")"
check "no reader is left" "1 1" "$(roles "$here") $(roles "$there")"
check "no dump is left" 0 "$(find "$DIR/dumps" -type f | wc -l)"
check "neither server of it can be removed" "LK410 LK410" "$(sqlstate "$here" db "SELECT latchkey.remove_server('here')") $(sqlstate "$here" db "SELECT latchkey.remove_server('there')")"

# ---- The way back: refused when it would lose writes, unless that is wanted.
as_tenant "$shop" "INSERT INTO written VALUES (1000000)" >/dev/null
refused() { query "$here" db "SELECT status || ' ' || error FROM latchkey.tenant_move('$shop')" | grep -q '^switched .*discard_writes'; }
query "$here" db "SELECT latchkey.revert_tenant_move('$shop')" >/dev/null
check_true "a way back that would lose a write is refused" await 30 refused
check_true "no job is left" await 10 no_jobs
check "and the target is writable" "done" "$(as_tenant "$shop" "INSERT INTO written VALUES (1000001) RETURNING 'done'")"
# What was prepared there could be committed later: it is refused as well, and who prepared it gets in.
as_tenant "$shop" "BEGIN; INSERT INTO written VALUES (1000002); PREPARE TRANSACTION 'later'" >/dev/null
prepared() { query "$here" db "SELECT status || ' ' || error FROM latchkey.tenant_move('$shop')" | grep -q '^switched .*prepared transactions'; }
query "$here" db "SELECT latchkey.revert_tenant_move('$shop')" >/dev/null
check_true "a way back is refused while a transaction is prepared" await 30 prepared
check "and it can be ended" "done" "$(as_tenant "$shop" "ROLLBACK PREPARED 'later'" && echo "done")"
query "$here" db "SELECT latchkey.revert_tenant_move('$shop', discard_writes => true)" >/dev/null
becomes "reverted" "$shop" reverted
check "it is where it was, and writable" "here done" "$(query "$here" db "SELECT server FROM latchkey.tenant_database('$shop')") $(as_tenant "$shop" "DELETE FROM written WHERE n < 0 RETURNING n; SELECT 'done'")"
check "what was written there is gone" 0 "$(as_tenant "$shop" "SELECT count(*) FROM written WHERE n >= 1000000")"
check "nothing is left there" "1 0 0" "$(databases "$here") $(databases "$there") $(roles "$there")"

# ---- Back without having written, then there for good.
move "$shop" there
becomes "moved again" "$shop" switched
query "$here" db "SELECT latchkey.revert_tenant_move('$shop')" >/dev/null
becomes "back without a loss" "$shop" reverted
move "$shop" there
becomes "and again" "$shop" switched
query "$here" db "SELECT latchkey.confirm_tenant_move('$shop')" >/dev/null
becomes "confirmed" "$shop" confirmed
check "the source is dropped" "0 0 1" "$(databases "$here") $(roles "$here") $(databases "$there")"
check "no credentials are kept of it" t "$(query "$here" db "SELECT sealed_connection IS NULL FROM latchkey.tenant_moves")"
check "there is no way back" LK410 "$(sqlstate "$here" db "SELECT latchkey.revert_tenant_move('$shop')")"
kill_worker

# ---- Killed in every step: it ends moved. Each time from where it is to the other server.
from=there to=here
other() { if [ "$from" = here ]; then from=there to=here; else from=here to=there; fi; }
folder_of() { if [ "$1" = here ]; then echo "$here"; else echo "$there"; fi; }
is_step() { [ "$(query "$here" db "SELECT step FROM latchkey.tenant_move('$shop')")" = "$1" ]; }
# then_it_ends STEP: the worker is in it.
then_it_ends() {
    kill_worker
    rm -f "$DIR"/hold.* "$DIR"/held.*
    [ -z "${session_fd[hold]:-}" ] || { ask hold "ROLLBACK;"; close_session hold; }
    start_worker
    becomes "killed in $1" "$shop" switched
    check "killed in $1: everything is there" "$to 1000 f" "$(query "$here" db "SELECT server FROM latchkey.tenant_database('$shop')") $(as_tenant "$shop" "SELECT count(*), current_setting('default_transaction_read_only')::boolean FROM lines" | tr '|' ' ')"
    check "killed in $1: no dump is left" 0 "$(find "$DIR/dumps" -type f | wc -l)"
    query "$here" db "SELECT latchkey.confirm_tenant_move('$shop')" >/dev/null
    becomes "killed in $1: confirmed" "$shop" confirmed
    check "killed in $1: one copy is left" 1 "$(($(databases "$here") + $(databases "$there")))"
    kill_worker
    other
}
# killed_by_lock STEP FOLDER DATABASE LOCK
killed_by_lock() {
    open_session hold "$2" "$3"
    ask hold "BEGIN; $4;"
    start_worker
    check_true "the worker is in $1" await 30 is_step "$1"
    sleep 0.3
    then_it_ends "$1"
}
move "$shop" "$to"
killed_by_lock create_database "$(folder_of "$to")" postgres "LOCK TABLE pg_authid IN SHARE MODE"
move "$shop" "$to"
killed_by_lock refuse_writes "$(folder_of "$from")" postgres "LOCK TABLE pg_db_role_setting IN SHARE MODE"
for program in pg_dump pg_restore; do
    touch "$DIR/hold.$program"
    move "$shop" "$to"
    start_worker
    check_true "the worker is in ${program#pg_}" await 30 test -e "$DIR/held.$program"
    then_it_ends "${program#pg_}"
done
# Comparing begins when the copy is there: what waits is closing the source.
touch "$DIR/hold.pg_restore"
move "$shop" "$to"
start_worker
await 30 test -e "$DIR/held.pg_restore" || true
open_session hold "$(folder_of "$from")" postgres
ask hold "BEGIN; LOCK TABLE pg_authid IN SHARE MODE;"
rm "$DIR/hold.pg_restore"
check_true "the worker is in verify" await 30 is_step verify
sleep 0.3
then_it_ends verify
touch "$DIR/hold.pg_restore"
move "$shop" "$to"
start_worker
await 30 test -e "$DIR/held.pg_restore" || true
open_session hold "$here" db
ask hold "BEGIN; SELECT FROM latchkey.tenant_databases WHERE tenant_id = '$shop' FOR UPDATE;"
rm "$DIR/hold.pg_restore"
check_true "the worker is in switch" await 30 is_step switch
sleep 0.3
then_it_ends switch
# Going back and confirming as well.
start_worker
move "$shop" "$to"
becomes "moved, to be killed on the way back" "$shop" switched
kill_worker
query "$here" db "SELECT latchkey.revert_tenant_move('$shop', true)" >/dev/null
open_session hold "$(folder_of "$from")" postgres
ask hold "BEGIN; LOCK TABLE pg_authid IN SHARE MODE;"
start_worker
check_true "the worker is in reopen_source" await 30 is_step reopen_source
sleep 0.3
kill_worker
ask hold "ROLLBACK;"
close_session hold
start_worker
becomes "killed on the way back, it ends" "$shop" reverted
check "and it can write" "done" "$(as_tenant "$shop" "SELECT 'done' FROM nextval('numbers')")"

# ---- What somebody writes in spite of all is found: the tenant stays where it is, and writes.
touch "$DIR/hold.pg_restore"
move "$shop" "$to"
await 30 test -e "$DIR/held.pg_restore" || true
check "who insists can write" "done" "$(as_tenant "$shop" "SET transaction_read_only = off; INSERT INTO written VALUES (2000000) RETURNING 'done'")"
rm -f "$DIR"/hold.* "$DIR"/held.*
becomes "it is not moved" "$shop" failed
check_match "and it says why" '^verify: extra.written has [0-9]+ rows, and [0-9]+ in the copy$' "$(move_error "$shop")"
check "the tenant is where it was, and writes" "$from done" "$(query "$here" db "SELECT server FROM latchkey.tenant_database('$shop')") $(as_tenant "$shop" "DELETE FROM written WHERE n = 2000000 RETURNING 'done'")"
check "nothing is left of the copy" "1 2" "$(($(databases "$here") + $(databases "$there"))) $(($(roles "$here") + $(roles "$there") + 1))"
# What is no row as well.
touch "$DIR/hold.pg_restore"
move "$shop" "$to"
await 30 test -e "$DIR/held.pg_restore" || true
as_tenant "$shop" "SET transaction_read_only = off; CREATE FUNCTION extra.late() RETURNS text LANGUAGE sql AS 'SELECT ''late'''" >/dev/null
rm -f "$DIR"/hold.* "$DIR"/held.*
becomes "with a new function it is not moved" "$shop" failed
check "and it says why" "verify: definitions were changed while the database was copied" "$(move_error "$shop")"
check "the function is there" late "$(as_tenant "$shop" "SELECT extra.late()")"
# What a superuser has written, and not committed before all is compared, would be lost: it is not moved.
base=$(connection "$shop" database)
open_session hold "$(folder_of "$from")" "$base"
ask hold "BEGIN; INSERT INTO extra.written VALUES (2000001);" >/dev/null
move "$shop" "$to"
becomes "while a superuser writes, it is not moved" "$shop" failed
check_match "and it says who" '^verify: process [0-9]+ of postgres has a transaction in the database that writes$' "$(move_error "$shop")"
ask hold "COMMIT;" >/dev/null
close_session hold
check "what it wrote is there" "done" "$(as_tenant "$shop" "DELETE FROM written WHERE n = 2000001 RETURNING 'done'")"
# A row that is another one in the copy.
touch "$DIR/hold.pg_restore"
move "$shop" "$to"
await 30 test -e "$DIR/held.pg_restore" || true
open_session hold "$here" db
ask hold "BEGIN; SELECT FROM latchkey.tenants WHERE id = '$shop' FOR UPDATE;"
copy=$(query "$(folder_of "$to")" postgres "SELECT datname FROM pg_database WHERE datname LIKE 'tenant%'")
rm -f "$DIR"/hold.* "$DIR"/held.*
filled() { [ "$(query "$(folder_of "$to")" "$copy" "SELECT count(*) FROM extra.lines")" = 1000 ]; }
check_true "the copy is filled" await 20 filled
sleep 1
query "$(folder_of "$to")" "$copy" "UPDATE extra.lines SET f = f + 0.000001 WHERE id = 77"
ask hold "ROLLBACK;"
close_session hold
becomes "a row that differs" "$shop" failed
check "is found" "verify: extra.lines_1 differs in the copy" "$(move_error "$shop")"
check "and the source is writable" "done" "$(as_tenant "$shop" "SELECT 'done' FROM nextval('numbers')")"

# ---- Called off while it runs; cut short by SIGTERM, it goes on with the next worker.
touch "$DIR/hold.pg_dump"
move "$shop" "$to"
await 30 test -e "$DIR/held.pg_dump" || true
query "$here" db "SELECT latchkey.revert_tenant_move('$shop')" >/dev/null
becomes "called off" "$shop" failed
check "says so" "called off" "$(query "$here" db "SELECT error FROM latchkey.tenant_move('$shop')")"
check "and the source is writable" "done" "$(as_tenant "$shop" "SELECT 'done' FROM nextval('numbers')")"
# Called off when its worker is dead, and the next one is killed as well while it waits for its turn: what was begun is undone.
rm -f "$DIR"/held.*
move "$shop" "$to"
await 30 test -e "$DIR/held.pg_dump" || true
kill_worker
open_session hold "$(folder_of "$from")" postgres
ask hold "SELECT pg_advisory_lock(7814403, hashtext('$(connection "$shop" database)'));" >/dev/null
query "$here" db "SELECT latchkey.revert_tenant_move('$shop')" >/dev/null
waits() { query "$(folder_of "$from")" postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'latchkey-worker' AND query LIKE '%pg_try_advisory_lock%'" | grep -q '^[1-9]'; }
start_worker
check_true "the next worker waits" await 30 waits
sleep 0.5
kill_worker
ask hold "SELECT pg_advisory_unlock_all();" >/dev/null
close_session hold
check "what was begun is known" "undoing dump" "$(query "$here" db "SELECT status, step FROM latchkey.tenant_move('$shop')" | tr '|' ' ')"
start_worker
becomes "then it is undone" "$shop" failed
check "the source is writable" "done" "$(as_tenant "$shop" "SELECT 'done' FROM nextval('numbers')")"
check "and nothing is left of the copy" 1 "$(($(databases "$here") + $(databases "$there")))"
rm -f "$DIR"/held.*
move "$shop" "$to"
await 30 test -e "$DIR/held.pg_dump" || true
kill -TERM "$worker"
check_true "told to end, the worker ends" await 10 eval '! kill -0 "$worker"'
check "no dump is left" 0 "$(find "$DIR/dumps" -type f | wc -l)"
check "the job is for others, and has not failed" "pending 0" "$(query "$here" db "SELECT status, attempts FROM latchkey.jobs WHERE type = 'latchkey.move_tenant'" | tr '|' ' ')"
rm -f "$DIR"/hold.* "$DIR"/held.*
start_worker
becomes "the next one ends it" "$shop" switched

# ---- Servers that can't be reached, or are the same; programs that are not there.
query "$here" db "SELECT latchkey.confirm_tenant_move('$shop')" >/dev/null
becomes "confirmed" "$shop" confirmed
other
query "$here" db "SELECT latchkey.register_server('nowhere', '{\"host\": \"$DIR/nowhere\", \"database\": \"postgres\", \"user\": \"maker\"}')" >/dev/null
move "$shop" nowhere
becomes "a server that is not there" "$shop" failed
check_match "is said" '^connect: 08001: ' "$(move_error "$shop")"
move "$shop" "$from-super"
becomes "the same server under another name" "$shop" failed
check "is found out" "connect: both are the same server" "$(move_error "$shop")"
check "and the tenant writes" "done" "$(as_tenant "$shop" "SELECT 'done' FROM nextval('numbers')")"
chmod 000 "$DIR/bin/pg_dump"
mv "$DIR/bin/pg_dump" "$DIR/bin/pg_dump.gone"
move "$shop" "$to"
becomes "no pg_dump" "$shop" failed
check "is said" "dump: pg_dump can't be run; --pg-bin tells where it is" "$(move_error "$shop")"
mv "$DIR/bin/pg_dump.gone" "$DIR/bin/pg_dump"
chmod 755 "$DIR/bin/pg_dump"

# ---- With the extension in it: its rows arrive, and a server that can't have it is refused before anything is closed.
clinic=$(tenant clinic here-super)
clinic_db=$(connection "$clinic" database)
check "the extension is there" 1 "$(query "$here" "$clinic_db" "SELECT count(*) FROM pg_extension WHERE extname = 'latchkey'")"
cheap_hashes "$here" "$clinic_db"
as_tenant "$clinic" "SELECT latchkey.register_user('c' || i || '@example.com', 'password 1') FROM generate_series(1, 3) AS i" >/dev/null
move "$clinic" there
becomes "a server without a superuser" "$clinic" failed
check_match "is refused" "^create_database: the server can't have extension latchkey" "$(move_error "$clinic")"
move "$clinic" there-super
becomes "moved with the extension" "$clinic" switched
check "its users log in there" "ok" "$(as_tenant "$clinic" "SELECT outcome FROM latchkey.login('c2@example.com', 'password 1')")"
check "settings and events are there" "8192 3" "$(query "$there" "$(connection "$clinic" database)" "SELECT (SELECT value FROM latchkey.settings WHERE key = 'passwords.argon2_memory_kib'), count(*) FROM latchkey.events WHERE type = 'user.registered'" | tr '|' ' ')"

# ---- Exports: a file that is whole, private, and restores to the same.
export_state() { query "$here" db "SELECT string_agg(status, ' ' ORDER BY id) FROM latchkey.list_tenant_exports('$1')"; }
exports_are() { [ "$(export_state "$1")" = "$2" ]; }
query "$here" db "SELECT latchkey.export_tenant('$shop')" >/dev/null
check_true "an export is written" await 30 exports_are "$shop" "done"
file=$DIR/exports/$(query "$here" db "SELECT file_name FROM latchkey.list_tenant_exports('$shop')")
check "of the size and checksum that are told, for its user alone" "$(query "$here" db "SELECT bytes, sha256, 600 FROM latchkey.list_tenant_exports('$shop')" | tr '|' ' ')" \
    "$(stat -c %s "$file") $(sha256sum "$file" | cut -d ' ' -f 1) $(stat -c %a "$file")"
shop_server=$(dirname "$(connection "$shop" host)") shop_db=$(connection "$shop" database)
query "$shop_server" postgres "CREATE DATABASE restored OWNER \"$(connection "$shop" user)\""
"$BIN/pg_restore" --exit-on-error --dbname "$(url "$shop_server" restored)" "$file"
sums() {
    local name
    for name in $(query "$1" "$2" "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('store', 'extra', 'latchkey_templates') ORDER BY 1"); do
        echo "$name $(query "$1" "$2" "SELECT count(*), sum(hashtextextended((t.*)::text, 0)) FROM $name AS t")"
    done
}
check "restored, it is the same" "$(sums "$shop_server" "$shop_db")" "$(sums "$shop_server" restored)"
check_match "in all tables" 'extra.lines .*extra.written .*store.products ' "$(sums "$shop_server" restored | tr '\n' ' ')"
query "$shop_server" postgres "DROP DATABASE restored"
# Killed while it writes, it is written by the next worker; nothing half done is left.
touch "$DIR/hold.pg_dump"
query "$here" db "SELECT latchkey.export_tenant('$shop')" >/dev/null
await 30 test -e "$DIR/held.pg_dump" || true
kill_worker
rm -f "$DIR"/hold.* "$DIR"/held.*
start_worker
check_true "killed while it writes" await 30 exports_are "$shop" "done done"
check "two files, and nothing half done" "2 2" "$(find "$DIR/exports" -mindepth 1 -maxdepth 1 | wc -l) $(find "$DIR/exports" -type f | wc -l)"
query "$here" db "SELECT latchkey.delete_tenant_export(tenant_id, id) FROM latchkey.list_tenant_exports('$shop', max_rows => 1)" >/dev/null
check_true "one is deleted" await 30 exports_are "$shop" "done"
check "with its file" "$file" "$(find "$DIR/exports" -type f)"
check "nobody can name a path" 0 "$(query "$here" db "SELECT count(*) FROM latchkey.tenant_exports WHERE file_name ~ '/'")"

# ---- A tenant that is deleted meanwhile leaves nothing behind.
query "$here" db "SELECT latchkey.delete_tenant('$clinic'); SELECT latchkey.enqueue_job('latchkey.drop_tenant_databases', '{}')" >/dev/null
becomes "deleted before it is confirmed" "$clinic" confirmed
no_drops() { [ "$(query "$here" db "SELECT count(*) FROM latchkey.jobs WHERE type = 'latchkey.drop_tenant_databases'")" = 0 ]; }
await 10 no_drops || true
query "$here" db "SELECT latchkey.enqueue_job('latchkey.drop_tenant_databases', '{}')" >/dev/null
check_true "and then dropped" await 20 no_drops
check "on both servers" "0 0" "$(for folder in "$here" "$there"; do query "$folder" postgres "SELECT count(*) FROM pg_database WHERE datname LIKE 'tenant_clinic%'"; done | tr '\n' ' ' | sed 's/ $//')"

check "no secret in logs" 0 "$(cat "$DIR/worker.log" "$here/log/postgresql.log" "$there/log/postgresql.log" | grep -cF -e hunter2 -e "$first_password" || true)"
finish
