#!/usr/bin/env bash
# Databases of tenants on two servers: made, killed in every step, migrated, broken, looked at, and dropped.
# Functions that are awaited are called by name.
# shellcheck disable=SC2317
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"
GATEWAY=${LATCHKEY_GATEWAY:-$ROOT/build/latchkey-gateway}

server a
server b
here=$DIR/a there=$DIR/b
templates=$DIR/templates
create_database "$here" db
# The other server asks for passwords, and its role may do no more than it must.
echo 'local all postgres trust
local all all scram-sha-256' | as_user tee "$there/data/pg_hba.conf" >/dev/null
reload "$there"
query "$there" postgres "CREATE ROLE maker LOGIN CREATEDB CREATEROLE PASSWORD 'hunter2'"
query "$here" db "UPDATE latchkey.job_schedules SET enabled = false;
    SELECT latchkey.set_setting('jobs.retry_delay', '1 second');
    SELECT latchkey.set_setting('jobs.max_retry_delay', '2 seconds');
    SELECT latchkey.set_setting('tenants.deletion_grace', '0 seconds')" >/dev/null
cheap_hashes "$here" db
owner=$(query "$here" db "SELECT id FROM latchkey.register_user('owner@example.com', 'password 1')")
query "$here" db "SELECT latchkey.register_server('here', '{\"host\": \"$here/socket\", \"database\": \"postgres\", \"user\": \"postgres\"}');
    SELECT latchkey.register_server('there', '{\"host\": \"$there/socket\", \"database\": \"postgres\", \"user\": \"maker\", \"password\": \"hunter2\"}')" >/dev/null

# file TEMPLATE NAME SQL
file() {
    mkdir -p "$templates/$1"
    printf '%s\n' "$3" >"$templates/$1/$2"
}
mkdir -m 0755 "$templates"
cp -r "$ROOT/sql/templates/store" "$templates/"
file shop 0001_shop.sql 'CREATE SCHEMA shop; CREATE TABLE shop.goods (name text PRIMARY KEY)'

