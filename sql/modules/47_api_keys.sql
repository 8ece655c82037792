-- API keys: how machines authenticate. A service account names one, its keys say what it may do.

INSERT INTO latchkey.permissions (name, module, description, seeded) VALUES
  ('api_keys.read', 'api_keys', 'See service accounts and their API keys, without the secrets.', true),
  ('api_keys.write', 'api_keys', 'Make, rotate and revoke API keys, within one''s own permissions.', true);

CREATE TABLE latchkey.service_accounts (
  id          uuid        NOT NULL,
  tenant_id   uuid,
  name        text        NOT NULL,
  description text        NOT NULL DEFAULT '',
  created_at  timestamptz NOT NULL,
  created_by  uuid,
  disabled_at timestamptz,
  CONSTRAINT service_accounts_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE latchkey.service_accounts IS
  'Machines that call (reference). tenant_id: where their keys count; null: on the whole platform. created_by: the bound identity, null '
  'for a database role. While disabled_at is set, all its keys are refused.';
CREATE INDEX service_accounts_by_tenant ON latchkey.service_accounts (tenant_id, id);
SELECT pg_catalog.pg_extension_config_dump('latchkey.service_accounts', '');
GRANT SELECT ON latchkey.service_accounts TO latchkey_admin;

CREATE TABLE latchkey.api_keys (
  id                 uuid        NOT NULL,
  service_account_id uuid        NOT NULL,
  prefix             text        NOT NULL,
  secret_hash        bytea       NOT NULL,
  permissions        text[]      NOT NULL,
  created_at         timestamptz NOT NULL,
  created_by         uuid,
  expires_at         timestamptz,
  revoked_at         timestamptz,
  replaced_by        uuid,
  CONSTRAINT api_keys_pkey PRIMARY KEY (id),
  CONSTRAINT api_keys_prefix_unique UNIQUE (prefix),
  CONSTRAINT api_keys_secret_hash_form CHECK (length(secret_hash) = 32),
  CONSTRAINT api_keys_service_account_fkey FOREIGN KEY (service_account_id) REFERENCES latchkey.service_accounts (id)
);
COMMENT ON TABLE latchkey.api_keys IS
  'Keys of service accounts (reference). A token is prefix, _ and a secret of 32 random bytes, of which only the SHA-256 is kept: nobody '
  'can guess such a secret, so a slow hash would protect nothing. permissions: names and patterns, as roles have them. replaced_by: the '
  'key that rotate_api_key() made of it.';
CREATE INDEX api_keys_by_service_account ON latchkey.api_keys (service_account_id, id);
SELECT pg_catalog.pg_extension_config_dump('latchkey.api_keys', '');
GRANT SELECT (id, service_account_id, prefix, permissions, created_at, created_by, expires_at, revoked_at, replaced_by)
  ON latchkey.api_keys TO latchkey_admin;

CREATE TABLE latchkey.api_key_uses (
  key_id       uuid        NOT NULL,
  last_used_at timestamptz,
  CONSTRAINT api_key_uses_pkey PRIMARY KEY (key_id)
);
COMMENT ON TABLE latchkey.api_key_uses IS
  'When each API key was last used, to the minute (reference). A table of its own, because a transaction that authenticated keeps its row '
  'locked until it ends, and must not hold up who revokes the key: so there is no foreign key either.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.api_key_uses', '');
GRANT SELECT ON latchkey.api_key_uses TO latchkey_admin;

CREATE TYPE latchkey.service_account AS (
  id uuid, tenant_id uuid, name text, description text, created_at timestamptz, created_by uuid, disabled_at timestamptz);
COMMENT ON TYPE latchkey.service_account IS
  'A machine that calls: within the tenant, or on the whole platform when tenant_id is null. Disabled while disabled_at is not null.';

CREATE TYPE latchkey.api_key AS (
  id uuid, service_account_id uuid, prefix text, permissions text[], created_at timestamptz, created_by uuid, expires_at timestamptz,
  last_used_at timestamptz, revoked_at timestamptz, replaced_by uuid);
COMMENT ON TYPE latchkey.api_key IS
  'An API key without its secret. prefix: how its token begins. last_used_at: to the minute, see authenticate(). replaced_by: its successor '
  'after a rotation.';

CREATE TYPE latchkey.issued_api_key AS (
  id uuid, service_account_id uuid, prefix text, token text, permissions text[], expires_at timestamptz);
COMMENT ON TYPE latchkey.issued_api_key IS
  'A new API key with its token, which is shown this once and stored nowhere. expires_at null: it does not end by itself.';

CREATE FUNCTION latchkey.create_service_account(name text, description text DEFAULT '', tenant_id uuid DEFAULT NULL)
  RETURNS latchkey.service_account
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_create_service_account';
COMMENT ON FUNCTION latchkey.create_service_account(text, text, uuid) IS
  'Makes a service account, for the platform or within a tenant, which stays so. It may do nothing until it has a key. Needs '
  'api_keys.write there: forbidden (LK403). Malformed: invalid_argument (LK400). Unknown tenant: not_found (LK404). Event: '
  'service_account.created.';
