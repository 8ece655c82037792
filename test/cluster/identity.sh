#!/usr/bin/env bash
# Settings reach backends that run; the bound identity holds in parallel queries, cursors and procedures, and ends with its
# transaction, prepared ones too.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"

server i
folder=$DIR/i
create_database "$folder" db
cheap_hashes "$folder" db
ANN=$(query "$folder" db "SELECT id FROM latchkey.register_user('ann@example.com', 'password 1')")
BOB=$(query "$folder" db "SELECT id FROM latchkey.register_user('bob@example.com', 'password 1')")
TOKEN=$(query "$folder" db "SELECT token FROM latchkey.login('ann@example.com', 'password 1')")
BIND="SELECT NULL FROM latchkey.authenticate('$TOKEN')"
WHO="SELECT coalesce(latchkey.current_user_id()::text, 'nobody')"

open_session run "$folder" db app
# asked NAME EXPECTED SQL: answers of one running backend, empty lines left out.
asked() {
    ask run "$3"
    check "$1" "$2" "$(grep . <<<"$answer" | paste -sd ' ' || true)"
}
admin() { query "$folder" db "$1" >/dev/null; }

# ---- Settings -----------------------------------------------------------------------------------------------------
asked "a running backend has read the settings" "ok ann@example.com" \
    "SELECT outcome FROM latchkey.login('ann@example.com', 'password 1'); SELECT email FROM latchkey.verify('$TOKEN');"
admin "SELECT latchkey.set_setting('passwords.min_length', '20')"
ask run "SELECT latchkey.hash_password('nineteen characters');"
check_match "it follows set_setting()" LK400 "$answer"
admin "UPDATE latchkey.settings SET value = '8' WHERE key = 'passwords.min_length'"
asked "and an UPDATE" '$argon2id' "SELECT left(latchkey.hash_password('nineteen characters'), 9);"
admin "SELECT latchkey.set_setting('passwords.argon2_passes', '3')"
asked "the next hash has the new cost, and a login rehashes" "m=8192,t=3,p=1 ok" "SELECT split_part(latchkey.hash_password('a password'), '\$', 4);
    SELECT outcome FROM latchkey.login('bob@example.com', 'password 1');"
check "the rehash is stored" 1 "$(query "$folder" db "SELECT count(*) FROM latchkey.users WHERE password_hash LIKE '%m=8192,t=3,p=1%'")"
open_session other "$folder" db
ask other "BEGIN; SELECT latchkey.set_setting('tokens.issuer', 'another');"
asked "a change that is not committed is not seen" ann@example.com "SELECT email FROM latchkey.verify('$TOKEN');"
ask other "SELECT latchkey.verify('$TOKEN');"
check_match "but by its own transaction" LK411 "$answer"
ask other "ROLLBACK; SELECT email FROM latchkey.verify('$TOKEN');"
check "and no more when it is rolled back" ann@example.com "$answer"
ask other "BEGIN; SAVEPOINT s; SELECT latchkey.set_setting('tokens.issuer', 'another'); SELECT latchkey.verify('$TOKEN'); ROLLBACK TO s;"
ask other "SELECT email FROM latchkey.verify('$TOKEN'); COMMIT;"
check "nor when a savepoint is" ann@example.com "$answer"
ask run "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT email FROM latchkey.verify('$TOKEN');"
admin "SELECT latchkey.set_setting('tokens.issuer', 'another')"
ask run "SELECT latchkey.verify('$TOKEN'); ROLLBACK;"
check_match "a transaction that runs long follows too" LK411 "$answer"
admin "SELECT latchkey.set_setting('tokens.issuer', 'latchkey')"
admin "SELECT latchkey.rotate_signing_key('EdDSA')"
ask run "SELECT token FROM latchkey.login('ann@example.com', 'password 1');"
check "a new signing key signs, and is published" "EdDSA 1" "$(cut -d . -f 1 <<<"$answer" | tr '_-' '/+' | base64 -d 2>/dev/null | jq -r .alg || true) $(
    query "$folder" db "SELECT jsonb_array_length(latchkey.jwks() -> 'keys')")"
admin "UPDATE latchkey.plan_features SET granted = false WHERE plan = 'free'"
asked "plans" f "SELECT latchkey.can_use('$ANN', 'model:gpt-3.5-turbo');"
admin "UPDATE latchkey.plan_features SET granted = true WHERE plan = 'free'"
asked "and back" t "SELECT latchkey.can_use('$ANN', 'model:gpt-3.5-turbo');"

