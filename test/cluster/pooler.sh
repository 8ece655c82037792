#!/usr/bin/env bash
# PgBouncer in transaction mode: an identity never outlives its transaction, however clients share the server's backends;
# and the gateway works through it, without prepared statements where PgBouncer does not follow them.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"

PATH=$PATH:/usr/sbin
if ! command -v pgbouncer >/dev/null; then
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends -y pgbouncer >/dev/null 2>&1 || true
fi
if ! command -v pgbouncer >/dev/null; then
    pass "skipped: the package pgbouncer can't be installed"
    finish
fi

server p
folder=$DIR/p
create_database "$folder" db
cheap_hashes "$folder" db
as_user mkdir -m 0700 "$DIR/pool"
as_user tee "$DIR/pool/pgbouncer.ini" >/dev/null <<CONF
[databases]
db = host=$folder/socket dbname=db
gateway = host=$folder/socket dbname=db user=gateway
[pgbouncer]
listen_addr =
unix_socket_dir = $DIR/pool
unix_socket_mode = 0700
auth_type = any
auth_file =
pool_mode = transaction
default_pool_size = 2
max_client_conn = 200
logfile = $DIR/pool/log
pidfile = $DIR/pool/pid
ignore_startup_parameters = extra_float_digits
[users]
CONF
# auth_type = any takes one user for all: that of the database's line.
sed -i "s|^db = .*|& user=app|" "$DIR/pool/pgbouncer.ini"
as_user pgbouncer -q -d "$DIR/pool/pgbouncer.ini" >"$DIR/pool.out" 2>&1 || true
await 10 test -s "$DIR/pool/pid" || fail "PgBouncer starts" "$(tail -n 5 "$DIR/pool.out")"
child_pids+=("$(cat "$DIR/pool/pid")")
pooled="host=$DIR/pool port=6432 dbname=db user=app"
via_pool() { "$BIN/psql" -X -q -At -v ON_ERROR_STOP=1 -v VERBOSITY=verbose "$pooled" "$@" 2>&1; }
if ! await 10 via_pool -c "SELECT 1"; then
    fail "PgBouncer answers" "$(tail -n 5 "$DIR/pool.out" "$DIR/pool/log" 2>/dev/null)"
    finish
fi

CLIENTS=10
declare -A id=() token=()
for user in ann bob; do
    id[$user]=$(query "$folder" db "SELECT id FROM latchkey.register_user('$user@example.com', 'password 1')")
    token[$user]=$(query "$folder" db "SELECT token FROM latchkey.login('$user@example.com', 'password 1')")
    # Committed, rolled back, failed; and each begins by looking for what another has left.
    cat >"$DIR/$user.sql" <<SQL
\\set how random(1, 3)
BEGIN;
SELECT latchkey.current_user_id() AS left_over, pg_backend_pid() AS pid \\gset
SELECT (latchkey.authenticate('${token[$user]}')).email \\gset
SELECT (latchkey.current_user_id() = '${id[$user]}')::int AS mine \\gset
SAVEPOINT s;
SELECT latchkey.bind_request('request', '192.0.2.1', '$user');
\\if :how = 1
ROLLBACK TO s;
\\endif
SELECT (latchkey.current_user_id() = '${id[$user]}')::int AS still \\gset
INSERT INTO seen VALUES ('$user', :mine + :still, pg_backend_pid(), coalesce(nullif(':left_over', '')::uuid));
\\if :how = 2
COMMIT;
BEGIN;
INSERT INTO seen SELECT '$user', 2, pg_backend_pid(), latchkey.current_user_id();
\\endif
COMMIT;
SQL
done
query "$folder" db "CREATE TABLE seen (who text, mine integer, pid integer, left_over uuid); GRANT ALL ON seen TO app;
    CREATE TABLE notes (owner uuid, note text); GRANT SELECT ON notes TO app; ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON notes USING (owner = (SELECT latchkey.current_user_id()));
    INSERT INTO notes VALUES ('${id[ann]}', 'ann'), ('${id[bob]}', 'bob')"

# 2,000 transactions of two users through two backends.
for user in ann bob; do
    "$BIN/pgbench" -n -c "$CLIENTS" -j 1 -t $((1000 / CLIENTS)) -f "$DIR/$user.sql" "$pooled" >"$DIR/$user.out" 2>&1 &
    child_pids+=($!)
    declare "pid_$user=$!"
