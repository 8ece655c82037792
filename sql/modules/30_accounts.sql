-- Accounts: users, their addresses and passwords, and what plans and usage hang on.

INSERT INTO latchkey.permissions (name, module, description, seeded) VALUES
  ('users.read', 'accounts', 'See users.', true),
  ('users.create', 'accounts', 'Create, invite and import users.', true),
  ('users.write', 'accounts', 'Change users: name, address, profile, password.', true),
  ('users.block', 'accounts', 'Block and unblock users.', true),
  ('users.delete', 'accounts', 'Delete users.', true),
  ('usage.write', 'accounts', 'Count usage of any account.', true);

CREATE TABLE latchkey.accounts (
  id                  uuid        NOT NULL,
  kind                text        NOT NULL,
  plan                text        NOT NULL DEFAULT 'free',
  subscription_status text        NOT NULL DEFAULT 'inactive',
  status_changed_at   timestamptz NOT NULL DEFAULT now(),
  plan_version        integer,
  trial_starts_at     timestamptz,
  trial_ends_at       timestamptz,
  billing_starts_at   timestamptz,
  billing_ends_at     timestamptz,
  time_zone           text        NOT NULL DEFAULT 'UTC',
  stripe_customer_id  text,
  created_at          timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT accounts_pkey PRIMARY KEY (id),
  CONSTRAINT accounts_kind_known CHECK (kind IN ('user', 'tenant')),
  CONSTRAINT accounts_subscription_status_known CHECK (subscription_status IN (
    'inactive', 'trialing', 'active', 'past_due', 'canceled', 'unpaid', 'paused', 'incomplete', 'incomplete_expired')),
  CONSTRAINT accounts_stripe_customer_id_form CHECK (stripe_customer_id ~ '^[A-Za-z0-9_]{1,255}$'),
  CONSTRAINT accounts_trial_in_order CHECK (trial_starts_at < trial_ends_at),
  CONSTRAINT accounts_billing_in_order CHECK (billing_starts_at < billing_ends_at)
);
COMMENT ON TABLE latchkey.accounts IS
  'What a plan, a balance and usage hang on (distributed by id): id is the user''s or the tenant''s id. plan is what it is '
  'subscribed to, in the version plan_version (null: always the newest); whether that is in force depends on '
  'subscription_status and, in a trial of ours, on its dates (see tier_of). billing_starts_at and billing_ends_at: the '
  'current billing period; time_zone: where its days and months begin. stripe_customer_id: the one that stripe_customers '
  'gives to this account.';
-- Who has an old version of a plan.
CREATE INDEX accounts_by_plan_version ON latchkey.accounts (plan, plan_version, id) WHERE plan_version IS NOT NULL;
SELECT pg_catalog.pg_extension_config_dump('latchkey.accounts', '');
GRANT SELECT ON latchkey.accounts TO latchkey_admin;

-- A table of its own, so that a customer is unique across everything even when accounts are distributed.
CREATE TABLE latchkey.stripe_customers (
  stripe_customer_id text NOT NULL,
  account_id         uuid,
  CONSTRAINT stripe_customers_pkey PRIMARY KEY (stripe_customer_id)
);
COMMENT ON TABLE latchkey.stripe_customers IS
  'Stripe customer → account (distributed by customer); null: nobody knows yet whose it is, and events wait. An account may have several, '
  'of which its row names the one that was linked last. Who works with a customer''s events locks its row.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.stripe_customers', '');
GRANT SELECT ON latchkey.stripe_customers TO latchkey_admin;

