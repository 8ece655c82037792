#!/usr/bin/env bash
# A physical standby answers what only reads, follows the primary's changes in backends that run already, refuses logins
# clearly, and can be promoted.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"

server primary "wal_level = replica" "max_wal_senders = 4" "hot_standby = on"
primary=$DIR/primary
standby=$DIR/standby
create_database "$primary" db
cheap_hashes "$primary" db
query "$primary" db "SELECT count(*) FROM generate_series(1, 3) i, latchkey.register_user('user' || i || '@example.com', 'password ' || i);
    SELECT latchkey.rotate_signing_key('EdDSA')" >/dev/null
USER=$(query "$primary" db "SELECT id FROM latchkey.find_user('user1@example.com')")
new_token() { query "$primary" db "SELECT token FROM latchkey.login('user$1@example.com', 'password $1')" app; }
TOKEN=$(new_token 1)
IFS='|' read -r KEY_ID KEY < <(query "$primary" db "SELECT k.id, k.token FROM latchkey.create_service_account('robot') AS a,
    LATERAL latchkey.create_api_key(a.id, '{users.read}') AS k")

as_user mkdir -m 0700 "$standby" "$standby/socket" "$standby/log"
as_user "$BIN/pg_basebackup" --write-recovery-conf --checkpoint=fast --pgdata="$standby/data" -h "$primary/socket" -U postgres
configure "$standby" "unix_socket_directories = '$standby/socket'"
start_cluster "$standby"

replayed() {
    local position
    position=$(query "$primary" db "SELECT pg_current_wal_flush_lsn()")
    await 20 query_is "$standby" db "SELECT pg_last_wal_replay_lsn() >= '$position'" t || fail "the standby follows"
}
change() {
    query "$primary" db "$1" >/dev/null
    replayed
}
replayed

open_session s "$standby" db app
# on_standby NAME EXPECTED SQL: in the backend that runs all the time.
on_standby() {
    ask s "$3"
    check "standby: $1" "$2" "$answer"
}

on_standby "it is one" t "SELECT pg_is_in_recovery();"
on_standby verify user1@example.com "SELECT email FROM latchkey.verify('$TOKEN');"
on_standby "authenticate and the bound identity" "$USER $USER" \
    "BEGIN; SELECT concat_ws(' ', (latchkey.authenticate('$TOKEN')).user_id, latchkey.current_user_id()); COMMIT;"
on_standby get_user "user1@example.com free" "SELECT concat_ws(' ', email, tier) FROM latchkey.get_user('$USER');"
on_standby find_user "$USER" "SELECT id FROM latchkey.find_user('USER1@example.com');"
on_standby tier_of free "SELECT latchkey.tier_of('$USER');"
on_standby can_use "t f" "SELECT concat_ws(' ', latchkey.can_use('$USER', 'model:gpt-3.5-turbo'), latchkey.can_use('$USER', 'model:gpt-4'));"
on_standby "available, list_models" "1 1" "SELECT concat_ws(' ', (SELECT count(*) FROM latchkey.available('$USER', 'model:')),
    (SELECT count(*) FROM latchkey.list_models('$USER')));"
on_standby list_sessions 1 "SELECT count(*) FROM latchkey.list_sessions('$USER');"
on_standby jwks 1 "SELECT jsonb_array_length(latchkey.jwks() -> 'keys');"
on_standby get_setting latchkey "SELECT latchkey.get_setting('tokens.issuer');"
on_standby bind_request "" "SELECT latchkey.bind_request('r', '192.0.2.1', 'agent');"
on_standby "repeatable read" user1@example.com "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT email FROM latchkey.verify('$TOKEN'); COMMIT;"
ask s "SELECT latchkey.verify('$TOKEN' || 'x');"
check_match "standby: a forged token is refused" LK411 "$answer"

on_standby "an API key" "robot t" "BEGIN; SELECT concat_ws(' ', (latchkey.authenticate('$KEY')).name, latchkey.has_permission('users.read')); COMMIT;"
check "standby: its use there is not noted" 0 "$(query "$primary" db "SELECT count(last_used_at) FROM latchkey.api_key_uses")"
change "SELECT latchkey.revoke_api_key('$KEY_ID')"
ask s "SELECT latchkey.authenticate('$KEY');"
check_match "standby: a revoked API key" LK411 "$answer"

