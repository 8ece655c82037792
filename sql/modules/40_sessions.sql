-- Sessions: logging in, tokens, and the keys that sign them.

INSERT INTO latchkey.permissions (name, module, description, seeded) VALUES
  ('sessions.read', 'sessions', 'See users'' sessions.', true),
  ('sessions.revoke', 'sessions', 'End users'' sessions.', true),
  ('signing_keys.rotate', 'sessions', 'Rotate the keys that sign tokens.', true);

CREATE TABLE latchkey.signing_keys (
  key_id      text        NOT NULL,
  algorithm   text        NOT NULL,
  wrapped_key bytea       NOT NULL,
  public_jwk  jsonb,
  active_from timestamptz NOT NULL,
  retired_at  timestamptz,
  CONSTRAINT signing_keys_pkey PRIMARY KEY (key_id),
  CONSTRAINT signing_keys_algorithm_known CHECK (algorithm IN ('HS256', 'EdDSA', 'ES256', 'RS256'))
);
COMMENT ON TABLE latchkey.signing_keys IS
  'Keys that sign tokens (reference). wrapped_key: AES-256-GCM under the master key, bound to key_id. The newest one that is not '
  'retired signs; the others verify until retired_at. A new key deletes those that are retired for longer than '
  'sessions.max_lifetime.';
CREATE TRIGGER invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON latchkey.signing_keys
  FOR EACH STATEMENT EXECUTE FUNCTION latchkey._invalidate();
SELECT pg_catalog.pg_extension_config_dump('latchkey.signing_keys', '');
GRANT SELECT (key_id, algorithm, public_jwk, active_from, retired_at) ON latchkey.signing_keys TO latchkey_admin;

CREATE TABLE latchkey.sessions (
  user_id           uuid        NOT NULL,
  id                uuid        NOT NULL,
  tenant_id         uuid,
  token_id          uuid        NOT NULL,
  previous_token_id uuid,
  created_at        timestamptz NOT NULL,
  token_issued_at   timestamptz NOT NULL,
  last_seen_at      timestamptz NOT NULL,
  expires_at        timestamptz NOT NULL,
  revoked_at        timestamptz,
  revoked_reason    text,
  client_address    inet,
  user_agent        text,
  email             text        NOT NULL,
  name              text,
  CONSTRAINT sessions_pkey PRIMARY KEY (user_id, id),
  CONSTRAINT sessions_user_fkey FOREIGN KEY (user_id) REFERENCES latchkey.users (id)
);
COMMENT ON TABLE latchkey.sessions IS
  'Sessions (distributed by user). The token is not stored: token_id is the jti of the valid one, previous_token_id of the one '
  'before the last refresh. last_seen_at: the last login or refresh, because verification writes nothing. email and name are '
  'the user''s when the token was issued, so that verification reads this one row; block_user() and delete_user() end or erase '
  'the rows in their own transaction.';
CREATE INDEX sessions_by_end ON latchkey.sessions ((least(expires_at, revoked_at)));
SELECT pg_catalog.pg_extension_config_dump('latchkey.sessions', '');
GRANT SELECT ON latchkey.sessions TO latchkey_admin;

CREATE TYPE latchkey.login_result AS (
  outcome text, token text, expires_at timestamptz, session_id uuid, user_id uuid, retry_at timestamptz,
  account latchkey.user_account, tenant_count bigint, tenant_id uuid
);
COMMENT ON TYPE latchkey.login_result IS
  'outcome: ok with token, expires_at, session_id, account, tenant_count (in how many tenants the user has a role) and the tenant that the '
  'session is for, if any; else invalid_credentials, locked_out (until retry_at, or null: until the '
  'password is reset), blocked, email_unverified, or (refresh only) invalid_token.';

CREATE TYPE latchkey.session_info AS (
  user_id uuid, session_id uuid, tenant_id uuid, email text, name text, role text, expires_at timestamptz
);
COMMENT ON TYPE latchkey.session_info IS
  'Whose session a token is, and how long it lasts. email and name are the user''s when the token was issued: get_user() has '
  'those of now. Of an API key: role is service, name is the service account''s, tenant_id and expires_at are the key''s (null: the '
  'platform; it does not end by itself), the rest is null.';