CREATE TABLE latchkey.users (
  id                uuid        NOT NULL,
  email             text,
  name              text,
  password_hash     text,
  status            text        NOT NULL DEFAULT 'active',
  status_reason     text,
  profile           jsonb       NOT NULL DEFAULT '{}',
  onboarding_step   text,
  email_verified_at timestamptz,
  last_login_at     timestamptz,
  created_at        timestamptz NOT NULL DEFAULT now(),
  updated_at        timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT users_pkey PRIMARY KEY (id),
  CONSTRAINT users_account_fkey FOREIGN KEY (id) REFERENCES latchkey.accounts (id),
  CONSTRAINT users_status_known CHECK (status IN ('active', 'blocked', 'deleted')),
  CONSTRAINT users_email_unless_deleted CHECK ((email IS NULL) = (status = 'deleted')),
  CONSTRAINT users_profile_object CHECK (jsonb_typeof(profile) = 'object')
);
COMMENT ON TABLE latchkey.users IS
  'Users (distributed by id). email is as given, in Unicode normal form C; password_hash is argon2id or scrypt in PHC form, or '
  'bcrypt from an import, and null where a reset is needed. A deleted user keeps the id alone.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.users', '');
GRANT SELECT (id, email, name, status, status_reason, profile, onboarding_step, email_verified_at, last_login_at, created_at,
              updated_at) ON latchkey.users TO latchkey_admin;

-- A table of its own, so that an address is unique across everything even when users are distributed.
CREATE TABLE latchkey.user_emails (
  email_key text NOT NULL,
  user_id   uuid NOT NULL,
  CONSTRAINT user_emails_pkey PRIMARY KEY (email_key)
);
COMMENT ON TABLE latchkey.user_emails IS
  'Address → user (distributed by address, so without a foreign key): one row for each user that is not deleted. email_key: '
  'of users.email, normal form C, A–Z folded to a–z, nothing else folded.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.user_emails', '');
GRANT SELECT ON latchkey.user_emails TO latchkey_admin;

CREATE TABLE latchkey.user_tokens (
  user_id    uuid        NOT NULL,
  token_hash bytea       NOT NULL,
  purpose    text        NOT NULL,
  email_key  text        NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  CONSTRAINT user_tokens_pkey PRIMARY KEY (user_id, token_hash),
  CONSTRAINT user_tokens_user_fkey FOREIGN KEY (user_id) REFERENCES latchkey.users (id),
  CONSTRAINT user_tokens_purpose_known CHECK (purpose IN ('password_reset', 'email_verification', 'invitation'))
);
COMMENT ON TABLE latchkey.user_tokens IS
  'Single-use tokens that were mailed and not used yet (distributed by user): the SHA-256 of each, never the token.';
CREATE INDEX user_tokens_by_expiry ON latchkey.user_tokens (expires_at);
SELECT pg_catalog.pg_extension_config_dump('latchkey.user_tokens', '');

CREATE TABLE latchkey.login_attempts (
  scope          text        NOT NULL,
  key_hash       bytea       NOT NULL,
  places         integer[]   NOT NULL,
  window_ends_at timestamptz NOT NULL,
  failures       integer     NOT NULL DEFAULT 1,
  user_id        uuid,
  CONSTRAINT login_attempts_pkey PRIMARY KEY (scope, key_hash)
);
COMMENT ON TABLE latchkey.login_attempts IS
  'Failed attempts within their window (distributed by key_hash), per scope (login: account, address: client network, and one for each kind of mail). Each '
  'failure uses up one of the limit''s numbered places. failures: those since the last success, within the window or before it. '
  'Keys are hashed: what was typed into a form is not kept. user_id: whose address it is, when it is a user''s; such a row stays '
  'until a success, others are purged.';
CREATE INDEX login_attempts_by_end ON latchkey.login_attempts (window_ends_at) WHERE user_id IS NULL;
SELECT pg_catalog.pg_extension_config_dump('latchkey.login_attempts', '');
GRANT SELECT (scope, window_ends_at, failures, user_id) ON latchkey.login_attempts TO latchkey_admin;

CREATE TABLE latchkey.blocked_passwords (
  password text NOT NULL,
  CONSTRAINT blocked_passwords_pkey PRIMARY KEY (password)
);
COMMENT ON TABLE latchkey.blocked_passwords IS
  'Passwords that nobody may choose (reference), in lower case and normal form KC. Empty at first: fill it with COPY.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.blocked_passwords', '');
GRANT SELECT, INSERT, DELETE ON latchkey.blocked_passwords TO latchkey_admin;

