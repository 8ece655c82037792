-- What holds for every template (psql variable `schema`): each query finds nothing.
-- Relations and functions without a comment.
SELECT c.relname FROM pg_class c WHERE c.relnamespace = :'schema'::regnamespace AND c.relkind IN ('r', 'v') AND obj_description(c.oid, 'pg_class') IS NULL;
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = :'schema'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL;
-- Functions that depend on the caller's search_path: neither pinned nor parsed when they were made.
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = :'schema'::regnamespace AND p.prosqlbody IS NULL AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false);
-- Foreign keys that no index begins with.
SELECT c.conrelid::regclass, c.conname FROM pg_constraint c
 WHERE c.contype = 'f' AND c.connamespace = :'schema'::regnamespace
   AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1]);
-- Money that is no bigint, times without a zone.
SELECT a.attrelid::regclass, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 WHERE c.relnamespace = :'schema'::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0
   AND (a.attname LIKE '%\_cents' AND a.atttypid <> 'bigint'::regtype OR a.attname LIKE '%\_at' AND a.atttypid <> 'timestamptz'::regtype);
-- Others may not look into the schema.
SELECT has_schema_privilege('app', :'schema', 'USAGE') AS app_may;
-- The version of an id, and its time.
SELECT substr(id, 15, 1) AS version, substr(id, 20, 1) IN ('8', '9', 'a', 'b') AS variant, count(DISTINCT id) AS ids,
       bool_and(abs(('x' || substr(replace(id, '-', ''), 1, 12))::bit(48)::bigint - extract(epoch FROM clock_timestamp()) * 1000) < 5000) AS now
  FROM (SELECT :schema.uuid7()::text AS id FROM generate_series(1, 100)) AS ids
 GROUP BY 1, 2;
-- Users: an old write never replaces a newer one, by the function or by hand.
\set u '''00000000-0000-7000-8000-000000000001'''
SET search_path = :schema;
SELECT sync_user(:u, 'ann@example.com', 'Ann', 'owner', 'active', 5);
SELECT sync_user(:u, 'old@example.com', 'Old', 'staff', 'active', 4), sync_user(:u, 'same@example.com', 'Same', 'staff', 'active', 5);
SELECT sync_user(:u, 'ann@example.org', 'Ann', 'owner', 'active', 6);
UPDATE users SET last_login_at = '2026-11-21 12:00+00';
UPDATE users SET name = 'By hand';
UPDATE users SET version = 3;
DELETE FROM users;
SELECT sync_user(:u, 'x@example.org', 'Ann', 'Not a role', 'active', 7);
SELECT sync_user(:u, 'x@example.org', 'Ann', 'staff', 'gone', 7);
SELECT email, name, role, status, version, last_login_at AT TIME ZONE 'UTC' AS last_login FROM users;
RESET search_path;
-- Settings.
SELECT format('%I.settings', :'schema')::regclass AS settings \gset
UPDATE :settings SET value = '"euro"' WHERE key = 'shop.currency' AND updated_at > now();
SELECT key, value FROM :settings ORDER BY key;
