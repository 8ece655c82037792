#!/usr/bin/env bash
# Writes the generated parts of docs/ from an installed extension and the built gateway; --check only compares.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"

# A test brings a folder, and has built and installed already.
folder=${LATCHKEY_TEST_DIR:-}
if [ -z "$folder" ]; then
    "$ROOT/scripts/deps.sh"
    make -s -C "$ROOT" -j"$(nproc)" world >/dev/null
    install_extension || true
    folder=$(mktemp -d /tmp/latchkey-docs.XXXXXX)
    trap 'stop_cluster "$folder" immediate; rm -rf "$folder"' EXIT
    chown "$OS_USER" "$folder"
else
    trap 'stop_cluster "$folder" immediate' EXIT
fi
create_cluster "$folder"
start_cluster "$folder"
create_database "$folder" docs
catalogue=$folder/catalogue.json
admin_psql "$folder" docs -At -f "$ROOT/scripts/docs/catalogue.sql" | as_user tee "$catalogue" >/dev/null
python3 "$ROOT/scripts/docs/reference.py" "$catalogue" "${LATCHKEY_GATEWAY:-$ROOT/build/latchkey-gateway}" "$@"
