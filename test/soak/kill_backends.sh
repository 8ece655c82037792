#!/usr/bin/env bash
# Backends are killed in a storm of logins, refreshes, password changes and role grants, KILLS (200) times: after each
# recovery nothing acknowledged is lost and nothing is half done. SOAK_SEED makes the choices repeatable, not the timing.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/../cluster/lib.bash"
PATH=$BIN:$PATH

server s "restart_after_crash = on" "max_wal_size = 256MB"
create_database "$DIR/s" db
cheap_hashes "$DIR/s" db
PYTHONPATH=$ROOT/test/cluster PYTHONDONTWRITEBYTECODE=1 python3 "$ROOT/test/soak/kill_backends.py" "$(url "$DIR/s" db)" \
    "${KILLS:-200}" "${SOAK_SEED:-$RANDOM}" "$ROOT/test/regress/sql/consistency.sql"
check "only the signals were ours" 0 "$(grep -E 'terminated by signal' "$DIR/s/log/postgresql.log" | grep -cv 'signal 9' || true)"
finish
