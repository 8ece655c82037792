#!/usr/bin/env bash
# The server's clock is set ahead and back by an hour while it runs (libfaketime): leases, schedules, sessions, credits.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"

library=$(find /usr/lib -name libfaketime.so.1 | head -n 1)
[ -n "$library" ] || die "libfaketime is missing: run make deps"
server c
folder=$DIR/c
create_database "$folder" db
cheap_hashes "$folder" db

# set_clock SECONDS: how far the server's clock is ahead; its processes look at each call.
set_clock() {
    echo "$1" | as_user tee "$folder/clock.new" >/dev/null
    as_user mv "$folder/clock.new" "$folder/clock"
}
ask_server() { query "$folder" db "$1"; }
offset() { ask_server "SELECT round((extract(epoch FROM clock_timestamp()) - $(date +%s)) / 60)"; }

stop_cluster "$folder"
set_clock +0
as_user env LD_PRELOAD="$library" FAKETIME_TIMESTAMP_FILE="$folder/clock" FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \
    "$BIN/pg_ctl" start --wait --silent --pgdata="$folder/data" --log="$folder/log/postgresql.log" >/dev/null 2>&1 </dev/null ||
    die "the server does not start with $library"
check "the clock is right" 0 "$(offset)"

# A worker's backend that lives through it, beside new ones.
open_session w "$folder" db
worker() { ask w "$1"; }
claim="SELECT count(*) FROM latchkey.claim_jobs('{clock}', 'w', 10, '1 minute')"
complete="SELECT count(*) FROM latchkey.jobs, LATERAL latchkey.complete_job(account_id, id, lease_token)"

ask_server "SELECT latchkey.enqueue_job('clock')" >/dev/null
worker "$claim;"
check "a job is claimed" 1 "$answer"
set_clock -3600
check "the clock is an hour back" -60 "$(offset)"
check "back: the lease still holds" 0 "$(ask_server "$claim")"
worker "$complete;"
check "back: its worker completes" 1 "$answer"
ask_server "SELECT latchkey.enqueue_job('clock')" >/dev/null
worker "$claim;"
check "back: what is enqueued now is claimed now" 1 "$answer"
worker "SELECT count(*) FROM latchkey.jobs, LATERAL latchkey.release_job(account_id, id, lease_token);"

ask_server "SELECT latchkey.enqueue_job('clock')" >/dev/null
worker "$claim;"
check "back: both are claimed" 2 "$answer"
worker "SELECT lease_token FROM latchkey.jobs LIMIT 1;"
token=$answer
set_clock +0
check "right again: leases of an hour ago are over, and another gets the jobs" 2 "$(ask_server "$claim")"
check "the first is refused" LK410 "$(sqlstate "$folder" db "SELECT latchkey.complete_job(account_id, id, '$token') FROM latchkey.jobs")"
ask_server "$complete" >/dev/null
check "all jobs are over, once" "completed 3" "$(ask_server "SELECT status || ' ' || count(*) FROM latchkey.job_history GROUP BY status")"

# One that waits for its time waits for the clock's.
ask_server "SELECT latchkey.enqueue_job('clock', run_at => clock_timestamp() + interval '30 minutes')" >/dev/null
check "not yet" 0 "$(ask_server "$claim")"
set_clock +3600
worker "SELECT count(*) FROM latchkey.sweep_jobs(); $claim;"
check_match "ahead: now" '1$' "$answer"
worker "$complete;"

# Schedules: those that came with the extension have due times of their own. Half an hour from now none is near.
set_clock +0
ask_server "UPDATE latchkey.job_schedules SET enabled = false; 
    SELECT latchkey.schedule_job('hourly', extract(minute FROM now() + interval '30 minutes') || ' * * * *', 'tick')" >/dev/null
run="SELECT latchkey.run_due_schedules()"
check "nothing is due" 0 "$(ask_server "$run")"
set_clock +3600
worker "$run;"
check "ahead: the hour's is enqueued" 1 "$answer"
check "once" 0 "$(ask_server "$run")"
set_clock +0
check "back: not again" 0 "$(ask_server "$run")"
set_clock -3600
check "further back: neither" 0 "$(ask_server "$run")"
set_clock +3600
check "ahead again: its time is over, and was enqueued" 0 "$(ask_server "$run")"
set_clock +18000
worker "$run;"
check "hours ahead: what was missed runs once" 1 "$answer"
check "and is counted" "2 3" "$(ask_server "SELECT count(*) || ' ' || sum(missed) FROM latchkey.list_schedule_runs('hourly')")"

# Sessions and credits.
set_clock +0
ask_server "SELECT latchkey.sign_up('ann@example.com', 'password 1')" >/dev/null
token=$(ask_server "SELECT token FROM latchkey.login('ann@example.com', 'password 1')")
ann=$(ask_server "SELECT user_id FROM latchkey.verify('$token')")
ask_server "SELECT latchkey.grant_credits('$ann', 10, 'purchase', expires_at => clock_timestamp() + interval '30 minutes');
    SELECT latchkey.set_service_cost('unit', 1)" >/dev/null
set_clock -3600
check "back: a token from the future verifies" 00000 "$(sqlstate "$folder" db "SELECT latchkey.verify('$token')")"
check "back: and is refreshed" ok "$(ask_server "SELECT outcome FROM latchkey.refresh('$token')")"
check "back: credits are spent" 9 "$(ask_server "SELECT balance_after FROM latchkey.debit_credits('$ann', 'unit')")"
set_clock +3600
check "ahead: expired credits are not" LK402 "$(sqlstate "$folder" db "SELECT latchkey.debit_credits('$ann', 'unit')")"
ask_server "SELECT latchkey.expire_credits()" >/dev/null
set_clock +0
check "back again: what was booked as expired stays so" LK402 "$(sqlstate "$folder" db "SELECT latchkey.debit_credits('$ann', 'unit')")"
check "the ledger agrees" 0 "$(ask_server "SELECT count(*) FROM latchkey.verify_ledger()")"
close_session w
finish
