-- Installing, dropping and installing again; hostile search paths and odd session settings.
SET client_min_messages = warning;
-- An application's own objects hold the extension.
CREATE VIEW regress.my_tier AS SELECT latchkey.current_tier() AS tier;
SELECT regress.error_of('DROP EXTENSION latchkey');
SELECT regress.error_of('DROP SCHEMA latchkey');
SELECT regress.error_of('DROP TABLE latchkey.users CASCADE');
SELECT regress.error_of('ALTER EXTENSION latchkey SET SCHEMA regress');
SELECT left(regress.error_of('DROP EXTENSION pgcrypto'), 5);
DROP EXTENSION latchkey CASCADE;
SELECT to_regclass('regress.my_tier') IS NULL AS view_gone, to_regnamespace('latchkey') IS NULL AS schema_gone,
       (SELECT count(*) FROM pg_policy WHERE polrelid = 'regress.notes'::regclass) AS policies;
-- A backend that had the extension loaded says so.
SELECT regress.error_of('SELECT latchkey.tier_of(NULL)');
-- The roles stay: they belong to the cluster, and another database may use them.
SELECT count(*) FROM pg_roles WHERE rolname IN ('latchkey_owner', 'latchkey_gateway', 'latchkey_app', 'latchkey_admin', 'latchkey_worker');

-- A schema that somebody made beforehand stops the installation; so does another schema to install into.
CREATE SCHEMA latchkey AUTHORIZATION regress_latchkey_nobody;
SELECT regress.error_of('CREATE EXTENSION latchkey');
SELECT regress.error_of('CREATE EXTENSION latchkey SCHEMA latchkey');
DROP SCHEMA latchkey;
SELECT left(regress.error_of('CREATE EXTENSION latchkey SCHEMA public'), 5);
-- Only a superuser installs it.
GRANT CREATE ON SCHEMA public TO regress_latchkey_nobody;
SET ROLE regress_latchkey_nobody;
SELECT left(regress.error_of('CREATE EXTENSION latchkey'), 5);
RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM regress_latchkey_nobody;
-- An owner with a superuser's rights is refused.
BEGIN;
ALTER ROLE latchkey_owner SUPERUSER;
SELECT regress.error_of('CREATE EXTENSION latchkey');
ROLLBACK;
SELECT count(*) FROM pg_extension WHERE extname = 'latchkey';

-- A schema full of traps before pg_catalog, and temporary tables before everything, while it installs and works.
CREATE SCHEMA evil;
CREATE TABLE evil.sprung (trap text);
GRANT ALL ON SCHEMA evil TO PUBLIC;
GRANT ALL ON evil.sprung TO PUBLIC;
DO $$
DECLARE
  s text;
BEGIN
  FOREACH s IN ARRAY ARRAY['lower(text) RETURNS text', 'now() RETURNS timestamptz', 'host(inet) RETURNS text', 'coalesce_all(text) RETURNS text', 'set_masklen(inet, integer) RETURNS inet', 'network(inet) RETURNS inet',
      'jsonb_typeof(jsonb) RETURNS text', 'jsonb_each(jsonb) RETURNS SETOF record', 'octet_length(text) RETURNS integer', 'cardinality(integer[]) RETURNS integer', 'unnest(integer[]) RETURNS SETOF integer',
      'format(text, text) RETURNS text', 'split_part(text, text, integer) RETURNS text', 'current_setting(text) RETURNS text', 'pg_extension_config_dump(regclass, text) RETURNS void', 'crypt(text, text) RETURNS text',
      'jsonb_object_agg_transfn(internal, text, text) RETURNS internal', 'texteq_evil(text, text) RETURNS boolean', 'uuideq_evil(uuid, uuid) RETURNS boolean', 'timestampgt_evil(timestamptz, timestamptz) RETURNS boolean'] LOOP
    BEGIN
      EXECUTE format('CREATE FUNCTION evil.%s LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO evil.sprung VALUES (%L); RAISE EXCEPTION ''trapped''; END $f$', s, s);
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
  END LOOP;
END $$;
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.texteq_evil);
CREATE OPERATOR evil.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.texteq_evil);
CREATE OPERATOR evil.~ (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.texteq_evil);
CREATE OPERATOR evil.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = evil.uuideq_evil);
CREATE OPERATOR evil.> (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = evil.timestampgt_evil);
CREATE OPERATOR evil.<= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = evil.timestampgt_evil);
CREATE TYPE evil.user_account AS (x integer);
CREATE TABLE evil.settings (x integer);
CREATE TEMP TABLE users (x integer);
CREATE TEMP TABLE pg_class (x integer);
CREATE TEMP TABLE pg_proc (x integer);
CREATE TEMP TABLE settings (x integer);
SET search_path = evil, pg_temp, pg_catalog;
CREATE EXTENSION latchkey;
SET search_path = pg_catalog;
SELECT latchkey.set_setting('passwords.argon2_memory_kib', '8192');
CREATE FUNCTION evil.use(label text) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  started latchkey.login_result;
  again latchkey.login_result;
  steps text;
