-- The bound identity: of one transaction, with savepoints, out of reach of SET and SET ROLE, for policies.
SELECT regress.new_user('ida') AS ida \gset
SELECT regress.new_user('ian') AS ian \gset
SELECT token AS ida_token, session_id AS ida_session FROM latchkey.login('ida@example.com', 'password of ida') \gset
SELECT regress.token_of('ian') AS ian_token \gset
CREATE FUNCTION regress.who() RETURNS text LANGUAGE sql AS $$
  SELECT coalesce((SELECT name FROM latchkey.users WHERE id = latchkey.current_user_id()), 'nobody')
$$;
-- Unbound.
SELECT latchkey.current_user_id(), latchkey.current_session_id(), latchkey.current_tenant_id(), latchkey.current_role_name(), latchkey.current_tier();
-- Bound within the transaction, and gone with it.
BEGIN;
SELECT user_id = :'ida' AS ida, session_id = :'ida_session' AS session, tenant_id, email, name, role FROM latchkey.authenticate(:'ida_token');
SELECT latchkey.current_user_id() = :'ida' AS ida, latchkey.current_session_id() = :'ida_session' AS session, latchkey.current_tenant_id(), latchkey.current_role_name(), latchkey.current_tier();
COMMIT;
SELECT regress.who();
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'ida_token');
ROLLBACK;
SELECT regress.who();
-- An error ends it as well.
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'ida_token');
SELECT 1 / (SELECT 0);
ROLLBACK;
SELECT regress.who();
-- A statement of its own is a transaction of its own; a semicolon'd string of statements is one.
SELECT count(*) FROM latchkey.authenticate(:'ida_token');
SELECT regress.who();
\set SHOW_ALL_RESULTS off
SELECT count(*) FROM latchkey.authenticate(:'ida_token') \; SELECT regress.who();
SELECT regress.who();
-- verify() does not bind.
BEGIN;
SELECT count(*) FROM latchkey.verify(:'ida_token');
SELECT regress.who();
COMMIT;

-- Savepoints: what was bound inside is undone with it, and kept when it is released.
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'ida_token');
SAVEPOINT a;
SELECT count(*) FROM latchkey.authenticate(:'ian_token');
SELECT regress.who();
ROLLBACK TO a;
SELECT regress.who();
SAVEPOINT b;
SAVEPOINT c;
SELECT count(*) FROM latchkey.authenticate(:'ian_token');
RELEASE c;
SELECT regress.who();
ROLLBACK TO b;
SELECT regress.who();
SAVEPOINT d;
SELECT count(*) FROM latchkey.authenticate(:'ian_token');
RELEASE d;
SELECT regress.who();
COMMIT;
SELECT regress.who();
-- plpgsql's EXCEPTION blocks are subtransactions too.
CREATE FUNCTION regress.bind_and_fail(token text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM latchkey.authenticate(token);
  RAISE EXCEPTION 'fail';
EXCEPTION WHEN OTHERS THEN
  RETURN regress.who();
END $$;
BEGIN;
SELECT regress.bind_and_fail(:'ian_token');
SELECT count(*) FROM latchkey.authenticate(:'ida_token');
SELECT regress.bind_and_fail(:'ian_token');
SELECT left(regress.error_of('SELECT latchkey.authenticate(''x.y.z'')'), 5) AS bad_token, regress.who();
COMMIT;
-- A procedure that commits starts its next transaction unbound.
CREATE PROCEDURE regress.commit_between(token text, INOUT before text, INOUT after text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM latchkey.authenticate(token);
  before := regress.who();
  COMMIT;
  after := regress.who();
END $$;
CALL regress.commit_between(:'ida_token', NULL, NULL);
-- A cursor that is held outlives the transaction, the identity does not.
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'ida_token');
DECLARE c CURSOR WITH HOLD FOR SELECT regress.who();
COMMIT;
FETCH c;
SELECT regress.who();
CLOSE c;

-- Not forged by settings, nor by roles.
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'ida_token');
SET LOCAL ROLE regress_latchkey_app;
SELECT latchkey.current_user_id() = :'ida' AS ida;
SET LOCAL ROLE regress_latchkey_gateway;
SELECT latchkey.current_user_id() = :'ida' AS ida;
RESET ROLE;
DISCARD TEMP;
DISCARD PLANS;
RESET ALL;
SELECT latchkey.current_user_id() = :'ida' AS ida;
COMMIT;
-- (Before PostgreSQL 15 the prefix is not reserved.)
SELECT left(regress.error_of(s), 5) IN ('42602', 'ok') AS harmless FROM unnest(ARRAY[format('SET latchkey.current_user_id = %L', :'ida'), format('SET latchkey.user_id = %L', :'ida')]) AS s;
SELECT set_config('request.jwt.claims', format('{"sub": "%s"}', :'ida'), false) IS NOT NULL AS set;
SELECT regress.who();