-- A part of each page stays free, and no index mentions the counter: so counting stays on its page (HOT). Each CHECK would be
-- read and planned at each count; what a period is, plan_features and feature_overrides check.
CREATE TABLE latchkey.usage (
  account_id   uuid        NOT NULL,
  feature      text        NOT NULL,
  period       text        NOT NULL,
  period_start timestamptz NOT NULL,
  used         bigint      NOT NULL,
  CONSTRAINT usage_pkey PRIMARY KEY (account_id, feature, period, period_start),
  CONSTRAINT usage_account_fkey FOREIGN KEY (account_id) REFERENCES latchkey.accounts (id),
  CONSTRAINT usage_used_not_negative CHECK (used >= 0)
) WITH (fillfactor = 70);
COMMENT ON TABLE latchkey.usage IS
  'Usage per account and feature (distributed by account): a row per period, and one since ever with period_start '
  '-infinity. Days and months begin in the account''s time zone; those of the feature requests, which count_usage() '
  'counts, in UTC.';
CREATE INDEX usage_by_age ON latchkey.usage (period_start) WHERE period <> 'ever';
SELECT pg_catalog.pg_extension_config_dump('latchkey.usage', '');
GRANT SELECT ON latchkey.usage TO latchkey_admin;

CREATE TYPE latchkey.user_account AS (
  id uuid, email text, name text, tier text, subscription_status text, stripe_customer_id text, usage_daily bigint,
  usage_total bigint, created_at timestamptz, updated_at timestamptz, email_verified boolean, status text, profile jsonb,
  onboarding_step text, last_login_at timestamptz, usage_resets_at timestamptz
);
COMMENT ON TYPE latchkey.user_account IS
  'A user as callers see one, without secrets. tier: the plan in force now. usage_resets_at: when usage_daily is zero again '
  '(the next UTC midnight).';

CREATE TYPE latchkey.mail_token AS (user_id uuid, email text, name text, token text, expires_at timestamptz);
COMMENT ON TYPE latchkey.mail_token IS
  'A single-use token and the stored address that it is to be mailed to, and nowhere else.';

CREATE TYPE latchkey.password_result AS (outcome text, retry_at timestamptz);
COMMENT ON TYPE latchkey.password_result IS
  'outcome: ok, invalid_credentials, or locked_out with the time from which another attempt is heard (null: when the password has '
  'been reset).';

CREATE TYPE latchkey.import_result AS (email text, outcome text, reason text, user_id uuid);
COMMENT ON TYPE latchkey.import_result IS 'outcome: imported (a reason tells of a missing password), skipped, rejected.';

CREATE TYPE latchkey.usage_counters AS (usage_daily bigint, usage_total bigint, usage_resets_at timestamptz);
COMMENT ON TYPE latchkey.usage_counters IS 'Requests of an account, this UTC day and since ever.';

CREATE FUNCTION latchkey.hash_password(password text) RETURNS text
  LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME', 'latchkey_hash_password';
COMMENT ON FUNCTION latchkey.hash_password(text) IS
  'argon2id hash in PHC form, for applications with tables of their own. Broken rule (8 characters to 1,024 '
  'bytes): invalid_argument (LK400). Too many at once: too_busy (LK503).';
