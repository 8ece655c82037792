-- Roles and permissions: asking, granting, defining, and every way to get more than one has.
\set nil 00000000-0000-0000-0000-000000000000
\set unknown 00000000-0000-7000-8000-000000000000
CREATE TABLE regress.role_users (label text PRIMARY KEY, id uuid, token text);
INSERT INTO regress.role_users SELECT label, regress.new_user('r_' || label), NULL
  FROM unnest(ARRAY['root', 'second', 'helper', 'weak', 'plain', 'owner', 'owner2', 'tadmin', 'tadmin2', 'staff', 'customer', 'other', 'both']) AS label;
UPDATE regress.role_users SET token = regress.token_of('r_' || label);
GRANT SELECT ON regress.role_users TO PUBLIC;
CREATE FUNCTION regress.u(label text) RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT id FROM regress.role_users u WHERE u.label = $1 $$;
-- Two tenants.
CREATE FUNCTION regress.t(n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT ('00000000-0000-7000-a000-00000000000' || n)::uuid $$;
INSERT INTO latchkey.accounts (id, kind) VALUES (regress.t(1), 'tenant'), (regress.t(2), 'tenant');
INSERT INTO latchkey.tenants (id, name, slug, kind, status, status_changed_at, created_at, updated_at) SELECT id, 'Roles', 'roles-' || right(id::text, 1), 'store', 'active', now(), now(), now() FROM latchkey.accounts WHERE id IN (regress.t(1), regress.t(2));
-- As a user: the error, or ok and what was done stays; the same, and nothing stays; the value of a query.
CREATE FUNCTION regress.as(label text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM latchkey.authenticate((SELECT token FROM regress.role_users u WHERE u.label = $1));
  RETURN regress.error_of(statement);
END $$;
CREATE FUNCTION regress.try(label text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM latchkey.authenticate((SELECT token FROM regress.role_users u WHERE u.label = $1));
  RETURN regress.probe(statement);
END $$;
CREATE FUNCTION regress.get(label text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  value text;
BEGIN
  PERFORM latchkey.authenticate((SELECT token FROM regress.role_users u WHERE u.label = $1));
  EXECUTE 'SELECT (' || query || ')::text' INTO value;
  RETURN value;
END $$;
CREATE FUNCTION regress.granting(who text, role text, tenant uuid DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT format('SELECT latchkey.grant_role(%L, %L, %L)', regress.u(who), role, tenant) $$;
CREATE FUNCTION regress.revoking(who text, role text, tenant uuid DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT format('SELECT latchkey.revoke_role(%L, %L, %L)', regress.u(who), role, tenant) $$;

-- The first administrator, by a DBA.
SELECT * FROM latchkey.create_admin('R_New@example.com', 'password of r_new', 'New') \gset new_
SELECT :'new_email' AS email, :'new_name' AS name, :'new_email_verified' AS verified, regress.events_of(:'new_id');
SELECT outcome FROM latchkey.login('r_new@example.com', 'password of r_new');
SELECT role, tenant_id, granted_by, expires_at FROM latchkey.roles_of(:'new_id');
SELECT regress.error_of(s) FROM unnest(ARRAY[$$SELECT latchkey.create_admin('r_new@example.com', 'another password')$$, $$SELECT latchkey.create_admin('r_new2@example.com', 'short')$$,
  $$SELECT latchkey.create_admin('no address', 'long enough')$$, $$SELECT latchkey.create_admin(NULL, 'long enough')$$, $$SELECT latchkey.create_admin('r_new2@example.com', 'long enough', repeat('x', 201))$$,
  $$SELECT latchkey.create_admin('r_root@example.com')$$]) AS s;
-- Who registered an address that was never confirmed may not be who it belongs to; a blocked user is none to promote.
UPDATE latchkey.users SET email_verified_at = now() WHERE id = regress.u('root');
SELECT latchkey.block_user(regress.u('root')) IS DISTINCT FROM NULL AS blocked;
SELECT regress.error_of($$SELECT latchkey.create_admin('r_root@example.com')$$);
SELECT latchkey.unblock_user(regress.u('root')) IS DISTINCT FROM NULL AS unblocked;
UPDATE regress.role_users SET token = regress.token_of('r_root') WHERE label = 'root';
SELECT (latchkey.create_admin('R_ROOT@example.com')).email, (SELECT count(*) FROM latchkey.create_admin('r_root@example.com')) AS again;
-- Without a password: somebody who resets it by mail.
SELECT email, email_verified FROM latchkey.create_admin('r_mail@example.com');
SELECT outcome FROM latchkey.login('r_mail@example.com', '');
-- These are no administrators any more.
SELECT latchkey.revoke_role(id, 'admin') FROM unnest(ARRAY[:'new_id', regress.id_of('r_mail')]::uuid[]) AS id;
-- Not for an identity, whatever it may do.
SELECT regress.as('root', $$SELECT latchkey.create_admin('r_new3@example.com', 'long enough')$$);

-- Everybody's roles, given by the administrator.
SELECT who, role, tenant, regress.as('root', regress.granting(who, role, regress.t(tenant))) AS answer FROM (VALUES ('helper', 'support', NULL), ('owner', 'owner', 1), ('tadmin', 'admin', 1), ('tadmin2', 'admin', 1),
  ('staff', 'staff', 1), ('customer', 'customer', 1), ('other', 'owner', 2), ('both', 'staff', 1), ('both', 'customer', 2)) AS g (who, role, tenant);
SELECT regress.events_of(regress.u('both'));
SELECT type, actor_id = regress.u('root') AS by_root, data FROM latchkey.events WHERE account_id = regress.u('both') AND type = 'role.granted' ORDER BY id LIMIT 1;
SELECT role, tenant_id, granted_by = regress.u('root') AS by_root, expires_at FROM latchkey.roles_of(regress.u('both'));
SELECT role, tenant_id FROM latchkey.roles_of(regress.u('both'), regress.t(2));
SELECT count(*) AS platform FROM latchkey.roles_of(regress.u('both'), :'nil');

-- Asking. What each holds on the platform, in tenant 1, in tenant 2.
SELECT label, string_agg(coalesce(regress.get(label, format('SELECT string_agg(CASE latchkey.has_permission(%L, t) WHEN true THEN ''y'' ELSE ''-'' END, '''' ORDER BY t NULLS FIRST) FROM unnest(ARRAY[NULL, regress.t(1), regress.t(2)]) AS t', permission)), '?'), ' ' ORDER BY permission) AS "roles.grant users.read users.write"
  FROM regress.role_users, unnest(ARRAY['roles.grant', 'users.read', 'users.write']) AS permission GROUP BY label ORDER BY label;
SELECT label, regress.get(label, 'latchkey.current_role_name()') AS current_role, regress.get(label, $$latchkey.permitted_tenants('users.read')$$) AS permitted_tenants, regress.get(label, 'latchkey._member_tenants()') AS member_tenants FROM regress.role_users ORDER BY label;
SELECT regress.as('staff', s) FROM unnest(ARRAY[$$SELECT latchkey.require_permission('users.read', regress.t(1))$$, $$SELECT latchkey.require_permission('users.read', regress.t(2))$$, $$SELECT latchkey.require_permission('users.read')$$,
  $$SELECT latchkey.require_permission('users.unheard')$$, $$SELECT latchkey.has_permission('users.unheard')$$, $$SELECT latchkey.has_permission('users.*')$$, $$SELECT latchkey.has_permission('*')$$, $$SELECT latchkey.has_permission('')$$,
  $$SELECT latchkey.has_permission(NULL)$$, $$SELECT latchkey.require_permission(NULL)$$, $$SELECT latchkey.permitted_tenants('users.unheard')$$, $$SELECT latchkey.permitted_tenants(NULL)$$, $$SELECT latchkey.permissions_of(NULL)$$,
  $$SELECT latchkey.roles_of(NULL)$$, $$SELECT latchkey.has_permission('users.read', regress.u('staff'))$$]) AS s;
-- One's own roles and permissions; others' with roles.read there.
SELECT who, whose, tenant, regress.try(who, format('SELECT latchkey.roles_of(%L, %L)', regress.u(whose), regress.t(tenant))) AS roles_of, regress.try(who, format('SELECT latchkey.permissions_of(%L, %L)', regress.u(whose), regress.t(tenant))) AS permissions_of
  FROM (VALUES ('plain', 'plain', NULL), ('plain', 'root', NULL), ('customer', 'customer', 1), ('customer', 'staff', 1), ('staff', 'owner', 1), ('staff', 'owner', NULL), ('staff', 'other', 2), ('helper', 'root', NULL), ('helper', 'owner', 1), ('owner', 'other', 2), ('owner', 'other', NULL)) AS c (who, whose, tenant);
SELECT regress.get('both', $$SELECT string_agg(name, ' ') FROM latchkey.permissions_of(regress.u('both'), regress.t(2))$$) AS in_2,
       regress.get('both', $$SELECT string_agg(name, ' ') FROM latchkey.permissions_of(regress.u('both'), regress.t(1)) WHERE module IN ('roles', 'accounts')$$) AS in_1, regress.get('both', $$SELECT count(*) FROM latchkey.permissions_of(regress.u('both'))$$) AS platform;
SELECT (SELECT count(*) FROM latchkey.permissions_of(regress.u('root'))) = (SELECT count(*) FROM latchkey.permissions) AS all_of_them, (SELECT count(*) FROM latchkey.permissions_of(:'unknown')) AS unknown_user;
-- A session for one tenant has no other tenant's roles.
UPDATE regress.role_users SET token = (latchkey.switch_tenant(token, regress.t(2))).token WHERE label = 'both';
SELECT regress.get('both', 'latchkey.current_role_name()') AS role, regress.get('both', $$latchkey.has_permission('users.read', regress.t(1))$$) AS in_1, regress.get('both', $$latchkey.permitted_tenants('users.read')$$) AS permitted, regress.get('both', 'latchkey._member_tenants()') AS member;
UPDATE regress.role_users SET token = (latchkey.switch_tenant(token, NULL)).token WHERE label = 'both';
-- Of several roles the one that permits most.
SELECT regress.as('root', regress.granting('both', 'customer', regress.t(1)));
UPDATE regress.role_users SET token = (latchkey.switch_tenant(token, regress.t(1))).token WHERE label = 'both';
SELECT regress.get('both', 'latchkey.current_role_name()');
UPDATE regress.role_users SET token = (latchkey.switch_tenant(token, NULL)).token WHERE label = 'both';

-- Malformed and unknown.
SELECT regress.error_of(s) FROM unnest(ARRAY[format('SELECT latchkey.grant_role(%L, ''support'')', :'unknown'), regress.granting('plain', 'nobody'), regress.granting('plain', 'owner'), regress.granting('plain', 'support', regress.t(1)),
  regress.granting('plain', 'staff', :'unknown'), regress.granting('plain', 'staff', regress.u('root')), regress.granting('plain', 'Support'), regress.granting('plain', ''), 'SELECT latchkey.grant_role(NULL, ''support'')',
  format('SELECT latchkey.grant_role(%L, NULL)', regress.u('plain')), format('SELECT latchkey.grant_role(%L, ''support'', NULL, now())', regress.u('plain')), format('SELECT latchkey.grant_role(%L, ''support'', NULL, ''-infinity'')', regress.u('plain')),
  regress.revoking('plain', 'support'), regress.revoking('plain', 'nobody'), regress.revoking('staff', 'staff', regress.t(2)), regress.revoking('staff', 'staff'), 'SELECT latchkey.revoke_role(NULL, ''support'')',
  format('SELECT latchkey.revoke_role(%L, NULL)', regress.u('plain'))]) AS s;
SELECT expires_at FROM latchkey.grant_role(regress.u('plain'), 'support', NULL, 'infinity');
SELECT latchkey.revoke_role(regress.u('plain'), 'support');

-- An end takes effect at its instant, inside a transaction too; a new end replaces it.
SELECT latchkey.grant_role(regress.u('plain'), 'support', NULL, clock_timestamp() + interval '1 second') IS DISTINCT FROM NULL AS granted;
BEGIN;
SELECT count(*) FROM latchkey.authenticate((SELECT token FROM regress.role_users WHERE label = 'plain'));
SELECT latchkey.has_permission('users.read'), latchkey.current_role_name(), (SELECT count(*) FROM latchkey.roles_of(regress.u('plain'))) AS roles, (SELECT count(*) > 0 FROM latchkey.permissions_of(regress.u('plain'))) AS permissions;
SELECT pg_sleep(1.1);
SELECT latchkey.has_permission('users.read'), latchkey.current_role_name(), (SELECT count(*) FROM latchkey.roles_of(regress.u('plain'))) AS roles, (SELECT count(*) > 0 FROM latchkey.permissions_of(regress.u('plain'))) AS permissions;
SELECT regress.error_of('SELECT latchkey.list_roles()');
COMMIT;
SELECT latchkey.grant_role(regress.u('plain'), 'support', NULL, clock_timestamp() + interval '1 hour') IS DISTINCT FROM NULL AS granted;
SELECT regress.get('plain', $$latchkey.has_permission('users.read')$$);
SELECT latchkey.revoke_role(regress.u('plain'), 'support');
-- Own changes count at once, and not after they are undone.
BEGIN;
SAVEPOINT a;
SELECT latchkey.grant_role(regress.u('plain'), 'support') IS DISTINCT FROM NULL AS granted;
SELECT regress.get('plain', $$latchkey.has_permission('users.read')$$);
ROLLBACK TO a;
SELECT regress.get('plain', $$latchkey.has_permission('users.read')$$);
ROLLBACK;

-- Making roles.
SELECT name, scope, tenant_id, description, permissions, built_in FROM latchkey.create_role('auditor', '{events.read,users.read,users.read}'::text[], 'Looks');
SELECT regress.error_of(format('SELECT latchkey.create_role(%s)', a)) FROM unnest(ARRAY[$$'auditor', '{users.read}'$$, $$'Auditor', '{users.read}'$$, $$'', '{}'$$, $$repeat('a', 64), '{}'$$, $$'1a', '{}'$$, $$'a b', '{}'$$, $$NULL, '{}'$$, $$'x', NULL$$,
  $$'x', '{users.unheard}'$$, $$'x', '{Users.read}'$$, $$'x', '{users}'$$, $$'x', '{""}'$$, $$'x', ARRAY[NULL]::text[]$$, $$'x', '{*.*}'$$, $$'x', '{users.*.read}'$$, $$'x', '{}', repeat('x', 501)$$, $$'x', '{}', '', NULL, 'global'$$,
  $$'x', '{}', '', regress.t(1), 'platform'$$, $$'x', '{}', '', '00000000-0000-7000-8000-000000000000'$$, $$'x', ARRAY(SELECT 'a' || n || '.*' FROM generate_series(1, 201) AS n)$$, $$'admin', '{}'$$, $$'staff', '{}', '', regress.t(1)$$]) AS a;
SELECT cardinality(permissions), name = repeat('a', 63) AS longest FROM latchkey.create_role(repeat('a', 63), ARRAY(SELECT 'a' || n || '.*' FROM generate_series(1, 200) AS n), repeat('x', 500));
SELECT latchkey.delete_role(repeat('a', 63));
-- One name, one role: a tenant's own can't shadow one for all tenants, nor the other way round; other tenants and the platform are free to use it.
SELECT regress.error_of(format('SELECT latchkey.create_role(%s)', a)) FROM unnest(ARRAY[$$'cashier', '{users.read}', '', regress.t(1)$$, $$'cashier', '{*}', '', NULL, 'tenant'$$, $$'cashier', '{}', '', regress.t(1)$$, $$'cashier', '{}', '', regress.t(2)$$, $$'cashier', '{}'$$,
  $$'porter', '{}', '', NULL, 'tenant'$$, $$'porter', '{}', '', regress.t(1)$$, $$'auditor', '{}', '', regress.t(1)$$]) AS a;
SELECT name, scope, tenant_id, permissions FROM latchkey.list_roles() WHERE NOT built_in;
SELECT name, scope, tenant_id, permissions, built_in FROM latchkey.list_roles(regress.t(1)) ORDER BY built_in, name;
SELECT regress.error_of(regress.granting('plain', 'cashier', regress.t(2)));
SELECT regress.get('plain', $$latchkey.has_permission('users.read', regress.t(1))$$), regress.get('plain', $$latchkey.has_permission('users.read', regress.t(2))$$);
SELECT regress.error_of(regress.revoking('plain', 'cashier', regress.t(2)));

-- Changing: at once for who has it; the built-in ones keep what they came with, and give back what was added.
SELECT regress.as('root', regress.granting('plain', 'auditor'));
SELECT regress.get('plain', $$latchkey.has_permission('plans.read')$$), name, permissions, description FROM latchkey.update_role('auditor', '{users.read,plans.read}');
SELECT regress.get('plain', $$latchkey.has_permission('plans.read')$$), description FROM latchkey.update_role('auditor', description => 'Reads');
SELECT regress.get('plain', $$latchkey.has_permission('plans.read')$$) FROM latchkey.update_role('auditor', '{}');
SELECT regress.get('plain', $$latchkey.has_permission('plans.read')$$);
SELECT regress.error_of(s) FROM unnest(ARRAY[$$SELECT latchkey.update_role('nobody')$$, $$SELECT latchkey.update_role(NULL)$$, $$SELECT latchkey.update_role('auditor', '{users.unheard}')$$, $$SELECT latchkey.update_role('auditor', ARRAY[NULL]::text[])$$,
  $$SELECT latchkey.update_role('auditor', description => repeat('x', 501))$$, $$SELECT latchkey.update_role('support', '{}')$$, $$SELECT latchkey.update_role('admin', '{*.read}')$$, $$SELECT latchkey.update_role('staff', '{}', scope => 'tenant')$$,
  $$SELECT latchkey.update_role('staff', '{}', tenant_id => regress.t(1))$$, $$SELECT latchkey.update_role('staff')$$]) AS s;
SELECT permissions FROM latchkey.update_role('staff', '{*.read,tenant_data.write,sessions.revoke}', scope => 'tenant');
SELECT regress.get('staff', $$latchkey.has_permission('sessions.revoke', regress.t(1))$$), regress.error_of($$SELECT latchkey.update_role('staff', '{sessions.revoke}', scope => 'tenant')$$);
SELECT regress.get('staff', $$latchkey.has_permission('sessions.revoke', regress.t(1))$$), permissions FROM latchkey.update_role('staff', '{*.read,tenant_data.write}', scope => 'tenant');
SELECT regress.get('staff', $$latchkey.has_permission('sessions.revoke', regress.t(1))$$);
-- Deleting: not what somebody has, unless it is over.
SELECT regress.error_of(s) FROM unnest(ARRAY[$$SELECT latchkey.delete_role('auditor')$$, $$SELECT latchkey.delete_role('support')$$, $$SELECT latchkey.delete_role('nobody')$$, $$SELECT latchkey.delete_role(NULL)$$, $$SELECT latchkey.delete_role('cashier', regress.t(1), 'platform')$$]) AS s;
UPDATE latchkey.role_grants SET expires_at = now() WHERE user_id = regress.u('plain');
SELECT latchkey.delete_role('auditor');
SELECT count(*) AS left FROM latchkey.role_grants WHERE user_id = regress.u('plain');
SELECT latchkey.delete_role('cashier', regress.t(1)), latchkey.delete_role('cashier', regress.t(2)), latchkey.delete_role('cashier');
SELECT type, account_id, data FROM latchkey.events WHERE aggregate = 'role' AND aggregate_id = 'cashier' ORDER BY id;

-- Permissions of the application.
SELECT * FROM latchkey.register_permission('campaigns.read', 'See campaigns.');
SELECT * FROM latchkey.register_permission('campaigns.read', 'See all campaigns.');
SELECT (latchkey.register_permission('campaigns.write')).*;
SELECT regress.get('helper', $$latchkey.has_permission('campaigns.read')$$) AS by_pattern, regress.get('helper', $$latchkey.has_permission('campaigns.write')$$) AS not_this;
SELECT regress.error_of(s) FROM unnest(ARRAY[$$SELECT latchkey.register_permission('campaigns')$$, $$SELECT latchkey.register_permission('campaigns.*')$$, $$SELECT latchkey.register_permission('*')$$, $$SELECT latchkey.register_permission(repeat('a', 99) || '.b')$$,
  $$SELECT latchkey.register_permission(NULL)$$, $$SELECT latchkey.register_permission('campaigns.x', NULL)$$, $$SELECT latchkey.register_permission('campaigns.x', repeat('x', 501))$$, $$SELECT latchkey.register_permission('users.read', 'Mine')$$,
  $$SELECT latchkey.delete_permission('users.read')$$, $$SELECT latchkey.delete_permission('campaigns.none')$$, $$SELECT latchkey.delete_permission(NULL)$$]) AS s;
SELECT latchkey.create_role('campaigner', '{campaigns.read,campaigns.write}', scope => 'tenant') IS DISTINCT FROM NULL AS created;
SELECT regress.error_of($$SELECT latchkey.delete_permission('campaigns.write')$$);
SELECT latchkey.register_permission('campaigns.gone') IS DISTINCT FROM NULL AS registered;
SELECT latchkey.delete_permission('campaigns.gone');
SELECT regress.error_of($$SELECT latchkey.has_permission('campaigns.gone')$$);
SELECT string_agg(type, ' ' ORDER BY id) FROM latchkey.events WHERE aggregate = 'permission' AND aggregate_id = 'campaigns.gone';

-- Escalation. weak: may grant and make roles on the platform, and little else.
SELECT latchkey.create_role('granter', '{roles.*,users.read,users.block,users.delete,users.write,sessions.revoke}') IS DISTINCT FROM NULL AS created;
SELECT regress.as('root', regress.granting('weak', 'granter'));
CREATE TABLE regress.escalations (n serial, who text, what text, statement text);
INSERT INTO regress.escalations (who, what, statement)
SELECT who, 'grants ' || role || ' to ' || whom || coalesce(' in ' || tenant, ''), regress.granting(whom, role, regress.t(tenant)) FROM (VALUES
  ('weak', 'admin', 'plain', NULL), ('weak', 'admin', 'weak', NULL), ('weak', 'support', 'plain', NULL), ('weak', 'granter', 'plain', NULL), ('weak', 'granter', 'weak', NULL), ('weak', 'staff', 'plain', 1), ('weak', 'customer', 'plain', 1),
  ('weak', 'owner', 'plain', 1), ('weak', 'owner', 'weak', 1), ('helper', 'support', 'plain', NULL), ('helper', 'customer', 'plain', 1), ('plain', 'customer', 'plain', 1), ('plain', 'customer', 'other', 1), ('root', 'support', 'root', NULL),
  ('root', 'admin', 'root', NULL), ('root', 'owner', 'root', 1), ('owner', 'owner', 'plain', 1), ('owner', 'owner', 'owner', 1), ('owner', 'customer', 'owner', 1), ('owner', 'owner', 'plain', 2), ('owner', 'customer', 'plain', 2), ('owner', 'support', 'plain', NULL),
  ('owner', 'admin', 'plain', NULL), ('tadmin', 'owner', 'plain', 1), ('tadmin', 'owner', 'tadmin', 1), ('tadmin', 'admin', 'plain', 1), ('tadmin', 'staff', 'plain', 1), ('tadmin', 'staff', 'plain', 2), ('tadmin', 'support', 'plain', NULL),
  ('tadmin', 'campaigner', 'plain', 1), ('staff', 'customer', 'plain', 1), ('staff', 'staff', 'plain', 1)) AS e (who, role, whom, tenant);
INSERT INTO regress.escalations (who, what, statement)
SELECT who, 'revokes ' || role || ' from ' || whom || coalesce(' in ' || tenant, ''), regress.revoking(whom, role, regress.t(tenant)) FROM (VALUES
  ('weak', 'admin', 'root', NULL), ('weak', 'support', 'helper', NULL), ('weak', 'granter', 'weak', NULL), ('weak', 'customer', 'customer', 1), ('weak', 'owner', 'owner', 1), ('helper', 'admin', 'root', NULL), ('root', 'support', 'helper', NULL), ('root', 'admin', 'root', NULL),
  ('owner', 'admin', 'tadmin', 1), ('owner', 'owner', 'owner', 1), ('owner', 'owner', 'other', 2), ('tadmin', 'owner', 'owner', 1), ('tadmin', 'admin', 'tadmin2', 1), ('tadmin', 'staff', 'staff', 1), ('tadmin', 'customer', 'both', 2), ('staff', 'customer', 'customer', 1),
  ('customer', 'customer', 'customer', 1)) AS e (who, role, whom, tenant);
INSERT INTO regress.escalations (who, what, statement)
SELECT who, 'create_role ' || a, format('SELECT latchkey.create_role(%s)', a) FROM (VALUES
  ('weak', $$'x', '{roles.*}'$$), ('weak', $$'x', '{roles.grant,users.read}'$$), ('weak', $$'x', '{*}'$$), ('weak', $$'x', '{*.read}'$$), ('weak', $$'x', '{users.*}'$$), ('weak', $$'x', '{plans.assign}'$$), ('weak', $$'x', '{roles.own.*}'$$),
  ('weak', $$'x', '{*}', '', regress.t(1)$$), ('weak', $$'x', '{users.read}', '', NULL, 'tenant'$$), ('helper', $$'x', '{}'$$), ('helper', $$'x', '{users.read}', '', regress.t(1)$$), ('root', $$'x', '{*}'$$), ('plain', $$'x', '{}'$$),
  ('owner', $$'x', '{*}', '', regress.t(1)$$), ('owner', $$'x', '{}'$$), ('owner', $$'x', '{}', '', NULL, 'tenant'$$), ('owner', $$'x', '{}', '', regress.t(2)$$), ('owner', $$'x', '{}', '', '00000000-0000-0000-0000-000000000000'$$),
  ('tadmin', $$'x', '{*}', '', regress.t(1)$$), ('tadmin', $$'x', '{users.*}', '', regress.t(1)$$), ('tadmin', $$'x', '{*.read,users.write}', '', regress.t(1)$$), ('tadmin', $$'x', '{*.write}', '', regress.t(1)$$), ('tadmin', $$'x', '{roles.*}', '', regress.t(1)$$),
  ('tadmin', $$'x', '{campaigns.write}', '', regress.t(1)$$), ('tadmin', $$'x', '{}'$$), ('tadmin', $$'x', '{}', '', NULL, 'tenant'$$), ('tadmin', $$'x', '{}', '', regress.t(2)$$), ('tadmin', $$'owner', '{}', '', regress.t(1)$$), ('staff', $$'x', '{}', '', regress.t(1)$$)) AS e (who, a);
SELECT latchkey.create_role('till', '{users.read}', '', regress.t(1)) IS DISTINCT FROM NULL AS made, latchkey.create_role('bigtill', '{*}', '', regress.t(1)) IS DISTINCT FROM NULL AS made;
SELECT regress.error_of(regress.granting('tadmin', 'till', regress.t(1)));
INSERT INTO regress.escalations (who, what, statement)
SELECT who, 'update_role ' || a, format('SELECT latchkey.update_role(%s)', a) FROM (VALUES
  ('weak', $$'granter', '{*}'$$), ('weak', $$'granter', description => 'mine'$$), ('weak', $$'admin', '{*,users.read}'$$), ('weak', $$'support', '{*.read,users.write}'$$), ('weak', $$'staff', '{*.read,users.write}', scope => 'tenant'$$), ('weak', $$'till', '{}', tenant_id => regress.t(1)$$),
  ('weak', $$'till', '{*}', tenant_id => regress.t(1)$$), ('root', $$'admin', description => 'mine'$$), ('root', $$'support', '{*.read,users.write}'$$), ('helper', $$'granter', '{}'$$), ('owner', $$'owner', description => 'x', scope => 'tenant'$$), ('owner', $$'staff', '{*.read,users.write}', scope => 'tenant'$$),
  ('owner', $$'till', '{*}', tenant_id => regress.t(1)$$), ('owner', $$'till', '{*}', tenant_id => regress.t(2)$$), ('tadmin', $$'till', '{users.write}', tenant_id => regress.t(1)$$), ('tadmin', $$'till', '{}', tenant_id => regress.t(1)$$),
  ('tadmin2', $$'till', '{*}', tenant_id => regress.t(1)$$), ('tadmin2', $$'till', '{users.write}', tenant_id => regress.t(1)$$), ('tadmin2', $$'bigtill', '{users.write}', tenant_id => regress.t(1)$$), ('tadmin2', $$'bigtill', description => 'x', tenant_id => regress.t(1)$$),
  ('other', $$'till', '{}', tenant_id => regress.t(1)$$)) AS e (who, a);
INSERT INTO regress.escalations (who, what, statement)
SELECT who, 'delete_role ' || a, format('SELECT latchkey.delete_role(%s)', a) FROM (VALUES ('weak', $$'bigtill', regress.t(1)$$), ('owner', $$'bigtill', regress.t(1)$$), ('owner', $$'campaigner', NULL, 'tenant'$$), ('tadmin', $$'bigtill', regress.t(1)$$), ('other', $$'bigtill', regress.t(1)$$), ('helper', $$'granter'$$)) AS e (who, a);
INSERT INTO regress.escalations (who, what, statement)
SELECT who, call || ' of ' || whom, format('SELECT latchkey.' || call, regress.u(whom)) FROM (VALUES
  ('weak', 'block_user(%L)'), ('weak', 'unblock_user(%L)'), ('weak', 'delete_user(%L)'), ('weak', 'logout_everywhere(%L)'), ('weak', 'set_password(%L, ''a new password'')'), ('weak', 'revoke_session(%L, gen_random_uuid())')) AS e (who, call),
  unnest(ARRAY['root', 'helper', 'owner', 'staff', 'customer', 'plain']) AS whom;
INSERT INTO regress.escalations (who, what, statement)
SELECT who, call || ' of ' || whom, format('SELECT latchkey.' || call, regress.u(whom)) FROM unnest(ARRAY['helper', 'owner', 'tadmin']) AS who, unnest(ARRAY['block_user(%L)', 'set_password(%L, ''a new password'')', 'delete_user(%L)', 'get_user(%L)']) AS call, unnest(ARRAY['plain', 'customer']) AS whom;
INSERT INTO regress.escalations (who, what, statement) VALUES ('weak', 'register_permission', $$SELECT latchkey.register_permission('campaigns.more')$$), ('weak', 'delete_permission', $$SELECT latchkey.delete_permission('campaigns.read')$$), ('tadmin', 'list_permissions', 'SELECT latchkey.list_permissions()'),
  ('tadmin', 'list_roles', 'SELECT latchkey.list_roles()'), ('tadmin', 'list_roles in 1', 'SELECT latchkey.list_roles(regress.t(1))'), ('tadmin', 'list_roles in 2', 'SELECT latchkey.list_roles(regress.t(2))'), ('customer', 'list_roles in 1', 'SELECT latchkey.list_roles(regress.t(1))'),
  ('helper', 'list_roles', 'SELECT latchkey.list_roles()'), ('helper', 'register_permission', $$SELECT latchkey.register_permission('campaigns.more')$$);
SELECT who, what, regress.try(who, statement) AS answer FROM regress.escalations ORDER BY n;
-- A role that is over permits nothing to its holder, and protects them from nobody.
SELECT latchkey.grant_role(regress.u('second'), 'admin', NULL, clock_timestamp() + interval '1 hour') IS DISTINCT FROM NULL AS granted;
SELECT regress.try('weak', format('SELECT latchkey.block_user(%L)', regress.u('second')));
UPDATE latchkey.role_grants SET expires_at = now() WHERE user_id = regress.u('second');
SELECT regress.try('weak', format('SELECT latchkey.block_user(%L)', regress.u('second')));

-- The last administrator and the last owner, by whoever it may be: somebody else with an end is not enough, nor somebody blocked.
CREATE FUNCTION regress.removals(who text, role text, tenant uuid) RETURNS TABLE (what text, answer text) LANGUAGE sql AS $$
  SELECT left(s, 30), regress.error_of(s) FROM unnest(ARRAY[regress.revoking(who, role, tenant), format('SELECT latchkey.grant_role(%L, %L, %L, now() + interval ''1 day'')', regress.u(who), role, tenant),
    format('SELECT latchkey.block_user(%L)', regress.u(who)), format('SELECT latchkey.delete_user(%L)', regress.u(who))]) AS s $$;
SELECT * FROM regress.removals('root', 'admin', NULL);
SELECT regress.as('root', format('SELECT latchkey.delete_user(%L)', regress.u('root'))) AS oneself, regress.as('root', format('SELECT latchkey.block_user(%L)', regress.u('root'))) AS blocks_oneself;
SELECT latchkey.grant_role(regress.u('second'), 'admin', NULL, now() + interval '1 day') IS DISTINCT FROM NULL AS with_an_end;
SELECT * FROM regress.removals('root', 'admin', NULL);
SELECT latchkey.grant_role(regress.u('second'), 'admin') IS DISTINCT FROM NULL AS without_an_end, latchkey.block_user(regress.u('second')) IS DISTINCT FROM NULL AS but_blocked;
SELECT * FROM regress.removals('root', 'admin', NULL);
SELECT latchkey.unblock_user(regress.u('second')) IS DISTINCT FROM NULL AS unblocked;
SELECT regress.probe(regress.revoking('root', 'admin')), regress.probe(format('SELECT latchkey.block_user(%L)', regress.u('root'))), regress.probe(format('SELECT latchkey.delete_user(%L)', regress.u('root')));
SELECT regress.as('root', regress.revoking('second', 'admin'));
SELECT * FROM regress.removals('owner', 'owner', regress.t(1));
SELECT regress.as('owner', regress.granting('owner2', 'owner', regress.t(1)));
SELECT regress.as('owner2', regress.revoking('owner', 'owner', regress.t(1)));
SELECT regress.as('owner', regress.granting('plain', 'customer', regress.t(1))) AS not_any_more;
SELECT * FROM regress.removals('owner2', 'owner', regress.t(1));
-- A deleted user has no roles.
SELECT latchkey.delete_user(regress.u('both'));
SELECT count(*) FROM latchkey.role_grants WHERE user_id = regress.u('both');
SELECT regress.error_of(regress.granting('both', 'staff', regress.t(1)));

-- The database's roles, unbound. has_permission: latchkey_admin stands for the administrator.
SET ROLE regress_latchkey_app;
SELECT latchkey.has_permission('users.read') AS app, latchkey.permitted_tenants('users.read'), latchkey.current_role_name(), (SELECT count(*) > 5 FROM latchkey.list_roles()) AS lists, regress.probe('SELECT latchkey.create_role(''x'', ''{}'')'), regress.probe('SELECT latchkey.create_admin(''x@example.com'')');
SELECT regress.probe('UPDATE latchkey.roles SET permissions = ''{*}'''), regress.probe('DELETE FROM latchkey.permissions'), regress.probe('SELECT 1 FROM latchkey.role_grants'), regress.error_of('SELECT latchkey.require_permission(''users.read'')');
SET ROLE regress_latchkey_gateway;
SELECT latchkey.has_permission('users.read') AS gateway, regress.error_of('SELECT latchkey.list_roles()'), regress.error_of('SELECT latchkey.create_role(''x'', ''{*}'')'), regress.probe('SELECT latchkey.create_admin(''x@example.com'')'), regress.probe('SELECT latchkey.list_permissions()'),
       regress.probe(format('SELECT latchkey.grant_role(%L, ''admin'')', :'new_id')), regress.probe(format('SELECT latchkey.roles_of(%L)', :'new_id')), regress.probe('SELECT 1 FROM latchkey.roles');
SET ROLE regress_latchkey_admin;
SELECT latchkey.has_permission('users.read') AS admin, latchkey.has_permission('users.read', :'unknown') AS in_tenant, regress.error_of('SELECT latchkey.has_permission(''users.unheard'')'), regress.probe('SELECT latchkey.create_role(''x'', ''{*}'')'), regress.probe('SELECT latchkey.create_admin(''x@example.com'')'),
       regress.probe('INSERT INTO latchkey.role_grants VALUES (gen_random_uuid())'), regress.probe('UPDATE latchkey.roles SET permissions = ''{*}''');
SET ROLE regress_latchkey_worker;
SELECT regress.probe('SELECT latchkey.has_permission(''users.read'')'), regress.probe('SELECT latchkey.list_roles()');
SET ROLE regress_latchkey_nobody;
SELECT regress.probe('SELECT latchkey.has_permission(''users.read'')');
RESET ROLE;

-- Tables of the application. Owned by a role of its own, which is subject to its policies by FORCE.
CREATE ROLE regress_latchkey_builder;
GRANT latchkey_app TO regress_latchkey_builder;
CREATE SCHEMA regress_app AUTHORIZATION regress_latchkey_builder;
GRANT USAGE ON SCHEMA regress_app TO regress_latchkey_app, regress_latchkey_admin;
SET ROLE regress_latchkey_builder;
CREATE TABLE regress_app."Odd Notes" (id serial PRIMARY KEY, "Own er" uuid, tenant uuid, text text, number integer);
GRANT SELECT, INSERT, UPDATE, DELETE ON regress_app."Odd Notes" TO regress_latchkey_app, regress_latchkey_admin;
GRANT USAGE ON SEQUENCE regress_app."Odd Notes_id_seq" TO regress_latchkey_app;
SELECT regress.error_of(format('SELECT latchkey.protect_table(%s)', a)) FROM unnest(ARRAY[$$'regress_app."Odd Notes"', read => 'campaigns.read', write => 'campaigns.write'$$, $$'regress_app."Odd Notes"', 'Own er'$$, $$'regress_app."Odd Notes"', 'none', NULL, 'campaigns.read', 'campaigns.write'$$,
  $$'regress_app."Odd Notes"', 'text', NULL, 'campaigns.read', 'campaigns.write'$$, $$'regress_app."Odd Notes"', 'tableoid', NULL, 'campaigns.read', 'campaigns.write'$$, $$'regress_app."Odd Notes"', 'Own er', NULL, 'campaigns.unheard', 'campaigns.write'$$, $$NULL, 'Own er', NULL, 'campaigns.read', 'campaigns.write'$$,
  $$'latchkey.users', 'id', NULL, 'campaigns.read', 'campaigns.write'$$, $$'regress_app."Odd Notes_pkey"', 'id', NULL, 'campaigns.read', 'campaigns.write'$$, $$'regress_app."Odd Notes"', 'Own er"; DROP TABLE x; --', NULL, 'campaigns.read', 'campaigns.write'$$]) AS a;
SELECT regress.error_of($$SELECT latchkey.unprotect_table('regress_app."Odd Notes"')$$), regress.error_of($$SELECT latchkey.unprotect_table(NULL)$$);
INSERT INTO regress_app."Odd Notes" ("Own er", tenant, text) VALUES (regress.u('plain'), NULL, 'plain, no tenant'), (regress.u('customer'), regress.t(1), 'customer in 1'), (regress.u('plain'), regress.t(1), 'plain in 1, not a member'),
  (regress.u('other'), regress.t(2), 'other in 2'), (NULL, regress.t(1), 'tenant 1'), (NULL, regress.t(2), 'tenant 2'), (NULL, NULL, 'nobody');
RESET ROLE;
SELECT regress.error_of(regress.granting('staff', 'campaigner', regress.t(1)));
-- What a user sees, and may write: each note's id.
CREATE FUNCTION regress.sees(label text, OUT sees text, OUT updates text, OUT deletes bigint) LANGUAGE plpgsql AS $$
BEGIN
  IF label <> '' THEN PERFORM latchkey.authenticate((SELECT token FROM regress.role_users u WHERE u.label = $1)); END IF;
  SET LOCAL ROLE regress_latchkey_app;
  IF label = 'DBA' THEN SET LOCAL ROLE regress_latchkey_admin; END IF;
  sees := (SELECT string_agg(text, '; ' ORDER BY id) FROM regress_app."Odd Notes");
  WITH u AS (UPDATE regress_app."Odd Notes" SET number = 1 RETURNING id) SELECT string_agg(id::text, ' ' ORDER BY id) INTO updates FROM u;
  WITH d AS (DELETE FROM regress_app."Odd Notes" RETURNING id) SELECT count(*) INTO deletes FROM d;
  RESET ROLE;
  RAISE EXCEPTION USING ERRCODE = 'RG000';
EXCEPTION WHEN SQLSTATE 'RG000' THEN RESET ROLE;
END $$;
CREATE FUNCTION regress.inserts(label text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  IF label <> '' THEN PERFORM latchkey.authenticate((SELECT token FROM regress.role_users u WHERE u.label = $1)); END IF;
  SET LOCAL ROLE regress_latchkey_app;
  result := (SELECT string_agg(CASE regress.probe(format('INSERT INTO regress_app."Odd Notes" ("Own er", tenant) VALUES (%L, %L)', o, t)) WHEN '00000' THEN 'y' WHEN '42501' THEN '-' ELSE '?' END, '' ORDER BY n)
               FROM (VALUES (1, regress.u(CASE label WHEN '' THEN 'plain' ELSE label END), NULL), (2, regress.u(CASE label WHEN '' THEN 'plain' ELSE label END), regress.t(1)), (3, regress.u('helper'), NULL), (4, regress.u('helper'), regress.t(1)), (5, NULL, regress.t(1)), (6, NULL, regress.t(2)), (7, NULL, NULL)) AS v (n, o, t));
  RESET ROLE;
  RETURN result;
END $$;
CREATE VIEW regress.notes_by_user AS
  SELECT label, (regress.sees(label)).*, regress.inserts(label) FROM unnest(ARRAY['', 'plain', 'customer', 'staff', 'owner2', 'other', 'helper', 'root']) WITH ORDINALITY AS l (label, n) ORDER BY n;
-- By owners alone.
SET ROLE regress_latchkey_builder;
SELECT policy, command, definition FROM latchkey.protect_table('regress_app."Odd Notes"', owner_column => 'Own er', read => 'campaigns.read', write => 'campaigns.write');
SELECT regress.error_of($$SELECT latchkey.protect_table('regress_app."Odd Notes"', 'Own er', NULL, 'campaigns.read', 'campaigns.write')$$);
SELECT count(*) AS forced_for_the_owner FROM regress_app."Odd Notes";
SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = 'Odd Notes';
RESET ROLE;
TABLE regress.notes_by_user;
SET ROLE regress_latchkey_app;
SELECT regress.error_of($$SELECT latchkey.unprotect_table('regress_app."Odd Notes"')$$) AS not_the_owner;
SET ROLE regress_latchkey_builder;
SELECT latchkey.unprotect_table('regress_app."Odd Notes"');
SELECT relrowsecurity, relforcerowsecurity, (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid) AS policies FROM pg_class c WHERE relname = 'Odd Notes';
-- By tenants alone; without FORCE.
SELECT definition FROM latchkey.protect_table('regress_app."Odd Notes"', tenant_column => 'tenant', read => 'campaigns.read', write => 'campaigns.write', force => false) WHERE command = 'SELECT';
SELECT count(*) AS of_the_owner FROM regress_app."Odd Notes";
RESET ROLE;
TABLE regress.notes_by_user;
SET ROLE regress_latchkey_builder;
SELECT latchkey.unprotect_table('regress_app."Odd Notes"');
-- By both, on a table that has row-level security and a policy already.
ALTER TABLE regress_app."Odd Notes" ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON regress_app."Odd Notes" FOR SELECT USING (text = 'nobody' AND current_setting('regress.see', true) = 'yes');
SELECT definition FROM latchkey.protect_table('regress_app."Odd Notes"', 'Own er', 'tenant', 'campaigns.read', 'campaigns.write') WHERE command IN ('SELECT', 'INSERT');
RESET ROLE;
TABLE regress.notes_by_user;
SET ROLE regress_latchkey_admin;
SELECT count(*) AS dba FROM regress_app."Odd Notes";
RESET ROLE;
-- One's own row can't be given away, nor moved to where one may not write.
BEGIN;
SELECT count(*) FROM latchkey.authenticate((SELECT token FROM regress.role_users WHERE label = 'plain'));
SET LOCAL ROLE regress_latchkey_app;
SELECT regress.probe(format('UPDATE regress_app."Odd Notes" SET "Own er" = %L', regress.u('other'))), regress.probe(format('UPDATE regress_app."Odd Notes" SET tenant = %L', regress.t(1))), regress.probe('UPDATE regress_app."Odd Notes" SET "Own er" = NULL'), regress.probe('UPDATE regress_app."Odd Notes" SET text = ''x''');
ROLLBACK;
SET ROLE regress_latchkey_builder;
SELECT latchkey.unprotect_table('regress_app."Odd Notes"');
SELECT relrowsecurity, relforcerowsecurity, (SELECT string_agg(polname, ' ') FROM pg_policy WHERE polrelid = c.oid) AS policies FROM pg_class c WHERE relname = 'Odd Notes';
-- An index on each column serves the policy.
RESET ROLE;
DROP POLICY mine ON regress_app."Odd Notes";
SELECT count(*) AS policies FROM latchkey.protect_table('regress_app."Odd Notes"', 'Own er', 'tenant', 'campaigns.read', 'campaigns.write');
CREATE INDEX odd_owner ON regress_app."Odd Notes" ("Own er");
CREATE INDEX odd_tenant ON regress_app."Odd Notes" (tenant);
INSERT INTO regress_app."Odd Notes" ("Own er", tenant, text) SELECT gen_random_uuid(), gen_random_uuid(), repeat('x', 500) FROM generate_series(1, 20000);
ANALYZE regress_app."Odd Notes";
BEGIN;
SELECT count(*) FROM latchkey.authenticate((SELECT token FROM regress.role_users WHERE label = 'plain'));
SET LOCAL ROLE regress_latchkey_app;
SELECT regress.plan_has('SELECT * FROM regress_app."Odd Notes"', 'on odd_owner') AS by_owner, regress.plan_has('SELECT * FROM regress_app."Odd Notes"', 'on odd_tenant') AS by_tenant, regress.plan_has('SELECT * FROM regress_app."Odd Notes"', 'Seq Scan') AS reads_all;
COMMIT;
SET ROLE regress_latchkey_builder;
SELECT latchkey.unprotect_table('regress_app."Odd Notes"');
SELECT count(*) AS policies FROM latchkey.protect_table('regress_app."Odd Notes"', 'Own er', NULL, 'campaigns.read', 'campaigns.write');
RESET ROLE;
BEGIN;
SELECT count(*) FROM latchkey.authenticate((SELECT token FROM regress.role_users WHERE label = 'plain'));
SET LOCAL ROLE regress_latchkey_app;
SELECT regress.plan_has('SELECT * FROM regress_app."Odd Notes"', 'Index Scan.* odd_owner|on odd_owner') AS by_owner, count(*) FROM regress_app."Odd Notes";
COMMIT;
-- A grant that ends, or a role that loses the permission, ends what is seen.
SELECT regress.get('staff', $$latchkey.has_permission('campaigns.write', regress.t(1))$$) FROM latchkey.update_role('campaigner', '{campaigns.read}', scope => 'tenant');
SELECT regress.get('staff', $$latchkey.has_permission('campaigns.write', regress.t(1))$$);

-- What the other tests must not find.
DROP SCHEMA regress_app CASCADE;
DROP OWNED BY regress_latchkey_builder;
DROP ROLE regress_latchkey_builder;
DROP VIEW regress.notes_by_user;
DELETE FROM latchkey.role_grants;
SELECT latchkey.delete_role(name, tenant_id, scope) FROM latchkey.list_roles(regress.t(1)) WHERE NOT built_in;
SELECT latchkey.delete_role(name, tenant_id, scope) FROM latchkey.list_roles() WHERE NOT built_in;
SELECT latchkey.delete_permission(name) FROM latchkey.list_permissions() WHERE module = 'application';
SELECT count(*) FROM regress.role_users, latchkey.delete_user(id) WHERE label <> 'both';
DELETE FROM latchkey.tenants WHERE id IN (regress.t(1), regress.t(2));
DELETE FROM latchkey.accounts a WHERE kind = 'tenant' AND NOT EXISTS (SELECT FROM latchkey.tenants t WHERE t.id = a.id);
