-- Who may call what: generated from the catalogue, so that a new function shows up here.
SELECT p.oid::regprocedure::text AS function,
       string_agg(CASE WHEN has_function_privilege('latchkey_' || r.name, p.oid, 'EXECUTE') THEN r.name END, ' ' ORDER BY r.place) AS callers
  FROM pg_proc p, unnest(ARRAY['gateway', 'app', 'admin', 'worker']) WITH ORDINALITY AS r (name, place)
 WHERE p.pronamespace = 'latchkey'::regnamespace GROUP BY p.oid ORDER BY p.oid::regprocedure::text COLLATE "C";
-- Tables and columns.
SELECT c.relname, r.name AS role, string_agg(privilege, ' ' ORDER BY privilege) AS privileges
  FROM pg_class c, unnest(ARRAY['gateway', 'app', 'admin', 'worker', 'nobody']) AS r (name), unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS privilege
 WHERE c.relnamespace = 'latchkey'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S') AND has_table_privilege('regress_latchkey_' || r.name, c.oid, privilege)
 GROUP BY 1, 2 ORDER BY 1, 2;
SELECT c.relname, string_agg(a.attname, ' ' ORDER BY a.attnum) AS hidden_from_admin
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relnamespace = 'latchkey'::regnamespace AND c.relkind = 'r' AND NOT has_column_privilege('latchkey_admin', c.oid, a.attname, 'SELECT') GROUP BY 1 ORDER BY 1;
-- An unprivileged role gets nothing at all.
SELECT has_schema_privilege('regress_latchkey_nobody', 'latchkey', 'USAGE') AS usage, has_schema_privilege('regress_latchkey_nobody', 'latchkey', 'CREATE') AS "create",
       (SELECT count(*) FROM pg_proc WHERE pronamespace = 'latchkey'::regnamespace AND has_function_privilege('regress_latchkey_nobody', oid, 'EXECUTE')) AS functions,
       (SELECT count(*) FROM pg_class c WHERE relnamespace = 'latchkey'::regnamespace AND relkind <> 'c' AND relkind <> 'i' AND (has_table_privilege('regress_latchkey_nobody', oid, 'SELECT, INSERT, UPDATE, DELETE')
          OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND has_column_privilege('regress_latchkey_nobody', c.oid, a.attname, 'SELECT')))) AS relations;
SELECT r.name, has_schema_privilege('latchkey_' || r.name, 'latchkey', 'USAGE') AS usage, has_schema_privilege('latchkey_' || r.name, 'latchkey', 'CREATE') AS "create",
       rolsuper, rolcanlogin, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication
  FROM unnest(ARRAY['gateway', 'app', 'admin', 'worker', 'owner']) AS r (name) JOIN pg_roles ON rolname = 'latchkey_' || r.name ORDER BY 1;
SELECT count(*) AS memberships_among_them FROM pg_auth_members WHERE roleid::regrole::text LIKE 'latchkey%' AND member::regrole::text LIKE 'latchkey%';

-- Each function as each role, called for real: unbound, bound to Ann's identity for her own id, and for Bob's. 00000: it works.
SELECT regress.new_user('priv_ann') AS ann \gset
SELECT regress.new_user('priv_bob') AS bob \gset
SELECT token AS ann_token, session_id AS ann_session FROM latchkey.login('priv_ann@example.com', 'password of priv_ann') \gset
SELECT latchkey.set_service_cost('priv.unit', 1) IS NOT NULL AS priced;
SELECT amount FROM unnest(ARRAY[:'ann', :'bob']::uuid[]) AS id, latchkey.grant_credits(id, 1000);
CREATE TABLE regress.priv_credits AS SELECT d.account_id, 'debit' AS kind, d.id FROM unnest(ARRAY[:'ann', :'bob']::uuid[]) AS a, latchkey.debit_credits(a, 'priv.unit') AS d
  UNION ALL SELECT h.account_id, 'hold', h.id FROM unnest(ARRAY[:'ann', :'bob']::uuid[]) AS a, latchkey.hold_credits(a, 'priv.unit') AS h;
