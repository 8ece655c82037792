#!/usr/bin/env bash
# A dump, restored elsewhere, has every row of every table; with the same key file old tokens and passwords still work.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"

fill_database() {
    cheap_hashes "$1" db
    query "$1" db "
        SET client_min_messages = warning;
        -- Settings, plans and features other than their seeds.
        SELECT latchkey.set_setting('sessions.lifetime', '10 days');
        SELECT latchkey.set_setting('tokens.issuer', 'https://example.com/\"quoted\"');
        INSERT INTO latchkey.settings (key, category, value, default_value, type, description)
            VALUES ('shop.motto', 'shop', E'two\nlines\t\\\\ and a tab', '', 'text', 'of the product itself');
        UPDATE latchkey.plans SET monthly_price_cents = 1234, display_name = 'Prémium ✓', active = false WHERE key = 'premium';
        UPDATE latchkey.plans SET rank = 25 WHERE key = 'pro';
        INSERT INTO latchkey.plans (key, display_name, rank, monthly_price_cents) VALUES ('team', 'Team', 22, 4999);
        UPDATE latchkey.plan_features SET granted = false WHERE plan = 'pro' AND feature = 'model:gpt-4';
        UPDATE latchkey.plan_features SET granted_limit = 7, period = 'day' WHERE plan = 'free';
        INSERT INTO latchkey.plan_features (plan, feature, granted_limit, period) VALUES ('team', 'seat', 5, 'month'),
            ('free', 'model:tiny', NULL, NULL);
        INSERT INTO latchkey.blocked_passwords VALUES ('correct horse'), (E'tab\there');
        -- Users in every state.
        SELECT count(*) FROM generate_series(1, 40) AS i, latchkey.register_user('user' || i || '@example.com',
            'password ' || i, 'Name ' || i, jsonb_build_object('n', i, 'text', E'a\"b\\\\c\n'));
        SELECT latchkey.register_user('Zoë.Ünïcode@exämple.com', NULL);
        SELECT latchkey.block_user(id, 'spam') FROM latchkey.find_user('user2@example.com');
        SELECT latchkey.delete_user(id) FROM latchkey.find_user('user3@example.com');
        SELECT latchkey.set_tier(id, 'team') FROM latchkey.find_user('user1@example.com');
        SELECT latchkey.set_tier(id, 'pro', 'past_due') FROM latchkey.find_user('user4@example.com');
        SELECT latchkey.count_usage(id, 5) FROM latchkey.find_user('user1@example.com');
        -- A plan with an old version and prices, an override, quotas, a trial, a subscription that is told about.
        SELECT latchkey.set_plan('team', stripe_monthly_price_id => 'price_team');
        SELECT latchkey.set_plan_feature('team', 'seat', 6, 'month'), latchkey.set_plan('team', monthly_price_cents => 5999);
        SELECT latchkey.set_feature_override(id, 'sso', 3, 'day', ends_at => '2100-01-01', reason => E'tab\there') FROM latchkey.find_user('user4@example.com');
        SELECT latchkey.consume(id, 'sso', 2, 'key') FROM latchkey.find_user('user4@example.com');
        SELECT latchkey.set_time_zone(id, 'Asia/Tokyo'), latchkey.start_trial(id, 'pro') FROM latchkey.find_user('user8@example.com');
        SELECT latchkey.set_intended_plan(id, 'pro', 'year'), latchkey.set_billing_period(id, '2026-01-01', '2026-02-01') FROM latchkey.find_user('user1@example.com');
        SELECT latchkey.set_service_cost('mail', 2);
        SELECT latchkey.grant_credits(id, 100, metadata => '{\"b\": 1, \"a\": \"ü\"}') FROM latchkey.find_user('user1@example.com');
        SELECT latchkey.debit_credits(id, 'mail', 3, 'a key') FROM latchkey.find_user('user1@example.com');
        SELECT latchkey.hold_credits(id, 'mail', 4), latchkey.set_low_balance(id, 50) FROM latchkey.find_user('user1@example.com');
        SELECT latchkey.enqueue_job('mail', idempotency_key => 'a key', group_key => 'ü'), latchkey.set_job_rule('mail', 'ü', 1);
        SELECT latchkey.report_progress(account_id, id, lease_token, 1, 2, '1', '[]'), latchkey.complete_job(account_id, id, lease_token)
            FROM latchkey.claim_jobs('{mail}', 'w');
        SELECT latchkey.schedule_job('tick', '@hourly', 'tick');
        UPDATE latchkey.job_schedules SET next_due_at = now() - interval '1 hour';
        SELECT latchkey.run_due_schedules();
        SELECT latchkey.request_password_reset('user5@example.com');
        SELECT latchkey.request_email_verification(id) FROM latchkey.find_user('user6@example.com');
        SELECT latchkey.import_users('{\"users\": {\"old@example.com\": {\"password\":
            \"\$2b\$10\$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy\", \"usage\": {\"daily\": 3, \"total\": 30},
            \"stripeCustomerId\": \"cus_old\"}}}');
        -- Stripe: a purchase, a subscription, a card; and an event that waits.
        SELECT latchkey.set_secret('stripe.webhook_secret', 'whsec_dump');
        SELECT latchkey.ingest_stripe_event(body, 't=' || t || ',v1=' || encode(public.hmac(t || '.' || body, 'whsec_dump', 'sha256'), 'hex'))
          FROM (SELECT extract(epoch FROM clock_timestamp())::bigint AS t, jsonb_build_object('id', 'evt_' || n, 'object', 'event', 'type', type,
                    'created', 1763700000 + n, 'livemode', false, 'data', jsonb_build_object('object', object || jsonb_build_object('customer', 'cus_dump')))::text AS body
                  FROM (VALUES (1, 'checkout.session.completed', jsonb_build_object('id', 'cs_1', 'mode', 'payment', 'payment_status', 'paid', 'payment_intent', 'pi_1',
                            'client_reference_id', (SELECT id FROM latchkey.find_user('user9@example.com')), 'amount_total', 500, 'currency', 'usd', 'metadata', jsonb_build_object('credits', '50'))),
                        (2, 'customer.subscription.created', jsonb_build_object('id', 'sub_1', 'status', 'active', 'items', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('price', 'price_team'))))),
                        (3, 'payment_method.attached', jsonb_build_object('id', 'pm_1', 'card', jsonb_build_object('brand', 'visa', 'last4', '4242', 'exp_month', 1, 'exp_year', 2031))),
                        (4, 'customer.subscription.updated', jsonb_build_object('id', 'sub_2', 'status', 'active', 'items', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('price', 'price_unknown'))))))
                    AS stripe (n, type, object)) AS events;
        -- Roles: a seed with more permissions, own ones, grants with and without an end.
        SELECT latchkey.register_permission('campaigns.write', E'tab\there');
        SELECT latchkey.update_role('staff', '{*.read,tenant_data.write,campaigns.write}', 'Wörks', scope => 'tenant');
        INSERT INTO latchkey.accounts (id, kind) VALUES ('00000000-0000-7000-a000-000000000001', 'tenant');
        SELECT latchkey.create_role('cashier', '{campaigns.*,users.read}', E'\\ \'q\'', '00000000-0000-7000-a000-000000000001');
        SELECT latchkey.create_admin('root@example.com', 'password of root');
        SELECT latchkey.grant_role(id, 'cashier', '00000000-0000-7000-a000-000000000001', '2100-01-01') FROM latchkey.find_user('user1@example.com');
        SELECT latchkey.grant_role(id, 'staff', '00000000-0000-7000-a000-000000000001') FROM latchkey.find_user('user4@example.com');
        -- A tenant with all that belongs to one, and a user who is on the way there.
        SELECT latchkey.create_tenant(id, 'Kafé', 'kafe', 'store', idempotency_key => 'a key') FROM latchkey.find_user('user9@example.com');
        SELECT latchkey.invite_member(id, 'guest@example.com', 'staff'), latchkey.add_hostname(id, 'kafe.example.com') FROM latchkey.list_tenants();
        SELECT latchkey.register_server('first', '{\"host\": \"db.example.com\", \"database\": \"postgres\", \"user\": \"maker\"}');
        SELECT latchkey.provision_tenant(id, 'store') FROM latchkey.list_tenants();
        SELECT latchkey.start_provisioning(id) FROM latchkey.list_tenants();
        SELECT latchkey.finish_provisioning(id, '0001_schema.sql') FROM latchkey.list_tenants();
        SELECT latchkey.register_server('second', '{\"host\": \"db2.example.com\", \"database\": \"postgres\", \"user\": \"maker\"}');
        SELECT latchkey.complete_job(account_id, id, lease_token) FROM latchkey.claim_jobs('{latchkey.provision_tenant}', 'fill');
        SELECT latchkey.export_tenant(id, 'a key'), latchkey.move_tenant(id, 'second', 'a key') FROM latchkey.list_tenants();
        SELECT latchkey.record_tenant_user_comparison(id, jsonb_build_array(jsonb_build_object('id', id, 'email', 'who@example.com', 'role', 'staff',
            'status', 'active', 'version', 1))) FROM latchkey.list_tenants();
        SELECT latchkey.skip_onboarding_step(id, 'credits') FROM latchkey.find_user('user9@example.com');
        SELECT latchkey.create_webhook_endpoint('00000000-0000-0000-0000-000000000000', 'https://hooks.example.com/', '{app.*}');
        SELECT latchkey.set_secret('app.key', E'tab\there');
        -- Events: a month of its own before and after, idempotency keys, a consumer that has come to the end, one delivery.
        INSERT INTO latchkey.events SELECT account_id, gen_random_uuid(), recorded_at + m * interval '1 month', era,
            CASE WHEN m < 0 THEN '3' ELSE xid END, aggregate, aggregate_id, type,
            version, data, metadata, idempotency_key, correlation_id, causation_id, source, actor_id, actor_role
            FROM (SELECT * FROM latchkey.events ORDER BY era, xid, id LIMIT 1) AS e, generate_series(-1, 3) AS m WHERE m <> 0;
        SELECT latchkey.maintain_events();
        SELECT latchkey.register_setting('app.ratio', 'number', '0.25', 'A number.');
        SELECT latchkey.create_event_consumer('audit', '{app.*}', start => 'beginning');
        SELECT latchkey.record_event('app', 'a', 'app.began', '{\"b\": 1}', idempotency_key => 'began');
        SELECT latchkey.login('user7@example.com', 'wrong password');
        SELECT latchkey.login('nobody@example.com', 'wrong password');
        CREATE TABLE notes (owner uuid DEFAULT latchkey.current_user_id(), note text);
        INSERT INTO notes VALUES ('00000000-0000-0000-0000-000000000001', 'kept');
        CREATE TABLE campaigns (owner uuid, tenant uuid);
        SELECT latchkey.protect_table('campaigns', 'owner', 'tenant', 'campaigns.write', 'campaigns.write');
        CREATE POLICY own ON notes USING (owner = (SELECT latchkey.current_user_id()));" >/dev/null
}

