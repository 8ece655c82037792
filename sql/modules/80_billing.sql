-- Billing: Stripe's events, each applied once whatever the order in which they come, and whose customers are whose.

INSERT INTO latchkey.permissions (name, module, description, seeded) VALUES
  ('billing.read', 'billing', 'See payments of any account, and Stripe''s events.', true),
  ('billing.write', 'billing', 'Say whose a Stripe customer is; apply events again.', true);

INSERT INTO latchkey.settings (key, category, value, default_value, type, minimum, maximum, choices, description, seeded)
SELECT key, 'billing', value, value, type, minimum, maximum, choices, description, true
  FROM (VALUES
    ('billing.stripe_livemode', 'false', 'boolean', NULL::numeric, NULL::numeric, NULL::text[],
     'Whether Stripe''s events are of live mode, with real money; those of the other mode are refused.'),
    ('billing.stripe_tolerance', '5 minutes', 'duration', 1, 86400, NULL,
     'By how much the time of a signature of Stripe''s may differ from the database server''s, in both directions.'),
    ('billing.refund_shortfall', 'debt', 'text', NULL, NULL, ARRAY['debt', 'refuse'],
     'When a payment for credits is paid back and they are spent: debt, which the next purchase settles; or refuse, which takes nothing, '
     'and parks the event for an administrator.')
  ) AS seed (key, value, type, minimum, maximum, choices, description);

CREATE TABLE latchkey.billing_events (
  stripe_event_id text        NOT NULL,
  type            text        NOT NULL,
  created_at      timestamptz NOT NULL,
  received_at     timestamptz NOT NULL,
  api_version     text,
  payload         jsonb       NOT NULL,
  outcome         text        NOT NULL,
  reason          text,
  waits_for       text,
  detail          text,
  account_id      uuid,
  applied_at      timestamptz,
  CONSTRAINT billing_events_pkey PRIMARY KEY (stripe_event_id),
  CONSTRAINT billing_events_outcome_known CHECK (outcome IN ('applied', 'ignored', 'parked')),
  CONSTRAINT billing_events_reason_known CHECK (reason IN (
    'unknown_customer', 'unknown_account', 'unknown_price', 'unknown_payment', 'customer_conflict', 'credits_spent', 'invalid_credits',
    'account_deleted', 'type', 'failed'))
);
COMMENT ON TABLE latchkey.billing_events IS
  'Stripe''s events (distributed by event). created_at: Stripe''s time. payload: as it came, but without personal data, and of cards only '
  'brand, last four digits and expiry. outcome: applied; ignored (a type that says nothing to us, or of a deleted account); parked: it '
  'waits for waits_for to become known (reason unknown_*), or for an administrator. applied_at: when it was applied first.';
CREATE INDEX billing_events_parked ON latchkey.billing_events (waits_for) WHERE outcome = 'parked';
CREATE INDEX billing_events_parked_by_time ON latchkey.billing_events (created_at, stripe_event_id) WHERE outcome = 'parked';
CREATE INDEX billing_events_by_time ON latchkey.billing_events (created_at, stripe_event_id);
SELECT pg_catalog.pg_extension_config_dump('latchkey.billing_events', '');
GRANT SELECT ON latchkey.billing_events TO latchkey_admin;

CREATE TABLE latchkey.billing_accounts (
  account_id         uuid   NOT NULL,
  customer_linked_at timestamptz,
  applied_event_id   text,
  applied_plan       text,
  applied_version    integer,
  status_since       timestamptz,
  credit_debt        bigint NOT NULL DEFAULT 0,
  CONSTRAINT billing_accounts_pkey PRIMARY KEY (account_id),
  CONSTRAINT billing_accounts_account_fkey FOREIGN KEY (account_id) REFERENCES latchkey.accounts (id),
  CONSTRAINT billing_accounts_debt_not_negative CHECK (credit_debt >= 0)
);
COMMENT ON TABLE latchkey.billing_accounts IS
  'What billing last did for an account (distributed by account); who applies its events locks the row. applied_*, status_since: what the '
  'account''s standing was set from, so that nothing is set twice. credit_debt: credits that were spent and then paid back; the next '
  'purchase settles them.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.billing_accounts', '');
GRANT SELECT ON latchkey.billing_accounts TO latchkey_admin;

-- Only ever added to. What a subscription is follows from the set, so it doesn't matter in which order they came.
CREATE TABLE latchkey.billing_subscription_changes (
  account_id             uuid        NOT NULL,
  stripe_subscription_id text        NOT NULL,
  stripe_event_id        text        NOT NULL,
  created_at             timestamptz NOT NULL,
  rank                   integer     NOT NULL,
  status                 text        NOT NULL,
  terminal               boolean     NOT NULL,
  price_ids              text[]      NOT NULL,
  started_at             timestamptz,
  period_starts_at       timestamptz,
  period_ends_at         timestamptz,
  trial_starts_at        timestamptz,
  trial_ends_at          timestamptz,
  ends_at                timestamptz,
  noted_at               timestamptz NOT NULL,
  CONSTRAINT billing_subscription_changes_pkey PRIMARY KEY (account_id, stripe_subscription_id, stripe_event_id),
  CONSTRAINT billing_subscription_changes_account_fkey FOREIGN KEY (account_id) REFERENCES latchkey.accounts (id)
);
COMMENT ON TABLE latchkey.billing_subscription_changes IS
  'What each event said of a subscription at Stripe (distributed by account, append-only). In force is the last by terminal (a '
  'subscription that was cancelled never comes back), created_at, rank (deleted after updated after created), stripe_event_id. noted_at: '
  'when it was known whose it is.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.billing_subscription_changes', '');
