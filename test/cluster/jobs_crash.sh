#!/usr/bin/env bash
# Backends are killed while workers do 40,000 jobs: every job is completed, none is lost, and each effect that goes by the
# job's id happens once.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"

JOBS=40000
KILLS=6
server j "restart_after_crash = on" "max_wal_size = 256MB"
folder=$DIR/j
create_database "$folder" db
query "$folder" db "CREATE TABLE effects (job uuid PRIMARY KEY, runs integer NOT NULL);
    SELECT latchkey.enqueue_jobs((SELECT jsonb_agg(jsonb_build_object('type', 'crash', 'group_key', 'g' || n % 7)) FROM generate_series(1, 1000) n))
        FROM generate_series(1, $((JOBS / 1000)))" >/dev/null

# Claims, and later does and completes in one transaction, as the guide says.
cat >"$DIR/work.sql" <<'SQL'
SELECT coalesce(array_agg(account_id), '{}')::text AS accounts, coalesce(array_agg(id), '{}')::text AS ids,
  coalesce(array_agg(lease_token), '{}')::text AS tokens FROM latchkey.claim_jobs('{crash}', 'worker', 5, '2 seconds') \gset
BEGIN;
INSERT INTO effects SELECT unnest(:ids::uuid[]), 1 ON CONFLICT (job) DO UPDATE SET runs = effects.runs + 1;
SELECT latchkey.complete_jobs(:accounts::uuid[], :ids::uuid[], :tokens::uuid[]);
COMMIT;
SQL
# The connections of workers break; then they begin again.
work() {
    "$BIN/pgbench" -n -M prepared -c 6 -T "$1" -f "$DIR/work.sql" "$(url "$folder" db)" >/dev/null 2>&1 || true
}
kill_a_worker() {
    local pid
    pid=$(query "$folder" db "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgbench' ORDER BY state = 'active' DESC, random() LIMIT 1")
    if [ -n "$pid" ]; then kill -9 "$pid"; fi
}

for ((round = 1; round <= KILLS; round++)); do
    work 2 &
    worker=$!
    sleep "0.$((RANDOM % 5 + 3))"
    kill_a_worker
    wait "$worker"
    await 30 query_is "$folder" db "SELECT 1" 1 || fail "the server is back"
done
left=$(query "$folder" db "SELECT count(*) FROM latchkey.jobs")
check_true "the kills came while there was work ($left left)" [ "$left" -gt 0 ]
for ((round = 0; round < 30; round++)); do
    query_is "$folder" db "SELECT count(*) FROM latchkey.jobs" 0 && break
    work 3
done
check "every job is completed, and none is lost" "completed $JOBS" \
    "$(query "$folder" db "SELECT string_agg(status || ' ' || n, ', ') FROM (SELECT status, count(*) AS n FROM latchkey.job_history GROUP BY 1) t")"
check "each effect is there once" "$JOBS $JOBS" "$(query "$folder" db "SELECT count(*) || ' ' || (SELECT count(*) FROM effects e
    JOIN latchkey.job_history h ON h.id = e.job) FROM effects")"
check "no lock is held" 0 "$(query "$folder" db "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")"
check_true "only the signals were ours" [ "$(grep 'terminated by signal' "$folder/log/postgresql.log" | grep -cv 'signal 9')" = 0 ]

finish