worker=
start_worker() {
    "$GATEWAY" work --drain-timeout-ms 300 --worker-lease-s 1 --worker-poll-ms 200 --templates "$templates" --tenant-connect-timeout-s 2 \
        --worker-database-url "$(url "$here" db worker)" >>"$DIR/worker.log" 2>&1 9>&- &
    worker=$!
    child_pids+=("$worker")
}
kill_worker() {
    kill -KILL "$worker"
    wait "$worker" 2>/dev/null || true
}
# tenant NAME [TEMPLATE SERVER]: its id. Without a server it gets no database.
tenant() {
    query "$here" db "SELECT id FROM latchkey.create_tenant('$owner', '$1', '$1', 'store', provision => true)"
    [ -z "${2:-}" ] || query "$here" db "SELECT latchkey.provision_tenant((SELECT id FROM latchkey.tenants WHERE slug = '$1'), '$2', '$3')" >/dev/null
}
# given TENANT DATABASE USER PASSWORD [TEMPLATE]
given() {
    query "$here" db "SELECT latchkey.connect_database('$1', '{\"host\": \"$there/socket\", \"database\": \"$2\", \"user\": \"$3\", \"password\": \"$4\"}'$(
        [ -z "${5:-}" ] || echo ", '$5'"))" >/dev/null
}
state() { query "$here" db "SELECT t.status || ' ' || d.status || ' ' || coalesce(d.template_version, '-') FROM latchkey.tenants t
    JOIN latchkey.tenant_databases d ON d.tenant_id = t.id WHERE t.id = '$1'"; }
error_of() { query "$here" db "SELECT d.step || ': ' || d.error FROM latchkey.tenant_database('$1') AS d"; }
has_error() { [ -n "$(error_of "$1")" ]; }
database_of() { query "$here" db "SELECT connection ->> 'database' FROM latchkey.tenant_connection('$1')"; }
is() { [ "$(state "$1")" = "$2" ]; }
# Of databases: those of the tenants' users wait where a template has no table for them.
jobs() { query "$here" db "SELECT count(*) FROM latchkey.jobs WHERE type ~ '^latchkey[.](provision_tenant|(check|drop_tenant)_databases)$'"; }
no_jobs() { [ "$(jobs)" = 0 ]; }
# becomes NAME TENANT STATE: as it is to be, with no job left.
becomes() {
    await 30 is "$2" "$3" || true
    check "$1" "$3" "$(state "$2")"
    check_true "$1: no job is left" await 10 no_jobs
}
end_jobs() { query "$here" db "SELECT count(latchkey.cancel_job(account_id, id)) FROM latchkey.jobs" >/dev/null; }

# ---- A tenant on each server, one with a database of its own, one without a template.
start_worker
north=$(tenant north store here)
south=$(tenant south shop there)
own=$(tenant own)
query "$there" postgres "CREATE ROLE own LOGIN PASSWORD 'it''s \\ own'"
query "$there" postgres "CREATE DATABASE own OWNER own"
given "$own" own own "it''s \\\\ own" shop
plain=$(tenant plain)
query "$there" postgres "CREATE DATABASE plain OWNER own"
given "$plain" plain own "it''s \\\\ own"
last=$(cd "$templates/store" && printf '%s\n' 0*.sql | tail -n 1)
becomes "a store here" "$north" "active ready $last"
becomes "a shop there" "$south" "active ready 0001_shop.sql"
becomes "a database that was given" "$own" "active ready 0001_shop.sql"
becomes "one without a template" "$plain" "active ready -"
north_db=$(database_of "$north") south_db=$(database_of "$south")
check "the tenant's role owns it" "$south_db" "$(query "$there" postgres "SELECT datdba::regrole FROM pg_database WHERE datname = '$south_db'")"
check "nobody else may connect" "f" "$(query "$there" postgres "CREATE ROLE other LOGIN; SELECT has_database_privilege('other', '$south_db', 'CONNECT')")"
check_match "the password is kept as a verifier" '^SCRAM-SHA-256' "$(query "$there" postgres "SELECT rolpassword FROM pg_authid WHERE rolname = '$south_db'")"
password=$(query "$here" db "SELECT connection ->> 'password' FROM latchkey.tenant_connection('$south')")
check "the template's tables are the role's" "$south_db" "$(query "$there" "$south_db" "SELECT tableowner FROM pg_tables WHERE schemaname = 'shop'")"

# ---- The extension is there where the server's role may install it, for this tenant's role in this database only.
check "a superuser's server installs the extension, another doesn't" "1 0" \
    "$(query "$here" "$north_db" "SELECT count(*) FROM pg_extension WHERE extname = 'latchkey'") $(query "$there" "$south_db" "SELECT count(*) FROM pg_extension WHERE extname = 'latchkey'")"
cheap_hashes "$here" "$north_db"
check "a tenant's own customer registers and logs in there" "ok" "$(query "$here" "$north_db" "SELECT latchkey.register_user('c@example.com', 'password 1') IS NULL;
    SELECT outcome FROM latchkey.login('c@example.com', 'password 1')" "$north_db" | tail -n 1)"
check "the same role is nobody in the main database" 42501 \
    "$(sqlstate "$here" db "SELECT * FROM latchkey.login('owner@example.com', 'password 1')" "$north_db")"
check "it is a member of nothing" 0 "$(query "$here" postgres "SELECT count(*) FROM pg_auth_members WHERE member = '$north_db'::regrole")"
check "what the extension requires is where the tenant can't write" "latchkey_required f" "$(query "$here" "$north_db" \
    "SELECT string_agg(DISTINCT n.nspname, ' '), bool_or(has_schema_privilege('$north_db', n.oid, 'CREATE')) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
      WHERE extname IN ('pgcrypto', 'pg_trgm')" | tr '|' ' ')"
kill_worker

# ---- Killed in every step: a lock holds the step, the worker is killed there, and the next one ends it.
# waiting SERVER: how many statements of workers wait for a lock.
waiting() { query "$1" postgres "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'latchkey-worker' AND wait_event_type = 'Lock'"; }
is_waiting() { [ "$(waiting "$1")" = t ]; }
none_waits() { [ "$(waiting "$1")" = f ]; }
# killed_at STEP TENANT SERVER DATABASE LOCK: with what LOCK takes held in that database.
killed_at() {
    open_session hold "$3" "$4"
    ask hold "BEGIN; $5;"
    start_worker
    check_true "the worker waits in $1" await 20 is_waiting "$3"
    kill_worker
    ask hold "ROLLBACK;"
    close_session hold
    # What the dead worker had sent runs to its end, or stops: both must do.
    check_true "its statement ends" await 10 none_waits "$3"
    start_worker
    becomes "killed in $1" "$2" "active ready ${6:-0001_shop.sql}"
    kill_worker
}
# by_hand TENANT: the role and the database as an earlier run has left them, so that locks can be taken there.
by_hand() {
    local name
    name=$(database_of "$1")
    query "$there" postgres "SET ROLE maker; CREATE ROLE $name LOGIN; GRANT $name TO maker"
    query "$there" postgres "CREATE DATABASE $name OWNER $name"
}
id=$(tenant lock shop there)
killed_at "taking turns" "$id" "$there" postgres "SELECT pg_advisory_lock(7814403, hashtext('$(database_of "$id")'))"
id=$(tenant role shop there)
killed_at "creating the role" "$id" "$there" postgres "LOCK TABLE pg_authid IN SHARE MODE"
id=$(tenant base shop there)
killed_at "creating the database" "$id" "$there" postgres "LOCK TABLE pg_database IN SHARE MODE"
id=$(tenant rights shop there)
by_hand "$id"
killed_at "taking rights away" "$id" "$there" postgres "LOCK TABLE pg_database IN SHARE MODE"
check "PUBLIC has none" f "$(query "$there" postgres "SELECT has_database_privilege('other', '$(database_of "$id")', 'CONNECT')")"
id=$(tenant files shop there)
by_hand "$id"
killed_at "installing the template" "$id" "$there" "$(database_of "$id")" "SELECT pg_advisory_xact_lock(7814403325096)"
id=$(tenant extend shop here)
name=$(database_of "$id")
query "$here" postgres "CREATE ROLE $name LOGIN"
query "$here" postgres "CREATE DATABASE $name OWNER $name"
killed_at "installing the extension" "$id" "$here" "$name" "LOCK TABLE pg_extension IN SHARE MODE"
check "the extension is there, once" 1 "$(query "$here" "$name" "SELECT count(*) FROM pg_extension WHERE extname = 'latchkey'")"
given "$own" own own "it''s \\\\ own"
killed_at "verifying" "$own" "$there" own "LOCK TABLE latchkey_templates.applied IN SHARE MODE"
given "$own" own own "it''s \\\\ own"
killed_at "telling that it is done" "$own" "$here" db "LOCK TABLE latchkey.events IN SHARE MODE"
id=$(tenant begin shop there)
killed_at "noting a step" "$id" "$here" db "SELECT FROM latchkey.tenant_databases WHERE tenant_id = '$id' FOR UPDATE"
# Told to end, it ends the statement, and gives the job back: the attempt doesn't count.
id=$(tenant term shop there)
by_hand "$id"
open_session hold "$there" "$(database_of "$id")"
ask hold "BEGIN; SELECT pg_advisory_xact_lock(7814403325096);"
start_worker
check_true "the worker waits" await 20 is_waiting "$there"
kill -TERM "$worker"
check_true "it ends" await 10 eval '! kill -0 "$worker"'
check "its statement ended as well" f "$(waiting "$there")"
check "nothing has failed, and the job is for others" "pending 0 provisioning" "$(query "$here" db "SELECT status, attempts FROM latchkey.jobs WHERE account_id = '$id' AND type = 'latchkey.provision_tenant'" |
    tr '|' ' ') $(query "$here" db "SELECT status FROM latchkey.tenant_database('$id')")"
