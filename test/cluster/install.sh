#!/usr/bin/env bash
# CREATE EXTENSION under odd circumstances, and the master key from files and commands, good and bad.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"

DATABASES=6
server a
folder=$DIR/a

several_databases_at_once() {
    local i answers=
    for ((i = 1; i <= DATABASES; i++)); do admin_psql "$folder" postgres -c "CREATE DATABASE d$i"; done
    # All begin at the same moment: a lock that each of them waits for.
    open_session gate "$folder" postgres
    ask gate "BEGIN; LOCK TABLE pg_authid IN EXCLUSIVE MODE;"
    for ((i = 1; i <= DATABASES; i++)); do
        open_session "d$i" "$folder" "d$i"
        send "d$i" "SET client_min_messages = warning; CREATE EXTENSION latchkey CASCADE; SELECT 'done';"
    done
    await 20 query_is "$folder" postgres "SELECT count(*) FROM pg_locks WHERE relation = 'pg_authid'::regclass AND NOT granted" \
        "$DATABASES" || fail "all wait for the same lock"
    ask gate "COMMIT;"
    for ((i = 1; i <= DATABASES; i++)); do
        await_answer "d$i"
        answers+="$answer "
        close_session "d$i"
    done
    close_session gate
    check "CREATE EXTENSION in $DATABASES databases at once" "$(printf 'done %.0s' $(seq "$DATABASES"))" "$answers"
    check "they share the roles, which can't log in" 5 \
        "$(query "$folder" postgres "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'latchkey\\_%' AND NOT rolcanlogin AND NOT rolsuper")"
    admin_psql "$folder" postgres -c "CREATE ROLE app LOGIN IN ROLE latchkey_app"
    query "$folder" d1 "SELECT latchkey.register_user('ann@example.com', 'password 1')" >/dev/null
    check "databases share no users" 0 "$(query "$folder" d2 "SELECT count(*) FROM latchkey.find_user('ann@example.com')" app)"
    token=$(query "$folder" d1 "SELECT token FROM latchkey.login('ann@example.com', 'password 1')" app)
    check "a token of one database is none in another" LK411 "$(sqlstate "$folder" d2 "SELECT latchkey.verify('$token')" app)"
}

