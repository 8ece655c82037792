-- Each SQLSTATE that this release raises, with everything that a caller sees of it, also from deep within nested calls.
SELECT regress.new_user('max') AS max \gset
SELECT regress.new_user('mia') AS mia \gset
SELECT regress.token_of('max') AS token \gset
-- Message, detail, hint and context: no secret in any of them, and no context that names a statement with one.
CREATE FUNCTION regress.whole_error(statement text, OUT state text, OUT message text, OUT detail text, OUT hint text, OUT leaks boolean) LANGUAGE plpgsql AS $$
DECLARE
  context text;
BEGIN
  EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
  leaks := concat(message, detail, hint) ~* 'hunter2';
END $$;
SELECT e.* FROM unnest(ARRAY[
  'SELECT latchkey.hash_password(''hunter2'')',
  'SELECT latchkey.verify_password(''hunter2-hunter2'', ''hunter2'')',
  'SELECT latchkey.register_user(''max@example.com'', ''hunter2-hunter2'')',
  'SELECT latchkey.sign_up(''max@example.com'', ''hunter2-hunter2'')',
  'SELECT latchkey.login(''max@example.com'', repeat(''hunter2'', 200))',
  'SELECT latchkey.verify(''hunter2'')', 'SELECT latchkey.authenticate(''hunter2'')', 'SELECT latchkey.refresh(''hunter2'')',
  'SELECT latchkey.reset_password(''hunter2'', ''hunter2-hunter2'')', 'SELECT latchkey.confirm_email(''hunter2'')',
  'SELECT latchkey.import_users(''"hunter2"'')',
  'SELECT latchkey.get_user(''00000000-0000-7000-8000-000000000000'')',
  'SELECT latchkey.get_setting(''nothing'')', 'SELECT latchkey.set_setting(''sessions.lifetime'', ''nothing'')',
  format('SELECT latchkey.require_tier(%L, ''pro'')', :'max'), format('SELECT latchkey.get_model(%L, ''gpt-4'')', :'max'),
  'DELETE FROM latchkey.events']) AS s, regress.whole_error(s) AS e;
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'token');
SELECT e.* FROM regress.whole_error(format('SELECT latchkey.get_user(%L)', :'mia')) AS e;
COMMIT;
-- Who may not do what it needs: the gateway without an identity.
SET ROLE regress_latchkey_gateway;
SELECT e.* FROM regress.whole_error(format('SELECT latchkey.get_user(%L)', :'max')) AS e;
RESET ROLE;
-- The server's own errors pass through unchanged.
SELECT e.* FROM unnest(ARRAY['SELECT latchkey.get_user(''no uuid'')', 'SELECT latchkey.bind_request(''r'', ''no address'')', 'SELECT latchkey.register_user(''x@example.com'', profile => ''{'')',
  'SELECT latchkey.find_user(U&''\0061\D800'')', 'SELECT latchkey.verify(convert_from(''\xff'', ''UTF8''))', 'SELECT latchkey.update_profile(NULL, profile => ''{"a": "\u0000"}'')']) AS s, regress.whole_error(s) AS e;
\set SHOW_CONTEXT never
SET statement_timeout = '150ms';
SELECT latchkey.hash_password('long enough ' || n) IS NULL AS hashed FROM generate_series(1, 100000) AS n;
RESET statement_timeout;
-- A set-returning function where no set fits, and a trigger function that is called.
SELECT regress.error_of('SELECT latchkey._invalidate()');
SELECT regress.error_of('SELECT latchkey._check_setting()');

-- Thrown in nested calls and caught in EXCEPTION blocks, thousands of times: state intact, nothing grows.
CREATE FUNCTION regress.nested(depth integer, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF depth = 0 THEN
    EXECUTE statement;
  ELSE
    PERFORM regress.nested(depth - 1, statement);
  END IF;
  RETURN 'no error';
EXCEPTION WHEN SQLSTATE 'LK404' THEN
  IF depth = 3 THEN RETURN SQLERRM; END IF;
  RAISE;
END $$;
SELECT regress.nested(3, 'SELECT latchkey.get_setting(''nothing'')');
CREATE FUNCTION regress.memory() RETURNS bigint LANGUAGE sql AS 'SELECT sum(used_bytes)::bigint FROM pg_backend_memory_contexts';
CREATE FUNCTION regress.storm(rounds integer) RETURNS TABLE (state text, count bigint) LANGUAGE plpgsql AS $$
DECLARE
  statements text[] := ARRAY['SELECT latchkey.verify(''x.y.z'')', 'SELECT latchkey.get_setting(''nothing'')', 'SELECT latchkey.get_user(NULL)', 'SELECT latchkey.get_user(''x'')',
                             'SELECT latchkey.set_setting(''sessions.lifetime'', ''nothing'')', 'UPDATE latchkey.events SET type = ''x'' WHERE type = ''user.registered''',
                             'SELECT latchkey.import_users(''5'')', 'SELECT latchkey.register_user(''max@example.com'')'];
  seen jsonb := '{}';
  code text;
BEGIN
  FOR i IN 1 .. rounds LOOP
    code := left(regress.error_of(statements[1 + i % array_length(statements, 1)]), 5);
    seen := jsonb_set(seen, ARRAY[code], to_jsonb(coalesce((seen ->> code)::integer, 0) + 1));
  END LOOP;
  RETURN QUERY SELECT key, value::bigint FROM jsonb_each_text(seen) ORDER BY key;
END $$;
SELECT * FROM regress.storm(800);
SELECT regress.memory() AS before \gset
SELECT * FROM regress.storm(10000);
SELECT regress.memory() - :before < 200000 AS memory_flat;
-- The session works on: identity, user and search path are what they were.
SELECT current_user = session_user AS same_user, current_setting('search_path') AS search_path, regress.who();
