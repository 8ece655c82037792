#!/usr/bin/env bash
# install-template: what it refuses, what a file that fails leaves behind, two at once, and being killed.
# Functions that spoil a folder are called by name.
# shellcheck disable=SC2317
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"
GATEWAY=${LATCHKEY_GATEWAY:-$ROOT/build/latchkey-gateway}

server t
folder=$DIR/t
templates=$DIR/templates
mkdir -m 0755 "$templates"

# file TEMPLATE NAME SQL
file() {
    mkdir -p "$templates/$1"
    printf '%s\n' "$3" >"$templates/$1/$2"
}
# install DATABASE TEMPLATE [FOLDER]: the answer's last line, and the exit code.
install() {
    local status=0
    "$GATEWAY" --templates "${3:-$templates}" install-template "$2" "$(url "$folder" "$1")" >"$DIR/install" 2>&1 || status=$?
    echo "$(tail -n 1 "$DIR/install") [$status]"
}
refused() {
    file "$1" 0001_a.sql 'CREATE TABLE a ()'
    "$2" "$templates/$1"
    check_match "$3" "$4.*\[1\]$" "$(install d "$1")"
}
recorded() { query "$folder" d "SELECT coalesce(string_agg(file, ' ' ORDER BY file), '') FROM latchkey_templates.applied WHERE template = '$1'"; }

admin_psql "$folder" postgres -c "CREATE DATABASE d"

# ---- Folders that are refused: nothing is sent to the database.
gap() { echo 'SELECT 1' >"$1/0003_c.sql"; }
twice() { echo 'SELECT 1' >"$1/0001_b.sql"; }
stray() { echo 'SELECT 1' >"$1/0001_A.sql"; }
link() { ln -s /etc/passwd "$1/0002_b.sql"; }
fifo() { mkfifo "$1/0002_b.sql"; }
commits() { printf 'SELECT 1;\n-- x\nCOMMIT;' >"$1/0002_b.sql"; }
null_byte() { printf 'SELECT 1;\0' >"$1/0002_b.sql"; }
large() { truncate -s 17M "$1/0002_b.sql"; }
none() { echo '-- nothing' >"$1/0002_b.sql"; }
refused gap gap "a gap" "there is no file 0002 before 0003_c.sql"
refused twice twice "a number that comes twice" "0001_a.sql and 0001_b.sql have the same number"
refused stray stray "another name" "0001_A.sql is not called NNNN_name.sql"
refused link link "a link" "0002_b.sql is a link"
refused fifo fifo "a pipe" "0002_b.sql is no regular file"
refused commits commits "a COMMIT" "0002_b.sql begins or ends a transaction in line 3"
refused null_byte null_byte "a null byte" "0002_b.sql contains a null byte"
refused large large "a huge file" "0002_b.sql is larger than 16 MiB"
refused none none "a file without a statement" "0002_b.sql has no statement"
mkdir "$templates/empty" && ln -s gap "$templates/linked"
check_match "an empty folder" "the folder is empty.*\[1\]" "$(install d empty)"
check_match "a folder that is a link" "is no folder, or a link.*\[1\]" "$(install d linked)"
for name in .. a/b 'A' pg_x latchkey ''; do
    check_match "the name '$name'" "is no name of a template.*\[1\]" "$(install d "$name")"
done
check "nothing was done" "" "$(query "$folder" d "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'latchkey%'")"

# ---- A file that fails: those before it stay, nothing of it does, and the next call goes on.
file bad 0001_good.sql 'CREATE SCHEMA bad; CREATE TABLE bad.t (a integer PRIMARY KEY); SET search_path = bad; SET ROLE pg_monitor;'
file bad 0002_bad.sql $'CREATE TABLE bad.half ();\n-- ä\nINSERT INTO bad.t VALUES (1);\nINSERT INTO bad.t\n VALUES (1);\nCREATE TABLE bad.never ();'
check "a statement that fails is named" "latchkey-gateway: template bad: 0002_bad.sql line 4: 23505: duplicate key value violates \
unique constraint \"t_pkey\". Key (a)=(1) already exists. [1]" "$(install d bad)"
check "what was before it stays, and nothing of it" "0001_good.sql 0" "$(recorded bad) $(query "$folder" d "SELECT count(*) FROM pg_class WHERE relname IN ('half', 'never')")"
file bad 0002_bad.sql $'SELECT 1;\nSELECT\n  wrong;'
check_match "a column that is not there" "0002_bad.sql line 3: 42703: " "$(install d bad)"
file bad 0002_bad.sql $'SELECT 1;\nSELEC 2;'
check_match "a syntax error" "0002_bad.sql line 2: 42601: " "$(install d bad)"
file bad 0002_bad.sql $'SELECT 1;\nCOPY bad.t FROM STDIN;\nSELECT 2;'
check_match "COPY with the client" "0002_bad.sql line 2 COPY with the client is not possible" "$(install d bad)"
file bad 0002_bad.sql $'SELECT 1;\nCREATE INDEX CONCURRENTLY ON bad.t (a);'
check_match "what can't run in a transaction" "0002_bad.sql line 2: 25001: " "$(install d bad)"
file bad 0002_bad.sql 'CREATE TABLE t2 (a integer)'
check_match "settings of a file don't reach the next: there is no path" "0002_bad.sql line 1: 42501: " "$(install d bad)"
file bad 0002_bad.sql 'CREATE TABLE bad.t2 (a integer)'
check_match "mended, it goes on" "^bad: 2 files, 1 of them new \[0\]" "$(install d bad)"
check_match "and then there is nothing to do" "^bad: 2 files, 0 of them new \[0\]" "$(install d bad)"

