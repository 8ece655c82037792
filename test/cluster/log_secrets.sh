#!/usr/bin/env bash
# Every function that takes a secret is called with a recognisable one, in ways that work and in ways that fail: with the
# server's default logging (log_min_error_statement = error) none of them stands in the log.
#
# What an administrator can still make the server write, and no extension can prevent:
#   log_statement = all, log_min_duration_statement, log_duration with a statement, auto_explain, pgaudit: the statement
#     with its literals. Bound parameters appear as $1, unless log_parameter_max_length is above 0.
#   pg_stat_statements and EXPLAIN VERBOSE: literals of utility statements and of DO blocks.
#   A statement that fails outside of our functions: a syntax error, a timeout before the call or a kill after it, a cast of an argument ('{bad json'::jsonb), another
#     part of the same statement (SELECT login(…), 1/0), a commit that fails.
# So applications bind values; see the guide for administrators.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"

MARK=Zq7MarkZq7
server l "log_lock_waits = on" "deadlock_timeout = 100ms" "latchkey.max_concurrent_hashes = 1" "latchkey.hash_wait = 400ms" \
    "log_min_messages = debug1" "log_connections = on"
folder=$DIR/l
log=$folder/log/postgresql.log
create_database "$folder" db
cheap_hashes "$folder" db