# What writes is refused by one clear error, whether the password is right or wrong.
for call in "login('user1@example.com', 'password 1')" "login('user1@example.com', 'wrong password')" \
    "login('nobody@example.com', 'wrong password')" "sign_up('new@example.com', 'password 1')" "refresh('$TOKEN')" "logout('$TOKEN')" \
    "register_user('new@example.com', 'password 1')" "register_user('new@example.com')" "logout_everywhere('$USER')" \
    "change_password('$USER', 'password 1', 'password 2')" "request_password_reset('user1@example.com')" "request_email_verification_for('user1@example.com')" \
    "update_profile('$USER', 'Ann')" "count_usage('$USER')"; do
    ask s "SELECT latchkey.$call;"
    check_match "standby: ${call%%(*} says 25006" '25006: cannot execute .* in a read-only transaction' "$answer"
done
check "standby: refused logins leave no place taken" 0 "$(query "$standby" db "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")"
on_standby "hash_password needs no writing" '$argon2id' "SELECT left(latchkey.hash_password('password 1'), 9);"

# Changes on the primary, seen by the backend that has its caches filled.
change "SELECT latchkey.set_tier('$USER', 'premium')"
on_standby "another tier" premium "SELECT latchkey.tier_of('$USER');"
change "UPDATE latchkey.plan_features SET granted = false WHERE plan = 'premium' AND feature = 'model:gpt-4'"
on_standby "a feature switched off" f "SELECT latchkey.can_use('$USER', 'model:gpt-4');"
change "INSERT INTO latchkey.plans (key, display_name, rank) VALUES ('team', 'Team', 15); INSERT INTO latchkey.plan_features (plan, feature)
    VALUES ('team', 'seat'); SELECT latchkey.set_tier('$USER', 'team')"
on_standby "a new plan" "team t t" "SELECT concat_ws(' ', latchkey.tier_of('$USER'), latchkey.has_tier('$USER', 'premium'), latchkey.can_use('$USER', 'seat'));"
query "$primary" db "SELECT latchkey.rotate_signing_key('HS256')" >/dev/null
HMAC=$(new_token 2)
replayed
on_standby "a token of a new signing key" user2@example.com "SELECT email FROM latchkey.verify('$HMAC');"
on_standby "a token of the key before" user1@example.com "SELECT email FROM latchkey.verify('$TOKEN');"
change "SELECT latchkey.set_setting('tokens.issuer', 'somebody else')"
ask s "SELECT latchkey.verify('$TOKEN');"
check_match "standby: a setting ends every session" LK411 "$answer"
change "SELECT latchkey.set_setting('tokens.issuer', 'latchkey')"
on_standby "the setting as it was" user1@example.com "SELECT email FROM latchkey.verify('$TOKEN');"
# Also within one transaction of the standby, and by a prepared transaction of the primary. (Not a setting: its change notifies,
# which can't be prepared.)
probe="SELECT 'probe ' || latchkey.can_use(NULL, 'standby:probe');"
ask s "BEGIN; $probe"
query "$primary" db "BEGIN; SELECT latchkey.set_plan_feature('free', 'standby:probe'); PREPARE TRANSACTION 'p'" >/dev/null
replayed
on_standby "prepared is not committed" "probe false" "$probe"
change "COMMIT PREPARED 'p'"
ask s "$probe ROLLBACK;"
check_match "standby: a prepared change, once it is committed" "probe true" "$answer"