# ---- What was applied must be what the folder has.
file bad 0003_new.sql 'CREATE TABLE bad.t3 ()'
echo '-- changed' >>"$templates/bad/0001_good.sql"
check_match "a file that changed" "0001_good.sql has changed since it was applied.*\[1\]" "$(install d bad)"
check "nothing was applied then" "0001_good.sql 0002_bad.sql" "$(recorded bad)"
sed -i '$d' "$templates/bad/0001_good.sql"
mv "$templates/bad/0002_bad.sql" "$templates/bad/0002_renamed.sql"
check_match "a file that is missing" "0002_bad.sql was applied to this database, but the template has no such file.*\[1\]" "$(install d bad)"

# ---- Killed anywhere, by turns the program, its backend and the server: the next call goes on, each file is applied once.
for number in $(seq -w 1 30); do
    file long "00${number}_f.sql" "$([ "$number" = 01 ] && echo 'CREATE SCHEMA long; CREATE TABLE long.done (n integer);')
INSERT INTO long.done VALUES ($number); SELECT pg_sleep(0.01); CREATE TABLE long.t$number (); SELECT pg_sleep(0.01);"
done
interrupted=0
for round in $(seq 1 60); do
    "$GATEWAY" --templates "$templates" install-template long "$(url "$folder" d)" >"$DIR/install" 2>&1 &
    pid=$!
    sleep "0.0$((20 + RANDOM % 79))"
    case $((round % 3)) in
        0) kill -9 "$pid" 2>/dev/null || true ;;
        1) query "$folder" postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'd'" >/dev/null || true ;;
        2) as_user "$BIN/pg_ctl" restart --wait --silent --mode=immediate --pgdata="$folder/data" --log="$folder/log/postgresql.log" >/dev/null 2>&1 </dev/null ;;
    esac
    if wait "$pid"; then break; fi
    interrupted=$((interrupted + 1))
done 2>/dev/null
check_true "it was interrupted several times ($interrupted)" [ "$interrupted" -ge 3 ]
check_match "and ends complete" "^long: 30 files, .* \[0\]" "$(install d long)"
check "each file was applied once" "30 30 30" "$(query "$folder" d "SELECT count(*), count(DISTINCT n), (SELECT count(*) FROM pg_tables
    WHERE schemaname = 'long' AND tablename LIKE 't%') FROM long.done" | tr '|' ' ')"

# ---- Several at once: they take turns, and all succeed.
admin_psql "$folder" postgres -c "CREATE DATABASE e"
pids=()
for i in 1 2 3 4; do
    "$GATEWAY" --templates "$templates" install-template long "$(url "$folder" e)" >"$DIR/install.$i" 2>&1 &
    pids+=($!)
done
together=0
for pid in "${pids[@]}"; do wait "$pid" || together=1; done
check "four at once succeed" 0 "$together"
check "and applied each file once" "30 30" "$(query "$folder" e "SELECT count(*), count(DISTINCT n) FROM long.done" | tr '|' ' ')"
check "one said so of each" 30 "$(cat "$DIR"/install.? | grep -c '^applied')"

# ---- Installed with the program: the folder is found without a flag.
prefix=$DIR/prefix
make -s -C "$ROOT" install-gateway prefix=/usr DESTDIR="$prefix" PG_CONFIG="$PG_CONFIG" >/dev/null
check "make install-gateway installs the templates" "$(cd "$ROOT/sql/templates" && find . -name '*.sql' | sort)" \
    "$(cd "$prefix/usr/share/latchkey/templates" && find . -type f | sort)"
check_match "and they can be used" "^store: 7 files, 7 of them new" "$(install e store "$prefix/usr/share/latchkey/templates")"
finish
