#!/usr/bin/env bash
# latchkey.master_key_command that hangs, in each way that a command can: a cancel gets through, the time is bounded, no
# process is left behind, and nobody else waits for a lock meanwhile.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"

server k
folder=$DIR/k
key=$folder/master.key
create_database "$folder" db
cheap_hashes "$folder" db
query "$folder" db "SELECT latchkey.sign_up('ann@example.com', 'password 1')" >/dev/null
TOKEN=$(query "$folder" db "SELECT token FROM latchkey.login('ann@example.com', 'password 1')")
verify="SELECT email FROM latchkey.verify('$TOKEN')"

# A duration that no other process has; what is left of the command shows it.
MARK=7654.321
use_command() {
    configure "$folder" "latchkey.master_key_file = ''" "latchkey.master_key_command = '$1'"
    reload "$folder"
}
# shellcheck disable=SC2317
nothing_left() { ! pgrep -f "sleep $MARK"; }

# timed NAME SECONDS SQLSTATE SQL
timed() {
    local start=$SECONDS
    check "$1: SQLSTATE" "$3" "$(sqlstate "$folder" db "$4")"
    check_true "$1: within $2 seconds" [ $((SECONDS - start)) -le "$2" ]
    check_true "$1: the command is gone" await 2 nothing_left
}

for command in "sleep $MARK" "cat $key; sleep $MARK" "cat $key; exec >&-; sleep $MARK" "trap \"\" INT TERM HUP; sleep $MARK | cat"; do
    # A quote within the setting's value is written twice.
    use_command "${command//\'/\'\'}"
    timed "a timeout of the statement: $command" 3 57014 "SET statement_timeout = '500ms'; $verify"
    open_session s "$folder" db
    ask s "SELECT pg_backend_pid();"
    pid=$answer
    send s "$verify;"
    await 5 pgrep -f "sleep $MARK" || fail "the command runs"
    query "$folder" db "SELECT pg_cancel_backend($pid)" >/dev/null
    await_answer s 3
    check_match "a cancel: $command" 57014 "$answer"
    send s "$verify;"
    await 5 pgrep -f "sleep $MARK" || fail "the command runs again"
    query "$folder" db "SELECT pg_terminate_backend($pid)" >/dev/null
    check_true "a terminated backend ends: $command" await 3 query_is "$folder" db "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid" 0
    check_true "and its command with it: $command" await 2 nothing_left
    close_session s
done

use_command "sleep $MARK"
timed "without a timeout" 13 LK504 "$verify"
check_match "and says what to do" 'longer than 10 seconds.*master_key_command' "$(tr '\n' ' ' <"$DIR/answer")"

# Slow, but not too slow; whoever waits for the key has locked no row by then.
use_command "sleep 3; cat $key"
for call in "refresh('$TOKEN')" "login('ann@example.com', 'password 1')" "sign_up('bob@example.com', 'password 2')" "rotate_signing_key()"; do
    open_session s "$folder" db
    send s "SELECT * FROM latchkey.$call;"
    sleep 1
    check "a slow command, ${call%%(*}: no lock is held meanwhile" 00000 "$(sqlstate "$folder" db "SET lock_timeout = '100ms'; BEGIN;
        SELECT FROM latchkey.users FOR UPDATE; SELECT FROM latchkey.sessions FOR UPDATE; LOCK TABLE latchkey.signing_keys IN SHARE ROW EXCLUSIVE MODE; ROLLBACK")"
    await_answer s
    check_true "a slow command, ${call%%(*}: works" [ -z "$(grep ERROR <<<"$answer")" -a -n "$answer" ]
    close_session s
done
use_command "exit 3"
timed "a command that fails" 2 LK504 "$verify"
use_command "kill -9 \$\$"
timed "a command that is killed" 2 LK504 "$verify"
use_command "cat /dev/zero"
timed "a command that never stops printing" 2 LK504 "$verify"
use_command "cat $key"
check "a command that prints the key" ann@example.com "$(query "$folder" db "$verify")"
finish
