-- API keys: how machines authenticate, and what their keys may do.
-- Who takes part: dora administers the platform, tess the tenant, sam may make keys and read users, nick may nothing.
SELECT regress.new_user('key_dora') AS dora, regress.new_user('key_tess') AS tess, regress.new_user('key_sam') AS sam, regress.new_user('key_nick') AS nick,
       regress.new_user('key_owner') AS owner, '00000000-0000-0000-0000-000000000001' AS nothing \gset
SELECT t.id AS tenant, o.id AS other_tenant FROM latchkey.create_tenant(:'owner', 'Keys') AS t, latchkey.create_tenant(:'owner', 'Other keys') AS o \gset
SELECT count(*) FROM latchkey.create_role('key_maker', '{api_keys.*,users.read}');
SELECT (latchkey.grant_role(:'dora', 'admin')).role, (latchkey.grant_role(:'tess', 'admin', :'tenant')).role, (latchkey.grant_role(:'sam', 'key_maker')).role;
CREATE FUNCTION regress.token_works(token text) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(left(regress.error_of(format(s, token)), 5), ' ') FROM unnest(ARRAY['SELECT latchkey.verify(%L)', 'SELECT latchkey.authenticate(%L)']) AS s
$$;

-- Service accounts.
SELECT id AS robot FROM latchkey.create_service_account('Robot', 'Runs at night') \gset
SELECT id AS local FROM latchkey.create_service_account('Local robot', tenant_id => :'tenant') \gset
SELECT name, description, tenant_id = :'tenant' AS in_tenant, created_at <= now() AS created, created_by, disabled_at FROM latchkey.list_service_accounts() WHERE id IN (:'robot', :'local');
SELECT name FROM latchkey.list_service_accounts(:'tenant');
SELECT name FROM latchkey.list_service_accounts(max_rows => 1);
SELECT name FROM latchkey.list_service_accounts(after => :'local', max_rows => 1);
SELECT count(*) FROM latchkey.list_service_accounts(:'other_tenant');
SELECT regress.error_of(s) FROM unnest(ARRAY['SELECT latchkey.create_service_account(NULL)', 'SELECT latchkey.create_service_account('''')', 'SELECT latchkey.create_service_account(''  '')',
  'SELECT latchkey.create_service_account(E''a\nb'')', 'SELECT latchkey.create_service_account(repeat(''n'', 201))', 'SELECT latchkey.create_service_account(''x'', NULL)',
  'SELECT latchkey.create_service_account(''x'', repeat(''d'', 501))', format('SELECT latchkey.create_service_account(''x'', '''', %L)', :'nothing'),
  format('SELECT latchkey.create_service_account(''x'', '''', %L)', :'dora'),
  'SELECT latchkey.list_service_accounts(max_rows => 0)', 'SELECT latchkey.list_service_accounts(max_rows => 1001)', 'SELECT latchkey.list_service_accounts(max_rows => NULL)']) AS s;
SELECT left(regress.error_of(format(s, :'nothing')), 60) FROM unnest(ARRAY['SELECT latchkey.disable_service_account(%L)', 'SELECT latchkey.enable_service_account(%L)', 'SELECT latchkey.delete_service_account(%L)',
  'SELECT latchkey.create_api_key(%L, ''{}'')', 'SELECT latchkey.list_api_keys(%L)', 'SELECT latchkey.rotate_api_key(%L)', 'SELECT latchkey.revoke_api_key(%L)',
  'SELECT latchkey.disable_service_account(NULL)', 'SELECT latchkey.create_api_key(NULL, ''{}'')', 'SELECT latchkey.list_api_keys(NULL)', 'SELECT latchkey.rotate_api_key(NULL)', 'SELECT latchkey.revoke_api_key(NULL)']) AS s;

-- A key: its token is shown once, and only its hash is kept.
SELECT id AS key, token, prefix FROM latchkey.create_api_key(:'robot', '{users.read,plans.*,users.read}') \gset
SELECT :'token' ~ '^lk_[0-9a-hjkmnp-tv-z]{12}_[A-Za-z0-9_-]{43}$' AS form, starts_with(:'token', :'prefix' || '_') AS prefixed;
SELECT secret_hash = sha256(regress.from_base64url(substr(:'token', 17))) AS hashed FROM latchkey.api_keys WHERE id = :'key';
SELECT id = :'key' AS key, service_account_id = :'robot' AS account, prefix = :'prefix' AS prefix, permissions, created_at <= clock_timestamp() AS created, created_by, expires_at, last_used_at, revoked_at, replaced_by
  FROM latchkey.list_api_keys(:'robot');
CREATE FUNCTION regress.holders_of(secret text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  relation regclass;
  found boolean;
BEGIN
  FOR relation IN SELECT oid FROM pg_class WHERE relnamespace = 'latchkey'::regnamespace AND relkind = 'r' LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %s AS t WHERE strpos(t::text, $1) > 0 OR strpos(t::text, $2) > 0)', relation)
      INTO found USING secret, encode(regress.from_base64url(secret), 'hex');
    IF found THEN RETURN NEXT relation::text; END IF;
  END LOOP;
END $$;
SELECT * FROM regress.holders_of(substr(:'token', 17));
SELECT regress.error_of(format(s, :'robot')) FROM unnest(ARRAY['SELECT latchkey.create_api_key(%L, NULL)', 'SELECT latchkey.create_api_key(%L, ''{users}'')', 'SELECT latchkey.create_api_key(%L, ''{NULL}'')',
  'SELECT latchkey.create_api_key(%L, ''{users.read,no.such_thing}'')', 'SELECT latchkey.create_api_key(%L, ''{"users.read plans.read"}'')',
  'SELECT latchkey.create_api_key(%L, ARRAY(SELECT ''a.b'' || n || ''.*'' FROM generate_series(1, 201) AS n))',
  'SELECT latchkey.create_api_key(%L, ''{}'', now())', 'SELECT latchkey.create_api_key(%L, ''{}'', ''-infinity'')', 'SELECT latchkey.create_api_key(%L, ''{}'', ''infinity'')']) AS s;
SELECT count(*) FROM latchkey.list_api_keys(:'robot');

-- What a key is, to who asks.
SELECT * FROM latchkey.verify(:'token');
SELECT count(last_used_at) AS verifying_is_no_use FROM latchkey.list_api_keys(:'robot');
BEGIN;
SELECT * FROM latchkey.authenticate(:'token');
SELECT latchkey.current_user_id(), latchkey.current_session_id(), latchkey.current_tenant_id(), latchkey.current_role_name(), latchkey.current_tier();
SELECT latchkey.has_permission('users.read') AS read, latchkey.has_permission('users.read', :'tenant') AS read_in_tenant, latchkey.has_permission('roles.read') AS roles, latchkey.permitted_tenants('users.read');
COMMIT;
SELECT last_used_at BETWEEN now() - interval '1 minute' AND clock_timestamp() AS used FROM latchkey.list_api_keys(:'robot');
-- Its use is noted once a minute at most.
CREATE FUNCTION regress.notes_use(token text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  before xid := (SELECT u.xmin FROM latchkey.api_keys k JOIN latchkey.api_key_uses u ON u.key_id = k.id WHERE k.prefix = left(token, 15));
BEGIN
  PERFORM latchkey.authenticate(token);
  RETURN before <> (SELECT u.xmin FROM latchkey.api_keys k JOIN latchkey.api_key_uses u ON u.key_id = k.id WHERE k.prefix = left(token, 15));
END $$;
SELECT regress.notes_use(:'token') AS just_now;
UPDATE latchkey.api_key_uses SET last_used_at = clock_timestamp() - interval '59 seconds' WHERE key_id = :'key';
SELECT regress.notes_use(:'token') AS after_59_seconds;
UPDATE latchkey.api_key_uses SET last_used_at = clock_timestamp() - interval '61 seconds' WHERE key_id = :'key';
SELECT regress.notes_use(:'token') AS after_61_seconds;
-- Where the transaction may not write, it authenticates all the same.
UPDATE latchkey.api_key_uses SET last_used_at = NULL WHERE key_id = :'key';
BEGIN READ ONLY;
SELECT regress.notes_use(:'token') IS TRUE AS read_only, latchkey.has_permission('users.read');
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT regress.notes_use(:'token') IS TRUE AS serializable, latchkey.has_permission('users.read');
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM latchkey.api_keys WHERE id = :'key';
SELECT count(*) FROM latchkey.authenticate(:'token');
COMMIT;
SELECT count(*) FROM latchkey.api_key_uses WHERE key_id = :'key' AND last_used_at IS NOT NULL;
-- A row that can't be written is no reason to fail.
UPDATE latchkey.api_key_uses SET last_used_at = NULL WHERE key_id = :'key';
ALTER TABLE latchkey.api_key_uses ADD CONSTRAINT never CHECK (last_used_at IS NULL) NOT VALID;
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'token');
SELECT latchkey.has_permission('users.read');
COMMIT;
ALTER TABLE latchkey.api_key_uses DROP CONSTRAINT never;

-- One answer for whatever is wrong with a token.
SELECT DISTINCT regress.error_of(format('SELECT latchkey.verify(%L)', t)) AS error, count(*) OVER () FROM unnest(ARRAY['lk_', 'lk_x', :'prefix', :'prefix' || '_', left(:'token', -1), :'token' || 'A', :'token' || '=', ' ' || :'token',
  upper(:'token'), 'lk_000000000000_' || substr(:'token', 17), :'prefix' || '_' || repeat('A', 43), replace(:'token', '_', '-'), repeat('lk_', 2000)]) AS t;
SELECT regress.token_works(:'token');
-- A key is no session.
SELECT latchkey.logout(:'token'), regress.error_of(format('SELECT latchkey.refresh(%L)', :'token'));

-- With and without the permission. It owns no account, so nothing is its own.
SELECT id AS able, token AS able_token FROM latchkey.create_api_key(:'robot', '{users.read,sessions.read,roles.read,api_keys.read,usage.*}') \gset
SELECT id AS unable, token AS unable_token FROM latchkey.create_api_key(:'robot', '{}') \gset
SELECT s AS statement, left(regress.error_as(:'able_token', format(s, :'nick')), 5) AS able, left(regress.error_as(:'unable_token', format(s, :'nick')), 5) AS unable
  FROM unnest(ARRAY['SELECT latchkey.get_user(%L)', 'SELECT latchkey.list_sessions(%L)', 'SELECT latchkey.roles_of(%L)', 'SELECT latchkey.permissions_of(%L)', 'SELECT latchkey.list_roles()',
                    'SELECT latchkey.list_service_accounts()', 'SELECT latchkey.count_usage(%L)', 'SELECT latchkey.block_user(%L)', 'SELECT latchkey.update_profile(%L, ''x'')', 'SELECT latchkey.logout_everywhere(%L)',
                    'SELECT latchkey.change_password(%L, ''a'', ''b'')', 'SELECT latchkey.set_tier(%L, ''pro'')', 'SELECT latchkey.grant_role(%L, ''support'')', 'SELECT latchkey.create_role(''x'', ''{}'')',
                    'SELECT latchkey.create_service_account(''x'')', 'SELECT latchkey.set_setting(''tokens.issuer'', ''x'')', 'SELECT latchkey.rotate_signing_key()']) AS s;

-- A tenant's key counts in its tenant only, whatever its patterns say.
SELECT id AS local_key, token AS local_token FROM latchkey.create_api_key(:'local', '{*}') \gset
SELECT tenant_id = :'tenant' AS in_tenant, name, role FROM latchkey.verify(:'local_token');
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'local_token');
SELECT latchkey.current_tenant_id() = :'tenant' AS tenant, latchkey.has_permission('users.read', :'tenant') AS here, latchkey.has_permission('users.read', :'other_tenant') AS there, latchkey.has_permission('users.read') AS everywhere,
       latchkey.permitted_tenants('users.read') = ARRAY[:'tenant'::uuid] AS permitted;
COMMIT;
SELECT s AS statement, left(regress.error_as(:'local_token', format(s, :'tenant')), 5) AS here, left(regress.error_as(:'local_token', format(s, :'other_tenant')), 5) AS there
  FROM unnest(ARRAY['SELECT latchkey.list_service_accounts(%L)', 'SELECT latchkey.create_service_account(''x'', '''', %L)', 'SELECT latchkey.list_roles(%L)', 'SELECT latchkey.create_role(''key_role'', ''{users.read}'', '''', %L)']) AS s;
SELECT regress.error_as(:'local_token', s) FROM unnest(ARRAY['SELECT latchkey.list_service_accounts()', format('SELECT latchkey.get_user(%L)', :'nick'), format('SELECT latchkey.create_api_key(%L, ''{}'')', :'robot'),
  format('SELECT latchkey.revoke_api_key(%L)', :'key'), format('SELECT latchkey.create_api_key(%L, ''{*}'')', :'local')]) AS s;

-- Nobody gives what they don't hold: users, and keys to keys.
SELECT regress.token_of('key_dora') AS dora_token, regress.token_of('key_tess') AS tess_token, regress.token_of('key_sam') AS sam_token, regress.token_of('key_nick') AS nick_token \gset
SELECT token AS maker_token, id AS maker FROM latchkey.create_api_key(:'robot', '{api_keys.*,users.read}') \gset
SELECT p AS permissions, left(regress.error_as(:'dora_token', format(s, :'robot', p)), 5) AS admin, left(regress.error_as(:'sam_token', format(s, :'robot', p)), 5) AS sam, left(regress.error_as(:'maker_token', format(s, :'robot', p)), 5) AS key,
       left(regress.error_as(:'tess_token', format(s, :'robot', p)), 5) AS tess, left(regress.error_as(:'tess_token', format(s, :'local', p)), 5) AS tess_in_tenant, left(regress.error_as(:'nick_token', format(s, :'robot', p)), 5) AS nick
  FROM unnest(ARRAY['{}', '{users.read}', '{api_keys.read}', '{api_keys.*}', '{users.*}', '{*.read}', '{users.read,users.write}', '{*}']) AS p, (VALUES ('SELECT latchkey.create_api_key(%L, %L)')) AS v (s);
SELECT regress.error_as(:'sam_token', format('SELECT latchkey.create_api_key(%L, ''{*}'')', :'robot'));
-- Rotating and enabling give as well; ending a key takes nothing but api_keys.write.
SELECT s AS statement, left(regress.error_as(:'dora_token', format(s, :'key', :'robot')), 5) AS admin, left(regress.error_as(:'sam_token', format(s, :'key', :'robot')), 5) AS sam, left(regress.error_as(:'maker_token', format(s, :'key', :'robot')), 5) AS key,
       left(regress.error_as(:'tess_token', format(s, :'key', :'robot')), 5) AS tess, left(regress.error_as(:'tess_token', format(s, :'local_key', :'local')), 5) AS tess_in_tenant, left(regress.error_as(:'nick_token', format(s, :'key', :'robot')), 5) AS nick
  FROM unnest(ARRAY['SELECT latchkey.list_api_keys(%2$L)', 'SELECT latchkey.rotate_api_key(%1$L)', 'SELECT latchkey.revoke_api_key(%1$L)', 'SELECT latchkey.disable_service_account(%2$L)',
                    'SELECT latchkey.enable_service_account(%2$L)', 'SELECT latchkey.delete_service_account(%2$L)']) AS s;
-- Ids of others and ids of nothing look the same.
SELECT regress.error_as(:'tess_token', format('SELECT latchkey.list_api_keys(%L)', :'robot')) = regress.error_as(:'tess_token', format('SELECT latchkey.list_api_keys(%L)', :'nothing')) AS same;
-- What a key makes ends with it at the latest.
SELECT token AS brief_token, expires_at AS brief_end FROM latchkey.create_api_key(:'robot', '{api_keys.*}', now() + interval '1 hour') \gset
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'brief_token');
SELECT (latchkey.create_api_key(:'robot', '{}', e)).expires_at = :'brief_end' AS cut FROM unnest(ARRAY[NULL, 'infinity', now() + interval '1 year', now() + interval '1 minute']) AS e;
SELECT bool_and((latchkey.rotate_api_key(id)).expires_at <= :'brief_end') AS cut FROM latchkey.list_api_keys(:'robot') WHERE permissions = '{}' AND replaced_by IS NULL;
ROLLBACK;

-- An end takes effect at its instant, also within a statement's snapshot.
SELECT id AS short, token AS short_token FROM latchkey.create_api_key(:'robot', '{users.read}', clock_timestamp() + interval '300 milliseconds') \gset
SELECT regress.token_works(:'short_token'), expires_at > now() AS lives FROM latchkey.verify(:'short_token');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM latchkey.verify(:'short_token');
SELECT pg_sleep(0.35);
SELECT regress.token_works(:'short_token');
COMMIT;
SELECT regress.error_of(format('SELECT latchkey.rotate_api_key(%L)', :'short'));

-- Rotation: both work for the overlap.
SELECT id AS old, token AS old_token, expires_at AS old_end FROM latchkey.create_api_key(:'robot', '{users.read}', now() + interval '10 days') \gset
SELECT regress.error_of(format('SELECT latchkey.rotate_api_key(%L, %L)', :'old', o)) FROM unnest(ARRAY[NULL, '-1 second', '30 days 00:00:01', '1 year', '170000000 years']) AS o;
SELECT id AS new, token AS new_token, permissions, expires_at BETWEEN clock_timestamp() + interval '9 days 23:59' AND clock_timestamp() + interval '10 days' AS as_long, id <> :'old' AND prefix <> left(:'old_token', 15) AS another FROM latchkey.rotate_api_key(:'old', '300 milliseconds') \gset
SELECT :'permissions' AS permissions, :'as_long' AS as_long, :'another' AS another, regress.token_works(:'old_token') AS old, regress.token_works(:'new_token') AS new;
SELECT replaced_by = :'new' AS replaced, expires_at < now() + interval '1 second' AS ends FROM latchkey.list_api_keys(:'robot') WHERE id = :'old';
SELECT regress.error_of(format('SELECT latchkey.rotate_api_key(%L)', :'old'));
SELECT pg_sleep(0.35);
SELECT regress.token_works(:'old_token') AS old, regress.token_works(:'new_token') AS new;
SELECT token AS newest_token FROM latchkey.rotate_api_key(:'new', '0') \gset
SELECT regress.token_works(:'new_token') AS old, regress.token_works(:'newest_token') AS new;
-- An overlap does not make the old one last.
SELECT id AS ending FROM latchkey.create_api_key(:'robot', '{}', now() + interval '1 hour') \gset
SELECT count(*) FROM latchkey.rotate_api_key(:'ending', '30 days');
SELECT expires_at < now() + interval '61 minutes' AS ends FROM latchkey.list_api_keys(:'robot') WHERE id = :'ending';
SELECT expires_at IS NULL AS endless, (latchkey.rotate_api_key(id, '1 month')).expires_at IS NULL AS successor FROM latchkey.list_api_keys(:'robot') WHERE id = :'key';
SELECT expires_at - now() <= interval '30 days' AS bounded, expires_at > now() + interval '29 days' AS long FROM latchkey.list_api_keys(:'robot') WHERE id = :'key';

-- Revoking and disabling: refused at the very next call, also in a transaction that began before.
SELECT latchkey.revoke_api_key(:'able'), regress.token_works(:'able_token');
SELECT regress.error_of(format('SELECT latchkey.revoke_api_key(%L)', :'able')), regress.error_of(format('SELECT latchkey.rotate_api_key(%L)', :'able'));
SELECT name, disabled_at IS NOT NULL AS disabled FROM latchkey.disable_service_account(:'local');
SELECT disabled_at < clock_timestamp() AS keeps_its_time FROM latchkey.disable_service_account(:'local');
SELECT regress.token_works(:'local_token'), regress.token_works(:'token') AS of_another;
SELECT disabled_at FROM latchkey.enable_service_account(:'local');
SELECT disabled_at FROM latchkey.enable_service_account(:'local');
SELECT regress.token_works(:'local_token');
SELECT latchkey.delete_service_account(:'local'), regress.token_works(:'local_token'), regress.error_of(format('SELECT latchkey.list_api_keys(%L)', :'local'));
SELECT (SELECT count(*) FROM latchkey.api_keys WHERE service_account_id = :'local') AS keys, (SELECT count(*) FROM latchkey.api_key_uses WHERE key_id = :'local_key') AS uses;

-- Bound to the transaction, with savepoints, as a user is.
SET ROLE regress_latchkey_app;
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'unable_token');
SELECT latchkey.has_permission('users.read');
SAVEPOINT a;
SELECT count(*) FROM latchkey.authenticate(:'token');
SELECT latchkey.has_permission('users.read');
ROLLBACK TO a;
SELECT latchkey.has_permission('users.read');
SAVEPOINT b;
SELECT count(*) FROM latchkey.authenticate(:'token');
RELEASE b;
SELECT latchkey.has_permission('users.read');
SELECT count(*) FROM latchkey.authenticate(:'nick_token');
SELECT latchkey.has_permission('users.read'), latchkey.current_user_id() = :'nick' AS nick;
ROLLBACK;
SELECT latchkey.has_permission('users.read');
RESET ROLE;
-- A key in policies: by permission, never as an owner.
CREATE TABLE regress.key_notes (owner_id uuid, tenant_id uuid, text text);
INSERT INTO regress.key_notes VALUES (:'nick', NULL, 'of nick'), (:'robot', NULL, 'of an id that is no user''s'), (:'nick', :'tenant', 'of the tenant');
GRANT SELECT ON regress.key_notes TO regress_latchkey_app;
SELECT count(*) FROM latchkey.protect_table('regress.key_notes', 'owner_id', 'tenant_id', 'users.read', 'users.write');
SELECT id AS site FROM latchkey.create_service_account('Site', '', :'tenant') \gset
SELECT token AS site_token FROM latchkey.create_api_key(:'site', '{users.read}') \gset
SET ROLE regress_latchkey_app;
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'unable_token');
SELECT text FROM regress.key_notes ORDER BY text;
SELECT count(*) FROM latchkey.authenticate(:'site_token');
SELECT text FROM regress.key_notes ORDER BY text;
SELECT count(*) FROM latchkey.authenticate(:'token');
SELECT text FROM regress.key_notes ORDER BY text;
COMMIT;
RESET ROLE;

-- Events name who did it.
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'maker_token');
SELECT id AS made FROM latchkey.create_service_account('Made by a key') \gset
SELECT id AS made_key FROM latchkey.create_api_key(:'made', '{users.read}') \gset
SELECT latchkey.revoke_api_key(:'made_key');
SELECT count(*) FROM latchkey.disable_service_account(:'made');
SELECT latchkey.delete_service_account(:'made');
COMMIT;
SELECT aggregate, type, actor_id = :'robot' AS by_robot, account_id = '00000000-0000-0000-0000-000000000000' AS platform, data - 'prefix' - 'service_account_id' AS data
  FROM latchkey.events WHERE aggregate_id IN (:'made', :'made_key') ORDER BY id;
SELECT type, actor_id, account_id = :'tenant' AS of_tenant FROM latchkey.events WHERE aggregate_id = :'local' ORDER BY id;
SELECT type, data ? 'prefix' AS prefix, data ->> 'replaced_by' = :'new' AS successor FROM latchkey.events WHERE aggregate_id = :'old' ORDER BY id;
SELECT created_by = :'dora' AS by_dora FROM (SELECT latchkey.authenticate(:'dora_token')) AS a, LATERAL latchkey.create_service_account('By Dora') AS s;

-- The gateway's role needs an identity; the application's gets none of it.
SET ROLE regress_latchkey_gateway;
SELECT regress.error_of('SELECT latchkey.list_service_accounts()'), regress.error_of(format('SELECT latchkey.create_api_key(%L, ''{*}'')', :'robot'));
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'dora_token');
SELECT count(*) > 0 AS listed FROM latchkey.list_service_accounts();
COMMIT;
RESET ROLE;
SET ROLE regress_latchkey_app;
SELECT regress.probe('SELECT latchkey.list_service_accounts()'), regress.probe(format('SELECT latchkey.create_api_key(%L, ''{*}'')', :'robot')), regress.probe('SELECT * FROM latchkey.api_keys');
RESET ROLE;
SET ROLE regress_latchkey_admin;
SELECT regress.probe('SELECT prefix FROM latchkey.api_keys'), regress.probe('SELECT secret_hash FROM latchkey.api_keys');
RESET ROLE;