# Everything up to now is processed: an event has failed once, another is to be sent to the endpoint.
consume() {
    query "$1" db "SELECT latchkey.dispatch_webhooks()" >/dev/null
    query "$1" db "SELECT latchkey.fail_event('audit', lease_id, id, 'once', '1 day') FROM latchkey.fetch_events('audit')" >/dev/null
    query "$1" db "SELECT latchkey.ack_events('audit', lease_id) FROM latchkey.event_consumers WHERE name = 'audit'" >/dev/null
}

# Tokens of every algorithm, each signed by a key of its own, and an API key into $DIR/tokens; the reset token into $DIR/reset.
take_tokens() {
    local algorithm
    for algorithm in HS256 EdDSA ES256 RS256; do
        query "$1" db "SELECT latchkey.rotate_signing_key('$algorithm')" >/dev/null
        query "$1" db "BEGIN; SELECT latchkey.bind_request('request-1', '2001:db8::1', 'agent ✓');
            SELECT token FROM latchkey.login('user1@example.com', 'password 1'); COMMIT" | grep .
    done >"$DIR/tokens"
    query "$1" db "SELECT latchkey.grant_role(id, 'support') FROM latchkey.find_user('user4@example.com')" >/dev/null
    query "$1" db "SELECT k.token FROM latchkey.create_service_account('robot') AS a,
        LATERAL latchkey.create_api_key(a.id, '{users.read,*.write}', now() + interval '1 year') AS k" >>"$DIR/tokens"
    query "$1" db "SELECT latchkey.authenticate('$(tail -n 1 "$DIR/tokens")')" app >/dev/null
    query "$1" db "SELECT token FROM latchkey.login('user9@example.com', 'password 9')" >"$DIR/revoked"
    query "$1" db "SELECT latchkey.logout('$(cat "$DIR/revoked")')" >/dev/null
    query "$1" db "SELECT token FROM latchkey.request_password_reset('user8@example.com')" >"$DIR/reset"
}

