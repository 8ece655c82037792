-- Users: their administration. The tables are those of the module accounts.

-- What a search looks at: name and address on a line each, lower-case. Stored, because folding the case of each row that
-- a search visits would cost ten times the comparison.
ALTER TABLE latchkey.users ADD COLUMN search_text text
  GENERATED ALWAYS AS (lower(normalize(coalesce(name || E'\n', '') || email, NFC))) STORED;
-- The planner estimates by a sample how many users match, and so chooses between the index and a walk along the newest.
ALTER TABLE latchkey.users ALTER COLUMN search_text SET STATISTICS 1000;
GRANT SELECT (search_text) ON latchkey.users TO latchkey_admin;

-- pg_trgm may live in any schema. Without a pending list: a search would read all of it.
DO $$
BEGIN
  EXECUTE (SELECT pg_catalog.format(
    'CREATE INDEX users_by_trigram ON latchkey.users USING gin (search_text %I.gin_trgm_ops) WITH (fastupdate = off)', n.nspname)
    FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
   WHERE e.extname OPERATOR(pg_catalog.=) 'pg_trgm');
END $$;
CREATE INDEX users_by_creation ON latchkey.users (created_at);
CREATE INDEX users_not_active ON latchkey.users (status, id) WHERE status <> 'active';
CREATE INDEX accounts_with_plan ON latchkey.accounts (plan, id) WHERE plan <> 'free';

CREATE FUNCTION latchkey._contains(haystack text, needle text) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'latchkey_contains';
COMMENT ON FUNCTION latchkey._contains(text, text) IS
  'Whether the one contains the other, byte by byte, without what LIKE and strpos() prepare at each call: for list_users().';
REVOKE ALL ON FUNCTION latchkey._contains(text, text) FROM PUBLIC;

CREATE FUNCTION latchkey.list_users(
    search text DEFAULT NULL, role text DEFAULT NULL, tier text DEFAULT NULL, status text DEFAULT NULL,
    created_from timestamptz DEFAULT NULL, created_before timestamptz DEFAULT NULL, after uuid DEFAULT NULL,
    max_rows integer DEFAULT 50) RETURNS SETOF latchkey.user_account
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 50 AS 'MODULE_PATHNAME', 'latchkey_list_users';
COMMENT ON FUNCTION latchkey.list_users(text, text, text, text, timestamptz, timestamptz, uuid, integer) IS
  'Users, newest first, a page at a time (after: the last id of the page before). search: a part of name or e-mail, of at least 3 '
  'characters, in any case. role: held on the whole platform now; tier: the plan in force now; status: active, blocked or deleted, '
  'without it all but deleted; created_from ≤ time of creation < created_before. Needs users.read: forbidden (LK403). Malformed, or '
  'max_rows not from 1 to 1000: invalid_argument (LK400). Unknown role or plan: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.list_users(text, text, text, text, timestamptz, timestamptz, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_users(text, text, text, text, timestamptz, timestamptz, uuid, integer)
  TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.invite_user(
    email text, name text DEFAULT NULL, role text DEFAULT NULL, tenant_id uuid DEFAULT NULL) RETURNS latchkey.mail_token
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_invite_user';
COMMENT ON FUNCTION latchkey.invite_user(text, text, text, uuid) IS
  'Creates a user without a password, gives the role, and returns a token for accept_invitation(), to be mailed (setting '
  'accounts.invitation_lifetime). Again, for who has not accepted: another token, and the one before ends. With tenant_id the role is '
  'one within the tenant, and who is a user already gets it without a token. Needs users.create, and for a role what grant_role() needs, '
  'in the tenant or platform-wide: forbidden (LK403). Malformed, or a tenant without a role: invalid_argument (LK400). A user already, '
  'without tenant_id: already_exists (LK409). Unknown role or tenant: not_found (LK404). Too often (setting throttle.mail_requests): '
  'locked_out (LK423). Events: user.registered, user.invited, role.granted.';
REVOKE ALL ON FUNCTION latchkey.invite_user(text, text, text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.invite_user(text, text, text, uuid) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.accept_invitation(token text, password text, name text DEFAULT NULL) RETURNS latchkey.login_result
  LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME', 'latchkey_accept_invitation';
COMMENT ON FUNCTION latchkey.accept_invitation(text, text, text) IS
  'Sets the first password with a token of invite_user(), and the name when given; the address counts as confirmed, and a session '
  'starts. Bad token: invalid_token (LK411). Broken rule: invalid_argument (LK400), and the token stays good. Event: '
  'user.invitation_accepted.';
REVOKE ALL ON FUNCTION latchkey.accept_invitation(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.accept_invitation(text, text, text) TO latchkey_gateway, latchkey_app;

CREATE FUNCTION latchkey.update_user(
    user_id uuid, email text DEFAULT NULL, name text DEFAULT NULL, profile jsonb DEFAULT NULL, onboarding_step text DEFAULT NULL,
    replace boolean DEFAULT false) RETURNS latchkey.user_account
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_update_user';
COMMENT ON FUNCTION latchkey.update_user(uuid, text, text, jsonb, text, boolean) IS
  'Changes what is not null, as update_profile() does; replace: name, profile and onboarding_step become what is given, null too. A new '
  'e-mail is to be confirmed anew, and ends all sessions and mailed tokens. Needs users.write, and every permission that the user has: '
  'forbidden (LK403). Malformed: invalid_argument (LK400). Unknown: not_found (LK404). Address taken: already_exists (LK409). Event: '
  'user.updated.';
REVOKE ALL ON FUNCTION latchkey.update_user(uuid, text, text, jsonb, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.update_user(uuid, text, text, jsonb, text, boolean) TO latchkey_gateway, latchkey_admin;
