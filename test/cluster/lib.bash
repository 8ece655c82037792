# Shared by the cluster tests: private servers, checks that are counted, and psql sessions that stay open.
# shellcheck shell=bash
#
# test/run calls each script with LATCHKEY_ROOT and LATCHKEY_TEST_DIR; a script also runs on its own, and then makes and
# removes a folder itself. Each check prints "ok NAME" or "FAIL NAME", which test/run counts.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
export LC_ALL=C.UTF-8

BIN=$(bindir)
failures=0
own_folder=
child_pids=()

if [ -z "${LATCHKEY_TEST_DIR:-}" ]; then
    own_folder=$(mktemp -d /tmp/latchkey-cluster.XXXXXX)
    chown "$OS_USER" "$own_folder"
    LATCHKEY_TEST_DIR=$own_folder
fi
DIR=$LATCHKEY_TEST_DIR

# Below 107 bytes with the socket's name, whatever folder we were given.
[ "${#DIR}" -le 70 ] || die "the folder's path is too long for a socket: $DIR"

clean_up_servers() {
    local pid data
    for pid in ${child_pids[@]+"${child_pids[@]}"}; do kill "$pid" 2>/dev/null || true; done
    for data in "$DIR"/*/data; do
        [ -e "$data/postmaster.pid" ] || continue
        as_user "$BIN/pg_ctl" stop --silent --mode=immediate --pgdata="$data" >/dev/null 2>&1 || true
    done
    if [ -n "$own_folder" ]; then rm -rf "$own_folder"; fi
}
trap clean_up_servers EXIT
trap 'exit 130' INT TERM HUP

# server NAME [SETTING…]: a running cluster in $DIR/NAME, with lines for its postgresql.conf.
server() {
    local folder=$DIR/$1
    shift
    as_user mkdir -m 0700 "$folder"
    create_cluster "$folder"
    # Processes are killed here, never the machine: the kernel keeps what was written.
    configure "$folder" "fsync = off" "max_connections = 120" "max_prepared_transactions = 10" "$@"
    start_cluster "$folder"
}

configure() {
    local folder=$1
    shift
    printf '%s\n' "$@" | as_user tee -a "$folder/data/postgresql.conf" >/dev/null
}

reload() {
    as_user "$BIN/pg_ctl" reload --silent --pgdata="$1/data"
    # The postmaster passes the signal on: give backends that start now the new file.
    sleep 0.3
}

postmaster_pid() { head -n 1 "$1/data/postmaster.pid"; }

# Hashes as cheap as the settings allow: for tests that are about something else.
cheap_hashes() {
    admin_psql "$1" "$2" -At -c "SELECT latchkey.set_setting('passwords.argon2_memory_kib', '8192');
        SELECT latchkey.set_setting('passwords.argon2_passes', '1')" >/dev/null
}

url() { echo "host=$1/socket dbname=$2 user=${3:-postgres}"; }

# query SERVER DATABASE SQL [ROLE]: the answer, unaligned.
query() { "$BIN/psql" -X -q -At -v ON_ERROR_STOP=1 -c "$3" "$(url "$1" "$2" "${4:-postgres}")"; }

# sqlstate SERVER DATABASE SQL [ROLE]: 00000, or the SQLSTATE of the first error. The whole answer is in $DIR/answer.
sqlstate() {
    if "$BIN/psql" -X -q -At -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -c "$3" "$(url "$1" "$2" "${4:-postgres}")" \
        >"$DIR/answer" 2>&1; then
        echo 00000
    else
        sed -nE 's/^.*(ERROR|FATAL|PANIC): +([0-9A-Z]{5}):.*/\2/p' "$DIR/answer" | head -n 1
    fi
}

pass() { printf 'ok %s\n' "$1"; }

fail() {
    failures=$((failures + 1))
    printf 'FAIL %s\n' "$1"
    if [ -n "${2:-}" ]; then printf '%s\n' "$2" | sed 's/^/    /'; fi
}

# check NAME EXPECTED ACTUAL
check() {
    if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "expected: $2
     got: $3"; fi
}

# check_match NAME REGEX ACTUAL
check_match() {
    if [[ $3 =~ $2 ]]; then pass "$1"; else fail "$1" "expected to match: $2
     got: $3"; fi
}

# check_true NAME COMMAND…: the command succeeds (a test like `[ "$a" -le "$b" ]`).
check_true() {
    local name=$1
    shift
    if "$@"; then pass "$name"; else fail "$name" "not so: $*"; fi
}

# await SECONDS COMMAND…: until the command succeeds; false when it does not in time.
await() {
    local tries=$(($1 * 20))
    shift
    while ! "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.05
    done
}

query_is() { [ "$(query "$1" "$2" "$3" 2>/dev/null)" = "$4" ]; }

finish() {
    [ "$failures" = 0 ] || exit 1
    exit 0
}

# ---- psql sessions that stay open -------------------------------------------------------------------------------
# A backend with caches of its own is what many of these tests are about.
declare -A session_fd=() session_seen=() session_mark=()

# open_session NAME SERVER DATABASE [ROLE]
open_session() {
    local name=$1 fd
    mkfifo "$DIR/$name.in"
    : >"$DIR/$name.out"
    stdbuf -oL "$BIN/psql" -X -q -At -v VERBOSITY=verbose "$(url "$2" "$3" "${4:-postgres}")" <"$DIR/$name.in" \
        >>"$DIR/$name.out" 2>&1 &
    child_pids+=($!)
    exec {fd}>"$DIR/$name.in"
    session_fd[$name]=$fd session_seen[$name]=0 session_mark[$name]=0
}

# send NAME SQL: without waiting for the answer, which the next await_answer prints.
send() {
    session_mark[$1]=$((session_mark[$1] + 1))
    printf '%s\n\\echo mark %s\n' "$2" "${session_mark[$1]}" >&"${session_fd[$1]}"
}

answered() { grep -q "mark ${session_mark[$1]}\$" "$DIR/$1.out"; }

# Sets $answer, for the script: what was printed since the last answer.
# shellcheck disable=SC2034
await_answer() {
    local all
    answer=
    await "${2:-30}" answered "$1" || { answer="(no answer in time)"; return 0; }
    all=$(wc -c <"$DIR/$1.out")
    answer=$(tail -c +"$((session_seen[$1] + 1))" "$DIR/$1.out" | sed '/^mark [0-9]*$/d')
    session_seen[$1]=$all
}

# ask NAME SQL: sends, waits, and leaves the answer in $answer.
ask() {
    send "$1" "$2"
    await_answer "$1"
}

close_session() {
    local fd=${session_fd[$1]}
    exec {fd}>&-
    unset "session_fd[$1]"
    rm -f "$DIR/$1.in" "$DIR/$1.out"
}
