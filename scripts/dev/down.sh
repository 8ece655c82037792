#!/usr/bin/env bash
# Stops the gateway and the private server that `make up` started. Their data stays.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
. "$(dirname "$0")/common.sh"

folder=$(dev_folder)
if [ -z "$folder" ]; then
    say "Nothing to stop: there is no private server yet."
    exit 0
fi
stop_gateway "$folder"
stop_cluster "$folder"
say "Stopped. 'make up' starts it again with the same data; 'make reset' deletes the data."
