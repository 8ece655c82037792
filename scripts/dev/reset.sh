#!/usr/bin/env bash
# Stops the private server of `make up` and deletes its data.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
. "$(dirname "$0")/common.sh"

folder=$(dev_folder)
[ -n "$folder" ] || exit 0
stop_gateway "$folder"
stop_cluster "$folder" immediate
rm -rf "$folder" "$DEV_LINK" "$ROOT/build/outbox"
say "The private server and its data are gone."
