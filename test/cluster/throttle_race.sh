#!/usr/bin/env bash
# A thousand guesses at once: of one account, from one network, and at every isolation level, no more than the limit are
# evaluated.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"

LIMIT=7
server t "latchkey.max_concurrent_hashes = 2" "latchkey.hash_wait = 60s"
folder=$DIR/t
create_database "$folder" db
cheap_hashes "$folder" db
query "$folder" db "SELECT latchkey.set_setting('throttle.account_attempts', '$LIMIT');
    SELECT latchkey.set_setting('throttle.window', '1 hour');
    SELECT count(*) FROM generate_series(1, 8) i, latchkey.register_user('user' || i || '@example.com', 'password ' || i);" >/dev/null

set_up() { query "$folder" db "SELECT latchkey.set_setting('$1', '$2')" >/dev/null; }
login() { query "$folder" db "SELECT outcome FROM latchkey.login('user$1@example.com', '$2')" app; }
# What was evaluated left an event, or was counted.
evaluated() {
    query "$folder" db "SELECT count(*) FROM latchkey.events WHERE type = 'user.login_failed' AND account_id =
        (SELECT id FROM latchkey.find_user('$1'))"
}
counted() {
    query "$folder" db "SELECT coalesce(sum(failures), 0) FROM latchkey.login_attempts
        WHERE scope = '$1' AND ('$2' = '' OR key_hash = sha256(convert_to(E'login\\n$2', 'UTF8')))"
}
places() { query "$folder" db "SELECT coalesce(max(cardinality(places)), 0) FROM latchkey.login_attempts WHERE scope = '$1'"; }

# guess FILE CLIENTS TIMES: pgbench, whose clients go on after an error of serialization; errors are counted by it.
guess() {
    "$BIN/pgbench" --no-vacuum --client="$2" --jobs=2 --transactions="$3" --file="$DIR/$1" --max-tries=1 \
        "$(url "$folder" db app)" >"$DIR/guesses" 2>&1 || { fail "pgbench of $1" "$(tail -n 5 "$DIR/guesses")"; }
}

cat >"$DIR/one.sql" <<'SQL'
SELECT outcome FROM latchkey.login('user1@example.com', 'wrong password');
SQL
guess one.sql 50 20
check "1,000 guesses of one account: as many as the limit are evaluated" "$LIMIT" "$(evaluated user1@example.com)"
check "each used up a place" "$LIMIT" "$(places login)"
check "the right password is locked out" locked_out "$(login 1 'password 1')"
check "another account is not" ok "$(login 2 'password 2')"
check "the place of one that was let in is free again" 0 "$(query "$folder" db "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")"

cat >"$DIR/nobody.sql" <<'SQL'
SELECT outcome FROM latchkey.login('Nobody@Example.com', 'wrong password');
SELECT outcome FROM latchkey.login('nobody@example.com', 'wrong password');
SQL
guess nobody.sql 25 4
check "an address that nobody has: the same, in both spellings" "$LIMIT" "$(counted login nobody@example.com)"
check "and no event of it" 0 "$(query "$folder" db "SELECT count(*) FROM latchkey.events
    WHERE type = 'user.login_failed' AND account_id = '00000000-0000-0000-0000-000000000000'")"

for level in "repeatable read" serializable; do
    user=3
    [ "$level" = serializable ] && user=4
    # The snapshot is taken before the others' failures are there to be seen.
    cat >"$DIR/level.sql" <<SQL
BEGIN ISOLATION LEVEL ${level^^};
SELECT count(*) FROM latchkey.tier_of(NULL);
SELECT outcome FROM latchkey.login('user$user@example.com', 'wrong password');
COMMIT;
SQL
    open_session old "$folder" db app
    ask old "BEGIN ISOLATION LEVEL ${level^^}; SELECT latchkey.tier_of(NULL);"
    guess level.sql 30 4
    check_true "$level: not more than the limit are evaluated" [ "$(evaluated "user$user@example.com")" -le "$LIMIT" ]
    while [ "$(login "$user" wrong-password)" = invalid_credentials ]; do :; done
    check "$level: as many as the limit in the end" "$LIMIT" "$(evaluated "user$user@example.com")"
    ask old "SELECT outcome FROM latchkey.login('user$user@example.com', 'password $user'); ROLLBACK;"
    # Serializable may refuse even the look; only ok would be wrong.
    check_match "$level: a transaction that began before is locked out too" '^(locked_out$|ERROR:  40001)' "$answer"
    close_session old
done