GRANT SELECT ON regress.priv_credits TO PUBLIC;
SELECT latchkey.set_secret('priv.secret', 'Privileges');
SELECT latchkey.register_setting('priv.json', 'json', '{}', 'Privileges');
SELECT count(*) FROM latchkey.create_event_consumer('priv', '{priv.*}', start => 'beginning');
SELECT count(*) FROM generate_series(1, 2) AS i, latchkey.record_event('priv', i::text, 'priv.made');
CREATE TABLE regress.priv_events AS SELECT e.lease_id, min(e.id::text)::uuid AS event_id, max(e.id::text)::uuid AS failed_id FROM latchkey.fetch_events('priv', 2, '1 hour') AS e GROUP BY 1;
GRANT SELECT ON regress.priv_events TO PUBLIC;
SELECT d.state FROM regress.priv_events, latchkey.fail_event('priv', lease_id, failed_id, 'x') AS d;
SELECT count(*) FROM latchkey.create_service_account('Privileges') AS a, LATERAL latchkey.create_api_key(a.id, '{users.read}');
SELECT latchkey.set_plan_feature('free', 'priv_unit', 100, 'ever');
SELECT c.used FROM unnest(ARRAY[:'ann', :'bob']::uuid[]) AS id, latchkey.consume(id, 'priv_unit', 1, 'priv') AS c;
SELECT latchkey.start_trial(:'bob', 'pro') IS NOT NULL AS in_trial;
CREATE TABLE regress.priv_webhooks AS SELECT w.account_id, w.id FROM unnest(ARRAY[:'ann', :'bob']::uuid[]) AS a, latchkey.create_webhook_endpoint(a, 'https://example.com/', '{priv.*}') AS w;
GRANT SELECT ON regress.priv_webhooks TO PUBLIC;
INSERT INTO latchkey.plan_prices (price_id, plan, first_version, version, billing_interval, active) VALUES ('price_priv', 'pro', 1, 1, 'month', true);
CREATE TABLE regress.priv_tenants AS SELECT o.id AS owner, t.id, i.id AS invitation FROM unnest(ARRAY[:'ann', :'bob']::uuid[]) AS o (id), latchkey.create_tenant(o.id, 'Privileges') AS t, latchkey.invite_member(t.id, 'priv_guest@example.com', 'staff') AS i;
GRANT SELECT ON regress.priv_tenants TO PUBLIC;
SELECT count(g.role) AS granted FROM regress.priv_tenants AS t, unnest(ARRAY[:'ann', :'bob']::uuid[]) AS o (id), latchkey.grant_role(o.id, 'customer', t.id) AS g WHERE o.id <> t.owner;
SELECT count(g.role) AS more_owners FROM regress.new_user('priv_owner') AS o, regress.priv_tenants AS t, latchkey.grant_role(o, 'owner', t.id) AS g;
SELECT count(c.verified_at) AS verified FROM regress.priv_tenants AS t, latchkey.add_hostname(t.id, t.owner || '.example') AS h, latchkey.record_hostname_check(t.id, h.hostname, ARRAY[h.dns_value]) AS c;
SELECT latchkey.register_server('priv', '{"host": "db.example.com", "database": "d", "user": "u"}'), latchkey.register_server('priv-spare', '{"host": "db.example.com", "database": "d", "user": "u"}');
SELECT count(d.status) AS connected FROM regress.priv_tenants AS t, latchkey.connect_database(t.id, '{"host": "db.example.com", "database": "d", "user": "u"}') AS d;
-- A call with plausible arguments, whose account is `account`; the tenant is the given one, or where a function needs one, the account's.
CREATE FUNCTION regress.call_of(f oid, account uuid, token text, session uuid, tenant uuid DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT format('SELECT %s(%s)', f::regproc, coalesce(string_agg(CASE
           WHEN t = 'uuid'::regtype AND name = 'session_id' THEN quote_literal(session) || '::uuid'
           WHEN name = 'feature' AND p.proname IN ('consume', 'quota', 'can_consume') THEN '''priv_unit''' WHEN name = 'period' THEN '''day''' WHEN name = 'display_name' THEN '''Priv''' WHEN name = 'currency' THEN '''usd'''
           WHEN name = 'time_zone' THEN '''UTC''' WHEN name = 'billing_interval' THEN '''month''' WHEN name IN ('on_request', 'apply_to_existing') THEN 'false' WHEN name = 'plan' AND p.proname = 'start_trial' THEN '''pro'''
           WHEN name = 'length' OR name = 'version' AND p.proname <> 'record_event' THEN 'NULL' WHEN name = 'name' AND p.proname ~ '_secret$' THEN '''priv.secret''' WHEN name = 'key' AND p.proname = 'set_plan' THEN '''priv''' WHEN name = 'price_id' THEN '''price_priv''' WHEN name ~ '^stripe_.*_price_id$' THEN 'NULL::text'
           WHEN name = 'plan' AND p.proname = 'retire_plan' THEN '''premium''' WHEN name = 'idempotency_key' AND p.proname = 'refund_consumption' THEN '''priv'''
           WHEN name = 'idempotency_key' AND p.proname <> 'refund_consumption' THEN 'NULL::text' WHEN name = 'kind' THEN '''bonus''' WHEN name = 'service' THEN '''priv.unit''' WHEN name = 'debits' THEN '''[{"service": "priv.unit"}]'''
           WHEN p.proname = 'watch_jobs' AND t <> 'integer'::regtype THEN '''{}''' WHEN name = 'jobs' THEN '''[{"type": "x"}]''' WHEN t IN ('uuid[]'::regtype, 'jsonb[]'::regtype) THEN 'NULL' WHEN p.proname ~ '_jobs$' AND name = 'types' THEN '''{x}''::text[]'
           WHEN name = 'cron' THEN '''@hourly''' WHEN p.proname = 'list_jobs' AND name = 'status' THEN 'NULL::text'
           WHEN name = 'key' AND p.proname ~ '_setting$|^setting_' AND p.proname <> 'set_setting' THEN quote_literal(CASE p.proname WHEN 'setting_number' THEN 'throttle.account_attempts' WHEN 'setting_duration' THEN 'sessions.lifetime'
             WHEN 'setting_boolean' THEN 'credits.hash_chain' WHEN 'setting_json' THEN 'priv.json' WHEN 'register_setting' THEN 'priv.own' WHEN 'delete_setting' THEN 'priv.json' ELSE 'tokens.issuer' END)
           WHEN name = 'category' THEN 'NULL::text' WHEN t = 'numeric'::regtype THEN 'NULL::numeric' WHEN name IN ('choices', 'types', 'aggregates') THEN 'NULL::text[]' WHEN p.proname = 'register_setting' AND name = 'type' THEN '''text'''
           WHEN name = 'type' THEN '''priv.recorded''' WHEN name = 'after' AND p.proname = 'event_feed' OR name = 'through' THEN 'NULL::text' WHEN name = 'start' THEN '''now'''
           WHEN name = 'consumer' THEN '''priv''' WHEN name = 'lease_id' THEN '(SELECT lease_id FROM regress.priv_events)' WHEN name = 'event_id' THEN format('(SELECT %s FROM regress.priv_events)', CASE p.proname WHEN 'retry_event' THEN 'failed_id' ELSE 'event_id' END)
           WHEN name = 'outcome' OR name = 'after' AND p.proname IN ('list_billing_events', 'replay_billing') THEN 'NULL::text' WHEN name = 'stripe_customer_id' THEN '''cus_priv'''
           WHEN name = 'month' THEN '''2020-01-01''::date' WHEN p.proname = '_maintain_event_months' AND t = 'text'::regtype THEN '''detach''' WHEN name = 'relation' AND p.proname = '_index_events' THEN '''latchkey.events_default''::regclass'
           WHEN name = 'time' OR name = 'from' THEN 'now()' WHEN t = 'interval'::regtype THEN '''1 day'''
           WHEN name = 'hold_id' THEN format('(SELECT id FROM regress.priv_credits WHERE account_id = %L AND kind = ''hold'')', account)
           WHEN name = 'transaction_id' THEN format('(SELECT id FROM regress.priv_credits WHERE account_id = %L AND kind = ''debit'')', account)
           WHEN t = 'uuid'::regtype AND name = 'after' THEN 'NULL::uuid'
           WHEN name = 'tenant_id' AND p.proname = 'switch_tenant' THEN 'NULL::uuid' WHEN name = 'invitation_id' THEN format('(SELECT invitation FROM regress.priv_tenants WHERE owner = %L)', account)
           WHEN name = 'tenant_id' AND tenant IS NULL AND p.proname ~ '_(tenant|tenant_status|hostname|hostnames|hostname_check|member|members|invitation|invitations|ownership|of|database|connection|provisioning|health|tenant_users|user_drift|user_sync|user_comparison|move|export|exports)$' AND p.proname !~ '^(roles|permissions)_of$'
             THEN format('(SELECT id FROM regress.priv_tenants WHERE owner = %L)', account)
           WHEN name = 'to_user_id' OR name = 'user_id' AND p.proname = 'remove_member' AND tenant IS NULL THEN format('(SELECT owner FROM regress.priv_tenants WHERE owner <> %L ORDER BY owner LIMIT 1)', account)
           WHEN name = 'from_user_id' THEN quote_literal(account) || '::uuid'
           WHEN p.proname = 'login' AND name IN ('tenant', 'host') THEN 'NULL::text'
           WHEN name = 'hostname' THEN quote_literal(CASE p.proname WHEN 'add_hostname' THEN 'new.' ELSE '' END || account || '.example') WHEN name = 'host' THEN quote_literal(account || '.example')
           WHEN name = 'connection' THEN '''{"host": "db.example.com", "database": "d", "user": "u"}''' WHEN name = 'template' AND p.proname = 'migrate_tenants' THEN '''store'''
           WHEN name = 'template' OR name = 'server' AND p.proname <> 'move_tenant' OR name = 'error' AND p.proname = 'record_provisioning' OR name = 'status' AND p.proname = 'list_tenant_databases' THEN 'NULL::text' WHEN name = 'name' AND p.proname ~ '_server$' THEN '''priv-spare'''
           WHEN name = 'dns_values' THEN 'NULL::text[]' WHEN name = 'slug' OR name IN ('status', 'kind') AND p.proname = 'list_tenants' THEN 'NULL::text' WHEN name = 'role' AND p.proname = 'invite_member' THEN '''staff'''
           WHEN p.proname = 'set_tenant_status' AND name = 'status' THEN '''suspended''' WHEN p.proname = 'skip_onboarding_step' AND name = 'step' THEN '''credits'''
           WHEN t = 'uuid'::regtype AND name = 'tenant_id' THEN quote_nullable(tenant) || '::uuid'
           WHEN name = 'service_account_id' THEN quote_literal((SELECT id FROM latchkey.service_accounts WHERE name = 'Privileges')) || '::uuid'
           WHEN name = 'key_id' THEN quote_literal((SELECT k.id FROM latchkey.api_keys k JOIN latchkey.service_accounts a ON a.id = k.service_account_id WHERE a.name = 'Privileges')) || '::uuid'
           WHEN name = 'server' AND p.proname = 'move_tenant' THEN '''priv-other''' WHEN name = 'export_id' OR name = 'job_id' AND p.proname ~ '_export$' THEN quote_literal(account) || '::uuid' WHEN p.proname = 'finish_export' AND name <> 'tenant_id' THEN 'NULL' WHEN name = 'run' THEN '1::bigint' WHEN name IN ('table_count', 'row_count') THEN 'NULL::bigint' WHEN p.proname IN ('record_move', 'finish_move') AND name IN ('error', 'checksum') THEN 'NULL::text' WHEN t IN ('bigint[]'::regtype) THEN 'NULL::bigint[]' WHEN name = 'rows' AND t = 'jsonb'::regtype THEN '''[]''::jsonb' WHEN name = 'until' THEN 'NULL::uuid'
           WHEN name = 'endpoint_id' THEN quote_literal(coalesce((SELECT w.id FROM regress.priv_webhooks w WHERE w.account_id = account), account)) || '::uuid'
           WHEN name = 'url' THEN '''https://example.com/''' WHEN name = 'event_types' THEN '''{*}''::text[]' WHEN p.proname = 'list_webhook_deliveries' AND name = 'status' THEN 'NULL::text'
           WHEN t = 'uuid'::regtype THEN quote_literal(account) || '::uuid'
           WHEN name = 'token' THEN quote_literal(token)
           WHEN name = 'email' THEN '''priv_new@example.com'''
           WHEN name IN ('password', 'current_password') THEN '''password of priv_ann'''
           WHEN name = 'new_password' THEN '''a new password'''
           WHEN name = 'hash' THEN 'NULL::text' WHEN name = 'plan' THEN '''free''' WHEN name = 'status' THEN '''active'''
           WHEN name = 'key' THEN '''tokens.issuer''' WHEN name = 'value' THEN '''latchkey''' WHEN name = 'feature' THEN '''model:gpt-3.5-turbo'''
           WHEN name IN ('scope', 'search', 'tier') OR (name = 'role' AND p.proname = 'invite_user') THEN 'NULL::text' WHEN name = 'role' OR (name = 'name' AND p.proname ~ '_role$') THEN '''support'''
           WHEN name IN ('permission', 'read', 'write') OR (name = 'name' AND p.proname ~ '_permission$') THEN '''users.read''' WHEN name = 'permissions' THEN '''{users.read}''::text[]'
           WHEN t = 'regclass'::regtype THEN '''regress.calls''::regclass' WHEN t = 'name'::regtype THEN 'NULL::name' WHEN t = 'boolean'::regtype THEN 'true'
           WHEN t = 'timestamptz'::regtype THEN 'NULL::timestamptz'
           WHEN name = 'algorithm' THEN '''HS256''' WHEN p.proname = 'get_model' THEN '''gpt-3.5-turbo'''
           WHEN t = 'text'::regtype THEN '''x''' WHEN t = 'jsonb'::regtype THEN '''{}''::jsonb' WHEN t = 'inet'::regtype THEN '''192.0.2.1''::inet' ELSE '1' END, ', ' ORDER BY place) FILTER (WHERE t IS NOT NULL), ''))
    FROM pg_proc p LEFT JOIN LATERAL unnest(p.proargtypes::oid[], p.proargnames) WITH ORDINALITY AS a (t, name, place) ON t IS NOT NULL
   WHERE p.oid = f GROUP BY p.oid
$$;
CREATE TABLE regress.calls AS
  SELECT p.oid::regprocedure::text COLLATE "C" AS function, regress.call_of(p.oid, :'ann', :'ann_token', :'ann_session') AS own, regress.call_of(p.oid, :'bob', :'ann_token', :'ann_session') AS others,
         'uuid'::regtype = ANY (p.proargtypes::oid[]) AS takes_id
    FROM pg_proc p WHERE p.pronamespace = 'latchkey'::regnamespace AND p.prorettype <> 'trigger'::regtype;
GRANT SELECT ON regress.calls TO PUBLIC;
CREATE FUNCTION regress.matrix(token text) RETURNS TABLE (function text, unbound text, bound_own text, bound_others text) LANGUAGE plpgsql AS $$
DECLARE
  call regress.calls;
BEGIN
  FOR call IN SELECT * FROM regress.calls AS c ORDER BY c.function LOOP
    function := call.function;
    unbound := regress.probe(call.own);
    bound_own := regress.probe_bound(token, call.own);
    bound_others := CASE WHEN call.takes_id THEN regress.probe_bound(token, call.others) ELSE '' END;
    RETURN NEXT;
  END LOOP;
END $$;
CREATE FUNCTION regress.probe_bound(token text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  state text;
BEGIN
  PERFORM latchkey.authenticate(token);
  state := regress.probe(statement);
  RAISE EXCEPTION USING ERRCODE = 'RG000';
EXCEPTION
  WHEN SQLSTATE 'RG000' THEN RETURN state;
  WHEN OTHERS THEN RETURN 'not bound: ' || SQLSTATE;
END $$;
SET ROLE regress_latchkey_gateway;
SELECT * FROM regress.matrix(:'ann_token') WHERE unbound <> '42501' OR bound_own <> '42501';
RESET ROLE;
SET ROLE regress_latchkey_app;
SELECT * FROM regress.matrix(:'ann_token') WHERE unbound <> '42501' OR bound_own <> '42501';
RESET ROLE;
-- Roles that can't bind: unbound only.
SET ROLE regress_latchkey_admin;
SELECT function, unbound FROM regress.matrix(:'ann_token') WHERE unbound <> '42501';
SET ROLE regress_latchkey_worker;
SELECT function, unbound FROM regress.matrix(:'ann_token') WHERE unbound <> '42501';
SET ROLE regress_latchkey_nobody;
SELECT unbound, bound_own, count(*) FROM regress.matrix(:'ann_token') GROUP BY 1, 2;
RESET ROLE;
-- An administrator who also holds the application's role gives up no check by binding an identity.
GRANT latchkey_app TO regress_latchkey_admin;
SET ROLE regress_latchkey_admin;
SELECT function, bound_own, bound_others FROM regress.matrix(:'ann_token') WHERE unbound = '00000' AND bound_others <> 'LK403';
RESET ROLE;
REVOKE latchkey_app FROM regress_latchkey_admin;
-- What was probed left nothing behind.
SELECT (SELECT count(*) FROM latchkey.find_user('priv_new@example.com')) AS created, (latchkey.get_user(:'ann')).status;
