-- Trials: a plan for a while, once per account and per address.

INSERT INTO latchkey.permissions (name, module, description, seeded) VALUES
  ('trials.read', 'trials', 'See trials.', true),
  ('trials.write', 'trials', 'Start trials of any length, and end them.', true);

INSERT INTO latchkey.settings (key, category, value, default_value, type, minimum, maximum, description, seeded)
SELECT key, 'trials', value, value, type, minimum, maximum, description, true
  FROM (VALUES
    ('trials.length', '7 days', 'duration', 60, 31622400, 'How long a trial lasts, unless start_trial() says otherwise.'),
    ('trials.once_per_address', 'true', 'boolean', NULL, NULL,
     'Whether an e-mail address can have one trial only, also after its user was deleted. A keyed digest of it is kept.'),
    ('trials.reminder_offsets', '[]', 'json', NULL, NULL,
     'How long before a trial''s end jobs of type trial.reminder are enqueued, as ["3 days", "1 day"]. An application''s worker sends the mails.')
  ) AS seed (key, value, type, minimum, maximum, description);

CREATE TABLE latchkey.trials (
  account_id       uuid        NOT NULL,
  plan             text        NOT NULL,
  status           text        NOT NULL,
  requested_at     timestamptz NOT NULL,
  starts_at        timestamptz NOT NULL,
  ends_at          timestamptz NOT NULL,
  ended_at         timestamptz,
  reminded_seconds bigint,
  CONSTRAINT trials_pkey PRIMARY KEY (account_id),
  CONSTRAINT trials_account_fkey FOREIGN KEY (account_id) REFERENCES latchkey.accounts (id),
  CONSTRAINT trials_status_known CHECK (status IN ('pending', 'active', 'expired', 'cancelled', 'converted')),
  CONSTRAINT trials_in_order CHECK (requested_at <= starts_at AND starts_at < ends_at)
);
COMMENT ON TABLE latchkey.trials IS
  'Each account''s one trial (distributed by account). status is as of the last expire_trials(): what starts_at and '
  'ends_at say holds at their instant, swept or not. ended_at: when it expired, was cancelled, or became a subscription '
  '(converted). reminded_seconds: how long before its end the last reminder was due.';
CREATE INDEX trials_by_end ON latchkey.trials (ends_at, account_id) WHERE status IN ('pending', 'active');
CREATE INDEX trials_by_start ON latchkey.trials (starts_at) WHERE status = 'pending';
SELECT pg_catalog.pg_extension_config_dump('latchkey.trials', '');
GRANT SELECT ON latchkey.trials TO latchkey_admin;

-- Without the user, whom it outlives.
CREATE TABLE latchkey.trial_addresses (
  address_digest bytea       NOT NULL,
  taken_at       timestamptz NOT NULL,
  CONSTRAINT trial_addresses_pkey PRIMARY KEY (address_digest)
);
COMMENT ON TABLE latchkey.trial_addresses IS
  'Addresses that have had a trial (distributed by digest): HMAC-SHA256 of the normalised address, without the tag after '
  'a +, under a key of trial_keys. So nobody can read an address from it, nor test one without the master key.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.trial_addresses', '');

