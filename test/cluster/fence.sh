#!/usr/bin/env bash
# The proof of the fence: errors of every kind, thousands of times, through a module made for the tests.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"

TIMES=${FENCE_TIMES:-10000}
LIBRARY=$DIR/latchkey_fence_test.so
FOLDER=$DIR/server

prepare() {
    make -s -C "$ROOT" fence >"$DIR/build.log" 2>&1 || { cat "$DIR/build.log"; die "the test module was not built."; }
    # A copy: the cluster's user need not be able to read the checkout.
    install -m 0755 "$ROOT/build/fence/latchkey_fence_test.so" "$LIBRARY"
    server server "max_stack_depth = 2MB" "max_parallel_workers_per_gather = 2"
    admin_psql "$FOLDER" postgres -v library="$LIBRARY" -f "$ROOT/test/fence/schema.sql"
}

# As the role that calls; ERROR lines are part of the answer.
as_caller() { "$BIN/psql" -X -q -At "$@" "$(url "$FOLDER" postgres fence_caller)" 2>&1; }

# The loops print "ok NAME" and "FAIL NAME" themselves.
test_errors() {
    local line name file=$1
    shift
    while IFS= read -r line; do
        case $line in
            "ok "*)
                name=${line#ok }
                pass "${name%% (heap*}"
                case $line in *" (heap "*) printf '    (%s\n' "${line##*" ("}" ;; esac
                ;;
            "FAIL "*) fail "${line#FAIL }" ;;
            *) fail "$file" "$line" ;;
        esac
    done < <(as_caller -v times="$TIMES" "$@" -f "$ROOT/test/fence/$file")
}

# Alive objects, and a following statement, in the session that an error has gone through.
AFTERWARDS="SELECT fence.alive(), current_user, (SELECT seven FROM caller.only_here), fence.inside()"
WHOLE="0|fence_caller|7|fence_owner pg_catalog"

# test_interrupt NAME SQL: a cancel from outside, and a time limit, end it at once and leave the session whole.
test_interrupt() {
    local start=$SECONDS
    open_session spinner "$FOLDER" postgres fence_caller
    ask spinner "SELECT pg_backend_pid();"
    local pid=$answer
    send spinner "$2;"
    await 10 query_is "$FOLDER" postgres "SELECT state FROM pg_stat_activity WHERE pid = $pid" active || true
    sleep 0.3
    query "$FOLDER" postgres "SELECT pg_cancel_backend($pid)" >/dev/null
    await_answer spinner 10
    check_match "$1: a cancel is honoured" "57014: canceling statement due to user request" "$answer"
    ask spinner "$AFTERWARDS;"
    check "$1: the session is whole after a cancel" "$WHOLE" "$answer"
    ask spinner "SET statement_timeout = '200ms'; $2;"
    check_match "$1: a time limit is honoured" "57014: canceling statement due to statement timeout" "$answer"
    ask spinner "RESET statement_timeout; $AFTERWARDS;"
    check "$1: the session is whole after a time limit" "$WHOLE" "$answer"
    check_true "$1: both within seconds" [ $((SECONDS - start)) -lt 15 ]
    close_session spinner
}

# The end of a backend runs through C++ frames too: no other session may notice.
test_terminate() {
    local started pid
    started=$(query "$FOLDER" postgres "SELECT pg_postmaster_start_time()")
    open_session victim "$FOLDER" postgres fence_caller
    ask victim "SELECT pg_backend_pid();"
    pid=$answer
    send victim "$1;"
    sleep 0.3
    query "$FOLDER" postgres "SELECT pg_terminate_backend($pid)" >/dev/null
    check_true "terminated within C++ ($1)" await 10 query_is "$FOLDER" postgres \
        "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid" 0
    close_session victim
    check "the server did not restart" "$started" "$(query "$FOLDER" postgres "SELECT pg_postmaster_start_time()")"
}

# A cached table whose reading fails is read again, not taken for empty; a change is seen by the next statement.
test_cache() {
    open_session reader "$FOLDER" postgres fence_caller
    open_session writer "$FOLDER" postgres
    ask writer "BEGIN; LOCK TABLE latchkey.cached IN ACCESS EXCLUSIVE MODE;"
    ask reader "SET statement_timeout = '200ms'; SELECT fence.cached_sum();"
    check_match "a cached table that cannot be read is an error" "57014" "$answer"
    ask writer "COMMIT;"
    ask reader "RESET statement_timeout; SELECT fence.cached_sum();"
    check "after a failed reading the table is read again" 7 "$answer"
    ask writer "INSERT INTO latchkey.cached VALUES (5);"
    ask reader "SELECT fence.cached_sum();"
    check "a change is seen by the next statement" 12 "$answer"
    ask writer "BEGIN; INSERT INTO latchkey.cached VALUES (100); SELECT fence.cached_sum(); ROLLBACK;"
    check "one's own change is seen at once" 112 "$answer"
    ask writer "SELECT fence.cached_sum();"
    check "a change that was rolled back is forgotten" 12 "$answer"
    ask writer "BEGIN; SAVEPOINT a; INSERT INTO latchkey.cached VALUES (100); SELECT fence.cached_sum();
        ROLLBACK TO a; SELECT fence.cached_sum(); COMMIT;"
    check "one that a savepoint undid, too" $'112\n12' "$answer"
    close_session reader
    close_session writer
}

test_secrets() {
    local kind log=$FOLDER/log/postgresql.log
    for kind in domain server division unique plpgsql bad_alloc exception number cancel terminate; do
        as_caller -c "SELECT fence.fail_secretly('the-secret-of-$kind', '$kind')" >/dev/null || true
        as_caller -c "DO \$\$ BEGIN PERFORM fence.fail_secretly('the-secret-of-$kind', '$kind'); END \$\$" >/dev/null || true
        as_caller -c "SELECT fence.fail('$kind') /* open-$kind */" >/dev/null || true
    done
    check "no statement with a secret is logged" 0 "$(grep -c 'the-secret-of' "$log" || true)"
    check "statements without one are" 10 "$(grep -c 'STATEMENT:.*open-' "$log" || true)"
}

test_crashes() {
    check "no backend has crashed" 0 \
        "$(grep -cE 'terminated by signal|PANIC|server process .* exited with' "$FOLDER/log/postgresql.log" || true)"
}

prepare
test_errors errors.sql
test_errors state.sql
test_interrupt "C++ loop" "SELECT fence.spin(60000)"
test_interrupt "SQL below C++" "SELECT fence.sleep(60)"
test_interrupt "C++ below plpgsql" "DO \$\$ BEGIN PERFORM fence.spin(60000); END \$\$"
test_terminate "SELECT fence.spin(60000)"
test_terminate "SELECT fence.sleep(60)"
test_cache
test_secrets
test_crashes
finish