# A secret of each kind that carries the marker. What is base64 carries it in the clear as well.
P="$MARK-password"
B='$2b$10$'"${MARK}MarkMarkMa.uMarkMarkMarkMarkMarkMarkMarkMark"
A="\$argon2id\$v=19\$m=8192,t=1,p=1\$${MARK}AAAAAAAAAAAA\$${MARK}$(printf 'A%.0s' {1..33})"
USER=$(query "$folder" db "SELECT id FROM latchkey.register_user('ann@example.com', 'password 1')")
TOKEN=$(query "$folder" db "SELECT token FROM latchkey.login('ann@example.com', 'password 1')")
REFRESHED=$(query "$folder" db "SELECT token FROM latchkey.login('ann@example.com', 'password 1')")
query "$folder" db "SELECT latchkey.refresh(token) FROM latchkey.refresh('$REFRESHED')" >/dev/null
RESET=$(query "$folder" db "SELECT token FROM latchkey.request_password_reset('ann@example.com')")
CONFIRM=$(query "$folder" db "SELECT token FROM latchkey.request_email_verification('$USER')")
query "$folder" db "SELECT latchkey.set_secret('stripe.webhook_secret', 'whsec_log')" >/dev/null
query "$folder" db "SELECT latchkey.set_setting('billing.stripe_tolerance', '1 day')" >/dev/null
STRIPE="{\"id\": \"evt_$MARK\", \"object\": \"event\", \"type\": \"customer.subscription.created\", \"created\": 1, \"livemode\": false, \"data\":
 {\"object\": {\"id\": \"sub_1\", \"customer\": \"cus_log\", \"status\": \"$MARK\"}}}"
STRIPE=${STRIPE//$'\n'/}
query "$folder" db "SELECT latchkey.set_stripe_customer('$USER', 'cus_log')" >/dev/null
STRIPE_TIME=$(date +%s)
STRIPE_SIGNATURE="t=$STRIPE_TIME,v1=$(printf '%s.%s' "$STRIPE_TIME" "$STRIPE" | openssl dgst -sha256 -hmac whsec_log | sed 's/.* //')"
SERVICE=$(query "$folder" db "SELECT id FROM latchkey.create_service_account('robot')")
IFS='|' read -r KEY_ID KEY < <(query "$folder" db "SELECT id, token FROM latchkey.create_api_key('$SERVICE', '{users.read}')")
NOBODY=00000000-0000-0000-0000-000000000000

# One call a line; all of them are made in every circumstance below.
cat >"$DIR/calls" <<SQL
hash_password('$P')
set_secret('mail.password', '$P')
set_secret('no name', '$P')
set_secret('mail.password', '$MARK' || repeat('x', 20000))
ingest_stripe_event('$STRIPE', 't=1,v1=$MARK')
ingest_stripe_event('{"id": "$MARK"}', '$STRIPE_SIGNATURE')
ingest_stripe_event('$STRIPE', '$STRIPE_SIGNATURE')
hash_password('$MARK' || repeat('x', 2000))
hash_password(left('$MARK', 7))
verify_password('$P', latchkey.hash_password('other password'))
verify_password('$P', '$A')
verify_password('$P', '$B')
verify_password('$P', '$MARK no hash')
verify_password('$P', '\$argon2id\$v=19\$m=99999999,t=99,p=1\$$MARK\$$MARK')
register_user('$RANDOM@example.com', '$P')
register_user('ann@example.com', '$P')
register_user('no address', '$P')
register_user('$RANDOM@example.com', '$P', repeat('n', 999))
register_user('$RANDOM@example.com', '$P', NULL, '["no object"]')
sign_up('$RANDOM$RANDOM@example.com', '$P')
sign_up('ann@example.com', '$P')
sign_up(NULL, '$P')
login('ann@example.com', '$P')
login('nobody@example.com', '$P')
login(NULL, '$P')
login('ann@example.com', '$MARK' || repeat('x', 2000))
change_password('$USER', '$P', '$P 2')
change_password('$USER', '$P', left('$MARK', 7))
change_password('$NOBODY', '$P', '$P 2')
set_password('$NOBODY', '$P')
set_password('$USER', '$MARK' || repeat('x', 2000))
reset_password('$MARK', '$P')
reset_password('$RESET', left('$MARK', 7))
reset_password('$CONFIRM', '$P')
confirm_email('$MARK')
confirm_email('$RESET')
verify('$MARK')
verify('$TOKEN')
verify('$TOKEN$MARK')
verify('$REFRESHED')
authenticate('$TOKEN$MARK')
authenticate('$MARK.$MARK.$MARK')
authenticate('$TOKEN')
refresh('$MARK')
refresh('$REFRESHED')
refresh('$TOKEN$MARK')
logout('$MARK')
logout('$TOKEN$MARK')
verify('$KEY')
verify('$KEY$MARK')
authenticate('$KEY')
authenticate('lk_$MARK')
authenticate('${KEY:0:16}${MARK}${KEY:28}')
refresh('$KEY')
logout('$KEY')
logout('$KEY$MARK')
create_api_key('$SERVICE', '{users.read}')
create_api_key('$SERVICE', '{no permission}')
rotate_api_key('$KEY_ID')
import_users('{"users": {"x$RANDOM@example.com": {"password": "$P"}, "bad": {"password": "$P"}, "ann@example.com": {"password": "$P"}, "y@example.com": {"password": "$P", "tier": "$MARK"}}}')
import_users('"$P"')
create_admin('root$RANDOM@example.com', '$P')
create_admin('root$RANDOM@example.com', '$MARK' || repeat('x', 2000))
create_admin('ann@example.com', '$P')
create_admin('$P', '$P')
import_users('[{"email": "z$RANDOM@example.com", "password": "$B", "createdAt": "$MARK"}]')
SQL

# run NAME: what stands in $DIR/script, one statement after the other, whatever fails.
run() {
    local before
    before=$(wc -l <"$log")
    "$BIN/psql" -X -q -At "${2:-$(url "$folder" db)}" -f "$DIR/script" >"$DIR/said" 2>&1 || true
    grep -qE 'ERROR|ok|argon2id' "$DIR/said" || fail "$1: something happened" "$(head -n 5 "$DIR/said")"
    look_for_secrets "$1" "$before"
}

look_for_secrets() {
    local found
    found=$(tail -n +"$(($2 + 1))" "$log" | grep -nE "$MARK|${TOKEN#*.}|${REFRESHED#*.}|$RESET|$CONFIRM|password 1|${KEY:16}|lk_[0-9a-z]{12}_[A-Za-z0-9_-]" | cut -c 1-160 | head -n 5 || true)
    if [ -z "$found" ]; then pass "$1"; else fail "$1" "$found"; fi
}

sed 's/.*/SELECT latchkey.&;/' "$DIR/calls" >"$DIR/script"
run "called directly"
check "nor does an answer to the client repeat it" 0 "$(grep -E '(ERROR|DETAIL|HINT): ' "$DIR/said" | grep -c "$MARK" || true)"
sed 's/.*/SELECT * FROM latchkey.&;/' "$DIR/calls" >"$DIR/script"
run "in FROM"
sed 's/.*/BEGIN READ ONLY; SELECT latchkey.&; ROLLBACK;/' "$DIR/calls" >"$DIR/script"
run "in a read-only transaction (errors inside SPI)"
sed 's/.*/DO $block$ BEGIN PERFORM latchkey.&; END $block$;/' "$DIR/calls" >"$DIR/script"
run "in a plpgsql block"
sed 's/.*/DO $block$ BEGIN BEGIN PERFORM latchkey.&; EXCEPTION WHEN OTHERS THEN RAISE; END; END $block$;/' "$DIR/calls" \
    >"$DIR/raised"
sed 's/.*/DO $block$ BEGIN PERFORM latchkey.&; EXCEPTION WHEN OTHERS THEN NULL; END $block$;/' \
    "$DIR/calls" >"$DIR/caught"
sed 's/.*/SET statement_timeout = 100; SELECT latchkey.&; RESET statement_timeout;/' "$DIR/calls" | grep -E 'hash_password|login|sign_up' \
    >"$DIR/timeouts"
sed 's/.*/PREPARE p AS SELECT latchkey.&;\nEXECUTE p;\nDEALLOCATE p;/' "$DIR/calls" >"$DIR/script"
run "prepared"
cat >"$DIR/script" <<SQL
CREATE TABLE t (password text, hash text GENERATED ALWAYS AS ('x') STORED);
CREATE FUNCTION on_insert() RETURNS trigger LANGUAGE plpgsql AS \$\$
BEGIN PERFORM latchkey.verify(NEW.password); RETURN NEW; END \$\$;
CREATE TRIGGER on_insert BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION on_insert();
INSERT INTO t VALUES ('$P');
COPY t (password) FROM stdin;
$P
\.
CREATE FUNCTION wrapper(secret text) RETURNS void LANGUAGE sql AS \$\$ SELECT latchkey.verify(secret) \$\$;
SELECT wrapper('$P');
SQL
run "in triggers, COPY and SQL functions"

# bind FUNCTION-CALL: the extended protocol, as drivers use it.
sed -nE "s/^(login|verify|authenticate|refresh|confirm_email|hash_password)\('([^']*)'\)\$/SELECT latchkey.\1(\$1) \\\\bind '\2' \\\\g/p" \
    "$DIR/calls" >"$DIR/script"
if [ "$("$BIN/psql" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')" -ge 16 ]; then run "bound values"; fi
printf 'SELECT latchkey.verify(:token);\nSELECT latchkey.login(:email, :token);\n' >"$DIR/bound.sql"
before=$(wc -l <"$log")
"$BIN/pgbench" -n -M extended -t 2 -f "$DIR/bound.sql" -D token="$P" -D email="a@example.com" "$(url "$folder" db app)" >/dev/null 2>&1 || true
look_for_secrets "bound values of the extended protocol" "$before"

# While it hashes or waits for its turn: cancelled, too busy, waited for long, terminated.
query "$folder" db "SELECT latchkey.set_setting('passwords.argon2_memory_kib', '65536'); SELECT latchkey.set_setting('passwords.argon2_passes', '16')" >/dev/null
holder() {
    open_session "$1" "$folder" db
    ask "$1" "SET application_name = '$1';"
    send "$1" "${2:-SELECT latchkey.hash_password('$P');}"
    await 10 query_is "$folder" db "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$1' AND state = 'active'" 1
    sleep 0.15
}
kill_by_name() { query "$folder" db "SELECT $2(pid) FROM pg_stat_activity WHERE application_name = '$1'" >/dev/null; }

before=$(wc -l <"$log")
holder hashing
holder waiting "SELECT latchkey.login('ann@example.com', '$P');"
# The first who waits looks for a free slot; the next one waits for that one's lock.
holder queued "SELECT latchkey.login('ann@example.com', '$P');"
await_answer waiting
check_match "the second one is told LK503" LK503 "$answer"
await_answer queued
look_for_secrets "too busy, and a lock that is waited for long (log_lock_waits)" "$before"
check_true "which was logged" grep -q 'still waiting for ExclusiveLock on advisory lock' "$log"
await_answer hashing
close_session waiting
close_session queued
for how in pg_cancel_backend pg_terminate_backend; do
    before=$(wc -l <"$log")
    holder "h$how"
    holder "w$how" "SELECT latchkey.sign_up('new$RANDOM@example.com', '$P');"
    kill_by_name "w$how" $how
    kill_by_name "h$how" $how
    await_answer "h$how" 3
    look_for_secrets "$how while hashing and while waiting" "$before"
done
# Within plpgsql, and with the password in a larger statement.
before=$(wc -l <"$log")
holder block "DO \$\$ BEGIN PERFORM latchkey.hash_password('$P'); END \$\$;"
kill_by_name block pg_terminate_backend
await_answer block 3
look_for_secrets "pg_terminate_backend within plpgsql" "$before"
before=$(wc -l <"$log")
mv "$DIR/timeouts" "$DIR/script"
run "statement_timeout"
cheap_hashes "$folder" db
mv "$DIR/raised" "$DIR/script"
run "raised again by plpgsql"
mv "$DIR/caught" "$DIR/script"
echo "SELECT 'ok';" >>"$DIR/script"
run "caught by plpgsql"

as_user mv "$folder/master.key" "$folder/master.key.away"
sed 's/.*/SELECT latchkey.&;/' "$DIR/calls" >"$DIR/script"
run "without the master key (not configured)"
check_true "which was said" grep -q 'the master key file cannot be read' "$DIR/said"
as_user mv "$folder/master.key.away" "$folder/master.key"

# A shutdown ends who hashes.
query "$folder" db "SELECT latchkey.set_setting('passwords.argon2_memory_kib', '65536'); SELECT latchkey.set_setting('passwords.argon2_passes', '16')" >/dev/null
before=$(wc -l <"$log")
holder last
stop_cluster "$folder" fast
look_for_secrets "a fast shutdown while hashing" "$before"

# The proof of the method: the same search finds what is not hidden.
start_cluster "$folder"
before=$(wc -l <"$log")
sqlstate "$folder" db "SELECT '$P'::integer" >/dev/null
check_true "a marker in a plain statement would be found" [ -n "$(look_for_secrets x "$before" | grep FAIL)" ]
finish