# All rows of all tables, in order, with the name of each table; hashed per table.
checksums() {
    "$BIN/psql" -X -q -At -v ON_ERROR_STOP=1 "$(url "$1" "$2")" <<'SQL'
SET timezone = 'UTC';
SELECT format('SELECT %L, count(*), coalesce(md5(string_agg(t::text, E''\n'' ORDER BY t::text COLLATE "C")), '''') FROM latchkey.%I t',
              relname, relname)
  FROM pg_class WHERE relnamespace = 'latchkey'::regnamespace AND relkind = 'r' ORDER BY relname \gexec
SQL
}

verified() {
    local token
    while read -r token; do
        query "$1" "$2" "SELECT coalesce(email, name) FROM latchkey.verify('$token')" app 2>&1 || true
    done <"$DIR/tokens"
}

check_restored() {
    local name=$1 folder=$2 database=$3
    # Roles and who is a member of them belong to the server (pg_dumpall --roles-only).
    admin_psql "$folder" "$database" -c "GRANT latchkey_app TO app" 2>/dev/null || true
    check "$name: every row of every table" "$expected" "$(checksums "$folder" "$database")"
    check "$name: tokens of four algorithms and an API key verify" "$(yes user1@example.com | head -n 4; echo robot)" "$(verified "$folder" "$database")"
    check "$name: a session that was ended stays so" LK411 \
        "$(sqlstate "$folder" "$database" "SELECT latchkey.verify('$(cat "$DIR/revoked")')" app)"
    check "$name: passwords work" "ok invalid_credentials blocked" "$(query "$folder" "$database" "
        SELECT string_agg(outcome, ' ' ORDER BY n) FROM (
            SELECT 1, outcome FROM latchkey.login('user10@example.com', 'password 10') UNION ALL
            SELECT 2, outcome FROM latchkey.login('user10@example.com', 'password 11') UNION ALL
            SELECT 3, outcome FROM latchkey.login('user2@example.com', 'password 2')) AS t (n, outcome)" app)"
    check "$name: a mailed token can be redeemed" user8@example.com \
        "$(query "$folder" "$database" "SELECT email FROM latchkey.reset_password('$(cat "$DIR/reset")', 'a new password')" app)"
    check "$name: the tier, a feature switched off, one of ours" "team f t" "$(query "$folder" "$database" "
        SELECT concat_ws(' ', latchkey.tier_of(u.id), latchkey.can_use(v.id, 'model:gpt-4'), latchkey.can_use(u.id, 'seat'))
        FROM latchkey.find_user('user1@example.com') u, latchkey.find_user('user4@example.com') v" app)"
    check "$name: roles, one with more permissions than it came with" "admin t f t LK400 ok" "$(query "$folder" "$database" "
        SELECT concat_ws(' ', (SELECT role FROM latchkey.find_user('root@example.com') u, latchkey.roles_of(u.id)),
            (SELECT bool_or(p.name = 'campaigns.write') FROM latchkey.find_user('user4@example.com') u, latchkey.permissions_of(u.id, '00000000-0000-7000-a000-000000000001') p),
            (SELECT bool_or(p.name = 'plans.read') FROM latchkey.find_user('user1@example.com') u, latchkey.permissions_of(u.id, '00000000-0000-7000-a000-000000000001') p),
            (SELECT built_in FROM latchkey.list_roles() WHERE name = 'staff'))") $(sqlstate "$folder" "$database" "SELECT latchkey.update_role('staff', '{}', scope => 'tenant')") $(
        query "$folder" "$database" "BEGIN; SELECT 'ok' FROM latchkey.update_role('staff', '{*.read,tenant_data.write}', scope => 'tenant'); ROLLBACK")"
    check "$name: a protected table's policies" 4 "$(query "$folder" "$database" "SELECT count(*) FROM pg_policy WHERE polrelid = 'campaigns'::regclass")"
    check "$name: seeds are still guarded" LK400 "$(sqlstate "$folder" "$database" "DELETE FROM latchkey.plans WHERE key = 'pro'")"
    local partition
    for partition in $(query "$folder" "$database" "SELECT 'latchkey.events' UNION ALL SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'latchkey.events'::regclass"); do
        check "$name: $partition is still append-only" "LK403 LK403" "$(sqlstate "$folder" "$database" "DELETE FROM $partition") $(
            sqlstate "$folder" "$database" "TRUNCATE $partition")"
    done
    check "$name: partitions and their indexes" "$partitions" "$(partitions_of "$folder" "$database")"
    check "$name: an idempotency key is still known" t "$(query "$folder" "$database" "
        SELECT id = (SELECT event_id FROM latchkey.event_deliveries) FROM latchkey.record_event('app', 'a', 'app.began', '{\"b\": 1}', idempotency_key => 'began')")"
    check "$name: a new event is in era $era, and all that the consumer gets" "$era app.restored" "$(query "$folder" "$database" "
        SELECT FROM latchkey.record_event('app', 'a', 'app.restored')" >/dev/null; query "$folder" "$database" "
        SELECT split_part(position, '.', 1) || ' ' || type FROM latchkey.fetch_events('audit')")"
    check "$name: months can be added, and the old one removed" "created detached" "$(query "$folder" "$database" "
        BEGIN; SELECT latchkey.set_setting('events.retention', '1 hour'), latchkey.set_setting('events.retention_action', 'detach');
        DO 'BEGIN EXECUTE (SELECT ''DROP TABLE '' || max(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = ''latchkey.events''::regclass AND inhrelid::regclass::text ~ ''[0-9]\$''); END';
        SELECT string_agg(action, ' ') FROM latchkey.maintain_events(); ROLLBACK" | grep created)"
}

partitions_of() {
    query "$1" "$2" "SELECT i.inhrelid::regclass, pg_get_expr(c.relpartbound, c.oid), c.relowner::regrole, obj_description(c.oid),
            (SELECT string_agg(pg_get_indexdef(x.indexrelid), ', ' ORDER BY pg_get_indexdef(x.indexrelid)) FROM pg_index x WHERE x.indrelid = c.oid),
            (SELECT string_agg(tgname, ', ' ORDER BY tgname) FROM pg_trigger t WHERE t.tgrelid = c.oid)
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'latchkey.events'::regclass ORDER BY 1"
}

new_server_with_key() {
    server "$1"
    as_user cp "$DIR/old/master.key" "$DIR/$1/master.key"
    admin_psql "$DIR/$1" postgres -c "CREATE ROLE app LOGIN" -c "CREATE DATABASE db"
}

without_key() {
    local folder=$1 id state
    as_user mv "$folder/master.key" "$folder/master.key.away"
    id=$(query "$folder" db "SELECT id FROM latchkey.find_user('user1@example.com')")
    check "no key: what needs none works" "user1@example.com team t 3 10 days" "$(query "$folder" db "
        SELECT concat_ws(' ', email, tier, latchkey.can_use(id, 'seat'), jsonb_array_length(latchkey.jwks() -> 'keys'),
            latchkey.get_setting('sessions.lifetime')) FROM latchkey.get_user('$id')")"
    check "no key: a user can register" 00000 "$(sqlstate "$folder" db "SELECT latchkey.register_user('new@example.com', 'a password')")"
    check "no key: a wrong password is not even looked at" LK504 \
        "$(sqlstate "$folder" db "SELECT outcome FROM latchkey.login('user11@example.com', 'wrong password')" app)"
    check "no key: a token of an unknown key is invalid" LK411 "$(sqlstate "$folder" db "SELECT latchkey.verify('e30.e30.AAAA')" app)"
    for state in "latchkey.login('user11@example.com', 'password 11')" "latchkey.verify('$(head -n 1 "$DIR/tokens")')" \
        "latchkey.rotate_signing_key()" "latchkey.sign_up('newer@example.com', 'a password')"; do
        check "no key: ${state%%(*} says LK504" LK504 "$(sqlstate "$folder" db "SELECT $state")"
        check_match "no key: ${state%%(*} names the setting" 'latchkey\.master_key_file' "$(cat "$DIR/answer")"
    done
    check "no key: nothing half made" 0 "$(query "$folder" db "SELECT count(*) FROM latchkey.find_user('newer@example.com')")"
    as_user mv "$folder/master.key.away" "$folder/master.key"
    check "the key is back: at once" user1@example.com \
        "$(query "$folder" db "SELECT email FROM latchkey.verify('$(head -n 1 "$DIR/tokens")')" app)"
}

server old
create_database "$DIR/old" db
for change in "UPDATE latchkey.plans SET seeded = false" "UPDATE latchkey.plan_features SET feature = feature || 'x'" \
    "UPDATE latchkey.settings SET key = key || 'x'" "DELETE FROM latchkey.plan_features"; do
    check "a restore would bring back what is refused here: $change" LK400 "$(sqlstate "$DIR/old" db "$change")"
done
check "only a restore replaces a seed: a superuser's duplicate is one" 23505 \
    "$(sqlstate "$DIR/old" db "INSERT INTO latchkey.plan_features (plan, feature, granted_limit) VALUES ('pro', 'model:gpt-4-turbo', 3)")"
query "$DIR/old" db "INSERT INTO latchkey.plan_features (plan, feature, granted_limit) VALUES ('pro', 'model:gpt-4-turbo', 3)
    ON CONFLICT (plan, feature) DO UPDATE SET granted_limit = EXCLUDED.granted_limit"
check "a seed that an upsert changed stays a seed" LK400 \
    "$(sqlstate "$DIR/old" db "DELETE FROM latchkey.plan_features WHERE granted_limit = 3")"
fill_database "$DIR/old"
take_tokens "$DIR/old"
consume "$DIR/old"
partitions=$(partitions_of "$DIR/old" db)
era=2
expected=$(checksums "$DIR/old" db)
check_true "there is something in every table" [ -z "$(cut -d '|' -f 2 <<<"$expected" | grep -x 0)" ]

new_server_with_key new
"$BIN/pg_dump" "$(url "$DIR/old" db)" | "$BIN/psql" -X -q -v ON_ERROR_STOP=1 "$(url "$DIR/new" db)" >/dev/null 2>"$DIR/restore.err" ||
    fail "pg_dump | psql without an error" "$(head -n 5 "$DIR/restore.err")"
check_restored "pg_dump | psql" "$DIR/new" db
check "tables of the application came along" kept "$(query "$DIR/new" db "SELECT note FROM notes")"
without_key "$DIR/new"

admin_psql "$DIR/new" postgres -c "CREATE DATABASE inserts"
"$BIN/pg_dump" --inserts "$(url "$DIR/old" db)" | "$BIN/psql" -X -q -v ON_ERROR_STOP=1 "$(url "$DIR/new" inserts)" >/dev/null 2>"$DIR/restore.err" ||
    fail "pg_dump --inserts | psql without an error" "$(head -n 5 "$DIR/restore.err")"
check_restored "pg_dump --inserts | psql" "$DIR/new" inserts

"$BIN/pg_dump" -Fc -f "$DIR/dump" "$(url "$DIR/old" db)"
admin_psql "$DIR/new" postgres -c "CREATE DATABASE parallel"
# The data in one job: foreign keys of an extension's tables exist before its rows do, and pg_restore's jobs do not
# wait for each other's rows.
for section in pre-data "data --jobs=1" post-data; do
    # shellcheck disable=SC2086
    "$BIN/pg_restore" --jobs=3 --exit-on-error --section=$section -d "$(url "$DIR/new" parallel)" "$DIR/dump" \
        2>"$DIR/restore.err" || fail "pg_restore of $section without an error" "$(head -n 5 "$DIR/restore.err")"
done
check_restored "pg_dump -Fc | pg_restore" "$DIR/new" parallel

admin_psql "$DIR/old" postgres -c "CREATE DATABASE copy"
"$BIN/pg_restore" --single-transaction -d "$(url "$DIR/old" copy)" "$DIR/dump" 2>"$DIR/restore.err" ||
    fail "pg_restore in one transaction" "$(head -n 5 "$DIR/restore.err")"
era=1
check_restored "another database of the same server" "$DIR/old" copy
check "the source is unchanged" "$expected" "$(checksums "$DIR/old" db)"

"$BIN/pg_dump" "$(url "$DIR/new" parallel)" >"$DIR/again.sql"
admin_psql "$DIR/new" postgres -c "CREATE DATABASE again"
"$BIN/psql" -X -q -v ON_ERROR_STOP=1 "$(url "$DIR/new" again)" <"$DIR/again.sql" >/dev/null
check "a dump of a restored database" "$(checksums "$DIR/new" parallel)" "$(checksums "$DIR/new" again)"
finish
