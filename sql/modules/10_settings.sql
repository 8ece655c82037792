-- Settings: what the product's owner may change at run time, without a restart.

INSERT INTO latchkey.permissions (name, module, description, seeded) VALUES
  ('settings.read', 'settings', 'Read the product''s settings.', true),
  ('settings.write', 'settings', 'Change the product''s settings.', true);

CREATE TABLE latchkey.settings (
  key            text        NOT NULL,
  category       text        NOT NULL,
  value          text        NOT NULL,
  default_value  text        NOT NULL,
  type           text        NOT NULL,
  minimum        numeric,
  maximum        numeric,
  choices        text[],
  hot_reloadable boolean     NOT NULL DEFAULT true,
  description    text        NOT NULL,
  seeded         boolean     NOT NULL DEFAULT false,
  updated_at     timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT settings_pkey PRIMARY KEY (key),
  CONSTRAINT settings_key_form CHECK (key ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$'),
  CONSTRAINT settings_type_known CHECK (type IN ('integer', 'number', 'duration', 'boolean', 'text', 'json'))
);
COMMENT ON TABLE latchkey.settings IS
  'Typed settings (reference). Changed by set_setting() or UPDATE (event: setting.changed; NOTIFY latchkey_settings with '
  'the key); running backends follow at their next statement. Durations are intervals; minimum and maximum bound integers, '
  'numbers, durations in seconds, and texts in characters; choices lists all that a text may be.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.settings', '');
GRANT SELECT ON latchkey.settings TO latchkey_admin;

CREATE FUNCTION latchkey._check_setting() RETURNS trigger
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_check_setting';
COMMENT ON FUNCTION latchkey._check_setting() IS
  'Trigger: refuses a value that is not of the setting''s type, lies beyond its bounds or is none of its choices (LK400); '
  'dates a change of the value, and writes its event, setting.changed.';
REVOKE ALL ON FUNCTION latchkey._check_setting() FROM PUBLIC;

CALL latchkey._make_reference('latchkey.settings', 'key');
CREATE TRIGGER check_value BEFORE INSERT OR UPDATE ON latchkey.settings
  FOR EACH ROW EXECUTE FUNCTION latchkey._check_setting();

CREATE FUNCTION latchkey.get_setting(key text) RETURNS text
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_get_setting';
COMMENT ON FUNCTION latchkey.get_setting(text) IS
  'The value of a setting of any type, as text. Unknown key: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.get_setting(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.get_setting(text) TO latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.setting_text(key text) RETURNS text
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_setting_text';
COMMENT ON FUNCTION latchkey.setting_text(text) IS
  'The value of a setting of type text. Of another type: invalid_argument (LK400). Unknown key: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.setting_text(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.setting_text(text) TO latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.setting_number(key text) RETURNS numeric
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_setting_number';
COMMENT ON FUNCTION latchkey.setting_number(text) IS
  'The value of a setting of type integer or number. Of another type: invalid_argument (LK400). Unknown key: not_found '
  '(LK404).';
