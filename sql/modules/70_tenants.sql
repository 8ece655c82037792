-- Tenants: the registry of stores and organizations, their status, members and invitations.

INSERT INTO latchkey.permissions (name, module, description, seeded) VALUES
  ('tenants.read', 'tenants', 'See tenants and their settings.', true),
  ('tenants.create', 'tenants', 'Create tenants for anybody.', true),
  ('tenants.write', 'tenants', 'Change a tenant: name, slug, settings, owner.', true),
  ('tenants.suspend', 'tenants', 'Suspend tenants and bring them back; counts platform-wide only.', true),
  ('tenants.delete', 'tenants', 'Archive and delete tenants.', true),
  ('members.read', 'tenants', 'See a tenant''s members and invitations.', true),
  ('members.invite', 'tenants', 'Invite people to a tenant, within one''s own permissions.', true),
  ('members.remove', 'tenants', 'Remove people from a tenant, within one''s own permissions.', true);

INSERT INTO latchkey.settings (key, category, value, default_value, type, minimum, maximum, description, seeded)
SELECT key, 'tenants', value, value, type, minimum, maximum, description, true
  FROM (VALUES
    ('tenants.self_service', 'true', 'boolean', NULL::numeric, NULL::numeric,
     'Whether users may create tenants for themselves; others need tenants.create.'),
    ('tenants.reserved_slugs',
     '["www", "api", "app", "admin", "mail", "smtp", "imap", "pop", "ftp", "ns", "ns1", "ns2", "mx", "dns", "auth", '
     '"login", "account", "accounts", "billing", "static", "assets", "cdn", "status", "support", "help", "docs", '
     '"blog", "root", "test", "localhost", "autoconfig", "autodiscover", "wpad", "webmail", "postmaster", "security"]',
     'json', NULL, NULL,
     'Slugs that no tenant may have, as a JSON array.'),
    ('tenants.slug_retention', '90 days', 'duration', 0, 315576000,
     'How long a slug that a tenant gave up leads to it still, and is nobody else''s.'),
    ('tenants.invitation_lifetime', '7 days', 'duration', 60, 31622400, 'How long a token of invite_member() is good for.'),
    ('tenants.deletion_grace', '30 days', 'duration', 0, 31622400,
     'How long a tenant that is to be deleted stays archived, and can be brought back.'),
    ('tenants.user_comparison_interval', '1 day', 'duration', 0, 31622400,
     'How often the users of an active tenant''s database are compared with the main database; 0: when somebody asks for it.')
  ) AS seed (key, value, type, minimum, maximum, description);

CREATE TABLE latchkey.tenants (
  id                uuid        NOT NULL,
  name              text        NOT NULL,
  slug              text        NOT NULL,
  kind              text        NOT NULL,
  status            text        NOT NULL,
  status_reason     text,
  status_changed_at timestamptz NOT NULL,
  delete_after      timestamptz,
  settings          jsonb       NOT NULL DEFAULT '{}',
  created_at        timestamptz NOT NULL,
  created_by        uuid,
  updated_at        timestamptz NOT NULL,
  CONSTRAINT tenants_pkey PRIMARY KEY (id),
  CONSTRAINT tenants_kind_form CHECK (kind ~ '^[a-z][a-z0-9_]{0,62}$'),
  CONSTRAINT tenants_status_known
    CHECK (status IN ('pending', 'provisioning', 'active', 'suspended', 'archived', 'deleted')),
  CONSTRAINT tenants_settings_object CHECK (jsonb_typeof(settings) = 'object')
);
COMMENT ON TABLE latchkey.tenants IS
  'Stores, organizations … (reference): id is the id of an account of kind tenant; who belongs to it has a role in it '
  '(role_grants). delete_after: when an archived tenant becomes deleted; null: not asked for. created_by: the bound '
  'identity, null for a database role.';