REVOKE ALL ON FUNCTION latchkey.hash_password(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.hash_password(text) TO latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.verify_password(password text, hash text) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME', 'latchkey_verify_password';
COMMENT ON FUNCTION latchkey.verify_password(text, text) IS
  'Whether the password has this hash (argon2id, scrypt, bcrypt). A null hash costs as much and is false. A '
  'hash of no known scheme: invalid_argument (LK400). Too many at once: too_busy (LK503).';
REVOKE ALL ON FUNCTION latchkey.verify_password(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.verify_password(text, text) TO latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.register_user(
    email text, password text DEFAULT NULL, name text DEFAULT NULL, profile jsonb DEFAULT NULL) RETURNS latchkey.user_account
  LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME', 'latchkey_register_user';
COMMENT ON FUNCTION latchkey.register_user(text, text, text, jsonb) IS
  'Creates a user with the free plan; without a password a reset is needed before the first login. Malformed: '
  'invalid_argument (LK400). Address taken: already_exists (LK409). Event: user.registered.';
REVOKE ALL ON FUNCTION latchkey.register_user(text, text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.register_user(text, text, text, jsonb) TO latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.get_user(user_id uuid) RETURNS latchkey.user_account
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_get_user';
COMMENT ON FUNCTION latchkey.get_user(uuid) IS
  'The user. Unknown: not_found (LK404). Not the bound identity''s own: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.get_user(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.get_user(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.find_user(email text) RETURNS SETOF latchkey.user_account
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 1 AS 'MODULE_PATHNAME', 'latchkey_find_user';
COMMENT ON FUNCTION latchkey.find_user(text) IS
  'The user with this address, or no row.';
REVOKE ALL ON FUNCTION latchkey.find_user(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.find_user(text) TO latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.update_profile(
    user_id uuid, name text DEFAULT NULL, profile jsonb DEFAULT NULL, onboarding_step text DEFAULT NULL) RETURNS latchkey.user_account
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_update_profile';
COMMENT ON FUNCTION latchkey.update_profile(uuid, text, jsonb, text) IS
  'Changes what is not null. profile is merged at its first level, and a null in it removes the key; at most 16 '
  'KiB. Malformed: invalid_argument (LK400). Unknown: not_found (LK404). Event: user.profile_updated.';
REVOKE ALL ON FUNCTION latchkey.update_profile(uuid, text, jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.update_profile(uuid, text, jsonb, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.change_password(
    user_id uuid, current_password text, new_password text) RETURNS latchkey.password_result
  LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME', 'latchkey_change_password';
COMMENT ON FUNCTION latchkey.change_password(uuid, text, text) IS
  'Changes the password of who knows the current one; the bound session stays, all others end. Does not raise '
  'for a wrong password, so that the attempt is counted: see outcome. Broken rule: invalid_argument (LK400). '
  'Event: user.password_changed.';
REVOKE ALL ON FUNCTION latchkey.change_password(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.change_password(uuid, text, text) TO latchkey_gateway, latchkey_app;

CREATE FUNCTION latchkey.set_password(user_id uuid, password text) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME', 'latchkey_set_password';
COMMENT ON FUNCTION latchkey.set_password(uuid, text) IS
  'Sets a password without the current one; all sessions end, any lock-out too. Broken rule: invalid_argument '
  '(LK400). Unknown: not_found (LK404). Event: user.password_set.';
REVOKE ALL ON FUNCTION latchkey.set_password(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.set_password(uuid, text) TO latchkey_admin;

CREATE FUNCTION latchkey.request_password_reset(email text) RETURNS SETOF latchkey.mail_token
  LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'latchkey_request_password_reset';
COMMENT ON FUNCTION latchkey.request_password_reset(text) IS
  'A single-use token to be mailed to the stored address. No row when the address is unknown, blocked, or was '
  'asked for too often: tell the client the same in every case. Event: user.password_reset_requested.';
REVOKE ALL ON FUNCTION latchkey.request_password_reset(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.request_password_reset(text) TO latchkey_gateway, latchkey_app;

CREATE FUNCTION latchkey.reset_password(token text, new_password text) RETURNS latchkey.user_account
  LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME', 'latchkey_reset_password';
COMMENT ON FUNCTION latchkey.reset_password(text, text) IS
  'Sets a password with a token of request_password_reset(); all sessions end, and the address counts as '
  'confirmed. Bad token: invalid_token (LK411). Broken rule: invalid_argument (LK400), and the token stays '
  'good. Event: user.password_reset.';
REVOKE ALL ON FUNCTION latchkey.reset_password(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.reset_password(text, text) TO latchkey_gateway, latchkey_app;

CREATE FUNCTION latchkey.request_email_verification(user_id uuid) RETURNS SETOF latchkey.mail_token
  LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'latchkey_request_email_verification';
COMMENT ON FUNCTION latchkey.request_email_verification(uuid) IS
  'A single-use token to be mailed to the stored address. No row when it is confirmed already, or was asked for '
  'too often. Event: user.email_verification_requested.';
REVOKE ALL ON FUNCTION latchkey.request_email_verification(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.request_email_verification(uuid) TO latchkey_gateway, latchkey_app;

-- A name of its own: as an overload of the one above, a call with a literal would be ambiguous.
CREATE FUNCTION latchkey.request_email_verification_for(email text) RETURNS SETOF latchkey.mail_token
  LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'latchkey_request_email_verification_for';
COMMENT ON FUNCTION latchkey.request_email_verification_for(text) IS
  'request_email_verification() for who only knows the address, and so for who can''t log in before it is '
  'confirmed. No row when it is unknown, confirmed already, of a blocked user, or was asked for too often: tell '
  'the client the same in every case. Event: user.email_verification_requested.';
REVOKE ALL ON FUNCTION latchkey.request_email_verification_for(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.request_email_verification_for(text) TO latchkey_gateway, latchkey_app;

CREATE FUNCTION latchkey.confirm_email(token text) RETURNS latchkey.user_account
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_confirm_email';
COMMENT ON FUNCTION latchkey.confirm_email(text) IS
  'Confirms the address with a token of request_email_verification() or request_email_verification_for(). Bad '
  'token: invalid_token (LK411). Event: user.email_verified.';
REVOKE ALL ON FUNCTION latchkey.confirm_email(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.confirm_email(text) TO latchkey_gateway, latchkey_app;

CREATE FUNCTION latchkey.block_user(user_id uuid, reason text DEFAULT NULL) RETURNS latchkey.user_account
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_block_user';
COMMENT ON FUNCTION latchkey.block_user(uuid, text) IS
  'Blocks the user: no login, and every session is refused at its very next call. Unknown: not_found (LK404). '
  'Event: user.blocked.';
REVOKE ALL ON FUNCTION latchkey.block_user(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.block_user(uuid, text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.unblock_user(user_id uuid) RETURNS latchkey.user_account
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_unblock_user';
COMMENT ON FUNCTION latchkey.unblock_user(uuid) IS
  'Lets the user log in again; old sessions stay ended. Unknown: not_found (LK404). Event: user.unblocked.';
REVOKE ALL ON FUNCTION latchkey.unblock_user(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.unblock_user(uuid) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.delete_user(user_id uuid) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_delete_user';
COMMENT ON FUNCTION latchkey.delete_user(uuid) IS
  'Erases address, name, password, profile, sessions and the metadata of events; ids stay for ledgers. The '
  'address is free again. Unknown: not_found (LK404). Event: user.deleted.';
REVOKE ALL ON FUNCTION latchkey.delete_user(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.delete_user(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.import_users(users jsonb) RETURNS SETOF latchkey.import_result
  LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000 ROWS 100 AS 'MODULE_PATHNAME', 'latchkey_import_users';
COMMENT ON FUNCTION latchkey.import_users(jsonb) IS
  'Takes over users of an older product: {"users": {email: {...}}}, {email: {...}} or [{"email": ...}]. bcrypt, '
  'argon2id and scrypt hashes are kept, plain passwords hashed; without one, or with one that breaks a rule, a '
  'reset is needed. One row per entry; a bad entry stops nothing, and a second run changes nothing. Event: '
  'user.imported.';
REVOKE ALL ON FUNCTION latchkey.import_users(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.import_users(jsonb) TO latchkey_admin;

CREATE FUNCTION latchkey.count_usage(account_id uuid, amount bigint DEFAULT 1) RETURNS latchkey.usage_counters
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_count_usage';
COMMENT ON FUNCTION latchkey.count_usage(uuid, bigint) IS
  'Adds to the account''s requests of this UTC day and since ever, and returns both. Not between 1 and 10^12: '
  'invalid_argument (LK400). Unknown, or of a deleted user: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.count_usage(uuid, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.count_usage(uuid, bigint) TO latchkey_gateway, latchkey_app, latchkey_admin;
