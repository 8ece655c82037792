-- Payments: what was paid and paid back, and the cards on file.

CREATE TABLE latchkey.billing_transactions (
  account_id               uuid        NOT NULL,
  id                       uuid        NOT NULL,
  kind                     text        NOT NULL,
  amount_cents             bigint      NOT NULL,
  currency                 text        NOT NULL,
  occurred_at              timestamptz NOT NULL,
  recorded_at              timestamptz NOT NULL,
  source_rank              integer     NOT NULL DEFAULT 0,
  stripe_customer_id       text,
  stripe_checkout_id       text,
  stripe_invoice_id        text,
  stripe_payment_intent_id text,
  stripe_subscription_id   text,
  stripe_charge_id         text,
  refunded_total_cents     bigint,
  credits                  bigint,
  credit_grant_id          uuid,
  credits_revoked          bigint      NOT NULL DEFAULT 0,
  CONSTRAINT billing_transactions_pkey PRIMARY KEY (account_id, id),
  CONSTRAINT billing_transactions_account_fkey FOREIGN KEY (account_id) REFERENCES latchkey.accounts (id),
  CONSTRAINT billing_transactions_kind_known CHECK (kind IN ('payment', 'refund')),
  CONSTRAINT billing_transactions_amount_sign CHECK (CASE kind WHEN 'payment' THEN amount_cents >= 0 ELSE amount_cents < 0 END),
  CONSTRAINT billing_transactions_credits_within CHECK (credits > 0 AND credits_revoked BETWEEN 0 AND credits)
);
COMMENT ON TABLE latchkey.billing_transactions IS
  'Payments and refunds (distributed by account). amount_cents: in the currency''s smallest unit, negative for a refund. A payment is one '
  'row however many events tell of it; source_rank: which of them the amount is of (an invoice''s counts more than a checkout''s). A refund '
  'is what was paid back since the one before it of the same charge; refunded_total_cents: up to there. credits: what the payment bought, '
  'by grant credit_grant_id; credits_revoked: how many of them refunds have taken, or made a debt.';
CREATE INDEX billing_transactions_by_time ON latchkey.billing_transactions (account_id, occurred_at, id);
CREATE INDEX billing_transactions_payment_intent ON latchkey.billing_transactions (stripe_payment_intent_id, account_id)
  WHERE stripe_payment_intent_id IS NOT NULL;
CREATE UNIQUE INDEX billing_transactions_refund ON latchkey.billing_transactions (account_id, stripe_charge_id, refunded_total_cents)
  WHERE kind = 'refund';
SELECT pg_catalog.pg_extension_config_dump('latchkey.billing_transactions', '');
GRANT SELECT ON latchkey.billing_transactions TO latchkey_admin;

CREATE TABLE latchkey.billing_payment_methods (
  account_id               uuid        NOT NULL,
  stripe_payment_method_id text        NOT NULL,
  brand                    text        NOT NULL,
  last_four                text        NOT NULL,
  expires_month            integer     NOT NULL,
  expires_year             integer     NOT NULL,
  detached                 boolean     NOT NULL,
  updated_at               timestamptz NOT NULL,
  stripe_event_id          text        NOT NULL,
  CONSTRAINT billing_payment_methods_pkey PRIMARY KEY (account_id, stripe_payment_method_id),
  CONSTRAINT billing_payment_methods_account_fkey FOREIGN KEY (account_id) REFERENCES latchkey.accounts (id),
  CONSTRAINT billing_payment_methods_last_four_form CHECK (last_four ~ '^[0-9]{4}$')
);
COMMENT ON TABLE latchkey.billing_payment_methods IS
  'Cards (distributed by account): all that is kept of them. detached: the customer doesn''t have it any more. updated_at, '
  'stripe_event_id: the last event that told of it.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.billing_payment_methods', '');
GRANT SELECT ON latchkey.billing_payment_methods TO latchkey_admin;

CREATE TYPE latchkey.billing_transaction AS (
  id uuid, account_id uuid, kind text, amount_cents bigint, currency text, occurred_at timestamptz, recorded_at timestamptz,
  stripe_customer_id text, stripe_checkout_id text, stripe_invoice_id text, stripe_payment_intent_id text, stripe_subscription_id text,
  stripe_charge_id text, credits bigint, credits_revoked bigint);
COMMENT ON TYPE latchkey.billing_transaction IS
  'A payment or a refund, in the currency''s smallest unit, negative for a refund; see table billing_transactions.';

CREATE TYPE latchkey.payment_method AS (
  stripe_payment_method_id text, brand text, last_four text, expires_month integer, expires_year integer, updated_at timestamptz);
COMMENT ON TYPE latchkey.payment_method IS 'A card of the account''s.';

CREATE FUNCTION latchkey.list_billing_transactions(account_id uuid, after uuid DEFAULT NULL, max_rows integer DEFAULT 100)
  RETURNS SETOF latchkey.billing_transaction
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 20 AS 'MODULE_PATHNAME', 'latchkey_list_billing_transactions';
COMMENT ON FUNCTION latchkey.list_billing_transactions(uuid, uuid, integer) IS
  'The account''s payments and refunds, newest first by Stripe''s time, at most 1,000 a page; after: the last id of the page before. '
  'Malformed: invalid_argument (LK400). For others'' accounts needs billing.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.list_billing_transactions(uuid, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_billing_transactions(uuid, uuid, integer) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.list_payment_methods(account_id uuid) RETURNS SETOF latchkey.payment_method
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 2 AS 'MODULE_PATHNAME', 'latchkey_list_payment_methods';
COMMENT ON FUNCTION latchkey.list_payment_methods(uuid) IS
  'The account''s cards that are not detached, the last one told of first. For others'' accounts needs billing.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.list_payment_methods(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_payment_methods(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;