# Where nothing can be counted, nothing is evaluated: right and wrong look the same.
for password in "password 5" "wrong password"; do
    check "READ ONLY: no guess is evaluated ($password)" 25006 \
        "$(sqlstate "$folder" db "BEGIN READ ONLY; SELECT latchkey.login('user5@example.com', '$password')" app)"
    sed 's/^.*LOCATION.*$//' "$DIR/answer" >"$DIR/read_only.${password%% *}"
done
check "READ ONLY: the same answer" "$(cat "$DIR/read_only.password")" "$(cat "$DIR/read_only.wrong")"

set_up throttle.account_attempts 3
for ((i = 0; i < 2; i++)); do login 6 wrong-password >/dev/null; done
check "success frees the places" "ok invalid_credentials invalid_credentials ok" \
    "$(for p in 'password 6' no no 'password 6'; do login 6 "$p"; done | paste -sd ' ')"
for ((i = 0; i < 3; i++)); do
    query "$folder" db "SELECT (latchkey.change_password(id, 'wrong password', 'another password')).outcome
        FROM latchkey.find_user('user6@example.com')" app >/dev/null
done
check "change_password() counts the same places" locked_out "$(login 6 'password 6')"

set_up throttle.window '2 seconds'
for ((i = 0; i < 3; i++)); do login 7 wrong-password >/dev/null; done
check "a short window: locked out" locked_out "$(login 7 'password 7')"
retry=$(query "$folder" db "SELECT extract(epoch FROM retry_at - clock_timestamp()) BETWEEN 0 AND 2 FROM latchkey.login('user7@example.com', 'no')" app)
check "a short window: says until when" t "$retry"
sleep 2.1
check "a short window: over" ok "$(login 7 'password 7')"

set_up throttle.window '1 hour'
set_up throttle.account_attempts 1000
query "$folder" db "SELECT latchkey.register_user('row@example.com', 'password of row')" >/dev/null
set_up throttle.consecutive_failures 23
echo "SELECT outcome FROM latchkey.login('row@example.com', 'wrong password');" >"$DIR/row.sql"
guess row.sql 50 4
check "200 guesses at once: as many answers as failures in a row are allowed" "23 23" \
    "$(evaluated row@example.com) $(counted login row@example.com)"
check "then the right password is locked out, without an end" "locked_out|" \
    "$(query "$folder" db "SELECT outcome, retry_at FROM latchkey.login('row@example.com', 'password of row')" app)"
query "$folder" db "SELECT latchkey.set_password(id, 'password of row') FROM latchkey.find_user('row@example.com')" >/dev/null
check "until it is reset" ok "$(query "$folder" db "SELECT outcome FROM latchkey.login('row@example.com', 'password of row')" app)"
set_up throttle.address_attempts "$LIMIT"
# A third of a /64's addresses each, an account of their own each time.
cat >"$DIR/network.sql" <<'SQL'
\set n random(1, 1000000000)
\set low random(1, 65535)
BEGIN;
SELECT latchkey.bind_request('r', ('2001:db8:1:2:' || to_hex(:low) || '::' || to_hex(:low))::inet);
SELECT outcome FROM latchkey.login('guess' || :n || '@example.com', 'wrong password');
COMMIT;
SQL
guess network.sql 25 8
check "200 guesses from one /64: as many as the limit" "$LIMIT" "$(counted address '')"

# try ADDRESS: whether that address is still heard.
try() {
    query "$folder" db "BEGIN; SELECT latchkey.bind_request('r', '$1'); SELECT outcome FROM latchkey.login('x$RANDOM$RANDOM@example.com', 'no'); COMMIT" app | grep .
}
check "the rest of the /64 is locked out" locked_out "$(try 2001:db8:1:2:ffff:ffff:ffff:ffff)"
check "the next /64 is heard" invalid_credentials "$(try 2001:db8:1:3::1)"
for ((i = 1; i <= LIMIT; i++)); do try "::ffff:192.0.2.1" >/dev/null; done
check "IPv4 within IPv6 is that IPv4 address" locked_out "$(try 192.0.2.1)"
check "also in hexadecimal, or with a mask" "locked_out locked_out locked_out" \
    "$(for a in ::ffff:c000:201 0:0:0:0:0:ffff:192.0.2.1 192.0.2.1/24; do try "$a"; done | paste -sd ' ')"
check "its neighbour is heard" "invalid_credentials invalid_credentials" "$(for a in 192.0.2.2 ::ffff:192.0.2.3; do try "$a"; done | paste -sd ' ')"
check "the right password does not help from there" locked_out "$(query "$folder" db "BEGIN; SELECT latchkey.bind_request('r', '192.0.2.1');
    SELECT outcome FROM latchkey.login('user8@example.com', 'password 8'); COMMIT" app | grep .)"
check "without an address only the account counts" ok "$(login 8 'password 8')"
finish
