#!/usr/bin/env bash
# The generated parts of docs/ are those of this build.
set -euo pipefail
exec "$LATCHKEY_ROOT/scripts/docs/generate.sh" --check
