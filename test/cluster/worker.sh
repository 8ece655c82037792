#!/usr/bin/env bash
# Two workers share 300 jobs while the server restarts and one of them is killed: every job is completed.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"

JOBS=300
server w
folder=$DIR/w
create_database "$folder" db
# Seeds are due at times of their own.
query "$folder" db "UPDATE latchkey.job_schedules SET enabled = false"

start_worker() {
    "${LATCHKEY_GATEWAY:-$ROOT/build/latchkey-gateway}" work --worker-lease-s 2 \
        --worker-database-url "$(url "$folder" db worker)" >>"$DIR/worker.log" 2>&1 9>&- &
    child_pids+=("$!")
}

enqueue() {
    query "$folder" db "SELECT count(latchkey.enqueue_job('latchkey.expire_credits')) FROM generate_series(1, $1)" >/dev/null
}

start_worker
start_worker
await 10 query_is "$folder" db "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'latchkey-worker'" 2 ||
    fail "both workers connect"

enqueue "$JOBS"
stop_cluster "$folder" immediate
start_cluster "$folder"
check_true "both workers come back after a crash of the server" \
    await 20 query_is "$folder" db "SELECT count(*) >= 2 FROM pg_stat_activity WHERE application_name = 'latchkey-worker'" t
check_true "what was queued is completed" await 60 query_is "$folder" db "SELECT count(*) FROM latchkey.jobs" 0

# One that holds a job is killed: the other gets it when the lease is over.
exec {session}> >("$BIN/psql" -X -q "$(url "$folder" db)" >/dev/null)
echo "BEGIN; LOCK TABLE latchkey.credit_lots;" >&"$session"
await 10 query_is "$folder" db "SELECT count(*) FROM pg_locks WHERE relation = 'latchkey.credit_lots'::regclass
    AND mode = 'AccessExclusiveLock' AND granted" 1 || fail "the lock is held"
enqueue 1
await 10 query_is "$folder" db "SELECT count(*) FROM latchkey.jobs WHERE lease_token IS NOT NULL" 1 || fail "the job is claimed"
victim=$(query "$folder" db "SELECT split_part(worker, ':', -1) FROM latchkey.jobs")
check_true "the job names its worker" [ "$victim" = "${child_pids[0]}" -o "$victim" = "${child_pids[1]}" ]
kill -KILL "$victim"
check_true "another worker gets the job of a killed one" \
    await 20 query_is "$folder" db "SELECT count(*) FROM latchkey.jobs WHERE attempts = 2 AND split_part(worker, ':', -1) <> '$victim'" 1
exec {session}>&-
check_true "and completes it" await 20 query_is "$folder" db "SELECT count(*) FROM latchkey.jobs" 0
check "every job is completed, and none is lost" "completed $((JOBS + 1))" \
    "$(query "$folder" db "SELECT string_agg(status || ' ' || n, ', ') FROM (SELECT status, count(*) AS n FROM latchkey.job_history GROUP BY 1) t")"
finish
