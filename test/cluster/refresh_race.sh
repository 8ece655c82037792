#!/usr/bin/env bash
# Fifty refreshes of one token at once have one successor; after a restart the rules of replay are the same.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"

CLIENTS=50
server r
folder=$DIR/r
create_database "$folder" db
cheap_hashes "$folder" db
query "$folder" db "SELECT latchkey.register_user('ann@example.com', 'password 1')" >/dev/null

new_token() { query "$folder" db "SELECT token FROM latchkey.login('ann@example.com', 'password 1')" app; }
refresh() { query "$folder" db "SELECT coalesce(token, outcome) FROM latchkey.refresh('$1')" app; }
verify_state() { sqlstate "$folder" db "SELECT latchkey.verify('$1')" app; }
jti() { cut -d . -f 2 <<<"$1" | python3 -c 'import base64, json, sys
text = sys.stdin.read().strip()
print(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))["jti"])'; }

# refresh_at_once TOKEN [BEGIN]: all wait for one row lock, then run; their answers go to $DIR/answers.
refresh_at_once() {
    local pids=() i
    open_session gate "$folder" db
    ask gate "BEGIN; SELECT count(*) FROM (SELECT 1 FROM latchkey.sessions FOR UPDATE) s;"
    for ((i = 0; i < CLIENTS; i++)); do
        "$BIN/psql" -X -q -At -c "${2:-BEGIN}; SELECT coalesce(token, outcome) FROM latchkey.refresh('$1'); COMMIT" \
            "$(url "$folder" db app)" >"$DIR/refresh.$i" 2>&1 &
        pids+=($!)
    done
    await 30 query_is "$folder" db "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'" "$CLIENTS" ||
        fail "all refreshes wait for the row"
    ask gate "COMMIT;"
    close_session gate
    for i in "${pids[@]}"; do wait "$i" || true; done
    cat "$DIR"/refresh.* >"$DIR/answers"
    rm "$DIR"/refresh.*
}

first=$(new_token)
refresh_at_once "$first"
check "$CLIENTS refreshes at once: all are answered" "$CLIENTS" "$(grep -c '^ey' "$DIR/answers")"
check "with one token" 1 "$(sort -u "$DIR/answers" | wc -l)"
check "and one event" 1 "$(query "$folder" db "SELECT count(*) FROM latchkey.events WHERE type = 'session.refreshed'")"
second=$(head -n 1 "$DIR/answers")
check_true "which is another than before" [ "$second" != "$first" ]
check "the successor verifies" 00000 "$(verify_state "$second")"
check "its predecessor does for a moment more" 00000 "$(verify_state "$first")"

stop_cluster "$folder" immediate
start_cluster "$folder"
check "after a crash: the predecessor gets the same successor" "$second" "$(refresh "$first")"
third=$(refresh "$second")
check "after a crash: the successor gets one of its own" 00000 "$(verify_state "$third")"
check "the last but one is over" LK411 "$(verify_state "$first")"
check "its reuse is refused" invalid_token "$(refresh "$first")"
check "and has ended the session" "LK411 LK411" "$(verify_state "$second") $(verify_state "$third")"
check "for refreshing too" LK411 "$(sqlstate "$folder" db "SELECT latchkey.refresh('$third')" app)"
check "with one event that says why" token_reused "$(query "$folder" db "SELECT data ->> 'reason' FROM latchkey.events WHERE type = 'session.ended'")"
stop_cluster "$folder" immediate
start_cluster "$folder"
check "it stays ended after a crash" LK411 "$(verify_state "$third")"

# A refresh that is rolled back did not happen.
token=$(new_token)
query "$folder" db "BEGIN; SELECT token FROM latchkey.refresh('$token'); ROLLBACK" app >/dev/null
check "rolled back: the token is still the current one" 00000 "$(sqlstate "$folder" db "SELECT latchkey.refresh('$token')" app)"

# Randomised signatures make other bytes of the same token: its id is what counts.
query "$folder" db "SELECT latchkey.rotate_signing_key('ES256')" >/dev/null
token=$(new_token)
refresh_at_once "$token"
check "ES256: one token id" 1 "$(while read -r t; do jti "$t"; done <"$DIR/answers" | sort -u | wc -l)"

# Logout against refresh: whoever comes last, the session is over.
token=$(new_token)
open_session x "$folder" db app
ask x "BEGIN; SELECT latchkey.logout('$token');"
"$BIN/psql" -X -q -At -v VERBOSITY=verbose -c "SELECT latchkey.refresh('$token')" "$(url "$folder" db app)" >"$DIR/late" 2>&1 &
late=$!
await 10 query_is "$folder" db "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'" 1 || fail "the refresh waits"
ask x "COMMIT;"
wait "$late" || true
check_match "a refresh that waited for a logout is refused" LK411 "$(cat "$DIR/late")"

token=$(new_token)
refresh_at_once "$token" "BEGIN ISOLATION LEVEL REPEATABLE READ"
check "repeatable read: no second successor" 1 "$(grep '^ey' "$DIR/answers" | sort -u | wc -l)"
check_true "repeatable read: the others can try again" \
    [ "$(grep -cE '^ey|could not serialize' "$DIR/answers")" = "$CLIENTS" ]
check "and then get the same" "$(grep '^ey' "$DIR/answers" | while read -r t; do jti "$t"; done | sort -u)" "$(jti "$(refresh "$token")")"
finish