CREATE TABLE latchkey.trial_keys (
  name        text        NOT NULL,
  wrapped_key bytea       NOT NULL,
  created_at  timestamptz NOT NULL,
  CONSTRAINT trial_keys_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE latchkey.trial_keys IS
  'The key of trial_addresses, encrypted with the master key (reference).';
SELECT pg_catalog.pg_extension_config_dump('latchkey.trial_keys', '');

CREATE TYPE latchkey.trial AS (
  account_id uuid, plan text, status text, requested_at timestamptz, starts_at timestamptz, ends_at timestamptz,
  ended_at timestamptz);
COMMENT ON TYPE latchkey.trial IS
  'A trial. status: pending, active, expired, cancelled, converted, as it is now.';

CREATE FUNCTION latchkey.start_trial(
    account_id uuid, plan text, length interval DEFAULT NULL, starts_at timestamptz DEFAULT NULL) RETURNS latchkey.trial
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_start_trial';
COMMENT ON FUNCTION latchkey.start_trial(uuid, text, interval, timestamptz) IS
  'Gives the account the plan''s newest version for a while: by default now, and for setting trials.length (7 days). '
  'Another length (up to 366 days), a start (within 366 days), or a plan without a price needs trials.write; for '
  'others'' accounts all does: forbidden (LK403). Out of range, or a plan that is not on offer: invalid_argument '
  '(LK400). Unknown plan or account: not_found (LK404). The account has a plan, or it or its address has had a trial: '
  'conflict (LK410). For a tenant the address is that of who asks. Needs a master key while setting '
  'trials.once_per_address is on: not_configured (LK504). Events: trial.started, trial.scheduled.';
REVOKE ALL ON FUNCTION latchkey.start_trial(uuid, text, interval, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.start_trial(uuid, text, interval, timestamptz)
  TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.cancel_trial(account_id uuid) RETURNS latchkey.trial
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_cancel_trial';
COMMENT ON FUNCTION latchkey.cancel_trial(uuid) IS
  'Ends the account''s trial now; there is no second one. None: not_found (LK404). Over already: conflict (LK410). For '
  'others'' accounts needs trials.write: forbidden (LK403). (set_tier() ends one by a subscription: converted.) Event: '
  'trial.cancelled.';
REVOKE ALL ON FUNCTION latchkey.cancel_trial(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.cancel_trial(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.trial_of(account_id uuid) RETURNS SETOF latchkey.trial
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 1 AS 'MODULE_PATHNAME', 'latchkey_trial_of';
COMMENT ON FUNCTION latchkey.trial_of(uuid) IS
  'The account''s trial, also one that is over; no row when there was none. For others'' accounts needs trials.read: '
  'forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.trial_of(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.trial_of(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.expiring_trials(within interval, after uuid DEFAULT NULL, max_rows integer DEFAULT 100)
  RETURNS SETOF latchkey.trial
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100 AS 'MODULE_PATHNAME', 'latchkey_expiring_trials';
COMMENT ON FUNCTION latchkey.expiring_trials(interval, uuid, integer) IS
  'Open trials that end within this time from now, the first to end first, at most 1,000 a page; after: the last '
  'account_id of the page before. Needs trials.read platform-wide: forbidden (LK403). Out of range: invalid_argument '
  '(LK400).';
REVOKE ALL ON FUNCTION latchkey.expiring_trials(interval, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.expiring_trials(interval, uuid, integer)
  TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.expire_trials(max_rows integer DEFAULT 1000) RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_expire_trials';
COMMENT ON FUNCTION latchkey.expire_trials(integer) IS
  'Books up to max_rows (1 to 10,000) trials that have begun or ended since the last time, and returns how many: call it '
  'until that is 0. Only events and stored states wait for it; tier_of() and all others go by the clock. Skips accounts '
  'that are being changed. Needs trials.write platform-wide: forbidden (LK403). Out of range: invalid_argument (LK400). '
  'Events: trial.started, trial.expired.';
REVOKE ALL ON FUNCTION latchkey.expire_trials(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.expire_trials(integer) TO latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.remind_trials(max_rows integer DEFAULT 1000) RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_remind_trials';
COMMENT ON FUNCTION latchkey.remind_trials(integer) IS
  'Enqueues a job of type trial.reminder for the account of each running trial that ends within one of the offsets of setting '
  'trials.reminder_offsets, once per trial and offset, and returns how many (at most max_rows, 1 to 10,000). Payload: plan, ends_at '
  '(seconds since 1970), offset_seconds. A built-in job calls it every five minutes. Of several offsets that passed meanwhile only the '
  'shortest counts. Needs trials.write platform-wide: forbidden (LK403). Out of range: invalid_argument (LK400). The setting is no array '
  'of durations: SQLSTATE 22007 or 22023.';
REVOKE ALL ON FUNCTION latchkey.remind_trials(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.remind_trials(integer) TO latchkey_admin, latchkey_worker;