REVOKE ALL ON FUNCTION latchkey.create_service_account(text, text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.create_service_account(text, text, uuid) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.list_service_accounts(
    tenant_id uuid DEFAULT NULL, after uuid DEFAULT NULL, max_rows integer DEFAULT 100) RETURNS SETOF latchkey.service_account
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10 AS 'MODULE_PATHNAME', 'latchkey_list_service_accounts';
COMMENT ON FUNCTION latchkey.list_service_accounts(uuid, uuid, integer) IS
  'The tenant''s service accounts, or without tenant_id all of them; newest first, at most 1,000 a page; after: the last id of the page '
  'before. Needs api_keys.read there, or platform-wide: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.list_service_accounts(uuid, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_service_accounts(uuid, uuid, integer) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.disable_service_account(service_account_id uuid) RETURNS latchkey.service_account
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_disable_service_account';
COMMENT ON FUNCTION latchkey.disable_service_account(uuid) IS
  'Refuses all its keys from the next call on, until enable_service_account(). Needs api_keys.write in its tenant or platform-wide: '
  'forbidden (LK403). Unknown: not_found (LK404). Event: service_account.disabled.';
REVOKE ALL ON FUNCTION latchkey.disable_service_account(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.disable_service_account(uuid) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.enable_service_account(service_account_id uuid) RETURNS latchkey.service_account
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_enable_service_account';
COMMENT ON FUNCTION latchkey.enable_service_account(uuid) IS
  'Undoes disable_service_account(). Needs api_keys.write in its tenant or platform-wide, and every permission of its living keys: '
  'forbidden (LK403). Unknown: not_found (LK404). Event: service_account.enabled.';
REVOKE ALL ON FUNCTION latchkey.enable_service_account(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.enable_service_account(uuid) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.delete_service_account(service_account_id uuid) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_delete_service_account';
COMMENT ON FUNCTION latchkey.delete_service_account(uuid) IS
  'Deletes it and its keys; its events stay. Needs api_keys.write in its tenant or platform-wide: forbidden (LK403). Unknown: not_found '
  '(LK404). Event: service_account.deleted.';
REVOKE ALL ON FUNCTION latchkey.delete_service_account(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.delete_service_account(uuid) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.create_api_key(service_account_id uuid, permissions text[], expires_at timestamptz DEFAULT NULL)
  RETURNS latchkey.issued_api_key
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_create_api_key';
COMMENT ON FUNCTION latchkey.create_api_key(uuid, text[], timestamptz) IS
  'Makes a key, and returns its token this once. permissions: names, or patterns (*, users.*, *.read), which count in the service '
  'account''s tenant only, if it has one. Needs api_keys.write and every permission that it gives, there or platform-wide: forbidden '
  '(LK403). What a key makes ends with that key at the latest. Malformed, or expires_at in the past: invalid_argument (LK400). Unknown '
  'service account or permission: not_found (LK404). Event: api_key.created.';
REVOKE ALL ON FUNCTION latchkey.create_api_key(uuid, text[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.create_api_key(uuid, text[], timestamptz) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.list_api_keys(service_account_id uuid, after uuid DEFAULT NULL, max_rows integer DEFAULT 100)
  RETURNS SETOF latchkey.api_key
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10 AS 'MODULE_PATHNAME', 'latchkey_list_api_keys';
COMMENT ON FUNCTION latchkey.list_api_keys(uuid, uuid, integer) IS
  'The keys of a service account, also those that are over, without their secrets; newest first, at most 1,000 a page; after: the last id '
  'of the page before. Needs api_keys.read in its tenant or platform-wide: forbidden (LK403). Unknown: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.list_api_keys(uuid, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_api_keys(uuid, uuid, integer) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.rotate_api_key(key_id uuid, overlap interval DEFAULT '1 day') RETURNS latchkey.issued_api_key
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_rotate_api_key';
COMMENT ON FUNCTION latchkey.rotate_api_key(uuid, interval) IS
  'A new key with the same permissions and as long a life as the old one was given, whose token is returned this once. The old key ends '
  'after overlap (0 to 30 days, else invalid_argument (LK400)), or when it would have ended anyway. Needs what create_api_key() needs: '
  'forbidden (LK403). Unknown: not_found (LK404). A key that is over, or was rotated already: conflict (LK410). Event: api_key.rotated.';
REVOKE ALL ON FUNCTION latchkey.rotate_api_key(uuid, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.rotate_api_key(uuid, interval) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.revoke_api_key(key_id uuid) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_revoke_api_key';
COMMENT ON FUNCTION latchkey.revoke_api_key(uuid) IS
  'Ends a key: it is refused from the next call on. Needs api_keys.write in its tenant or platform-wide: forbidden (LK403). Unknown or '
  'revoked already: not_found (LK404). Event: api_key.revoked.';
REVOKE ALL ON FUNCTION latchkey.revoke_api_key(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.revoke_api_key(uuid) TO latchkey_gateway, latchkey_admin;