GRANT SELECT ON latchkey.billing_subscription_changes TO latchkey_admin;

CREATE TYPE latchkey.billing_event AS (
  stripe_event_id text, type text, created_at timestamptz, received_at timestamptz, outcome text, reason text, waits_for text, detail text,
  account_id uuid, applied_at timestamptz);
COMMENT ON TYPE latchkey.billing_event IS 'An event of Stripe''s and what became of it, without its payload; see table billing_events.';

CREATE TYPE latchkey.billing_replay AS (events bigint, applied bigint, ignored bigint, parked bigint, last_event_id text);
COMMENT ON TYPE latchkey.billing_replay IS
  'How many events were applied again, and how many of them have which outcome now. last_event_id: after which to go on; null: these were '
  'the last.';

CREATE FUNCTION latchkey.ingest_stripe_event(payload text, signature text) RETURNS text
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_ingest_stripe_event';
COMMENT ON FUNCTION latchkey.ingest_stripe_event(text, text) IS
  'Takes a webhook of Stripe''s: payload is the body as it came, signature the header Stripe-Signature. Returns applied, ignored or parked '
  '(see billing_events), or duplicate for an event that was taken before, which changes nothing. The signature is its authority: made with '
  'secret stripe.webhook_secret or stripe.previous_webhook_secret, within setting billing.stripe_tolerance of now. A bad signature or '
  'event, a thin event, over 1 MiB, or of the other mode than setting billing.stripe_livemode says: invalid_argument (LK400), and nothing '
  'is stored. No secret is set: not_configured (LK504). Events: those of what it changes, and billing.event_parked.';
REVOKE ALL ON FUNCTION latchkey.ingest_stripe_event(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.ingest_stripe_event(text, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.set_stripe_customer(account_id uuid, stripe_customer_id text) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_set_stripe_customer';
COMMENT ON FUNCTION latchkey.set_stripe_customer(uuid, text) IS
  'Says that the customer at Stripe is the account''s, and applies the events that waited for that, in the same transaction. An account '
  'may have several; the last is the one that its row names. Malformed: invalid_argument (LK400). Unknown account: not_found (LK404). '
  'Another account''s: already_exists (LK409). Needs billing.write platform-wide: forbidden (LK403). Event: billing.customer_linked.';
REVOKE ALL ON FUNCTION latchkey.set_stripe_customer(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.set_stripe_customer(uuid, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.account_by_stripe_customer(stripe_customer_id text) RETURNS uuid
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_account_by_stripe_customer';
COMMENT ON FUNCTION latchkey.account_by_stripe_customer(text) IS
  'Whose the customer at Stripe is. Not known: not_found (LK404). Needs billing.read platform-wide: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.account_by_stripe_customer(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.account_by_stripe_customer(text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.list_billing_events(
    after text DEFAULT NULL, max_rows integer DEFAULT 100, outcome text DEFAULT NULL, type text DEFAULT NULL)
  RETURNS SETOF latchkey.billing_event
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100 AS 'MODULE_PATHNAME', 'latchkey_list_billing_events';
COMMENT ON FUNCTION latchkey.list_billing_events(text, integer, text, text) IS
  'Stripe''s events, newest first by Stripe''s time, at most 1,000 a page; after: the last stripe_event_id of the page before; outcome: '
  'parked for what waits; type: as charge.dispute.created. Malformed: invalid_argument (LK400). Needs billing.read platform-wide: '
  'forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.list_billing_events(text, integer, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_billing_events(text, integer, text, text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.apply_parked_events(batch integer DEFAULT 1000) RETURNS bigint
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_apply_parked_events';
COMMENT ON FUNCTION latchkey.apply_parked_events(integer) IS
  'Applies parked events whose account, customer, price or payment has become known since, at most batch (1 to 100,000) of them, and '
  'returns how many waited no longer. A built-in job does it every five minutes. Needs billing.write: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.apply_parked_events(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.apply_parked_events(integer) TO latchkey_gateway, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.replay_billing(after text DEFAULT NULL, batch integer DEFAULT 1000) RETURNS latchkey.billing_replay
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_replay_billing';
COMMENT ON FUNCTION latchkey.replay_billing(text, integer) IS
  'Applies Stripe''s events again, in the order of their time, at most batch (1 to 100,000) after the event after; go on with last_event_id '
  'until that is null. What is applied already changes nothing; what is parked may find what it waited for. Webhooks of the same customers '
  'wait until the transaction ends. Unknown event: not_found (LK404). Out of range: invalid_argument (LK400). Needs billing.write '
  'platform-wide: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.replay_billing(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.replay_billing(text, integer) TO latchkey_gateway, latchkey_admin;