refused_and_repeated() {
    admin_psql "$folder" postgres -c "CREATE ROLE plain LOGIN" -c "CREATE DATABASE plain OWNER plain" \
        -c "CREATE DATABASE latin ENCODING LATIN1 LOCALE 'C' TEMPLATE template0" \
        -c "CREATE DATABASE ascii ENCODING SQL_ASCII LOCALE 'C' TEMPLATE template0" -c "CREATE DATABASE squat"
    local encoding
    for encoding in latin ascii; do
        check "encoding $encoding is refused" 0A000 "$(sqlstate "$folder" $encoding "CREATE EXTENSION latchkey CASCADE")"
        check_match "encoding $encoding: the message says what is needed" 'needs a database with encoding UTF8' "$(cat "$DIR/answer")"
        check "encoding $encoding: nothing is left" 0 "$(query "$folder" $encoding "SELECT count(*) FROM pg_namespace WHERE nspname = 'latchkey'")"
    done
    check "a database's owner can't create it" 42501 "$(sqlstate "$folder" plain "CREATE EXTENSION latchkey CASCADE" plain)"
    query "$folder" squat "CREATE SCHEMA latchkey AUTHORIZATION plain" 
    check "a schema that somebody else made stops it" 42P06 "$(sqlstate "$folder" squat "CREATE EXTENSION latchkey CASCADE")"
    check "the script refuses to run by itself" 0 "$(query "$folder" plain "SELECT count(*) FROM pg_proc WHERE proname = 'login'")"

    open_session s "$folder" d3
    ask s "SELECT email FROM latchkey.register_user('one@example.com', 'password 1'); SELECT outcome FROM latchkey.login('one@example.com', 'password 1');"
    check "before DROP EXTENSION" "one@example.com ok" "$(paste -sd ' ' <<<"$answer")"
    query "$folder" d3 "DROP EXTENSION latchkey; CREATE EXTENSION latchkey"
    ask s "SELECT email FROM latchkey.register_user('one@example.com', 'password 1'); SELECT outcome FROM latchkey.login('one@example.com', 'password 1');
        SELECT latchkey.set_setting('tokens.issuer', 'x'); SELECT latchkey.can_use(NULL, 'model:gpt-3.5-turbo');"
    check "a running backend goes on after DROP and CREATE EXTENSION" "one@example.com ok t" "$(grep . <<<"$answer" | paste -sd ' ')"
    query "$folder" d3 "DROP EXTENSION latchkey"
    ask s "SELECT latchkey.verify('x');"
    check_match "and says so when there is none" '(42883|3F000)' "$answer"
    query "$folder" d3 "CREATE EXTENSION latchkey"
    ask s "DROP EXTENSION latchkey; CREATE EXTENSION latchkey; SELECT outcome FROM latchkey.sign_up('two@example.com', 'password 2');"
    check "the same in one backend" ok "$answer"
    ask s "BEGIN; DROP EXTENSION latchkey; ROLLBACK; SELECT outcome FROM latchkey.login('two@example.com', 'password 2');"
    check "DROP EXTENSION rolled back" ok "$answer"
    close_session s
    check "ALTER EXTENSION … SET SCHEMA is refused" 0A000 "$(sqlstate "$folder" d3 "ALTER EXTENSION latchkey SET SCHEMA public")"
    check "ALTER EXTENSION … UPDATE has nothing to do" 00000 "$(sqlstate "$folder" d3 "ALTER EXTENSION latchkey UPDATE")"
    check "settings of the prefix can't be invented" 1 "$(query "$folder" d3 "SELECT latchkey.current_user_id(); SET latchkey.identity = 'x'" 2>&1 | grep -c 'invalid configuration parameter name' || true)"
}

# key_state: a new backend reads the key.
key_state() { sqlstate "$folder" d1 "SELECT latchkey.verify('$token')" app; }

bad_key_file() {
    local name=$1 hint=$2
    check "key file: $name" LK504 "$(key_state)"
    check_match "key file: $name: what to do" "$hint" "$(cat "$DIR/answer")"
}

write_key() { as_user tee "$folder/master.key" >/dev/null; }

master_key_files() {
    local key=$folder/master.key hex
    hex=$(cat "$key")
    check "key file: as it should be" 00000 "$(key_state)"
    as_user chmod 0640 "$key"
    bad_key_file "readable by the group" 'master_key_file to 0600'
    as_user chmod 0602 "$key"
    bad_key_file "writable by others" 'master_key_file to 0600'
    as_user chmod 0600 "$key"
    if [ "$(id -u)" = 0 ]; then
        chown nobody "$key"
        chmod 0644 "$key"
        bad_key_file "somebody else's" 'master_key_file to 0600'
        chmod 0600 "$key"
        bad_key_file "somebody else's and private" 'master_key_file'
        chown "$OS_USER" "$key"
    fi
    local size
    for size in 0 31 33 63 65; do
        head -c "$size" <<<"${hex}0" | write_key
        bad_key_file "$size bytes" '64 hexadecimal digits'
    done
    tr '0-9a-f' 'g-v' <<<"$hex" | write_key
    bad_key_file "not hexadecimal" '64 hexadecimal digits'
    as_user mv "$key" "$key.x"
    bad_key_file "missing" 'master_key_file'
    as_user mkdir "$key"
    bad_key_file "a folder" 'master_key_file'
    as_user rmdir "$key"
    as_user mkfifo -m 0600 "$key"
    if [ "$(timeout 10 "$BIN/psql" -X -q -At "$(url "$folder" d1 app)" -c "SELECT latchkey.verify('$token')" 2>&1 | grep -c 'master key')" = 1 ]; then
        pass "key file: a pipe does not hang"
    else
        fail "key file: a pipe does not hang"
        as_user timeout 5 bash -c 'echo >"$1"' - "$key" || true
    fi
    as_user rm "$key"
    as_user mv "$key.x" "$key"
    printf '%s\r\n' "  ${hex^^}" | write_key
    check "key file: white space and capitals" 00000 "$(key_state)"
    python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.argv[1]))' "$hex" | write_key
    check "key file: 32 raw bytes" 00000 "$(key_state)"
    write_key <<<"$hex"
}