done
# shellcheck disable=SC2154
wait "$pid_ann" || fail "pgbench of ann" "$(tail -n 5 "$DIR/ann.out")"
# shellcheck disable=SC2154
wait "$pid_bob" || fail "pgbench of bob" "$(tail -n 5 "$DIR/bob.out")"
check_true "2,000 transactions have run" [ "$(query "$folder" db "SELECT count(*) FROM seen")" -ge 2000 ]
check "through two backends, each used by both" "2 2" "$(query "$folder" db "SELECT count(*) || ' ' || min(users) FROM (
    SELECT pid, count(DISTINCT who) AS users FROM seen GROUP BY pid) t")"
check "each saw its own identity, before and after a savepoint" 0 "$(query "$folder" db "SELECT count(*) FROM seen WHERE mine <> 2")"
check "and never what another transaction had bound" 0 "$(query "$folder" db "SELECT count(*) FROM seen WHERE left_over IS NOT NULL")"

# Row-level security, alternating on what may be the same backend; without an identity there is nothing to see.
for ((i = 0; i < 20; i++)); do
    for user in ann bob nobody; do
        if [ $user = nobody ]; then
            via_pool -c "SELECT coalesce(string_agg(note, ' '), 'nobody') FROM notes"
        else
            via_pool -c "BEGIN; SELECT NULL FROM latchkey.authenticate('${token[$user]}'); SELECT string_agg(note, ' ') FROM notes; COMMIT" | grep .
        fi
    done
done | paste -sd ' ' >"$DIR/rows"
check "policies show each user's own rows" "$(for ((i = 0; i < 20; i++)); do printf 'ann bob nobody '; done)" "$(cat "$DIR/rows") "

# A client that vanishes within its transaction leaves nothing to the next.
mkfifo "$DIR/vanish.in"
stdbuf -oL "$BIN/psql" -X -q -At "$pooled" <"$DIR/vanish.in" >"$DIR/vanish.out" 2>&1 &
vanishing=$!
child_pids+=("$vanishing")
exec 9>"$DIR/vanish.in"
echo "BEGIN; SELECT NULL FROM latchkey.authenticate('${token[ann]}'); SELECT 'bound ' || latchkey.current_user_id();" >&9
await 10 grep -q "bound ${id[ann]}" "$DIR/vanish.out" || fail "the identity is bound"
kill -9 "$vanishing"
wait "$vanishing" 2>/dev/null || true
exec 9>&-
for ((i = 0; i < 10; i++)); do via_pool -c "SELECT coalesce(latchkey.current_user_id()::text, 'none')"; done | sort -u >"$DIR/after"
check "a client killed within its transaction" none "$(cat "$DIR/after")"
check_match "a call that needs the identity, in the next transaction" none \
    "$(via_pool -c "BEGIN; SELECT NULL FROM latchkey.authenticate('${token[bob]}'); COMMIT" -c "SELECT coalesce(latchkey.current_session_id()::text, 'none')" | grep .)"

# The gateway has more connections to PgBouncer than PgBouncer has to the server.
gateway=${LATCHKEY_GATEWAY:-$ROOT/build/latchkey-gateway}
"$gateway" --host 127.0.0.1 --port 0 --pool-size 12 --prepare off \
    --database-url "host=$DIR/pool port=6432 dbname=gateway user=gateway" >"$DIR/gateway.log" 2>&1 &
child_pids+=($!)
await 10 grep -q '"port"' "$DIR/gateway.log" || fail "the gateway starts" "$(tail -n 5 "$DIR/gateway.log")"
port=$(sed -nE 's/.*"port":"([0-9]+)".*/\1/p' "$DIR/gateway.log" | head -n 1)
requests=()
for ((i = 0; i < 300; i++)); do requests+=("http://127.0.0.1:$port/api/auth/me"); done
for user in ann bob; do
    curl -s --parallel --parallel-max 8 -H "Authorization: Bearer ${token[$user]}" -w '\n%{http_code}\n' "${requests[@]}" >"$DIR/$user.answers" &
    child_pids+=($!)
    declare "curl_$user=$!"
done
# shellcheck disable=SC2154
wait "$curl_ann" "$curl_bob" || fail "curl"
for user in ann bob; do
    check "the gateway without prepared statements: every request of $user" "300 of 200" "$(grep -cx 200 "$DIR/$user.answers") of $(grep -xE '[0-9]{3}' "$DIR/$user.answers" | sort -u)"
    check "the gateway answers $user with their own account" "$user@example.com" "$(grep -oE '"email":"[^"]*"' "$DIR/$user.answers" | sort -u | cut -d '"' -f 4)"
done
finish
