-- Roles: who holds which permissions, on the whole platform or within a tenant.

INSERT INTO latchkey.permissions (name, module, description, seeded) VALUES
  ('roles.read', 'roles', 'See roles, and who has them.', true),
  ('roles.grant', 'roles', 'Give roles to users and take them away, within one''s own permissions.', true),
  ('roles.write', 'roles', 'Make and change roles, within one''s own permissions.', true),
  ('permissions.write', 'roles', 'Register and delete permissions.', true);

CREATE TABLE latchkey.roles (
  scope       text        NOT NULL,
  tenant_id   uuid        NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  name        text        NOT NULL,
  permissions text[]      NOT NULL DEFAULT '{}',
  description text        NOT NULL DEFAULT '',
  seeded      boolean     NOT NULL DEFAULT false,
  updated_at  timestamptz NOT NULL DEFAULT now(),
  built_in    text[]      NOT NULL DEFAULT '{}',
  CONSTRAINT roles_pkey PRIMARY KEY (scope, tenant_id, name),
  CONSTRAINT roles_scope_known CHECK (scope IN ('platform', 'tenant')),
  CONSTRAINT roles_platform_has_no_tenant CHECK (scope = 'tenant' OR tenant_id = '00000000-0000-0000-0000-000000000000'),
  CONSTRAINT roles_name_form CHECK (name ~ '^[a-z][a-z0-9_-]{0,62}$')
);
COMMENT ON TABLE latchkey.roles IS
  'Roles and what they permit (reference). scope platform: everywhere; tenant: within the tenant in which a user has it, defined for '
  'all tenants (tenant_id nil) or by one for itself. permissions: names, or patterns that also stand for what is registered later: *, '
  'users.*, *.read; built_in: those of them that came with the extension, and stay.';
CALL latchkey._make_reference('latchkey.roles', 'scope', 'tenant_id', 'name');
SELECT pg_catalog.pg_extension_config_dump('latchkey.roles', '');
GRANT SELECT ON latchkey.roles TO latchkey_app, latchkey_admin;

INSERT INTO latchkey.roles (scope, name, permissions, description, seeded) VALUES
  ('platform', 'admin', '{*}', 'May do everything, in every tenant.', true),
  ('platform', 'support', '{*.read}', 'Sees everything and changes nothing.', true),
  ('tenant', 'owner', '{*}', 'May do everything within the tenant.', true),
  ('tenant', 'admin', '{*.read,users.*,roles.grant,roles.write,sessions.revoke,api_keys.*,members.*,hostnames.*,tenant_data.write}',
   'Runs the tenant: its people, roles, keys, hostnames and shop.', true),
  ('tenant', 'staff', '{*.read,tenant_data.write}', 'Works in the tenant: sees everything in it, and sells.', true),
  ('tenant', 'customer', '{}', 'Belongs to the tenant, and sees what is their own.', true);
UPDATE latchkey.roles SET built_in = permissions;

CREATE TABLE latchkey.role_grants (
  user_id    uuid        NOT NULL,
  tenant_id  uuid        NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  role       text        NOT NULL,
  granted_at timestamptz NOT NULL,
  granted_by uuid,
  expires_at timestamptz,
  CONSTRAINT role_grants_pkey PRIMARY KEY (user_id, tenant_id, role),
  CONSTRAINT role_grants_user_fkey FOREIGN KEY (user_id) REFERENCES latchkey.users (id)
);
COMMENT ON TABLE latchkey.role_grants IS
  'Which user has which role (distributed by user). tenant_id: where it counts; nil: on the whole platform. A grant counts for nothing '
  'from expires_at on. granted_by: the bound identity, null for a database role.';
CREATE INDEX role_grants_by_role ON latchkey.role_grants (tenant_id, role, user_id);
CREATE TRIGGER invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON latchkey.role_grants
  FOR EACH STATEMENT EXECUTE FUNCTION latchkey._invalidate();
SELECT pg_catalog.pg_extension_config_dump('latchkey.role_grants', '');
GRANT SELECT ON latchkey.role_grants TO latchkey_admin;

CREATE TYPE latchkey.role_grant AS (
  role text, tenant_id uuid, granted_at timestamptz, granted_by uuid, expires_at timestamptz);
COMMENT ON TYPE latchkey.role_grant IS
  'A role that a user has: within the tenant, or on the whole platform when tenant_id is null; until expires_at, if that is not null.';

CREATE TYPE latchkey.role_definition AS (
  name text, scope text, tenant_id uuid, description text, permissions text[], built_in boolean);
