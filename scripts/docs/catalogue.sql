-- What the reference is made of, read from the catalogue of a database with the extension: one JSON document.

-- The library defines the server settings.
LOAD 'latchkey';

WITH members AS (
  SELECT d.classid, d.objid
    FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
   WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'latchkey'),
-- The owner's own rights say nothing about who may use an object.
functions AS (
  SELECT p.oid, p.proname AS name, pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result,
         obj_description(p.oid, 'pg_proc') AS comment,
         CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility,
         (SELECT array_agg(DISTINCT a.grantee::regrole::text)
            FROM aclexplode(p.proacl) a WHERE a.grantee <> p.proowner) AS roles
    FROM members m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
   WHERE left(p.proname, 1) <> '_' AND p.prorettype <> 'trigger'::regtype),
columns AS (
  SELECT a.attrelid AS relation, a.attnum,
         jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'required', a.attnotnull,
                            'default', pg_get_expr(d.adbin, d.adrelid), 'comment', col_description(a.attrelid, a.attnum))
           AS description
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE a.attnum > 0 AND NOT a.attisdropped),
relations AS (
  SELECT c.oid, c.relname AS name, c.relkind,
         coalesce(obj_description(c.oid, 'pg_class'), obj_description(c.reltype, 'pg_type')) AS comment,
         (SELECT jsonb_agg(description ORDER BY attnum) FROM columns WHERE relation = c.oid) AS columns,
         (SELECT jsonb_object_agg(role, rights) FROM (
            SELECT a.grantee::regrole::text AS role, jsonb_agg(a.privilege_type ORDER BY a.privilege_type) AS rights
              FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner GROUP BY a.grantee) AS g) AS grants,
         (SELECT jsonb_object_agg(role, readable) FROM (
            SELECT a.grantee::regrole::text AS role, jsonb_agg(t.attname ORDER BY t.attnum) AS readable
              FROM pg_attribute t, aclexplode(t.attacl) a
             WHERE t.attrelid = c.oid AND a.grantee <> c.relowner AND a.privilege_type = 'SELECT' GROUP BY a.grantee) AS g)
           AS column_grants
    FROM pg_class c
   WHERE c.relnamespace = 'latchkey'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'c'))
SELECT jsonb_build_object(
  'functions', (SELECT jsonb_agg(to_jsonb(f) - 'oid' ORDER BY name, arguments) FROM functions f),
  'tables', (SELECT jsonb_agg(to_jsonb(r) - 'oid' ORDER BY name) FROM relations r WHERE relkind IN ('r', 'p', 'v')),
  'types', (SELECT jsonb_agg(to_jsonb(r) - 'oid' ORDER BY name) FROM relations r WHERE relkind = 'c'),
  'settings', (SELECT jsonb_agg(to_jsonb(s) ORDER BY key) FROM latchkey.settings s),
  'server_settings', (SELECT jsonb_agg(jsonb_build_object('name', name, 'default', boot_val, 'unit', unit, 'context', context,
                                                         'description', concat_ws(' ', short_desc, extra_desc)) ORDER BY name)
                        FROM pg_settings WHERE name LIKE 'latchkey.%'));
