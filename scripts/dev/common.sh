# What up, down, reset and psql share: where the private server of this checkout lives. Source it.
# shellcheck shell=bash
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# build/dev is the folder, or a link to it when the cluster's user can't enter build/.
DEV_LINK=$ROOT/build/dev

# Prints the folder, empty when there is none yet.
dev_folder() { readlink -e "$DEV_LINK" || true; }

# The gateway's pid, when it is ours: pids are used again, so the program behind it is compared.
gateway_pid() {
    local folder=$1 pid exe
    pid=$(cat "$folder/gateway.pid" 2>/dev/null) || return 0
    exe=$(readlink "/proc/$pid/exe" 2>/dev/null) || return 0
    if [ "${exe% (deleted)}" = "$folder/bin/latchkey-gateway" ]; then echo "$pid"; fi
}

stop_gateway() {
    local pid wait
    pid=$(gateway_pid "$1")
    [ -n "$pid" ] || return 0
    kill -TERM "$pid"
    for ((wait = 0; wait < 150; wait++)); do
        if ! [ -e "/proc/$pid" ]; then break; fi
        sleep 0.1
    done
    if [ -e "/proc/$pid" ]; then kill -KILL "$pid"; fi
    rm -f "$1/gateway.pid"
}
