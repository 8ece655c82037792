-- Who may do what, as the gateway's role: each granted function for each kind of caller (people and API keys), about another user, and within a tenant.
-- A function that needs a tenant is called for that of "foreign" where it is about a user.
-- ok: it works; LK403: refused. Another state is the function's own answer to a caller whom it has let through.
SELECT regress.new_user('matrix_' || name) IS NOT NULL AS made
  FROM unnest(ARRAY['target', 'user', 'foreign', 'customer', 'staff', 'manager', 'owner', 'support', 'admin']) AS name;
SELECT regress.id_of('matrix_target') AS target \gset
SELECT id AS tenant FROM latchkey.create_tenant(regress.id_of('matrix_owner'), 'Matrix') \gset
SELECT id AS another FROM latchkey.create_tenant(regress.id_of('matrix_foreign'), 'Matrix, another') \gset
INSERT INTO regress.priv_tenants SELECT :'tenant', :'tenant', id FROM latchkey.invite_member(:'tenant', 'matrix_guest@example.com', 'staff');
INSERT INTO regress.priv_tenants SELECT :'target', :'another', id FROM latchkey.invite_member(:'another', 'matrix_guest@example.com', 'staff');
SELECT count(*) FROM latchkey.add_hostname(:'tenant', :'tenant' || '.example'), latchkey.add_hostname(:'another', :'target' || '.example');
SELECT role FROM latchkey.grant_role(regress.id_of('matrix_customer'), 'customer', :'tenant');
SELECT role FROM latchkey.grant_role(regress.id_of('matrix_staff'), 'staff', :'tenant');
SELECT role FROM latchkey.grant_role(regress.id_of('matrix_manager'), 'admin', :'tenant');
SELECT role FROM latchkey.grant_role(regress.id_of('matrix_support'), 'support');
SELECT role FROM latchkey.grant_role(regress.id_of('matrix_admin'), 'admin');

-- API keys: for the platform with and without the permission to read users, and for the tenant with all permissions there.
SELECT id AS machine FROM latchkey.create_service_account('matrix') \gset
SELECT id AS tenant_machine FROM latchkey.create_service_account('matrix', tenant_id => :'tenant') \gset
SELECT (latchkey.create_api_key(:'machine', '{users.read}')).token AS reader \gset
SELECT (latchkey.create_api_key(:'machine', '{plans.read}')).token AS other \gset
SELECT (latchkey.create_api_key(:'tenant_machine', '{*}')).token AS tenant_key \gset

CREATE TABLE regress.callers AS
  SELECT place, name, CASE name WHEN 'nobody' THEN NULL WHEN 'key' THEN :'reader' WHEN 'other_key' THEN :'other' WHEN 'tenant_key' THEN :'tenant_key'
                                ELSE regress.token_of('matrix_' || name) END AS token
    FROM unnest(ARRAY['nobody', 'user', 'foreign', 'customer', 'staff', 'manager', 'owner', 'support', 'admin', 'key', 'other_key', 'tenant_key']) WITH ORDINALITY AS c (name, place);
GRANT SELECT ON regress.callers TO PUBLIC;
CREATE TABLE regress.matrix_calls AS
  SELECT p.oid::regprocedure::text COLLATE "C" AS function, about,
         regress.call_of(p.oid, CASE WHEN about = 'tenant' AND NOT 'user_id' = ANY (p.proargnames) THEN :'tenant' ELSE :'target' END::uuid,
                         (SELECT token FROM regress.callers WHERE name = 'user'), gen_random_uuid(),
                         CASE WHEN about = 'tenant' THEN :'tenant'::uuid END) AS call
    FROM pg_proc p, unnest(ARRAY['user', 'tenant']) AS about
   WHERE p.pronamespace = 'latchkey'::regnamespace AND has_function_privilege('latchkey_gateway', p.oid, 'EXECUTE') AND p.proname NOT LIKE '\_%'
     AND (about = 'user' OR p.proargnames && ARRAY['tenant_id', 'account_id']);
GRANT SELECT ON regress.matrix_calls TO PUBLIC;
CREATE FUNCTION regress.answer(caller_token text, statement text) RETURNS text LANGUAGE sql AS $$
  SELECT CASE state WHEN '00000' THEN 'ok' ELSE state END
    FROM (SELECT CASE WHEN caller_token IS NULL THEN regress.probe(statement) ELSE regress.probe_bound(caller_token, statement) END) AS p (state)
$$;
SET ROLE regress_latchkey_gateway;
-- Functions that all callers are answered alike take no account, and anybody may call them.
SELECT function, about, nobody, "user", "foreign", customer, staff, manager, owner, support, admin, key, other_key, tenant_key
  FROM (SELECT m.function, m.about, max(a) FILTER (WHERE c.name = 'nobody') AS nobody, max(a) FILTER (WHERE c.name = 'user') AS "user",
               max(a) FILTER (WHERE c.name = 'foreign') AS "foreign", max(a) FILTER (WHERE c.name = 'customer') AS customer,
               max(a) FILTER (WHERE c.name = 'staff') AS staff, max(a) FILTER (WHERE c.name = 'manager') AS manager,
               max(a) FILTER (WHERE c.name = 'owner') AS owner, max(a) FILTER (WHERE c.name = 'support') AS support,
               max(a) FILTER (WHERE c.name = 'admin') AS admin,
               max(a) FILTER (WHERE c.name = 'key') AS key, max(a) FILTER (WHERE c.name = 'other_key') AS other_key,
               max(a) FILTER (WHERE c.name = 'tenant_key') AS tenant_key, count(DISTINCT a) AS answers
          FROM regress.matrix_calls m CROSS JOIN regress.callers c CROSS JOIN LATERAL regress.answer(c.token, m.call) AS a
         GROUP BY m.function, m.about) AS matrix
 WHERE answers > 1 OR "user" = 'LK403' ORDER BY function, about;
SELECT string_agg(DISTINCT split_part(m.function, '(', 1), ' ') AS open_to_all
  FROM regress.matrix_calls m
 WHERE (SELECT count(DISTINCT regress.answer(c.token, m.call)) FROM regress.callers c) = 1 AND regress.answer(NULL, m.call) <> 'LK403';
RESET ROLE;
-- Nothing of it has happened.
SELECT status FROM latchkey.get_user(:'target');
SELECT count(*) FROM latchkey.roles_of(:'target');