COMMENT ON TYPE latchkey.role_definition IS
  'A role. scope: platform or tenant; tenant_id: the tenant that made it for itself, else null. permissions: names and patterns.';

CREATE TYPE latchkey.permission_entry AS (name text, module text, description text);
COMMENT ON TYPE latchkey.permission_entry IS 'A permission; module: application for those that were registered later.';

-- Asking.

CREATE FUNCTION latchkey.has_permission(permission text, tenant_id uuid DEFAULT NULL) RETURNS boolean
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_has_permission';
COMMENT ON FUNCTION latchkey.has_permission(text, uuid) IS
  'Whether the bound identity holds the permission: by a platform-wide role, or with tenant_id by a role in that tenant. With none '
  'bound: whether the database role is a member of latchkey_admin. In policies write (SELECT latchkey.has_permission(…)): that is '
  'evaluated once per statement. Unknown permission: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.has_permission(text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.has_permission(text, uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.require_permission(permission text, tenant_id uuid DEFAULT NULL) RETURNS void
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_require_permission';
COMMENT ON FUNCTION latchkey.require_permission(text, uuid) IS
  'has_permission() or an error: forbidden (LK403), whose hint names the permission. Unknown permission: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.require_permission(text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.require_permission(text, uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.permitted_tenants(permission text) RETURNS uuid[]
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_permitted_tenants';
COMMENT ON FUNCTION latchkey.permitted_tenants(text) IS
  'The tenants in which a role of the bound identity holds the permission; platform-wide roles are not looked at. For policies: '
  'tenant_id = ANY ((SELECT latchkey.permitted_tenants(''campaigns.read''))::uuid[]). Unknown permission: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.permitted_tenants(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.permitted_tenants(text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.current_role_name() RETURNS text
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_current_role_name';
COMMENT ON FUNCTION latchkey.current_role_name() IS
  'The role of the bound user in the session''s tenant, or on the platform for a session without one: of several the one that permits '
  'most. Null without a role or an identity.';
REVOKE ALL ON FUNCTION latchkey.current_role_name() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.current_role_name() TO latchkey_gateway, latchkey_app;

CREATE FUNCTION latchkey.permissions_of(user_id uuid, tenant_id uuid DEFAULT NULL) RETURNS SETOF latchkey.permission_entry
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 30 AS 'MODULE_PATHNAME', 'latchkey_permissions_of';
COMMENT ON FUNCTION latchkey.permissions_of(uuid, uuid) IS
  'The permissions that the user''s roles hold now: platform-wide, and with tenant_id those in that tenant too. One''s own; others'' need '
  'roles.read, platform-wide or in the tenant: else forbidden (LK403). Who has it in the tenant only sees nothing of the platform''s.';
