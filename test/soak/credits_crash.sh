#!/usr/bin/env bash
# The kills of test/cluster/credits_crash.sh, KILLS (500) times.
set -euo pipefail
KILLS=${KILLS:-500} exec "$(dirname "$0")/../cluster/credits_crash.sh"