CREATE INDEX tenants_by_status ON latchkey.tenants (status, id);
CREATE INDEX tenants_to_delete ON latchkey.tenants (delete_after) WHERE delete_after IS NOT NULL AND status = 'archived';
-- What backends cache of a tenant: a new one is in nobody's cache.
CREATE TRIGGER invalidate AFTER UPDATE OF status, slug OR DELETE OR TRUNCATE ON latchkey.tenants
  FOR EACH STATEMENT EXECUTE FUNCTION latchkey._invalidate();
SELECT pg_catalog.pg_extension_config_dump('latchkey.tenants', '');
GRANT SELECT ON latchkey.tenants TO latchkey_admin;

-- A table of its own, as a slug outlives its use.
CREATE TABLE latchkey.tenant_slugs (
  slug       text        NOT NULL,
  tenant_id  uuid        NOT NULL,
  taken_at   timestamptz NOT NULL,
  retired_at timestamptz,
  CONSTRAINT tenant_slugs_pkey PRIMARY KEY (slug),
  CONSTRAINT tenant_slugs_form CHECK (slug ~ '^[a-z0-9](-?[a-z0-9])*$' AND length(slug) BETWEEN 2 AND 63)
);
COMMENT ON TABLE latchkey.tenant_slugs IS
  'Slug → tenant (reference). From retired_at on it is not the tenant''s any more, but leads to it for '
  'tenants.slug_retention; then another tenant may take it.';
CREATE INDEX tenant_slugs_by_tenant ON latchkey.tenant_slugs (tenant_id);
CREATE TRIGGER invalidate AFTER UPDATE OR DELETE OR TRUNCATE ON latchkey.tenant_slugs
  FOR EACH STATEMENT EXECUTE FUNCTION latchkey._invalidate('tenants');
SELECT pg_catalog.pg_extension_config_dump('latchkey.tenant_slugs', '');
GRANT SELECT ON latchkey.tenant_slugs TO latchkey_admin;

CREATE TABLE latchkey.tenant_keys (
  owner_id        uuid  NOT NULL,
  idempotency_key text  NOT NULL,
  fingerprint     bytea NOT NULL,
  tenant_id       uuid  NOT NULL,
  CONSTRAINT tenant_keys_pkey PRIMARY KEY (owner_id, idempotency_key)
);
COMMENT ON TABLE latchkey.tenant_keys IS
  'Idempotency keys of create_tenant() (distributed by owner), with a digest of the other arguments and the tenant that was '
  'made.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.tenant_keys', '');

CREATE TABLE latchkey.tenant_invitations (
  tenant_id  uuid        NOT NULL,
  id         uuid        NOT NULL,
  token_hash bytea       NOT NULL,
  email      text        NOT NULL,
  email_key  text        NOT NULL,
  role       text        NOT NULL,
  invited_by uuid,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  CONSTRAINT tenant_invitations_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT tenant_invitations_token_unique UNIQUE (tenant_id, token_hash),
  CONSTRAINT tenant_invitations_email_unique UNIQUE (tenant_id, email_key)
);
COMMENT ON TABLE latchkey.tenant_invitations IS
  'Invitations that nobody has accepted yet (distributed by tenant): one for each address, with the SHA-256 of its token. '
  'invited_by: the bound identity, null for a database role.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.tenant_invitations', '');
GRANT SELECT (tenant_id, id, email, email_key, role, invited_by, created_at, expires_at)
  ON latchkey.tenant_invitations TO latchkey_admin;

-- Members in the order of their pages.
CREATE INDEX role_grants_by_member ON latchkey.role_grants (tenant_id, user_id);

CREATE TYPE latchkey.tenant AS (
  id uuid, name text, slug text, kind text, status text, status_reason text, status_changed_at timestamptz,
  delete_after timestamptz, settings jsonb, created_at timestamptz, created_by uuid, updated_at timestamptz);
COMMENT ON TYPE latchkey.tenant IS
  'A tenant. status: pending, provisioning, active, suspended, archived or deleted; delete_after: when an archived one '
  'becomes deleted.';

