#!/usr/bin/env bash
# The kills of test/cluster/credits_crash.sh, KILLS (500) times, with more of a storm between them.
set -euo pipefail
KILLS=${KILLS:-500} SECONDS_EACH=${SECONDS_EACH:-2} exec "$(dirname "$0")/../cluster/credits_crash.sh"