-- Bound, every function that takes an account checks it: the own one only, whatever the role may do unbound.
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'ida_token');
SELECT regress.error_of(format(s, :'ida')) AS own, regress.error_of(format(s, :'ian')) AS others
  FROM unnest(ARRAY['SELECT latchkey.get_user(%L)', 'SELECT latchkey.update_profile(%L, ''Ida'')', 'SELECT latchkey.list_sessions(%L)',
                    'SELECT latchkey.tier_of(%L)', 'SELECT latchkey.count_usage(%L)', 'SELECT latchkey.can_use(%L, ''model:gpt-4'')',
                    'SELECT latchkey.block_user(%L)', 'SELECT latchkey.set_tier(%L, ''pro'')', 'SELECT latchkey.set_password(%L, ''long enough'')']) AS s;
COMMIT;

-- Row-level security.
CREATE TABLE regress.notes (owner_id uuid, text text);
INSERT INTO regress.notes VALUES (:'ida', 'of ida'), (:'ida', 'of ida, too'), (:'ian', 'of ian');
ALTER TABLE regress.notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_notes ON regress.notes USING (owner_id = (SELECT latchkey.current_user_id()));
GRANT SELECT, INSERT, UPDATE, DELETE ON regress.notes TO regress_latchkey_app;
SET ROLE regress_latchkey_app;
SELECT count(*) FROM regress.notes;
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'ida_token');
SELECT text FROM regress.notes ORDER BY text;
UPDATE regress.notes SET text = 'mine' WHERE text = 'of ian' RETURNING text;
SELECT regress.error_of(format('INSERT INTO regress.notes VALUES (%L, ''forged'')', :'ian'));
INSERT INTO regress.notes VALUES (:'ida', 'new') RETURNING text;
SELECT count(*) FROM latchkey.authenticate(:'ian_token');
SELECT text FROM regress.notes ORDER BY text;
ROLLBACK;
SELECT count(*) FROM regress.notes;
-- Evaluated once per statement, and handed to parallel workers.
RESET ROLE;
CREATE FUNCTION regress.plan_has(statement text, pattern text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN ' || statement LOOP
    IF line ~ pattern THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END $$;
INSERT INTO regress.notes SELECT CASE n % 100 WHEN 0 THEN :'ida'::uuid ELSE :'ian'::uuid END, n::text FROM generate_series(1, 20000) AS n;
ANALYZE regress.notes;
SET ROLE regress_latchkey_app;
BEGIN;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL max_parallel_workers_per_gather = 2;
SELECT count(*) FROM latchkey.authenticate(:'ida_token');
SELECT regress.plan_has('SELECT count(*) FROM regress.notes', 'Gather') AS parallel, regress.plan_has('SELECT count(*) FROM regress.notes', 'InitPlan 1') AS once;
SELECT count(*) FROM regress.notes;
COMMIT;
-- verify() runs beside parallel workers too, where a transaction can't take another snapshot.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL max_parallel_workers_per_gather = 2;
SELECT count(*) FROM latchkey.authenticate(:'ida_token');
SELECT regress.plan_has(format('SELECT (latchkey.verify(%L)).email, count(*) FROM regress.notes', :'ida_token'), 'Gather') AS parallel;
SELECT (latchkey.verify(:'ida_token')).email, count(*) FROM regress.notes;
ROLLBACK;
RESET ROLE;
-- A prepared statement follows the identity, and does not keep it.
PREPARE mine AS SELECT count(*) FROM regress.notes;
SET ROLE regress_latchkey_app;
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'ian_token');
EXECUTE mine;
SELECT count(*) FROM latchkey.authenticate(:'ida_token');
EXECUTE mine;
COMMIT;
EXECUTE mine;
RESET ROLE;
-- A session that ends stays bound to the transaction that runs, and is refused at the next.
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'ida_token');
SELECT latchkey.logout(:'ida_token');
SELECT regress.who();
SELECT left(regress.error_of(format('SELECT latchkey.authenticate(%L)', :'ida_token')), 5);
COMMIT;
SELECT left(regress.error_of(format('SELECT latchkey.authenticate(%L)', :'ida_token')), 5);