CREATE TYPE latchkey.tenant_member AS (
  user_id uuid, email text, name text, status text, roles text[], member_since timestamptz);
COMMENT ON TYPE latchkey.tenant_member IS
  'Who belongs to a tenant, with the roles that count there now; status is the user''s; member_since: the oldest of these '
  'roles.';

CREATE TYPE latchkey.tenant_membership AS (
  tenant_id uuid, name text, slug text, kind text, status text, status_reason text, roles text[]);
COMMENT ON TYPE latchkey.tenant_membership IS 'A tenant that a user belongs to, and the roles there.';

CREATE TYPE latchkey.tenant_invitation AS (
  id uuid, tenant_id uuid, email text, role text, invited_by uuid, created_at timestamptz, expires_at timestamptz);
COMMENT ON TYPE latchkey.tenant_invitation IS 'An invitation that nobody has accepted yet; good until expires_at.';

CREATE TYPE latchkey.issued_invitation AS (
  id uuid, tenant_id uuid, email text, role text, token text, expires_at timestamptz, tenant_name text);
COMMENT ON TYPE latchkey.issued_invitation IS
  'A new invitation with its token, which is stored nowhere and is to be mailed to this address alone.';

-- The registry.

CREATE FUNCTION latchkey.create_tenant(
    owner_id uuid, name text, slug text DEFAULT NULL, kind text DEFAULT 'organization', settings jsonb DEFAULT '{}',
    provision boolean DEFAULT false, idempotency_key text DEFAULT NULL) RETURNS latchkey.tenant
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_create_tenant';
COMMENT ON FUNCTION latchkey.create_tenant(uuid, text, text, text, jsonb, boolean, text) IS
  'Makes a tenant with its account, and its owner a member with role owner. slug: 2 to 63 of a-z, 0-9 and single hyphens '
  'between them; null: made from the name, with a number where that is taken. kind: a word of the application''s. '
  'provision: it begins as pending, and is no one''s to use before it is active; else active at once. idempotency_key: '
  'again with the same arguments returns the same tenant as it is now; with others: idempotency_mismatch (LK419). Users '
  'create for themselves while setting tenants.self_service is on, else tenants.create is needed platform-wide: forbidden '
  '(LK403). Malformed, or a reserved slug: invalid_argument (LK400). Unknown owner: not_found (LK404). A blocked one: '
  'conflict (LK410). Slug taken: already_exists (LK409). Events: tenant.created, role.granted.';
REVOKE ALL ON FUNCTION latchkey.create_tenant(uuid, text, text, text, jsonb, boolean, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.create_tenant(uuid, text, text, text, jsonb, boolean, text)
  TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.get_tenant(tenant_id uuid) RETURNS latchkey.tenant
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_get_tenant';
COMMENT ON FUNCTION latchkey.get_tenant(uuid) IS
  'A tenant. Needs tenants.read in it or platform-wide: forbidden (LK403). Unknown: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.get_tenant(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.get_tenant(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.list_tenants(
    status text DEFAULT NULL, kind text DEFAULT NULL, after uuid DEFAULT NULL, max_rows integer DEFAULT 100)
  RETURNS SETOF latchkey.tenant
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100 AS 'MODULE_PATHNAME', 'latchkey_list_tenants';
COMMENT ON FUNCTION latchkey.list_tenants(text, text, uuid, integer) IS
  'Tenants, newest first, at most 1,000 a page; after: the last id of the page before. Without status all but deleted ones. '
  'Needs tenants.read platform-wide: forbidden (LK403). Unknown status, or max_rows out of bounds: invalid_argument '
  '(LK400).';
