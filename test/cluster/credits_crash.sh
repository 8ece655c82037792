#!/usr/bin/env bash
# Backends and the postmaster are killed, KILLS (56) times, at most SECONDS_EACH (0.4) after the last recovery, in a storm of
# debits with idempotency keys: what was acknowledged is in the ledger once, what was not is there once or not at all, as a
# retry with its key tells, and the proof holds. SOAK_SEED makes the choices repeatable, not the timing.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/../cluster/lib.bash"
PATH=$BIN:$PATH

server c "restart_after_crash = on" "max_wal_size = 256MB"
folder=$DIR/c
create_database "$folder" db

# As a service manager does: starts the server again when its postmaster is gone. The first attempts fail while its
# children are still there.
supervise() {
    trap - EXIT
    while :; do
        kill -0 "$(postmaster_pid "$folder" 2>/dev/null)" 2>/dev/null ||
            as_user "$BIN/pg_ctl" start --wait --silent --pgdata="$folder/data" --log="$folder/log/postgresql.log" >/dev/null 2>&1 </dev/null || true
        sleep 0.1
    done
}
supervise &
supervisor=$!
child_pids+=("$supervisor")

seed=${SOAK_SEED:-$RANDOM}
if PYTHONDONTWRITEBYTECODE=1 python3 "$ROOT/test/cluster/credits_crash.py" "$(url "$folder" db)" "${KILLS:-56}" \
    "${SECONDS_EACH:-0.4}" "$seed" "$folder/data/postmaster.pid"; then
    pass "the ledger after ${KILLS:-56} kills (SOAK_SEED=$seed)"
else
    fail "the ledger after ${KILLS:-56} kills (SOAK_SEED=$seed)"
fi
check "only the signals were ours" 0 "$(grep -E 'terminated by signal' "$folder/log/postgresql.log" | grep -cv 'signal 9' || true)"
check "indexes agree with their tables" 00000 "$(sqlstate "$folder" db "CREATE EXTENSION amcheck;
    SELECT bt_index_check(indexrelid, true) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
    WHERE c.relname LIKE 'credit%' AND a.amname = 'btree'")"
kill "$supervisor"
finish