# A tenant that is suspended: its token and its key, in the backend that knew it as active.
IFS='|' read -r TENANT IN_TENANT TENANT_KEY < <(query "$primary" db "WITH t AS MATERIALIZED (SELECT id FROM latchkey.create_tenant('$USER', 'Standby'))
    SELECT t.id, s.token, k.token FROM t, latchkey.create_service_account('tenant', '', t.id) AS a, latchkey.create_api_key(a.id, '{*}') AS k,
    latchkey.login('user1@example.com', 'password 1') AS l, latchkey.switch_tenant(l.token, t.id) AS s")
change "SELECT latchkey.record_hostname_check('$TENANT', hostname, ARRAY[dns_value]) FROM latchkey.add_hostname('$TENANT', 'shop.example')"
both="SELECT count(*) FROM latchkey.verify('$IN_TENANT') AS t, latchkey.verify('$TENANT_KEY') AS k;"
on_standby "a token and a key of a tenant" 1 "$both"
on_standby "resolve_host" "standby active" "SELECT concat_ws(' ', slug, status) FROM latchkey.resolve_host('Shop.example:443');"
change "SELECT latchkey.suspend_tenant('$TENANT', 'unpaid')"
ask s "SELECT latchkey.verify('$IN_TENANT');"
check_match "standby: a token of a suspended tenant" 'LK403: the tenant is suspended' "$answer"
ask s "SELECT latchkey.verify('$TENANT_KEY');"
check_match "standby: a key of a suspended tenant" 'LK403: the tenant is suspended' "$answer"
on_standby "resolve_host of a suspended tenant" "standby suspended" "SELECT concat_ws(' ', slug, status) FROM latchkey.resolve_host('shop.example');"
change "SELECT latchkey.reactivate_tenant('$TENANT')"
on_standby "a token and a key of a tenant that is back" 1 "$both"

# A revocation takes effect with its replay, and not before: that is the lag that the guide speaks of.
query "$standby" db "SELECT pg_wal_replay_pause()" >/dev/null
await 10 query_is "$standby" db "SELECT pg_get_wal_replay_pause_state()" paused
query "$primary" db "SELECT latchkey.logout('$TOKEN')" >/dev/null
on_standby "before the replay of a logout" user1@example.com "SELECT email FROM latchkey.verify('$TOKEN');"
open_session long "$standby" db app
ask long "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT email FROM latchkey.verify('$TOKEN');"
check "standby: a long transaction before the replay" user1@example.com "$answer"
query "$standby" db "SELECT pg_wal_replay_resume()" >/dev/null
replayed
ask long "SELECT latchkey.verify('$TOKEN'); ROLLBACK;"
check_match "standby: a long transaction after the replay of a logout" LK411 "$answer"
ask s "SELECT latchkey.verify('$TOKEN');"
check_match "standby: after the replay of a logout" LK411 "$answer"
change "SELECT latchkey.block_user(id) FROM latchkey.find_user('user2@example.com')"
ask s "SELECT latchkey.verify('$HMAC');"
check_match "standby: a blocked user" LK411 "$answer"

# A load of a cache that fails (here: cancelled behind a lock that is replayed) must not leave the cache half filled.
THIRD=$(new_token 3)
open_session lock "$primary" db
ask lock "BEGIN; LOCK TABLE latchkey.settings, latchkey.signing_keys, latchkey.plans IN ACCESS EXCLUSIVE MODE;"
# Nothing is committed that would flush the lock's record.
query "$primary" db "SELECT pg_switch_wal()" >/dev/null
await 20 query_is "$standby" db "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted" 3 || fail "the locks are replayed"
open_session young "$standby" db app
ask young "SET statement_timeout = 200; SELECT latchkey.verify('$THIRD');"
check_match "standby: cancelled while it loads" '57014' "$answer"
ask lock "COMMIT;"
replayed
ask young "SELECT email FROM latchkey.verify('$THIRD'); SELECT latchkey.tier_of('$USER');"
check "standby: the next call loads again" "user3@example.com team" "$(paste -sd ' ' <<<"$answer")"

check "standby: no crash" 0 "$(grep -cE 'terminated by signal|PANIC' "$standby/log/postgresql.log" || true)"
stop_cluster "$primary" immediate
as_user "$BIN/pg_ctl" promote --wait --silent --pgdata="$standby/data"
ask s "SELECT outcome FROM latchkey.login('user1@example.com', 'password 1');"
check "promoted: a login, in the backend that ran before" ok "$answer"
ask s "SELECT email FROM latchkey.verify('$THIRD');"
check "promoted: tokens of the old primary" user3@example.com "$answer"
check "promoted: what was ended stays ended" LK411 "$(sqlstate "$standby" db "SELECT latchkey.verify('$TOKEN')" app)"
check "promoted: settings can be changed" 00000 "$(sqlstate "$standby" db "SELECT latchkey.set_setting('tokens.algorithm', 'ES256'), latchkey.rotate_signing_key()")"
ask s "SELECT token FROM latchkey.login('user3@example.com', 'password 3');"
ask s "SELECT email FROM latchkey.verify('$answer');"
check "promoted: a token of a new key" user3@example.com "$answer"
finish
