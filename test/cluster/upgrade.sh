#!/usr/bin/env bash
# pg_upgrade keeps every row and every session: to each newer PostgreSQL that has the extension installed, and to the same
# one, which takes the same path (objects of the extension are made one by one, and the library is loaded without settings).
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"

major() { "$1/pg_config" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/'; }

server old
old=$DIR/old
create_database "$old" db
cheap_hashes "$old" db
TOKEN=$(query "$old" db "SELECT token FROM latchkey.sign_up('ann@example.com', 'password 1', 'Ann')")
query "$old" db "SELECT latchkey.rotate_signing_key('EdDSA');
    SELECT latchkey.set_setting('sessions.lifetime', '11 days');
    UPDATE latchkey.plans SET display_name = 'Other' WHERE key = 'pro';
    INSERT INTO latchkey.plans (key, display_name, rank) VALUES ('team', 'Team', 15);
    UPDATE latchkey.plan_features SET granted = false WHERE plan = 'pro' AND feature = 'model:gpt-4';
    SELECT latchkey.set_tier(id, 'team') FROM latchkey.find_user('ann@example.com');
    SELECT latchkey.update_role('support', '{*.read,users.block}');
    SELECT latchkey.grant_role(id, 'support') FROM latchkey.find_user('ann@example.com')" >/dev/null
rows() {
    "$BIN/psql" -X -q -At -v ON_ERROR_STOP=1 "$(url "$1" db)" <<'SQL'
SET timezone = 'UTC';
SELECT format('SELECT %L, count(*), md5(string_agg(t::text, E''\n'' ORDER BY t::text COLLATE "C")) FROM latchkey.%I t', relname, relname)
  FROM pg_class WHERE relnamespace = 'latchkey'::regnamespace AND relkind = 'r' ORDER BY relname \gexec
SQL
}
# What the extension consists of, and who may do what with it.
objects() {
    query "$1" db "SELECT pg_describe_object(classid, objid, 0) FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
            AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'latchkey') AND deptype = 'e'
        UNION ALL SELECT oid::regprocedure || ' ' || proowner::regrole || ' ' || array_to_string(proacl, ',') FROM pg_proc WHERE pronamespace = 'latchkey'::regnamespace
        UNION ALL SELECT oid::regclass || ' ' || relowner::regrole || ' ' || array_to_string(relacl, ',') FROM pg_class WHERE relnamespace = 'latchkey'::regnamespace AND relkind = 'r'
        UNION ALL SELECT extname || ' ' || extversion || ' ' || extconfig::regclass[]::text FROM pg_extension WHERE extname = 'latchkey'
        ORDER BY 1"
}
expected_rows=$(rows "$old")
expected_objects=$(objects "$old")
stop_cluster "$old"

upgrade_to() {
    local bin=$1 name=PostgreSQL-$2 new=$DIR/new$2
    as_user mkdir -m 0700 "$new" "$new/socket" "$new/log" "$new/work"
    as_user "$bin/initdb" --pgdata="$new/data" --username=postgres --encoding=UTF8 --locale=C.UTF-8 --data-checksums --auth=trust >/dev/null
    configure "$new" "listen_addresses = ''" "unix_socket_directories = '$new/socket'" "fsync = off" \
        "max_prepared_transactions = 10" "latchkey.master_key_file = '$old/master.key'"
    if ! as_user bash -c 'cd "$1" && shift && exec "$@"' - "$new/work" "$bin/pg_upgrade" --old-bindir="$BIN" --new-bindir="$bin" \
        --old-datadir="$old/data" --new-datadir="$new/data" --username=postgres --socketdir="$new/socket" >"$DIR/upgrade.log" 2>&1; then
        fail "$name: pg_upgrade" "$(tail -n 15 "$DIR/upgrade.log")"
        return
    fi
    pass "$name: pg_upgrade"
    as_user "$bin/pg_ctl" start --wait --silent --pgdata="$new/data" --log="$new/log/postgresql.log" >/dev/null 2>&1 </dev/null
    check "$name: every row of every table" "$expected_rows" "$(rows "$new")"
    check "$name: objects, owners and privileges" "$expected_objects" "$(objects "$new")"
    check "$name: old tokens verify" ann@example.com "$(query "$new" db "SELECT email FROM latchkey.verify('$TOKEN')" app)"
    check "$name: passwords work" ok "$(query "$new" db "SELECT outcome FROM latchkey.login('ann@example.com', 'password 1')" app)"
    check "$name: the tier" team "$(query "$new" db "SELECT latchkey.tier_of(id) FROM latchkey.find_user('ann@example.com')" app)"
    check "$name: the role" t "$(query "$new" db "SELECT bool_or(p.name = 'users.block') FROM latchkey.find_user('ann@example.com') u, latchkey.permissions_of(u.id) p")"
    check "$name: a dump has the tables' rows" 1 "$("$bin/pg_dump" "$(url "$new" db)" | grep -c '^COPY latchkey.sessions ')"
    as_user "$bin/pg_ctl" stop --silent --mode=immediate --pgdata="$new/data" >/dev/null
}

upgrade_to "$BIN" "$(major "$BIN")-again"
for other in /usr/lib/postgresql/*/bin; do
    if [ -x "$other/pg_upgrade" ] && [ -x "$other/pg_config" ] && [ "$(major "$other")" -gt "$(major "$BIN")" ] &&
        [ -e "$("$other/pg_config" --pkglibdir)/latchkey.so" ]; then
        upgrade_to "$other" "$(major "$other")"
    fi
done
finish