# A load that is interrupted must not pass for loaded.
for table in settings signing_keys plans plan_features; do
    open_session young "$folder" db app
    ask other "BEGIN; LOCK TABLE latchkey.$table;"
    ask young "SET lock_timeout = 150; SELECT latchkey.verify('$TOKEN'), latchkey.has_tier('$ANN', 'free'), latchkey.can_use('$ANN', 'model:gpt-3.5-turbo');"
    check_match "$table: locked while it is loaded" 55P03 "$answer"
    ask other "COMMIT;"
    ask young "SELECT (latchkey.verify('$TOKEN')).email, latchkey.has_tier('$ANN', 'free'), latchkey.can_use('$ANN', 'model:gpt-3.5-turbo');"
    check "$table: loaded by the next call" "ann@example.com|t|t" "$answer"
    close_session young
done

# ---- Identity -----------------------------------------------------------------------------------------------------
asked "bound to the transaction" "$ANN nobody" "BEGIN; $BIND; $WHO; COMMIT; $WHO;"
asked "not beyond a single statement" nobody "$BIND; $WHO;"
ask run "BEGIN; $BIND; SELECT 1/0; ROLLBACK; $WHO;"
check "nor a transaction that failed" nobody "$(tail -n 1 <<<"$answer")"
asked "ROLLBACK TO brings back who was bound at the savepoint" "nobody $ANN nobody $ANN" \
    "BEGIN; SAVEPOINT a; $WHO; $BIND; $WHO; ROLLBACK TO a; $WHO; SAVEPOINT b; $BIND; RELEASE b; $WHO; COMMIT;"
ask run "BEGIN; $BIND; SELECT latchkey.authenticate('x'); ROLLBACK; BEGIN; SAVEPOINT s; $BIND; SAVEPOINT t; SELECT latchkey.authenticate('x'); ROLLBACK TO t; $WHO; COMMIT;"
check "a token that is refused does not unbind" "$ANN" "$(tail -n 1 <<<"$answer")"
asked "DISCARD ALL leaves none" nobody "DISCARD ALL; $WHO;"

admin "CREATE TABLE made (owner uuid, note text); GRANT ALL ON made TO app"
asked "PREPARE TRANSACTION ends it" nobody \
    "BEGIN; $BIND; INSERT INTO made VALUES (latchkey.current_user_id(), 'prepared'); PREPARE TRANSACTION 'x'; $WHO;"
check "the prepared row has the identity" "$ANN" "$(query "$folder" db "COMMIT PREPARED 'x'" && query "$folder" db "SELECT owner FROM made")"
asked "a login can be prepared" nobody \
    "BEGIN; SELECT NULL FROM latchkey.login('bob@example.com', 'wrong password'); PREPARE TRANSACTION 'y'; $WHO;"
check "its place is held until it is decided" t "$(query "$folder" db "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory'")"
stop_cluster "$folder" immediate
start_cluster "$folder"
check "also over a crash" t "$(query "$folder" db "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory'")"
query "$folder" db "COMMIT PREPARED 'y'"
check "then the failure counts" 1 "$(query "$folder" db "SELECT cardinality(places) FROM latchkey.login_attempts")"
check "and the place is free" 0 "$(query "$folder" db "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")"
close_session run
open_session run "$folder" db app

# ---- Row-level security with parallel workers ---------------------------------------------------------------------
query "$folder" db "CREATE TABLE big (owner uuid, n integer, filler text) WITH (parallel_workers = 2);
    INSERT INTO big SELECT CASE WHEN n % 4 = 0 THEN '$ANN'::uuid ELSE '$BOB'::uuid END, n, repeat('x', 100) FROM generate_series(1, 100000) n;
    ALTER TABLE big ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON big USING (owner = (SELECT latchkey.current_user_id()));
    GRANT SELECT, UPDATE ON big TO app; ANALYZE big"
# Its name since PostgreSQL 16.
FORCE=$(query "$folder" db "SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')")
PARALLEL="SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0; SET LOCAL max_parallel_workers_per_gather = 2"
ask run "BEGIN; $BIND; $PARALLEL; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT count(*) FROM big; COMMIT;"
check_match "a policy is evaluated with parallel workers" 'Workers Launched: [12]' "$answer"
asked "they see the rows of the bound user alone" "25000 0" "BEGIN; $BIND; $PARALLEL; SELECT count(*) FROM big; COMMIT; BEGIN; $PARALLEL; SELECT count(*) FROM big; COMMIT;"
asked "even when parallel mode is forced" "$ANN $ANN 25000" "SET $FORCE = on; BEGIN; $BIND; $WHO;
    SELECT u.id FROM latchkey.get_user('$ANN') u; SELECT count(*) FROM big; COMMIT; RESET $FORCE;"
