-- Events: written by every module with the request's metadata, and append-only for everybody.
SELECT regress.new_user('eve') AS eve \gset
BEGIN;
SELECT latchkey.bind_request('request-1', '192.0.2.7', 'curl/8');
SELECT outcome FROM latchkey.login('eve@example.com', 'password of eve');
COMMIT;
-- The next transaction starts without metadata.
SELECT id IS NOT NULL AS changed FROM latchkey.update_profile(:'eve', 'Eve');
SELECT type, aggregate, aggregate_id = account_id::text AS about_user, version, data, metadata, correlation_id, source, actor_id,
       actor_role = session_user AS by_me, recorded_at <= clock_timestamp() AS in_the_past
  FROM latchkey.events WHERE account_id = :'eve' ORDER BY id;

-- What was bound in a savepoint goes with it.
BEGIN;
SELECT latchkey.bind_request('outer');
SAVEPOINT s;
SELECT latchkey.bind_request('inner');
ROLLBACK TO s;
SELECT count(*) FROM latchkey.update_profile(:'eve', 'Eve');
COMMIT;
SELECT correlation_id FROM latchkey.events WHERE account_id = :'eve' ORDER BY id DESC LIMIT 1;

-- Long and odd metadata is cut at a character's boundary, never refused; null arguments are nothing.
BEGIN;
SELECT latchkey.bind_request(repeat('ü', 100), '2001:db8::1', repeat('€', 400) || E'\t"\\');
SELECT count(*) FROM latchkey.update_profile(:'eve', 'Eve');
SELECT latchkey.bind_request(NULL);
SELECT count(*) FROM latchkey.update_profile(:'eve', 'Eve');
COMMIT;
SELECT octet_length(correlation_id) AS correlation_bytes, octet_length(metadata ->> 'user_agent') AS agent_bytes,
       metadata ->> 'client_address' AS client_address
  FROM latchkey.events WHERE account_id = :'eve' ORDER BY id DESC LIMIT 2;

-- The actor is the bound identity; it can't be forged with a setting.
SELECT regress.token_of('eve') AS token \gset
BEGIN;
SELECT user_id = :'eve' AS bound FROM latchkey.authenticate(:'token');
SELECT count(*) FROM latchkey.update_profile(:'eve', 'Eve');
COMMIT;
SELECT actor_id = :'eve' AS by_eve FROM latchkey.events WHERE account_id = :'eve' ORDER BY id DESC LIMIT 1;

-- Append-only, for the owner and superusers too.
CREATE FUNCTION regress.change_attempts() RETURNS TABLE (statement text, answer text) LANGUAGE sql AS $$
  SELECT s, regress.error_of(s)
    FROM unnest(ARRAY['UPDATE latchkey.events SET type = ''x''', 'UPDATE latchkey.events SET data = ''{"a": 1}''',
                      'UPDATE latchkey.events SET metadata = ''{"request_id": "x"}''',
                      'UPDATE latchkey.events SET metadata = NULL, type = ''x''', 'UPDATE latchkey.events SET recorded_at = now()',
                      'UPDATE latchkey.events SET actor_id = NULL WHERE actor_id IS NOT NULL',
                      'DELETE FROM latchkey.events', 'TRUNCATE latchkey.events']) AS s
$$;
SELECT * FROM regress.change_attempts();
GRANT USAGE ON SCHEMA regress TO latchkey_owner;
SET ROLE latchkey_owner;
SELECT * FROM regress.change_attempts();
RESET ROLE;
SET ROLE regress_latchkey_admin;
SELECT statement, split_part(answer, ':', 1) AS answer FROM regress.change_attempts();
SELECT count(*) > 0 AS admin_reads FROM latchkey.events;
RESET ROLE;
SET ROLE regress_latchkey_app;
SELECT regress.probe('SELECT count(*) FROM latchkey.events');
RESET ROLE;

-- A rolled-back call leaves no event.
SELECT count(*) AS events FROM latchkey.events WHERE account_id = :'eve' \gset
BEGIN;
SELECT count(*) FROM latchkey.update_profile(:'eve', 'Nobody');
ROLLBACK;
SELECT count(*) - :events AS new_events FROM latchkey.events WHERE account_id = :'eve';
SELECT count(DISTINCT id) = count(*) AS ids_unique FROM latchkey.events;
