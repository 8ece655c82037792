#!/usr/bin/env bash
# Documentation: its generated parts are those of this build, and its examples run.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$LATCHKEY_ROOT/scripts/lib.sh"

folder=$LATCHKEY_TEST_DIR/examples
docs=$ROOT/docs

check_references() {
    as_user mkdir -m 0700 "$LATCHKEY_TEST_DIR/reference"
    if LATCHKEY_TEST_DIR=$LATCHKEY_TEST_DIR/reference "$ROOT/scripts/docs/generate.sh" --check; then
        echo "ok references are up to date"
    else
        echo "FAIL references are up to date"
    fi
}

# Prints the address that the gateway listens on: it takes a free port.
start_gateway() {
    local log=$folder/log/gateway.log wait port=
    as_user install -m 0755 "$LATCHKEY_GATEWAY" "$ROOT/scripts/dev/mail-to-outbox" "$folder/"
    as_user mkdir -m 0700 "$folder/outbox"
    as_user env LATCHKEY_PORT=0 LATCHKEY_PUBLIC_URL=http://127.0.0.1 LATCHKEY_OUTBOX="$folder/outbox" \
        LATCHKEY_MAIL_COMMAND="$folder/mail-to-outbox" \
        LATCHKEY_DATABASE_URL="postgresql:///latchkey?host=$folder/socket&user=gateway" \
        bash -c 'echo $$ >"$0/gateway.pid"; exec "$0/latchkey-gateway" >"$0/log/gateway.log" 2>&1' "$folder" >/dev/null &
    for ((wait = 0; wait < 100; wait++)); do
        port=$(sed -n 's/.*"event":"listening".*"port":"\([0-9]*\)".*/\1/p' "$log" 2>/dev/null || true)
        [ -z "$port" ] || break
        sleep 0.1
    done
    [ -n "$port" ] || die "the gateway did not start."
    echo "http://127.0.0.1:$port"
}

clean_up() {
    kill "$(cat "$folder/gateway.pid" 2>/dev/null)" 2>/dev/null || true
    stop_cluster "$folder" immediate
}

check_references
as_user mkdir -m 0700 "$folder"
trap clean_up EXIT
create_cluster "$folder"
start_cluster "$folder"
create_database "$folder" latchkey
url=$(start_gateway)
PATH=$(bindir):$PATH "$ROOT/scripts/docs/try_examples.py" --gateway "$url" --database "host=$folder/socket dbname=latchkey" \
    "$ROOT/README.md" "$docs/applications.md" "$docs/dba.md" "$docs/rest.md"