another_key() {
    local hex wrong
    hex=$(cat "$folder/master.key")
    wrong=$(openssl rand -hex 32)
    open_session fresh "$folder" d1
    ask fresh "SELECT latchkey.get_setting('tokens.issuer');"
    write_key <<<"$wrong"
    check "another key: LK504" LK504 "$(key_state)"
    check_match "another key: says what to do" 'Restore the master key' "$(cat "$DIR/answer")"
    check "another key: no login, and no session" LK504 "$(sqlstate "$folder" d1 "SELECT latchkey.login('ann@example.com', 'password 1')" app)"
    if grep -qiE "$hex|$wrong|$token" "$DIR/answer" "$folder/log/postgresql.log"; then
        fail "another key: nothing of keys or tokens is said" "$(grep -hiE -B2 "$hex|$wrong|$token" "$DIR/answer" "$folder/log/postgresql.log" | cut -c 1-200)"
    else
        pass "another key: nothing of keys or tokens is said"
    fi
    ask fresh "SELECT latchkey.verify('$token');"
    check_match "another key: a running backend that reads it now" 'LK504' "$answer"
    write_key <<<"$hex"
    ask fresh "SELECT email FROM latchkey.verify('$token');"
    check_match "the key is back, before a reload: the one that was read still counts" 'LK504|ann@example.com' "$answer"
    reload "$folder"
    ask fresh "SELECT email FROM latchkey.verify('$token');"
    check "the key is back, after a reload" ann@example.com "$answer"
    close_session fresh
}

key_commands() {
    local key=$folder/master.key
    as_user mv "$key" "$key.x"
    configure "$folder" "latchkey.master_key_file = ''" "latchkey.master_key_command = 'cat $key.x'"
    reload "$folder"
    check "key command" 00000 "$(key_state)"
    configure "$folder" "latchkey.master_key_command = 'cat $key.x; exit 3'"
    reload "$folder"
    bad_key_file "a command that fails" 'master_key_command'
    configure "$folder" "latchkey.master_key_command = '/nonexistent 2>/dev/null'"
    reload "$folder"
    bad_key_file "a command that is not there" 'master_key_command'
    configure "$folder" "latchkey.master_key_command = 'yes'"
    reload "$folder"
    bad_key_file "a command that never ends" 'master_key_command|64 hexadecimal'
    configure "$folder" "latchkey.master_key_command = ''"
    reload "$folder"
    bad_key_file "neither file nor command" 'latchkey.master_key_file'
    local load="SELECT latchkey.current_user_id()"
    check "users can't see where the key is" 42501 "$(sqlstate "$folder" d1 "$load; SHOW latchkey.master_key_command" app)"
    check "users can't move it" 55P02 "$(sqlstate "$folder" d1 "$load; SET latchkey.master_key_file = '/tmp/x'" app)"
    configure "$folder" "latchkey.master_key_file = '$key.x'"
    reload "$folder"
    # Before a backend has loaded the library it takes any value, and drops it then.
    check "nor by a SET before the library is loaded" 00000 \
        "$(sqlstate "$folder" d1 "SET latchkey.master_key_file = '/tmp/x'; SELECT latchkey.verify('$token')" app)"
}

several_databases_at_once
refused_and_repeated
master_key_files
another_key
key_commands
finish