REVOKE ALL ON FUNCTION latchkey.setting_number(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.setting_number(text) TO latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.setting_duration(key text) RETURNS interval
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_setting_duration';
COMMENT ON FUNCTION latchkey.setting_duration(text) IS
  'The value of a setting of type duration. Of another type: invalid_argument (LK400). Unknown key: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.setting_duration(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.setting_duration(text) TO latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.setting_boolean(key text) RETURNS boolean
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_setting_boolean';
COMMENT ON FUNCTION latchkey.setting_boolean(text) IS
  'The value of a setting of type boolean. Of another type: invalid_argument (LK400). Unknown key: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.setting_boolean(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.setting_boolean(text) TO latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.setting_json(key text) RETURNS jsonb
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_setting_json';
COMMENT ON FUNCTION latchkey.setting_json(text) IS
  'The value of a setting of type json. Of another type: invalid_argument (LK400). Unknown key: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.setting_json(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.setting_json(text) TO latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.set_setting(key text, value text) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_set_setting';
COMMENT ON FUNCTION latchkey.set_setting(text, text) IS
  'Changes a setting; running backends follow at their next statement after the commit, and who listens on the channel '
  'latchkey_settings is notified of the key. Wrong type, out of '
  'bounds or no choice: invalid_argument (LK400). Unknown key: not_found (LK404). Needs settings.write: forbidden (LK403). '
  'Event: setting.changed.';
REVOKE ALL ON FUNCTION latchkey.set_setting(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.set_setting(text, text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.register_setting(
    key text, type text, default_value text, description text, minimum numeric DEFAULT NULL, maximum numeric DEFAULT NULL,
    choices text[] DEFAULT NULL, hot_reloadable boolean DEFAULT true) RETURNS text
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_register_setting';
COMMENT ON FUNCTION latchkey.register_setting(text, text, text, text, numeric, numeric, text[], boolean) IS
  'Makes a setting of the application''s own, or changes everything about it but its value, which is returned. key: words '
  'joined by dots, the first is its category; type: integer, number, duration, boolean, text or json; minimum, maximum: as '
  'in the table; hot_reloadable: whether a change takes effect without a restart of who reads it, for people to know. '
  'Malformed, or a value that does not fit: invalid_argument (LK400). Built in: already_exists (LK409). Needs '
  'settings.write: forbidden (LK403). Event: setting.registered.';
REVOKE ALL ON FUNCTION latchkey.register_setting(text, text, text, text, numeric, numeric, text[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.register_setting(text, text, text, text, numeric, numeric, text[], boolean)
  TO latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.delete_setting(key text) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_delete_setting';
COMMENT ON FUNCTION latchkey.delete_setting(text) IS
  'Deletes a setting that an application registered. Built in: invalid_argument (LK400). Unknown: not_found (LK404). Needs '
  'settings.write: forbidden (LK403). Event: setting.deleted.';
REVOKE ALL ON FUNCTION latchkey.delete_setting(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.delete_setting(text) TO latchkey_admin;

CREATE TYPE latchkey.setting AS (
  key text, category text, value text, default_value text, type text, minimum numeric, maximum numeric, choices text[],
  hot_reloadable boolean, description text, built_in boolean, updated_at timestamptz);
COMMENT ON TYPE latchkey.setting IS
  'A setting, as in the table settings. built_in: it came with Latchkey, and can''t be deleted.';

CREATE FUNCTION latchkey.list_settings(category text DEFAULT NULL) RETURNS SETOF latchkey.setting
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 40 AS 'MODULE_PATHNAME', 'latchkey_list_settings';
COMMENT ON FUNCTION latchkey.list_settings(text) IS
  'All settings by key, or those of a category. Needs settings.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.list_settings(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_settings(text) TO latchkey_gateway, latchkey_app, latchkey_admin;

INSERT INTO latchkey.settings (key, category, value, default_value, type, minimum, maximum, choices, description, seeded)
SELECT key, split_part(key, '.', 1), value, value, type, minimum, maximum,
       CASE key WHEN 'tokens.algorithm' THEN ARRAY['HS256', 'EdDSA', 'ES256', 'RS256'] END, description, true
  FROM (VALUES
    ('passwords.min_length', '8', 'integer', 8, 128,
     'Fewest characters of a new password, after normalisation (NIST SP 800-63B: 15 where it is the only factor).'),
    ('passwords.argon2_memory_kib', '19456', 'integer', 8192, 262144,
     'Memory of argon2id in KiB. A change rehashes each password at its next login.'),
    ('passwords.argon2_passes', '2', 'integer', 1, 16, 'Passes of argon2id.'),
    ('passwords.argon2_lanes', '1', 'integer', 1, 16, 'Lanes of argon2id; they are computed one after the other.'),
    ('accounts.require_verified_email', 'false', 'boolean', NULL, NULL,
     'Whether a user must confirm the address before the first login.'),
    ('accounts.password_reset_lifetime', '1 hour', 'duration', 60, 604800,
     'How long a token of request_password_reset() is good for.'),
    ('accounts.email_verification_lifetime', '3 days', 'duration', 60, 2592000,
     'How long a token of request_email_verification() is good for.'),
    ('accounts.invitation_lifetime', '7 days', 'duration', 60, 31622400,
     'How long a token of invite_user() is good for.'),
    ('throttle.account_attempts', '10', 'integer', 1, 1000,
     'Failed logins per account within the window before it is locked out.'),
    ('throttle.consecutive_failures', '100', 'integer', 0, 100000,
     'Failed logins in a row, however far apart, after which an account is locked out until its password is reset '
     '(NIST SP 800-63B: at most 100). 0: no bound.'),
    ('throttle.address_attempts', '100', 'integer', 1, 10000,
     'Failed logins per client address (IPv6: per /64) within the window before it is locked out.'),
    ('throttle.mail_requests', '5', 'integer', 1, 1000,
     'Password resets, and likewise e-mail verifications and invitations, for one address within the window.'),
    ('throttle.window', '15 minutes', 'duration', 1, 86400,
     'The window of all limits on attempts, and how long a lock-out lasts.'),
    ('sessions.lifetime', '30 days', 'duration', 60, 31622400,
     'How long a token is good for; refresh() starts it anew.'),
    ('sessions.max_lifetime', '180 days', 'duration', 60, 31622400,
     'How long a session can be refreshed at the most, and how long a rotated signing key still verifies.'),
    ('sessions.rotation_grace', '60 seconds', 'duration', 0, 3600,
     'How long after a refresh the token before it still verifies.'),
    ('sessions.retention', '7 days', 'duration', 0, 31622400,
     'How long sessions that are over are kept before purge_expired_sessions() deletes them.'),
    ('tokens.issuer', 'latchkey', 'text', 1, 200,
     'The iss claim of new tokens. Tokens with another one are refused.'),
    ('tokens.algorithm', 'HS256', 'text', NULL, NULL,
     'Algorithm of the next signing key: HS256, EdDSA, ES256 or RS256. rotate_signing_key() puts it into force.'),
    ('plans.past_due_grace', '7 days', 'duration', 0, 31622400,
     'How long a subscription that is past due still grants its plan.')
  ) AS seed (key, value, type, minimum, maximum, description);
