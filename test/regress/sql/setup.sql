-- What the other tests share: the extension, roles, and helpers in schema regress. The server needs a master key.
SET client_min_messages = warning;
CREATE EXTENSION latchkey CASCADE;

-- Roles belong to the whole cluster: an earlier run may have left them.
DO $$
DECLARE
  kind text;
BEGIN
  FOREACH kind IN ARRAY ARRAY['app', 'gateway', 'admin', 'worker', 'nobody'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'regress_latchkey_' || kind) THEN
      EXECUTE format('CREATE ROLE %I', 'regress_latchkey_' || kind);
    END IF;
    IF kind <> 'nobody' THEN
      EXECUTE format('GRANT %I TO %I', 'latchkey_' || kind, 'regress_latchkey_' || kind);
    END IF;
  END LOOP;
END $$;

CREATE SCHEMA regress;
GRANT USAGE ON SCHEMA regress TO PUBLIC;

-- The error of a statement as 'SQLSTATE: message [hint]'; what it did before is rolled back. 'ok' when there is none.
CREATE FUNCTION regress.error_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  state text;
  message text;
  hint text;
BEGIN
  EXECUTE statement;
  RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
  RETURN state || ': ' || message || CASE WHEN hint <> '' THEN ' [' || hint || ']' ELSE '' END;
END $$;

-- The error of a statement with the token's identity bound, with nothing left behind; what binding raises is said as such.
CREATE FUNCTION regress.error_as(token text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  BEGIN
    PERFORM latchkey.authenticate(token);
  EXCEPTION WHEN OTHERS THEN
    RETURN 'not bound: ' || SQLSTATE;
  END;
  result := regress.error_of(statement);
  RAISE EXCEPTION USING ERRCODE = 'RG000';
EXCEPTION WHEN SQLSTATE 'RG000' THEN RETURN result;
END $$;

-- Only the SQLSTATE, 00000 for success; whatever happens, nothing stays.
CREATE FUNCTION regress.probe(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  RAISE EXCEPTION USING ERRCODE = 'RG000';
EXCEPTION
  WHEN SQLSTATE 'RG000' THEN RETURN '00000';
  WHEN OTHERS THEN RETURN SQLSTATE;
END $$;

CREATE FUNCTION regress.new_user(label text) RETURNS uuid LANGUAGE sql AS $$
  SELECT id FROM latchkey.register_user(label || '@example.com', 'password of ' || label, initcap(label))
$$;

-- The token of a new session.
CREATE FUNCTION regress.token_of(label text) RETURNS text LANGUAGE sql AS $$
  SELECT token FROM latchkey.login(label || '@example.com', 'password of ' || label)
$$;

CREATE FUNCTION regress.id_of(label text) RETURNS uuid LANGUAGE sql AS $$
  SELECT id FROM latchkey.find_user(label || '@example.com')
$$;

-- The types of the account's events since the beginning, in order.
CREATE FUNCTION regress.events_of(account uuid) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(type, ', ' ORDER BY id) FROM latchkey.events WHERE account_id = account
$$;

CREATE FUNCTION regress.to_base64url(bytes bytea) RETURNS text LANGUAGE sql AS $$
  SELECT rtrim(translate(encode(bytes, 'base64'), E'+/\n', '-_'), '=')
$$;
CREATE FUNCTION regress.from_base64url(text) RETURNS bytea LANGUAGE sql AS $$
  SELECT decode(rpad(translate($1, '-_', '+/'), (length($1) + 3) / 4 * 4, '='), 'base64')
$$;

-- Part 1 (header) or 2 (claims) of a token.
CREATE FUNCTION regress.part_of(token text, part integer) RETURNS jsonb LANGUAGE sql AS $$
  SELECT convert_from(regress.from_base64url(split_part(token, '.', part)), 'UTF8')::jsonb
$$;

-- Cheap hashes: the tests make many.
SELECT latchkey.set_setting('passwords.argon2_memory_kib', '8192');
SELECT latchkey.set_setting('passwords.argon2_passes', '1');