ask hold "ROLLBACK;"
close_session hold
start_worker
becomes "the next one ends it" "$id" "active ready 0001_shop.sql"
kill_worker
# What is somebody else's is not touched, whatever its name.
id=$(tenant thief shop there)
name=$(database_of "$id")
query "$there" postgres "CREATE DATABASE $name"
start_worker
check_true "a database of somebody else's" await 20 has_error "$id"
check "is not taken" "create_database: 42P04: there is a database of that name that the role does not own" "$(error_of "$id")"
query "$there" postgres "DROP DATABASE $name"
becomes "and is made when that one is gone" "$id" "active ready 0001_shop.sql"
kill_worker
check "nothing is left over there" "9 9" "$(query "$there" postgres "SELECT (SELECT count(*) FROM pg_database WHERE datname LIKE 'tenant%'),
    (SELECT count(*) FROM pg_roles WHERE rolname LIKE 'tenant%')" | tr '|' ' ')"
check "each has its template once" "1" "$(for d in $(query "$there" postgres "SELECT datname FROM pg_database WHERE datname LIKE 'tenant%'"); do
    query "$there" "$d" "SELECT count(*) FROM latchkey_templates.applied"; done | sort -u)"

# ---- A template that fails: that tenant alone, with step, file, line and SQLSTATE; mended, it goes on by itself.
start_worker
file bad 0001_good.sql 'CREATE SCHEMA bad; CREATE TABLE bad.t (a integer PRIMARY KEY)'
file bad 0002_bad.sql 'INSERT INTO bad.t VALUES (1), (1)'
bad=$(tenant bad bad there)
check_true "a broken template" await 20 has_error "$bad"
check "what is wrong stands there" "install_template: 0002_bad.sql line 1: 23505: duplicate key value violates unique constraint \"t_pkey\". Key (a)=(1) already exists." \
    "$(error_of "$bad")"
