-- Quotas: how much an account has used of what its plan limits, and no more than that.

INSERT INTO latchkey.settings (key, category, value, default_value, type, minimum, maximum, description, seeded)
VALUES ('quotas.consumption_retention', 'quotas', '30 days', '30 days', 'duration', 86400, 31622400,
        'How long the idempotency keys of consume() are kept before purge_consumptions() deletes them.', true),
       ('quotas.usage_retention', 'quotas', '0', '0', 'duration', 0, 3155760000,
        'How long counters of past days, months and billing periods are kept before purge_usage() deletes them, and at '
        'least 400 days. 0: for ever.', true);

CREATE TABLE latchkey.quota_consumptions (
  account_id      uuid        NOT NULL,
  idempotency_key text        NOT NULL,
  feature         text        NOT NULL,
  amount          bigint      NOT NULL,
  period          text        NOT NULL,
  period_start    timestamptz NOT NULL,
  resets_at       timestamptz,
  granted_limit   bigint,
  used            bigint      NOT NULL,
  consumed_at     timestamptz NOT NULL,
  refunded_at     timestamptz,
  CONSTRAINT quota_consumptions_pkey PRIMARY KEY (account_id, idempotency_key),
  CONSTRAINT quota_consumptions_account_fkey FOREIGN KEY (account_id) REFERENCES latchkey.accounts (id)
);
COMMENT ON TABLE latchkey.quota_consumptions IS
  'What was consumed with an idempotency key (distributed by account): the answer, for when the call comes again, and '
  'what a refund gives back. Consumption without a key is only counted, in usage.';
CREATE INDEX quota_consumptions_by_age ON latchkey.quota_consumptions (consumed_at);
SELECT pg_catalog.pg_extension_config_dump('latchkey.quota_consumptions', '');
GRANT SELECT ON latchkey.quota_consumptions TO latchkey_admin;

CREATE TYPE latchkey.quota AS (
  feature text, period text, granted_limit bigint, used bigint, remaining bigint, resets_at timestamptz);
COMMENT ON TYPE latchkey.quota IS
  'What is used of a feature in the current period (day, month, billing, ever). granted_limit and remaining null: '
  'without limit. resets_at: when used is zero again; null: never.';

CREATE FUNCTION latchkey.consume(account_id uuid, feature text, amount bigint DEFAULT 1, idempotency_key text DEFAULT NULL)
  RETURNS latchkey.quota
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_consume';
COMMENT ON FUNCTION latchkey.consume(uuid, text, bigint, text) IS
  'Counts amount (1 to 10^12) units of a feature, in the period in which the call began; when that would exceed the '
  'limit, nothing is counted: quota_exceeded (LK429), whose detail names the limit and whose hint says when it resets. '
  'With an idempotency_key (1 to 255 bytes) the same call again returns the first answer and counts nothing. A feature '
  'of a higher plan: tier_required (LK413); of none, or an unknown account: not_found (LK404). The key with other '
  'arguments: idempotency_mismatch (LK419); one that was refunded: conflict (LK410). Out of range: invalid_argument '
  '(LK400). An account of others needs usage.write: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.consume(uuid, text, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.consume(uuid, text, bigint, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.refund_consumption(account_id uuid, idempotency_key text) RETURNS latchkey.quota
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_refund_consumption';
COMMENT ON FUNCTION latchkey.refund_consumption(uuid, text) IS
  'Gives back, once, what consume() counted with this key, to the period in which it was consumed, and returns that '
  'period. No such key: not_found (LK404). Malformed: invalid_argument (LK400). Needs usage.write platform-wide: '
  'forbidden (LK403). Event: quota.refunded.';
REVOKE ALL ON FUNCTION latchkey.refund_consumption(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.refund_consumption(uuid, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.quota(account_id uuid, feature text) RETURNS latchkey.quota
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_quota';
COMMENT ON FUNCTION latchkey.quota(uuid, text) IS
  'What is used of a feature now; counts nothing. A feature of a higher plan: tier_required (LK413); of none: not_found '
  '(LK404). An account of others needs plans.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.quota(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.quota(uuid, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.can_consume(account_id uuid, feature text, amount bigint DEFAULT 1) RETURNS boolean
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_can_consume';
COMMENT ON FUNCTION latchkey.can_consume(uuid, text, bigint) IS
  'Whether consume() would let this much through now; counts nothing, so others may come first. Out of range: '
  'invalid_argument (LK400). An account of others needs plans.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.can_consume(uuid, text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.can_consume(uuid, text, bigint) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.usage(account_id uuid) RETURNS SETOF latchkey.quota
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10 AS 'MODULE_PATHNAME', 'latchkey_usage';
COMMENT ON FUNCTION latchkey.usage(uuid) IS
  'All features of the account that have a limit or were used in the current period, in their order. An account of '
  'others needs plans.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.usage(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.usage(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.set_time_zone(account_id uuid, time_zone text) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_set_time_zone';
COMMENT ON FUNCTION latchkey.set_time_zone(uuid, text) IS
  'Sets where the account''s days and months begin, by a name of pg_timezone_names; UTC at first. What is used of the '
  'running day, month and billing period stays used. Unknown zone: invalid_argument (LK400). Unknown account: not_found (LK404). Needs '
  'usage.write platform-wide, because it decides when quotas reset: forbidden (LK403). Event: account.time_zone_changed.';
REVOKE ALL ON FUNCTION latchkey.set_time_zone(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.set_time_zone(uuid, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.purge_consumptions(max_rows integer DEFAULT 10000) RETURNS bigint
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_purge_consumptions';
COMMENT ON FUNCTION latchkey.purge_consumptions(integer) IS
  'Deletes up to max_rows (1 to 100,000) idempotency keys of consume() that are older than setting '
  'quotas.consumption_retention, and returns how many. Out of range: invalid_argument (LK400).';
REVOKE ALL ON FUNCTION latchkey.purge_consumptions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.purge_consumptions(integer) TO latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.purge_usage(max_rows integer DEFAULT 10000) RETURNS bigint
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_purge_usage';
COMMENT ON FUNCTION latchkey.purge_usage(integer) IS
  'Deletes up to max_rows (1 to 100,000) counters of periods that began longer ago than setting quotas.usage_retention, '
  'and at least 400 days, and returns how many; none while that setting is 0. What was used since ever stays. Needs '
  'usage.write platform-wide: forbidden (LK403). Out of range: invalid_argument (LK400).';
REVOKE ALL ON FUNCTION latchkey.purge_usage(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.purge_usage(integer) TO latchkey_admin, latchkey_worker;

-- Not private: applications name it in their triggers.
CREATE FUNCTION latchkey.meter() RETURNS trigger
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_meter';
COMMENT ON FUNCTION latchkey.meter() IS
  'Trigger, AFTER INSERT OR UPDATE OR DELETE … FOR EACH ROW: counts the rows of a table as uses of a feature, so that '
  'nobody gets past its limit. Arguments: the feature, and the column with the account''s id (account_id). A row beyond '
  'the limit: quota_exceeded (LK429). With period ever (or none) the limit is on the rows that there are, and a deletion '
  'gives back; with day, month or billing on those added in it. A row that goes to another account counts as one of that '
  'account. Rows without an account are not counted.';
REVOKE ALL ON FUNCTION latchkey.meter() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.meter() TO latchkey_app, latchkey_admin;
