#!/usr/bin/env bash
# Random operations on credits against a model, few of them: `make soak` does many more.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"

server m
folder=$DIR/m
create_database "$folder" db
if SOAK_OPERATIONS=${SOAK_OPERATIONS:-10000} PYTHONDONTWRITEBYTECODE=1 PATH="$BIN:$PATH" \
    python3 "$LATCHKEY_ROOT/test/soak/credits_model.py" "$(url "$folder" db)"; then
    pass "what 10,000 operations answered, and the ledger"
else
    fail "what 10,000 operations answered, and the ledger"
fi
finish