check "what was before it is there" "provisioning 0001_good.sql" "$(state "$bad" | sed -E 's/ (failed|provisioning)//')"
check "the others are ready" "active ready 0001_shop.sql" "$(state "$south")"
file bad 0002_bad.sql 'INSERT INTO bad.t VALUES (1)'
becomes "mended, it goes on" "$bad" "active ready 0002_bad.sql"
unknown=$(tenant unknown nowhere there)
check_true "a template that is not there" await 20 has_error "$unknown"
check_match "says so" 'install_template: .*nowhere' "$(error_of "$unknown")"
end_jobs

# ---- A new version for all, so many at a time; a file that was changed is refused, and what is ready stays so.
file shop 0002_price.sql 'SELECT pg_sleep(0.4); ALTER TABLE shop.goods ADD COLUMN price_cents bigint'
check "all shops are to be migrated" 11 "$(query "$here" db "SELECT latchkey.migrate_tenants('shop', 2)")"
all_migrated() { [ "$(query "$here" db "SELECT count(*) FROM latchkey.list_tenant_databases('shop') WHERE template_version = '0002_price.sql' AND status = 'ready'")" = 11 ]; }
most=0
for _ in $(seq 100); do
    running=$(query "$here" db "SELECT count(*) FROM latchkey.jobs WHERE type = 'latchkey.provision_tenant' AND lease_token IS NOT NULL")
    [ "$running" -le "$most" ] || most=$running
    ! all_migrated || break
    sleep 0.05
done
check "two at a time, of three that a worker would take" 2 "$most"
check_true "all are migrated" await 30 all_migrated
check_true "no job is left" await 10 no_jobs
echo '-- changed' >>"$templates/shop/0001_shop.sql"
query "$here" db "SELECT latchkey.provision_tenant('$south')" >/dev/null
check_true "a changed file is refused" await 20 has_error "$south"
check "it says which" "install_template: 0001_shop.sql has changed since it was applied to this database" "$(error_of "$south")"
check "the tenant stays ready" "active ready 0002_price.sql" "$(state "$south")"
sed -i '$d' "$templates/shop/0001_shop.sql"
becomes "undone, it is well again" "$south" "active ready 0002_price.sql"

# ---- Passwords and hosts that are wrong.
given "$own" own own "wrong-secret"
check_true "a wrong password" await 20 has_error "$own"
check_match "says so" 'install_template: 08001: .*password authentication failed for user "own"' "$(error_of "$own")"
given "$own" own own "it''s \\\\ own"
becomes "with the right one again" "$own" "active ready 0002_price.sql"
query "$here" db "UPDATE latchkey.tenant_databases SET trusted = false WHERE tenant_id = '$own';
    SELECT latchkey.provision_tenant('$own')" >/dev/null
check_true "a private host that a tenant names" await 20 has_error "$own"
check_match "is not connected to" "08001: the host('s address is private or reserved| can't be resolved.*)$" "$(error_of "$own")"
end_jobs
query "$here" db "UPDATE latchkey.tenant_databases SET trusted = true WHERE tenant_id = '$own'"