CREATE TYPE latchkey.session_entry AS (
  id uuid, created_at timestamptz, last_seen_at timestamptz, expires_at timestamptz, client_address inet, user_agent text,
  current boolean
);
COMMENT ON TYPE latchkey.session_entry IS
  'A session as its user sees it; current: the one that is bound to this transaction.';

CREATE FUNCTION latchkey.sign_up(
    email text, password text, name text DEFAULT NULL, profile jsonb DEFAULT NULL) RETURNS latchkey.login_result
  LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME', 'latchkey_sign_up';
COMMENT ON FUNCTION latchkey.sign_up(text, text, text, jsonb) IS
  'register_user() and the first session in one call. Where addresses must be confirmed first, outcome is '
  'email_unverified and there is no token. Malformed: invalid_argument (LK400). Address taken: already_exists '
  '(LK409). Events: user.registered, session.started.';
REVOKE ALL ON FUNCTION latchkey.sign_up(text, text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.sign_up(text, text, text, jsonb) TO latchkey_gateway, latchkey_app;

CREATE FUNCTION latchkey.login(email text, password text, tenant text DEFAULT NULL, host text DEFAULT NULL)
  RETURNS latchkey.login_result
  LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME', 'latchkey_login';
COMMENT ON FUNCTION latchkey.login(text, text, text, text) IS
  'Starts a session. Never raises for wrong credentials, so that the attempt is counted and no statement is '
  'logged: see outcome. An unknown address costs as much time as a known one. The session is in the tenant given by id or slug; '
  'else in the one of host (a Host header), or for a host that is no tenant''s in the only active one where the user has a role; '
  'else in none. With the right password, a tenant where the user has no role, or that is not active: forbidden (LK403). Too many '
  'at once: too_busy (LK503). No master key: not_configured (LK504). Events: session.started; user.login_failed, for a user''s address.';
REVOKE ALL ON FUNCTION latchkey.login(text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.login(text, text, text, text) TO latchkey_gateway, latchkey_app;

CREATE FUNCTION latchkey.verify(token text) RETURNS latchkey.session_info
  LANGUAGE c STABLE PARALLEL RESTRICTED COST 100 AS 'MODULE_PATHNAME', 'latchkey_verify';
COMMENT ON FUNCTION latchkey.verify(text) IS
  'Whose session the token is, or whose API key; writes nothing, and runs on standbys. As of now at every isolation level. '
  'Malformed, expired, revoked, of a blocked or deleted user or a disabled service account: invalid_token (LK411), one answer for '
  'all.';
REVOKE ALL ON FUNCTION latchkey.verify(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.verify(text) TO latchkey_gateway, latchkey_app;

CREATE FUNCTION latchkey.authenticate(token text) RETURNS latchkey.session_info
  LANGUAGE c VOLATILE PARALLEL RESTRICTED COST 100 AS 'MODULE_PATHNAME', 'latchkey_authenticate';
COMMENT ON FUNCTION latchkey.authenticate(text) IS
  'verify(), and binds the identity to this transaction, in the backend''s memory: current_user_id() and its '
  'kin answer with it, and every function checks it. Bad token: invalid_token (LK411). An API key''s use is noted once a minute at '
  'most, and only where the transaction may write: not in a read-only one, on a standby or at SERIALIZABLE. Nothing waits or fails '
  'for it.';
REVOKE ALL ON FUNCTION latchkey.authenticate(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.authenticate(text) TO latchkey_gateway, latchkey_app;

CREATE FUNCTION latchkey.current_user_id() RETURNS uuid
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_current_user_id';
COMMENT ON FUNCTION latchkey.current_user_id() IS
  'The user that authenticate() has bound to this transaction, or null, also for an API key. In policies write (SELECT '
  'latchkey.current_user_id()): evaluated once per statement.';
REVOKE ALL ON FUNCTION latchkey.current_user_id() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.current_user_id() TO latchkey_gateway, latchkey_app;

CREATE FUNCTION latchkey.current_session_id() RETURNS uuid
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_current_session_id';
COMMENT ON FUNCTION latchkey.current_session_id() IS
  'The session that authenticate() has bound to this transaction, or null.';
REVOKE ALL ON FUNCTION latchkey.current_session_id() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.current_session_id() TO latchkey_gateway, latchkey_app;

CREATE FUNCTION latchkey.current_tenant_id() RETURNS uuid
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_current_tenant_id';
COMMENT ON FUNCTION latchkey.current_tenant_id() IS
  'The tenant of the bound session or API key, or null.';
REVOKE ALL ON FUNCTION latchkey.current_tenant_id() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.current_tenant_id() TO latchkey_gateway, latchkey_app;

CREATE FUNCTION latchkey.refresh(token text) RETURNS latchkey.login_result
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_refresh';
COMMENT ON FUNCTION latchkey.refresh(text) IS
  'A new token for the session; the old one verifies for sessions.rotation_grace more. The direct predecessor '
  'of the current token gets the current one again. An older one ends the session: outcome invalid_token. Bad '
  'token: invalid_token (LK411). Event: session.refreshed.';
REVOKE ALL ON FUNCTION latchkey.refresh(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.refresh(text) TO latchkey_gateway, latchkey_app;

CREATE FUNCTION latchkey.logout(token text) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_logout';
COMMENT ON FUNCTION latchkey.logout(text) IS
  'Ends this one session. False when the token is of no living session. Event: session.ended.';
REVOKE ALL ON FUNCTION latchkey.logout(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.logout(text) TO latchkey_gateway, latchkey_app;

CREATE FUNCTION latchkey.logout_everywhere(user_id uuid) RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_logout_everywhere';
COMMENT ON FUNCTION latchkey.logout_everywhere(uuid) IS
  'Ends all sessions of the user, and returns how many. Event: sessions.ended.';
REVOKE ALL ON FUNCTION latchkey.logout_everywhere(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.logout_everywhere(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.list_sessions(
    user_id uuid, after uuid DEFAULT NULL, max_rows integer DEFAULT 100) RETURNS SETOF latchkey.session_entry
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10 AS 'MODULE_PATHNAME', 'latchkey_list_sessions';
COMMENT ON FUNCTION latchkey.list_sessions(uuid, uuid, integer) IS
  'The living sessions of the user, newest first, at most 1,000 a page; after: the last id of the page before.';
REVOKE ALL ON FUNCTION latchkey.list_sessions(uuid, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_sessions(uuid, uuid, integer) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.revoke_session(user_id uuid, session_id uuid) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_revoke_session';
COMMENT ON FUNCTION latchkey.revoke_session(uuid, uuid) IS
  'Ends a session of the user. Unknown or over: not_found (LK404). Event: session.ended.';
REVOKE ALL ON FUNCTION latchkey.revoke_session(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.revoke_session(uuid, uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.purge_expired_sessions(batch integer DEFAULT 1000) RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_purge_expired_sessions';
COMMENT ON FUNCTION latchkey.purge_expired_sessions(integer) IS
  'Deletes up to batch sessions that are over for longer than sessions.retention, as many attempts counted so long '
  'ago (but for users'' addresses, whose failures count until a success), and as many expired mail tokens; returns '
  'how many rows in all. Call it until that is 0. Rows that are locked are left for the next time.';
REVOKE ALL ON FUNCTION latchkey.purge_expired_sessions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.purge_expired_sessions(integer) TO latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.rotate_signing_key(algorithm text DEFAULT NULL) RETURNS text
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_rotate_signing_key';
COMMENT ON FUNCTION latchkey.rotate_signing_key(text) IS
  'A new signing key (by default of setting tokens.algorithm), and its id. Tokens of the keys before it stay '
  'valid until they expire; keys that are retired for longer than sessions.max_lifetime are deleted. Unknown algorithm: invalid_argument (LK400). No master key: not_configured (LK504).';
REVOKE ALL ON FUNCTION latchkey.rotate_signing_key(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.rotate_signing_key(text) TO latchkey_admin;

CREATE FUNCTION latchkey.jwks() RETURNS jsonb
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_jwks';
COMMENT ON FUNCTION latchkey.jwks() IS
  'The public halves of the signing keys (RFC 7517). HS256 keys have none: with them it is {"keys": []}.';
REVOKE ALL ON FUNCTION latchkey.jwks() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.jwks() TO latchkey_gateway, latchkey_app;