asked "functions of the identity in parallel mode, with empty caches" "ann@example.com free t" \
    "DISCARD PLANS; SET $FORCE = on; BEGIN; $BIND; SELECT (latchkey.verify('$TOKEN')).email;
    SELECT latchkey.current_tier(); SELECT latchkey.can_use('$ANN', 'model:gpt-3.5-turbo'); COMMIT; RESET $FORCE;"
asked "COPY and a materialised view see the same" 25000 "BEGIN; $BIND; CREATE TEMP TABLE mine ON COMMIT DROP AS SELECT * FROM big; SELECT count(*) FROM mine; COMMIT;"

# ---- Cursors ------------------------------------------------------------------------------------------------------
asked "a cursor WITH HOLD keeps the rows of who declared it" "4 8 nobody 12 0" "BEGIN; $BIND;
    DECLARE c CURSOR WITH HOLD FOR SELECT n FROM big ORDER BY n; FETCH 2 FROM c; COMMIT; $WHO; FETCH 1 FROM c; CLOSE c; SELECT count(*) FROM big;"
asked "and what it had not fetched was computed before the end" "$ANN nobody" "BEGIN; $BIND;
    DECLARE c CURSOR WITH HOLD FOR SELECT latchkey.current_user_id(); COMMIT; FETCH 1 FROM c; CLOSE c; $WHO;"
# A prepared plan is planned once and asks anew each time.
asked "a prepared statement follows the identity" "25000 0 25000" "SET plan_cache_mode = force_generic_plan; PREPARE q AS SELECT count(*) FROM big;
    BEGIN; $BIND; EXECUTE q; COMMIT; EXECUTE q; BEGIN; $BIND; EXECUTE q; COMMIT; DEALLOCATE q; RESET plan_cache_mode;"

# ---- Procedures that commit ---------------------------------------------------------------------------------------
query "$folder" db "CREATE PROCEDURE two_halves(token text, INOUT seen text DEFAULT '') LANGUAGE plpgsql AS \$\$
    BEGIN
      PERFORM latchkey.authenticate(token);
      seen := seen || coalesce(latchkey.current_user_id()::text, 'nobody') || ' ';
      INSERT INTO made VALUES (latchkey.current_user_id(), 'first half');
      COMMIT;
      seen := seen || coalesce(latchkey.current_user_id()::text, 'nobody') || ' ';
      PERFORM latchkey.authenticate(token);
      BEGIN
        PERFORM latchkey.authenticate(token || 'x');
      EXCEPTION WHEN SQLSTATE 'LK411' THEN
        seen := seen || coalesce(latchkey.current_user_id()::text, 'nobody') || ' ';
      END;
      ROLLBACK;
      seen := seen || coalesce(latchkey.current_user_id()::text, 'nobody');
    END \$\$;
    CREATE PROCEDURE many_logins() LANGUAGE plpgsql AS \$\$
    DECLARE token text;
    BEGIN
      FOR i IN 1 .. 30 LOOP
        SELECT l.token INTO token FROM latchkey.login('ann@example.com', 'password 1') l;
        PERFORM latchkey.bind_request('request', '192.0.2.1'), latchkey.verify(token);
        IF i % 3 = 0 THEN ROLLBACK; ELSE COMMIT; END IF;
      END LOOP;
    END \$\$"
asked "a procedure with COMMIT inside" "$ANN nobody $ANN nobody nobody" "CALL two_halves('$TOKEN'); $WHO;"
before=$(query "$folder" db "SELECT count(*) FROM latchkey.sessions")
asked "logins between COMMIT and ROLLBACK" finished "CALL many_logins(); SELECT 'finished';"
check "20 of 30 were committed" 20 "$(($(query "$folder" db "SELECT count(*) FROM latchkey.sessions") - before))"
check "no lock is left" 0 "$(query "$folder" db "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")"
check "no warning of leaks, no crash" 0 "$(grep -cE 'WARNING|PANIC|terminated by signal|TRAP|cannot commit' "$folder/log/postgresql.log" || true)"
finish
