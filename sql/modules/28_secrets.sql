-- Secrets, sealed under the master key; and exchanging that key.

INSERT INTO latchkey.permissions (name, module, description, seeded) VALUES
  ('secrets.read', 'secrets', 'See which secrets are set, and which master key seals them; never their values.', true),
  ('secrets.write', 'secrets', 'Set and delete secrets.', true),
  ('secrets.rotate', 'secrets', 'Seal what is stored with another master key.', true);

CREATE TABLE latchkey.secrets (
  name         text        NOT NULL,
  sealed_value bytea       NOT NULL,
  created_at   timestamptz NOT NULL,
  updated_at   timestamptz NOT NULL,
  CONSTRAINT secrets_pkey PRIMARY KEY (name),
  CONSTRAINT secrets_name_form CHECK (name ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$')
);
COMMENT ON TABLE latchkey.secrets IS
  'Secrets by name (reference), set by set_secret(). sealed_value: AES-256-GCM under the master key, bound to the name; no function '
  'returns it in clear.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.secrets', '');
GRANT SELECT (name, created_at, updated_at) ON latchkey.secrets TO latchkey_admin;

CREATE TYPE latchkey.secret_entry AS (name text, created_at timestamptz, updated_at timestamptz);
COMMENT ON TYPE latchkey.secret_entry IS
  'A secret that is set, without its value.';

CREATE TYPE latchkey.key_usage AS ("table" text, "column" text, key text, current boolean, "values" bigint);
COMMENT ON TYPE latchkey.key_usage IS
  'How many values of a column a master key has sealed. key: the first 8 bytes of a hash of it, in hexadecimal; current: whether it is '
  'the one that seals now.';

CREATE FUNCTION latchkey.set_secret(name text, value text) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_set_secret';
COMMENT ON FUNCTION latchkey.set_secret(text, text) IS
  'Keeps a secret of 1 to 16384 bytes, sealed under the master key, in the place of a former one. name: lower-case words joined by dots '
  '(stripe.webhook_secret). When it raises, the statement is not logged; log_statement logs it all the same, so switch that off. '
  'Malformed: invalid_argument (LK400). No master key: not_configured (LK504). Needs secrets.write: forbidden (LK403). Event: secret.set.';
REVOKE ALL ON FUNCTION latchkey.set_secret(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.set_secret(text, text) TO latchkey_admin;

CREATE FUNCTION latchkey.delete_secret(name text) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_delete_secret';
COMMENT ON FUNCTION latchkey.delete_secret(text) IS
  'Deletes a secret. Unknown: not_found (LK404). Needs secrets.write: forbidden (LK403). Event: secret.deleted.';
REVOKE ALL ON FUNCTION latchkey.delete_secret(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.delete_secret(text) TO latchkey_admin;

CREATE FUNCTION latchkey.list_secrets() RETURNS SETOF latchkey.secret_entry
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10 AS 'MODULE_PATHNAME', 'latchkey_list_secrets';
COMMENT ON FUNCTION latchkey.list_secrets() IS
  'The secrets that are set, by name, without their values. Needs secrets.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.list_secrets() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_secrets() TO latchkey_admin;

CREATE FUNCTION latchkey.rotate_master_key(max_rows integer DEFAULT 1000) RETURNS bigint
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_rotate_master_key';
COMMENT ON FUNCTION latchkey.rotate_master_key(integer) IS
  'Seals with the current master key what a former one sealed (signing keys, secrets, …), at most max_rows values; returns how many. '
  'Repeat until it returns 0: it goes on where it, or a call that was interrupted, has stopped. First put the new key before the old '
  'one in the master key''s file or command, and reload; when master_key_usage() shows only the new one, remove the old. A '
  'value that no key opens: not_configured (LK504). Needs secrets.rotate: forbidden (LK403). Event: master_key.rotated.';
REVOKE ALL ON FUNCTION latchkey.rotate_master_key(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.rotate_master_key(integer) TO latchkey_admin;

CREATE FUNCTION latchkey.master_key_usage() RETURNS SETOF latchkey.key_usage
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10 AS 'MODULE_PATHNAME', 'latchkey_master_key_usage';
COMMENT ON FUNCTION latchkey.master_key_usage() IS
  'Which master keys have sealed what is stored: a former key may go when no row names it. No master key: not_configured (LK504). '
  'Needs secrets.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.master_key_usage() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.master_key_usage() TO latchkey_admin;