BEGIN
  PERFORM set_config('search_path', 'evil, pg_temp, pg_catalog', true);
  PERFORM latchkey.bind_request(label, '192.0.2.1', 'agent');
  started := latchkey.sign_up(pg_catalog.concat(label, '@example.com'), 'password of all', label, '{"a": 1}');
  steps := started.outcome;
  again := latchkey.login(pg_catalog.concat(label, '@EXAMPLE.com'), 'wrong password');
  steps := pg_catalog.concat_ws(' ', steps, again.outcome);
  again := latchkey.login(pg_catalog.concat(label, '@EXAMPLE.com'), 'password of all');
  steps := pg_catalog.concat_ws(' ', steps, again.outcome, (latchkey.verify(again.token)).email);
  again := latchkey.refresh(again.token);
  steps := pg_catalog.concat_ws(' ', steps, again.outcome, (latchkey.authenticate(again.token)).name, latchkey.current_tier(), (latchkey.update_profile(started.user_id, profile => '{"b": null}')).profile::text,
    (latchkey.count_usage(started.user_id)).usage_total, latchkey.can_use(started.user_id, 'model:gpt-4'), (SELECT pg_catalog.count(*) FROM latchkey.list_models(started.user_id)),
    (SELECT pg_catalog.count(*) FROM latchkey.list_sessions(started.user_id)), latchkey.get_setting('sessions.lifetime'), latchkey.verify_password('from-php', '$2y$06$WR.BvYZqLDa5nSuwvy2o8OVKNSZk71uUw5XImWdyY9b17HUOJinbS'),
    (latchkey.change_password(started.user_id, 'password of all', 'another password')).outcome, latchkey.logout(again.token));
  RETURN steps;
END $$;
SET search_path = evil, pg_temp, pg_catalog;
SELECT evil.use('trap');
SET ROLE regress_latchkey_app;
SELECT evil.use('trap_as_app');
RESET ROLE;
RESET search_path;
SELECT pg_catalog.string_agg(trap, ', ') AS sprung FROM evil.sprung;
-- Everything was made where it belongs, also in this backend that had the first installation cached.
SELECT count(*) AS outside FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'latchkey'
 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND pg_describe_object(d.classid, d.objid, d.objsubid) !~ 'latchkey';
DROP TABLE pg_temp.users, pg_temp.pg_class, pg_temp.pg_proc, pg_temp.settings;
SELECT evil.use('plain');

-- Session settings that change how SQL reads and prints.
CREATE FUNCTION evil.use_with(setting text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  steps text;
BEGIN
  PERFORM set_config(setting, value, true);
  steps := evil.use('odd');
  RAISE EXCEPTION USING ERRCODE = 'RG000';
EXCEPTION WHEN SQLSTATE 'RG000' THEN
  RETURN steps;
END $$;
SELECT setting, value, evil.use_with(setting, value) = evil.use_with('application_name', 'x') AS works
  FROM (VALUES ('datestyle', 'German, DMY'), ('datestyle', 'SQL, YMD'), ('intervalstyle', 'sql_standard'), ('intervalstyle', 'iso_8601'), ('timezone', 'Asia/Kathmandu'), ('timezone', '<+14>-14'),
               ('standard_conforming_strings', 'off'), ('row_security', 'off'), ('transform_null_equals', 'on'), ('bytea_output', 'escape'), ('extra_float_digits', '-15'), ('xmlbinary', 'hex'),
               ('plan_cache_mode', 'force_custom_plan'), ('array_nulls', 'off'), ('backslash_quote', 'off'), ('quote_all_identifiers', 'on'), ('enable_indexscan', 'off'), ('jit_above_cost', '0'),
               ('synchronous_commit', 'off'), ('lock_timeout', '10s'), ('default_table_access_method', 'heap'), ('check_function_bodies', 'off'), ('session_replication_role', 'replica'),
               ('constraint_exclusion', 'on'), ('work_mem', '64kB')) AS t (setting, value);
-- The same at each isolation level.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT evil.use('repeatable');
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT evil.use('serializable');
COMMIT;
BEGIN READ ONLY;
SELECT left(regress.error_of('SELECT evil.use(''read_only'')'), 5);
COMMIT;

-- Cleaning up for the next run.
DROP EXTENSION latchkey CASCADE;
DROP SCHEMA evil CASCADE;
DROP SCHEMA regress CASCADE;
DROP ROLE regress_latchkey_app, regress_latchkey_gateway, regress_latchkey_admin, regress_latchkey_worker, regress_latchkey_nobody;