REVOKE ALL ON FUNCTION latchkey.permissions_of(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.permissions_of(uuid, uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.roles_of(user_id uuid, tenant_id uuid DEFAULT NULL) RETURNS SETOF latchkey.role_grant
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 3 AS 'MODULE_PATHNAME', 'latchkey_roles_of';
COMMENT ON FUNCTION latchkey.roles_of(uuid, uuid) IS
  'The roles that the user has now, platform-wide first; with tenant_id only those in that tenant. One''s own; others'' need roles.read, '
  'there or platform-wide: else forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.roles_of(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.roles_of(uuid, uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

-- Granting.

CREATE FUNCTION latchkey.grant_role(
    user_id uuid, role text, tenant_id uuid DEFAULT NULL, expires_at timestamptz DEFAULT NULL) RETURNS latchkey.role_grant
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_grant_role';
COMMENT ON FUNCTION latchkey.grant_role(uuid, text, uuid, timestamptz) IS
  'Gives the user a role, platform-wide or within a tenant, at once also in running sessions; again: sets expires_at anew. Needs '
  'roles.grant and every permission of the role; nobody changes their own roles: forbidden (LK403). Unknown user, role or tenant: '
  'not_found (LK404). expires_at in the past: invalid_argument (LK400). An end for the last administrator or owner: conflict (LK410). '
  'Event: role.granted.';
REVOKE ALL ON FUNCTION latchkey.grant_role(uuid, text, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.grant_role(uuid, text, uuid, timestamptz) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.revoke_role(user_id uuid, role text, tenant_id uuid DEFAULT NULL) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_revoke_role';
COMMENT ON FUNCTION latchkey.revoke_role(uuid, text, uuid) IS
  'Takes a role from the user, at once also in running sessions. Who has no role in a tenant any more has their sessions there '
  'ended. Needs what grant_role() needs: forbidden (LK403). The user does not have it: not_found (LK404). The last platform '
  'administrator, or a tenant''s last owner: conflict (LK410). Events: role.revoked, sessions.ended.';
REVOKE ALL ON FUNCTION latchkey.revoke_role(uuid, text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.revoke_role(uuid, text, uuid) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.create_admin(email text, password text DEFAULT NULL, name text DEFAULT NULL) RETURNS latchkey.user_account
  LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME', 'latchkey_create_admin';
COMMENT ON FUNCTION latchkey.create_admin(text, text, text) IS
  'For DBAs: makes the user with this address a platform administrator. Unknown address: creates the user, with a confirmed address '
  'and this password. A password for a user who exists: already_exists (LK409); one whose address is not confirmed, so that anybody may '
  'have registered it, or who is blocked: conflict (LK410). Broken rule: invalid_argument (LK400). Events: user.registered, role.granted.';
REVOKE ALL ON FUNCTION latchkey.create_admin(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.create_admin(text, text, text) TO latchkey_admin;

-- Roles and permissions themselves.

CREATE FUNCTION latchkey.list_roles(tenant_id uuid DEFAULT NULL) RETURNS SETOF latchkey.role_definition
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10 AS 'MODULE_PATHNAME', 'latchkey_list_roles';
COMMENT ON FUNCTION latchkey.list_roles(uuid) IS
  'The platform''s roles and those for all tenants; with tenant_id the latter and the tenant''s own. Needs roles.read: forbidden '
  '(LK403).';
REVOKE ALL ON FUNCTION latchkey.list_roles(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_roles(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.create_role(
    name text, permissions text[], description text DEFAULT '', tenant_id uuid DEFAULT NULL, scope text DEFAULT NULL)
  RETURNS latchkey.role_definition
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_create_role';
COMMENT ON FUNCTION latchkey.create_role(text, text[], text, uuid, text) IS
  'Makes a role: for one tenant (tenant_id), for all tenants (scope tenant) or for the platform. permissions: names, or patterns (*, '
  'users.*, *.read). Needs roles.write and every permission that it gives: forbidden (LK403). Malformed: invalid_argument (LK400). '
  'Unknown permission or tenant: not_found (LK404). Name taken: already_exists (LK409). Event: role.created.';
REVOKE ALL ON FUNCTION latchkey.create_role(text, text[], text, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.create_role(text, text[], text, uuid, text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.update_role(
    name text, permissions text[] DEFAULT NULL, description text DEFAULT NULL, tenant_id uuid DEFAULT NULL, scope text DEFAULT NULL)
  RETURNS latchkey.role_definition
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_update_role';
COMMENT ON FUNCTION latchkey.update_role(text, text[], text, uuid, text) IS
  'Changes what is not null; permissions replaces all of them, at once also in running sessions. Needs what create_role() needs, for the '
  'permissions before and after, and not to have the role oneself: forbidden (LK403). Built-in roles keep what they came with: '
  'invalid_argument (LK400). Unknown role or permission: not_found (LK404). Event: role.changed.';
REVOKE ALL ON FUNCTION latchkey.update_role(text, text[], text, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.update_role(text, text[], text, uuid, text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.delete_role(name text, tenant_id uuid DEFAULT NULL, scope text DEFAULT NULL) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_delete_role';
COMMENT ON FUNCTION latchkey.delete_role(text, uuid, text) IS
  'Deletes a role that nobody has: else conflict (LK410). Built in: invalid_argument (LK400). Needs roles.write and the role''s '
  'permissions: forbidden (LK403). Unknown: not_found (LK404). Event: role.deleted.';
REVOKE ALL ON FUNCTION latchkey.delete_role(text, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.delete_role(text, uuid, text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.list_permissions() RETURNS SETOF latchkey.permission_entry
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 30 AS 'MODULE_PATHNAME', 'latchkey_list_permissions';
COMMENT ON FUNCTION latchkey.list_permissions() IS 'All permissions, by name. Needs roles.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.list_permissions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_permissions() TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.register_permission(name text, description text DEFAULT '') RETURNS latchkey.permission_entry
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_register_permission';
COMMENT ON FUNCTION latchkey.register_permission(text, text) IS
  'Adds a permission of the application, thing.verb in lower case; again: changes its description. Needs permissions.write: forbidden '
  '(LK403). Malformed: invalid_argument (LK400). One that is built in: already_exists (LK409). Event: permission.registered.';
REVOKE ALL ON FUNCTION latchkey.register_permission(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.register_permission(text, text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.delete_permission(name text) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_delete_permission';
COMMENT ON FUNCTION latchkey.delete_permission(text) IS
  'Deletes a permission of the application. A role names it: conflict (LK410). Built in: invalid_argument (LK400). Needs '
  'permissions.write: forbidden (LK403). Unknown: not_found (LK404). Event: permission.deleted.';
REVOKE ALL ON FUNCTION latchkey.delete_permission(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.delete_permission(text) TO latchkey_gateway, latchkey_admin;

-- Policies for the application's own tables.

CREATE FUNCTION latchkey._visible_from(permission text, owned boolean) RETURNS uuid
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_visible_from';
COMMENT ON FUNCTION latchkey._visible_from(text, boolean) IS
  'For the policies of protect_table(): the lowest id that the caller may see in a column. With the permission platform-wide all ids, '
  'else in an owner''s column one''s own, else none. A range, because an index on the column serves it in each case.';
REVOKE ALL ON FUNCTION latchkey._visible_from(text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey._visible_from(text, boolean) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey._visible_to(permission text, owned boolean) RETURNS uuid
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_visible_to';
COMMENT ON FUNCTION latchkey._visible_to(text, boolean) IS 'The other end of _visible_from().';
REVOKE ALL ON FUNCTION latchkey._visible_to(text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey._visible_to(text, boolean) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey._member_tenants() RETURNS uuid[]
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_member_tenants';
COMMENT ON FUNCTION latchkey._member_tenants() IS
  'For the policies of protect_table(): the tenants in which the bound user has any role.';
REVOKE ALL ON FUNCTION latchkey._member_tenants() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey._member_tenants() TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey._policy_condition(owner_column name, tenant_column name, permission text) RETURNS text
  LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
  -- Each under a CASE: format() raises for an identifier that is null.
  SELECT string_agg(arm, E'\n OR ') FROM (VALUES
    -- The owner's rows; those of a tenant only while the owner belongs to it. IS TRUE keeps the planner from reading all of the
    -- tenants' rows for it by their index.
    (CASE WHEN owner_column IS NOT NULL THEN
       format('(%1$I >= (SELECT latchkey._visible_from(%2$L, true)) AND %1$I <= (SELECT latchkey._visible_to(%2$L, true))',
              owner_column, permission)
       || CASE WHEN tenant_column IS NULL THEN ''
               ELSE format(' AND (%1$I IS NULL OR %1$I = ANY ((SELECT latchkey._member_tenants())::uuid[])) IS TRUE', tenant_column) END
       || ')' END),
    -- Rows of tenants in which a role permits it; those of all tenants, owned or not, for who may do it on the whole platform.
    -- (The range beside the array is all there is, and for the planner: it takes an array that it can't see for ten tenants, and in a
    -- table of few tenants would then rather read everything for whoever asks.)
    (CASE WHEN tenant_column IS NOT NULL THEN
       format('(%1$I = ANY ((SELECT latchkey.permitted_tenants(%2$L))::uuid[])'
              ' AND %1$I >= (SELECT uuid ''00000000-0000-0000-0000-000000000000'')'
              ' AND %1$I <= (SELECT uuid ''ffffffff-ffff-ffff-ffff-ffffffffffff''))', tenant_column, permission) END),
    (CASE WHEN tenant_column IS NOT NULL THEN
       format('(%1$I >= (SELECT latchkey._visible_from(%2$L, false)) AND %1$I <= (SELECT latchkey._visible_to(%2$L, false)))',
              tenant_column, permission) END)) AS arms (arm)
$$;
COMMENT ON FUNCTION latchkey._policy_condition(name, name, text) IS 'The condition that protect_table() writes into a policy.';
REVOKE ALL ON FUNCTION latchkey._policy_condition(name, name, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey._policy_condition(name, name, text) TO latchkey_app, latchkey_admin;

-- Runs as its caller, who must own the table: it writes no more than they could.
CREATE FUNCTION latchkey.protect_table(
    relation regclass, owner_column name DEFAULT NULL, tenant_column name DEFAULT NULL, read text DEFAULT NULL,
    write text DEFAULT NULL, force boolean DEFAULT true) RETURNS TABLE (policy name, command text, definition text)
  LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  key name;
  was_enabled boolean;
  was_forced boolean;
  can_read text;
  can_write text;
BEGIN
  IF read IS NULL OR write IS NULL OR coalesce(owner_column, tenant_column) IS NULL THEN
    RAISE EXCEPTION 'protect_table needs a column of owners or tenants, and permissions to read and to write' USING ERRCODE = 'LK400';
  END IF;
  FOREACH key IN ARRAY array_remove(ARRAY[owner_column, tenant_column], NULL) LOOP
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = relation AND attname = key AND atttypid = 'uuid'::regtype
                      AND attnum > 0 AND NOT attisdropped) THEN
      RAISE EXCEPTION 'table % has no column % of type uuid', relation, quote_ident(key) USING ERRCODE = 'LK400';
    END IF;
  END LOOP;
  PERFORM latchkey.has_permission(read), latchkey.has_permission(write);
  SELECT relrowsecurity, relforcerowsecurity INTO was_enabled, was_forced FROM pg_class WHERE oid = relation;
  IF EXISTS (SELECT FROM pg_policy WHERE polrelid = relation AND polname = 'latchkey_select') THEN
    RAISE EXCEPTION 'table % is protected already', relation
      USING ERRCODE = 'LK409', HINT = 'SELECT latchkey.unprotect_table(…) first.';
  END IF;
  can_read := latchkey._policy_condition(owner_column, tenant_column, read);
  can_write := latchkey._policy_condition(owner_column, tenant_column, write);
  EXECUTE format('CREATE POLICY latchkey_select ON %s FOR SELECT USING (%s)', relation, can_read);
  EXECUTE format('CREATE POLICY latchkey_insert ON %s FOR INSERT WITH CHECK (%s)', relation, can_write);
  EXECUTE format('CREATE POLICY latchkey_update ON %s FOR UPDATE USING (%s) WITH CHECK (%s)', relation, can_write, can_write);
  EXECUTE format('CREATE POLICY latchkey_delete ON %s FOR DELETE USING (%s)', relation, can_write);
  EXECUTE format('COMMENT ON POLICY latchkey_select ON %s IS %L', relation,
                 concat('Made by latchkey.protect_table()', CASE WHEN NOT was_enabled THEN ', which enabled row-level security' END,
                        CASE WHEN force AND NOT was_forced THEN ', and forced it' END, '.'));
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
  IF force THEN
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', relation);
  END IF;
  RETURN QUERY SELECT p.polname, CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' ELSE 'DELETE' END,
                      concat_ws(E'\n', 'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
                                'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
                 FROM pg_policy p WHERE p.polrelid = relation AND p.polname LIKE 'latchkey\_%' ORDER BY p.polname;
END $$;
COMMENT ON FUNCTION latchkey.protect_table(regclass, name, name, text, text, boolean) IS
  'Puts row-level security on a table of yours, and returns the policies that it made. A row can be seen or written by the user in '
  'owner_column, by who holds the permission read or write within the tenant in tenant_column, and by who holds it platform-wide; an '
  'owner''s row of a tenant only while the owner belongs to the tenant; a row with null in all of these columns by nobody. force: for '
  'the table''s owner too. Index the columns. No such '
  'column: invalid_argument (LK400). Unknown permission: not_found (LK404). Protected already: already_exists (LK409).';
REVOKE ALL ON FUNCTION latchkey.protect_table(regclass, name, name, text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.protect_table(regclass, name, name, text, text, boolean) TO latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.unprotect_table(relation regclass) RETURNS void
  LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  remark text;
  command text;
  undoes_force boolean;
BEGIN
  SELECT obj_description(p.oid, 'pg_policy') INTO remark
    FROM pg_policy p WHERE p.polrelid = relation AND p.polname = 'latchkey_select';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'table % is not protected by protect_table', relation USING ERRCODE = 'LK404';
  END IF;
  FOREACH command IN ARRAY ARRAY['select', 'insert', 'update', 'delete'] LOOP
    EXECUTE format('DROP POLICY IF EXISTS %I ON %s', 'latchkey_' || command, relation);
  END LOOP;
  undoes_force := remark LIKE '%, and forced it%';
  IF remark LIKE '%, which enabled row-level security%' THEN
    -- What other policies were added for stays in force.
    IF EXISTS (SELECT FROM pg_policy WHERE polrelid = relation) THEN RETURN; END IF;
    EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', relation);
  END IF;
  IF undoes_force THEN
    EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', relation);
  END IF;
END $$;
COMMENT ON FUNCTION latchkey.unprotect_table(regclass) IS
  'Undoes protect_table(): drops its policies, and turns row-level security and its force off again where it had turned them on and, '
  'for the first, no other policy is left. Not protected: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.unprotect_table(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.unprotect_table(regclass) TO latchkey_app, latchkey_admin;
