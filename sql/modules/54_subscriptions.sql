-- Subscriptions: what is known of an account's subscription beside its plan and status, and all of it in one row.

-- What every request may need stands in accounts; the rest is here.
CREATE TABLE latchkey.subscriptions (
  account_id        uuid NOT NULL,
  intended_plan     text,
  intended_interval text,
  cancel_at         timestamptz,
  last_webhook_at   timestamptz,
  trial_starts_at   timestamptz,
  trial_ends_at     timestamptz,
  CONSTRAINT subscriptions_pkey PRIMARY KEY (account_id),
  CONSTRAINT subscriptions_account_fkey FOREIGN KEY (account_id) REFERENCES latchkey.accounts (id),
  CONSTRAINT subscriptions_intended_interval_known CHECK (intended_interval IN ('month', 'year'))
);
COMMENT ON TABLE latchkey.subscriptions IS
  'What is known of subscriptions beside plan, status and period, which stand in accounts (distributed by account). '
  'intended_plan: what was chosen before the checkout; cancel_at: when it ends, if it was cancelled; last_webhook_at: '
  'when the payment provider spoke last; trial_*: of a trial that the provider gave.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.subscriptions', '');
GRANT SELECT ON latchkey.subscriptions TO latchkey_admin;

CREATE TYPE latchkey.subscription AS (
  account_id uuid, tier text, plan text, plan_version integer, status text, status_changed_at timestamptz, trial_plan text,
  trial_status text, trial_starts_at timestamptz, trial_ends_at timestamptz, period_starts_at timestamptz,
  period_ends_at timestamptz, cancel_at timestamptz, intended_plan text, intended_interval text, stripe_customer_id text, last_webhook_at timestamptz);
COMMENT ON TYPE latchkey.subscription IS
  'An account''s subscription. tier: the plan in force now; plan: the one subscribed to, in version plan_version (null: '
  'the newest). trial_*: its trial, also one that is over (trial_ends_at: when it ended, or will). period_*: the current '
  'billing period. intended_plan: chosen before the checkout.';

CREATE TYPE latchkey.plan_standing AS (
  tier text, plan_version integer, plan text, status text, since timestamptz, features jsonb);
COMMENT ON TYPE latchkey.plan_standing IS
  'What an account was entitled to: tier, in version plan_version (null: the newest of its time); what it was subscribed '
  'to, with which status, and since when (null: from the beginning). features: an array of {feature, granted_limit, period, '
  'source, ends_at}, as features(): what the version includes, and the overrides of that time.';

CREATE FUNCTION latchkey.subscription(account_id uuid) RETURNS latchkey.subscription
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_subscription';
COMMENT ON FUNCTION latchkey.subscription(uuid) IS
  'All about the account''s subscription in one row. Unknown: not_found (LK404). For others'' accounts needs plans.read: '
  'forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.subscription(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.subscription(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.set_intended_plan(account_id uuid, plan text, billing_interval text DEFAULT NULL) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_set_intended_plan';
COMMENT ON FUNCTION latchkey.set_intended_plan(uuid, text, text) IS
  'Notes which plan is about to be paid for, and by month or year; it gives nothing. Null takes it back. Unknown plan or '
  'account: not_found (LK404). Not on offer, or another interval: invalid_argument (LK400). For others'' accounts needs '
  'plans.assign: forbidden (LK403). Event: subscription.intended_plan_set.';
REVOKE ALL ON FUNCTION latchkey.set_intended_plan(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.set_intended_plan(uuid, text, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.set_billing_period(
    account_id uuid, period_starts_at timestamptz, period_ends_at timestamptz, cancel_at timestamptz DEFAULT NULL,
    webhook_at timestamptz DEFAULT NULL) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_set_billing_period';
COMMENT ON FUNCTION latchkey.set_billing_period(uuid, timestamptz, timestamptz, timestamptz, timestamptz) IS
  'Sets the current billing period, over which limits with period billing are counted, and when the subscription ends '
  '(null: it does not). webhook_at: when the payment provider said so. Both null: none. Ends before it begins: '
  'invalid_argument (LK400). Unknown account: not_found (LK404). Needs plans.assign platform-wide: forbidden (LK403). '
  'Event: subscription.period_set.';
REVOKE ALL ON FUNCTION latchkey.set_billing_period(uuid, timestamptz, timestamptz, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.set_billing_period(uuid, timestamptz, timestamptz, timestamptz, timestamptz)
  TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.plan_at(account_id uuid, "time" timestamptz) RETURNS latchkey.plan_standing
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_plan_at';
COMMENT ON FUNCTION latchkey.plan_at(uuid, timestamptz) IS
  'What the account was entitled to at that time, or will be if nothing happens: its plan and features, from the history of '
  'its standings and overrides. A version''s features are as it is defined now. An unknown account had the free plan. The grace for what is past due is today''s setting. For '
  'others'' accounts needs plans.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.plan_at(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.plan_at(uuid, timestamptz) TO latchkey_gateway, latchkey_app, latchkey_admin;