# ---- Health: told when a server dies, and when it is back.
check_all() { query "$here" db "SELECT latchkey.enqueue_job('latchkey.check_databases', '{}')" >/dev/null && await 30 no_jobs; }
healthy() { query "$here" db "SELECT string_agg(DISTINCT healthy::text, ' ') FROM latchkey.tenant_databases WHERE status = 'ready' AND
    tenant_id $([ "$1" = here ] || echo NOT) IN ('$north', (SELECT id FROM latchkey.tenants WHERE slug = 'extend'))"; }
check_true "all are looked at" check_all
check "all answer" "true true" "$(healthy here) $(healthy there)"
stop_cluster "$there" immediate
query "$here" db "SELECT latchkey.provision_tenant('$south')" >/dev/null
check_true "a server that is dead" await 20 has_error "$south"
check "fails with its step, and tells the tenant nothing of the platform's" "create_database: 08001: no connection to the server; the worker's log says why" \
    "$(error_of "$south")"
# It is logged after it is told.
await 5 grep -q 'no connection to a server' "$DIR/worker.log" || true
check_match "which is in the log" "no connection to a server for tenants' databases.*$south.*$there" "$(grep 'no connection to a server' "$DIR/worker.log")"
end_jobs
check_true "all are looked at again" check_all
check "its tenants are down, the others not" "true false" "$(healthy here) $(healthy there)"
start_cluster "$there"
check_true "and again" check_all
check "all are up" "true true" "$(healthy here) $(healthy there)"
check "which was told once each" "1 1" "$(query "$here" db "SELECT count(*) FILTER (WHERE type = 'tenant.database_down'), count(*) FILTER (WHERE type = 'tenant.database_up')
    FROM latchkey.events WHERE account_id = '$south'" | tr '|' ' ')"

# A connection that can't be opened: its own tenant's, and nobody else's.
query "$here" db "CREATE TABLE kept AS SELECT sealed_connection AS sealed FROM latchkey.tenant_databases WHERE tenant_id = '$south';
    UPDATE latchkey.tenant_databases SET sealed_connection = '\x00' WHERE tenant_id = '$south'"
check_true "all are looked at, one of whose connections is damaged" check_all
check "that one is down" f "$(query "$here" db "SELECT healthy FROM latchkey.tenant_databases WHERE tenant_id = '$south'")"
check "the others are up" true "$(query "$here" db "SELECT string_agg(DISTINCT healthy::text, ' ') FROM latchkey.tenant_databases WHERE status = 'ready' AND tenant_id <> '$south'")"
check_match "the log says why" "can't be opened.*$south" "$(grep "can't be opened" "$DIR/worker.log")"
query "$here" db "UPDATE latchkey.tenant_databases SET sealed_connection = sealed FROM kept WHERE tenant_id = '$south'; DROP TABLE kept"
check_true "mended, and looked at" check_all
check "it is up" "true true" "$(healthy here) $(healthy there)"

# ---- Archived: nothing is made. Deleted: the platform's database goes, the tenant's own stays.
kill_worker
query "$here" db "SELECT latchkey.provision_tenant('$south'); SELECT latchkey.archive_tenant('$south')" >/dev/null
start_worker
check_true "a job of an archived tenant ends" await 20 no_jobs
check_match "refused at once" '^1 .*the tenant is archived' "$(query "$here" db "SELECT attempts, error FROM latchkey.job_history WHERE account_id = '$south'
    AND type = 'latchkey.provision_tenant' ORDER BY finished_at DESC LIMIT 1" | tr '|' ' ')"
check "nothing can be asked for" LK410 "$(sqlstate "$here" db "SELECT latchkey.provision_tenant('$south')")"
check "not deleted, nothing is forgotten" LK410 "$(sqlstate "$here" db "SELECT latchkey.forget_database('$south')")"
for one in "$south" "$own" "$north"; do query "$here" db "SELECT latchkey.delete_tenant('$one')" >/dev/null; done
PGPASSWORD=$password open_session user "$there" "$south_db" "$south_db"
drop_all() { query "$here" db "SELECT latchkey.enqueue_job('latchkey.drop_tenant_databases', '{}')" >/dev/null; }
query "$there" postgres "ALTER ROLE maker NOLOGIN"
drop_all
refused_drop() { grep -q 'was not dropped.*maker' "$DIR/worker.log"; }
check_true "a server that refuses" await 20 refused_drop
check "doesn't keep the others" "$south" "$(query "$here" db "SELECT tenant_id FROM latchkey.tenant_databases d JOIN latchkey.tenants t ON t.id = d.tenant_id WHERE t.status = 'deleted'")"
query "$there" postgres "ALTER ROLE maker LOGIN"
check_true "and is asked again" await 30 no_jobs
check "databases and roles are gone" "0 0 0" "$(query "$there" postgres "SELECT (SELECT count(*) FROM pg_database WHERE datname = '$south_db'), (SELECT count(*) FROM pg_roles WHERE rolname = '$south_db')" |
    tr '|' ' ') $(query "$here" postgres "SELECT count(*) FROM pg_database WHERE datname = '$north_db'")"
check "the tenant's own is there, and forgotten" "1 0" "$(query "$there" postgres "SELECT count(*) FROM pg_database WHERE datname = 'own'") \
$(query "$here" db "SELECT count(*) FROM latchkey.tenant_databases WHERE tenant_id = '$own'")"

# ---- No password in what is written.
logs=("$DIR/worker.log" "$here/log/postgresql.log" "$there/log/postgresql.log")
for secret in hunter2 wrong-secret "$password"; do
    check "no secret in logs" 0 "$(cat "${logs[@]}" | grep -cF -e "$secret" || true)"
done
check "nor in events and jobs" 0 "$(query "$here" db "SELECT (SELECT count(*) FROM latchkey.events WHERE data::text ~ 'hunter2|wrong-secret|$password')
    + (SELECT count(*) FROM latchkey.job_history j WHERE j::text ~ 'hunter2|wrong-secret|$password')")"
finish
