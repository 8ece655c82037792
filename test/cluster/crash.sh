#!/usr/bin/env bash
# Backends and the postmaster are killed in a storm of sign-ups, logins, refreshes and logouts: what was acknowledged is
# there once, what was ended stays ended, and nothing is half made or still locked.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"
PATH=$BIN:$PATH

ROUNDS=4
WORKERS=12
server c "restart_after_crash = on" "max_wal_size = 256MB"
folder=$DIR/c
create_database "$folder" db
cheap_hashes "$folder" db
storm() { python3 "$ROOT/test/cluster/storm.py" "$@"; }

# A reader that looks at half made users all the time: atomic also for who looks in between.
HALF="SELECT (SELECT count(*) FROM latchkey.accounts a LEFT JOIN latchkey.users u USING (id) WHERE u.id IS NULL)
    + (SELECT count(*) FROM latchkey.users u LEFT JOIN latchkey.user_emails e ON e.user_id = u.id WHERE e.user_id IS NULL)
    + (SELECT count(*) FROM latchkey.user_emails e LEFT JOIN latchkey.users u ON u.id = e.user_id WHERE u.id IS NULL)
    + (SELECT count(*) FROM latchkey.users u LEFT JOIN latchkey.events v ON v.account_id = u.id AND v.type = 'user.registered' WHERE v.id IS NULL)
    + (SELECT count(*) FROM latchkey.sessions s LEFT JOIN latchkey.events v ON v.account_id = s.user_id AND v.type = 'session.started'
        AND v.aggregate_id = s.id::text WHERE v.id IS NULL)"

kill_a_backend() {
    local pid
    # One that is in the middle of something, if there is one.
    pid=$(query "$folder" db "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
        ORDER BY state = 'active' DESC, random() LIMIT 1")
    kill -9 "$pid"
}

kill_postmaster() {
    kill -9 "$(postmaster_pid "$folder")"
    # Its children notice, and go; until then the memory is in use.
    local tries=100
    until as_user "$BIN/pg_ctl" start --wait --silent --pgdata="$folder/data" --log="$folder/log/postgresql.log" >/dev/null 2>&1 </dev/null; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || die "the server does not start again"
        sleep 0.2
    done
}

stop_immediately() {
    stop_cluster "$folder" immediate
    start_cluster "$folder"
}

methods=(kill_a_backend kill_postmaster stop_immediately kill_a_backend)
for ((round = 0; round < ROUNDS; round++)); do
    storm run "$(url "$folder" db app)" 20 "$DIR/state" "$WORKERS" &
    storm_pid=$!
    child_pids+=("$storm_pid")
    sleep "2.$((RANDOM % 10))"
    check "round $round: nothing half made is ever seen" 0 "$(query "$folder" db "$HALF")"
    case ${methods[$round]} in
        kill_a_backend) kill_a_backend ;;
        kill_postmaster) kill_postmaster ;;
        *) stop_immediately ;;
    esac
    wait "$storm_pid" || fail "the storm"
    await 30 query_is "$folder" db "SELECT 1" 1 || fail "the server is back"
    {
        read -r answers users live ended
        wrong=$(cat)
    } < <(storm check "$(url "$folder" db)" "$DIR/state")
    check "round $round, ${methods[$round]}: $users users, $live living and $ended ended sessions of $answers answers are as acknowledged" "" "$wrong"
    check "round $round: no user or session is half made" 0 "$(query "$folder" db "$HALF")"
    check "round $round: nothing twice" "0 0" "$(query "$folder" db "
        SELECT (SELECT count(*) FROM (SELECT 1 FROM latchkey.user_emails GROUP BY user_id HAVING count(*) > 1) t) || ' ' ||
            (SELECT count(*) FROM (SELECT 1 FROM latchkey.events WHERE type IN ('user.registered', 'session.started', 'session.ended')
                GROUP BY account_id, aggregate_id, type HAVING count(*) > 1) t)")"
    check "round $round: no lock and no slot is held" 0 "$(query "$folder" db "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")"
    check "round $round: no attempt is counted" 0 "$(query "$folder" db "SELECT count(*) FROM latchkey.login_attempts")"
done
check_true "the storm was one ($answers answers)" [ "$answers" -gt 500 -a "$ended" -gt 50 ]

email=$(query "$folder" db "SELECT email FROM latchkey.users LIMIT 1")
check "a login" ok "$(query "$folder" db "SELECT outcome FROM latchkey.login('$email', 'a password')" app)"
check "only the signals were ours" 0 "$(grep -E 'terminated by signal' "$folder/log/postgresql.log" | grep -cv 'signal 9' || true)"
check "indexes agree with their tables" 00000 "$(sqlstate "$folder" db "CREATE EXTENSION amcheck;
    SELECT bt_index_check(indexrelid, true) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
    WHERE c.relnamespace = 'latchkey'::regnamespace AND a.amname = 'btree'")"
finish