REVOKE ALL ON FUNCTION latchkey.list_tenants(text, text, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_tenants(text, text, uuid, integer)
  TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.update_tenant(
    tenant_id uuid, name text DEFAULT NULL, slug text DEFAULT NULL, settings jsonb DEFAULT NULL) RETURNS latchkey.tenant
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_update_tenant';
COMMENT ON FUNCTION latchkey.update_tenant(uuid, text, text, jsonb) IS
  'Changes what is not null; settings: adds and replaces keys, a JSON null removes one. The slug before leads to the tenant '
  'for tenants.slug_retention more, and it may take it back. Needs tenants.write in it or platform-wide: forbidden (LK403). '
  'Malformed, or a reserved slug: invalid_argument (LK400). Unknown: not_found (LK404). Slug taken: already_exists (LK409). '
  'A deleted tenant: conflict (LK410). Event: tenant.updated.';
REVOKE ALL ON FUNCTION latchkey.update_tenant(uuid, text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.update_tenant(uuid, text, text, jsonb) TO latchkey_gateway, latchkey_app, latchkey_admin;

-- Status. A tenant's tokens and API keys work while it is active, and are refused at the next call when it is not.

CREATE FUNCTION latchkey.set_tenant_status(tenant_id uuid, status text, reason text DEFAULT NULL) RETURNS latchkey.tenant
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_set_tenant_status';
COMMENT ON FUNCTION latchkey.set_tenant_status(uuid, text, text) IS
  'Moves a tenant on: pending → provisioning → active ⇄ suspended → archived; from provisioning back to pending, from '
  'pending to active without provisioning, from archived back to active, and from anywhere to archived. The same status '
  'again changes its reason. Any other step: conflict (LK410); deleted is delete_tenant()''s. Needs tenants.suspend '
  'platform-wide: forbidden (LK403). Unknown status: invalid_argument (LK400). Unknown tenant: not_found (LK404). Event: '
  'tenant.status_changed, with from, to and reason.';
REVOKE ALL ON FUNCTION latchkey.set_tenant_status(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.set_tenant_status(uuid, text, text) TO latchkey_gateway, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.suspend_tenant(tenant_id uuid, reason text DEFAULT NULL) RETURNS latchkey.tenant
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_suspend_tenant';
COMMENT ON FUNCTION latchkey.suspend_tenant(uuid, text) IS
  'set_tenant_status(…, suspended): every token and API key of the tenant is refused from the next call on, and its '
  'members'' roles in it count for nothing. Only an active one, or again: else conflict (LK410).';
REVOKE ALL ON FUNCTION latchkey.suspend_tenant(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.suspend_tenant(uuid, text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.reactivate_tenant(tenant_id uuid, reason text DEFAULT NULL) RETURNS latchkey.tenant
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_reactivate_tenant';
COMMENT ON FUNCTION latchkey.reactivate_tenant(uuid, text) IS
  'set_tenant_status(…, active), for a suspended or archived tenant, or again: else conflict (LK410). Sessions and keys '
  'that have not ended by themselves work again; a deletion that was asked for is called off.';
REVOKE ALL ON FUNCTION latchkey.reactivate_tenant(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.reactivate_tenant(uuid, text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.archive_tenant(tenant_id uuid, reason text DEFAULT NULL) RETURNS latchkey.tenant
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_archive_tenant';
COMMENT ON FUNCTION latchkey.archive_tenant(uuid, text) IS
  'Closes a tenant and keeps everything; tokens and keys are refused as after suspend_tenant(). reactivate_tenant() undoes '
  'it, which is the platform''s to do; till then it needs no owner. Needs tenants.delete in it or platform-wide: forbidden '
  '(LK403). Archived already: changes the reason. Deleted: conflict (LK410). Unknown: not_found (LK404). Event: '
  'tenant.status_changed.';
REVOKE ALL ON FUNCTION latchkey.archive_tenant(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.archive_tenant(uuid, text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.delete_tenant(tenant_id uuid, reason text DEFAULT NULL) RETURNS latchkey.tenant
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_delete_tenant';
COMMENT ON FUNCTION latchkey.delete_tenant(uuid, text) IS
  'Archives the tenant and sets delete_after to tenants.deletion_grace from now; until then reactivate_tenant() brings it '
  'back. Again: the time stays. From then on it becomes deleted, by this function or delete_due_tenants(): its hostnames '
  'and invitations go, its slug retires; the row, the account and the events stay. Needs tenants.delete in it or '
  'platform-wide: forbidden (LK403). Deleted already: conflict (LK410). Unknown: not_found (LK404). Events: '
  'tenant.deletion_scheduled, tenant.status_changed.';
REVOKE ALL ON FUNCTION latchkey.delete_tenant(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.delete_tenant(uuid, text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.delete_due_tenants(max_rows integer DEFAULT 100) RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_delete_due_tenants';
COMMENT ON FUNCTION latchkey.delete_due_tenants(integer) IS
  'Makes deleted what has passed its delete_after, and returns how many tenants; call it until that is 0. Rows that are '
  'locked are left for the next time.';
REVOKE ALL ON FUNCTION latchkey.delete_due_tenants(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.delete_due_tenants(integer) TO latchkey_admin, latchkey_worker;

-- Members.

CREATE FUNCTION latchkey.members_of(tenant_id uuid, after uuid DEFAULT NULL, max_rows integer DEFAULT 100)
  RETURNS SETOF latchkey.tenant_member
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 20 AS 'MODULE_PATHNAME', 'latchkey_members_of';
COMMENT ON FUNCTION latchkey.members_of(uuid, uuid, integer) IS
  'Who has a role in the tenant now; users that were made last come first, at most 1,000 a page; after: the last user_id of '
  'the page before. Needs members.read in it or platform-wide: forbidden (LK403). Unknown tenant: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.members_of(uuid, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.members_of(uuid, uuid, integer) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.tenants_of(user_id uuid) RETURNS SETOF latchkey.tenant_membership
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 3 AS 'MODULE_PATHNAME', 'latchkey_tenants_of';
COMMENT ON FUNCTION latchkey.tenants_of(uuid) IS
  'The tenants in which the user has a role now, by name, for a switcher: whatever their status, but for deleted ones. '
  'One''s own; others'' need tenants.read platform-wide: else forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.tenants_of(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.tenants_of(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.remove_member(tenant_id uuid, user_id uuid) RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_remove_member';
COMMENT ON FUNCTION latchkey.remove_member(uuid, uuid) IS
  'Takes all the user''s roles in the tenant, withdraws the invitations that they made, ends their sessions in it, and '
  'returns how many roles that were. Needs members.remove there or platform-wide and every permission of these roles; '
  'oneself: leave_tenant(), else forbidden (LK403). No member: not_found (LK404). The last owner: conflict (LK410). Events: '
  'role.revoked, sessions.ended.';
REVOKE ALL ON FUNCTION latchkey.remove_member(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.remove_member(uuid, uuid) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.leave_tenant(user_id uuid, tenant_id uuid) RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_leave_tenant';
COMMENT ON FUNCTION latchkey.leave_tenant(uuid, uuid) IS
  'remove_member() for oneself: no permission replaces it, else forbidden (LK403). No member: not_found (LK404). The last '
  'owner: conflict (LK410), see transfer_ownership().';
REVOKE ALL ON FUNCTION latchkey.leave_tenant(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.leave_tenant(uuid, uuid) TO latchkey_gateway, latchkey_app;

CREATE FUNCTION latchkey.transfer_ownership(tenant_id uuid, to_user_id uuid, from_user_id uuid DEFAULT NULL) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_transfer_ownership';
COMMENT ON FUNCTION latchkey.transfer_ownership(uuid, uuid, uuid) IS
  'Makes a member the owner, and the owner before an admin of the tenant. from_user_id null: the bound user, who needs '
  'nothing but to be the owner; for another owner tenants.write is needed platform-wide: forbidden (LK403). Null without a '
  'bound user: invalid_argument (LK400). from_user_id is no owner, or to_user_id no active member or the same: conflict '
  '(LK410). Unknown tenant: not_found (LK404). Events: role.granted, role.revoked, tenant.ownership_transferred.';
REVOKE ALL ON FUNCTION latchkey.transfer_ownership(uuid, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.transfer_ownership(uuid, uuid, uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

-- Invitations.

CREATE FUNCTION latchkey.invite_member(tenant_id uuid, email text, role text) RETURNS latchkey.issued_invitation
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_invite_member';
COMMENT ON FUNCTION latchkey.invite_member(uuid, text, text) IS
  'Invites an address, of a user or of nobody yet, to a role in the tenant, which join_tenant() gives; returns the token, '
  'to be mailed there and nowhere else (setting tenants.invitation_lifetime). Again: another token, and the one before '
  'ends. Needs members.invite there or platform-wide and every permission of the role: forbidden (LK403). Malformed: '
  'invalid_argument (LK400). Unknown tenant or role: not_found (LK404). The tenant is not active: conflict (LK410). Too '
  'often (setting throttle.mail_requests): locked_out (LK423). Event: tenant.member_invited.';
REVOKE ALL ON FUNCTION latchkey.invite_member(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.invite_member(uuid, text, text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.join_tenant(user_id uuid, token text) RETURNS latchkey.tenant_membership
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_join_tenant';
COMMENT ON FUNCTION latchkey.join_tenant(uuid, text) IS
  'Accepts an invitation of invite_member() for oneself: no permission replaces that. Who is no user yet signs up with the '
  'invited address first. It confirms no address: the one who invited has seen the token too. Bad token: invalid_token '
  '(LK411), and it is used up by success alone. Another address than the invited one: forbidden (LK403). The tenant is not '
  'active: conflict (LK410). The role is gone: not_found (LK404). Events: role.granted, tenant.member_joined.';
REVOKE ALL ON FUNCTION latchkey.join_tenant(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.join_tenant(uuid, text) TO latchkey_gateway, latchkey_app;

CREATE FUNCTION latchkey.revoke_invitation(tenant_id uuid, invitation_id uuid) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_revoke_invitation';
COMMENT ON FUNCTION latchkey.revoke_invitation(uuid, uuid) IS
  'Ends an invitation. Needs members.invite in the tenant or platform-wide: forbidden (LK403). Unknown or accepted: '
  'not_found (LK404). Event: tenant.invitation_revoked.';
REVOKE ALL ON FUNCTION latchkey.revoke_invitation(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.revoke_invitation(uuid, uuid) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.list_invitations(tenant_id uuid, after uuid DEFAULT NULL, max_rows integer DEFAULT 100)
  RETURNS SETOF latchkey.tenant_invitation
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10 AS 'MODULE_PATHNAME', 'latchkey_list_invitations';
COMMENT ON FUNCTION latchkey.list_invitations(uuid, uuid, integer) IS
  'Invitations to the tenant that are good still, newest first, at most 1,000 a page; after: the last id of the page '
  'before. Needs members.read there or platform-wide: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.list_invitations(uuid, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_invitations(uuid, uuid, integer) TO latchkey_gateway, latchkey_app, latchkey_admin;

-- Switching.

CREATE FUNCTION latchkey.switch_tenant(token text, tenant_id uuid) RETURNS latchkey.login_result
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_switch_tenant';
COMMENT ON FUNCTION latchkey.switch_tenant(text, uuid) IS
  'A new token of the same session, for a tenant in which the user has a role; null: for none. The session''s roles in '
  'other tenants then count for nothing. Tokens from before are refused at once, so that no request lands in the wrong '
  'tenant; the direct predecessor gets the new one by the same call or refresh() again, another tenant with it is a '
  'conflict (LK410), and an older one ends the session: outcome invalid_token. No member, or the tenant is not active: '
  'forbidden (LK403). Bad token: invalid_token (LK411). Event: session.tenant_switched.';
REVOKE ALL ON FUNCTION latchkey.switch_tenant(text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.switch_tenant(text, uuid) TO latchkey_gateway, latchkey_app;
