-- Credits: what an account may spend, what was spent, and the proof of both.

INSERT INTO latchkey.permissions (name, module, description, seeded) VALUES
  ('credits.read', 'credits', 'See balances, transactions and holds of any account.', true),
  ('credits.grant', 'credits', 'Grant credits.', true),
  ('credits.debit', 'credits', 'Debit credits and hold them.', true),
  ('credits.refund', 'credits', 'Refund debits.', true),
  ('credits.write', 'credits', 'Set what services cost, and thresholds.', true);

INSERT INTO latchkey.settings (key, category, value, default_value, type, minimum, maximum, choices, description, seeded)
SELECT key, 'credits', value, value, type, minimum, maximum, choices, description, true
  FROM (VALUES
    ('credits.hash_chain', 'true', 'boolean', NULL::numeric, NULL::numeric, NULL::text[],
     'Whether each new ledger row holds a hash of itself and of the lot''s row before it.'),
    ('credits.lot_slices', '1', 'integer', 1, 256, NULL,
     'Into how many lots a grant is split when it is made; debits split it further where they meet.'),
    ('credits.max_slices', '32', 'integer', 1, 256, NULL,
     'Into how many lots debits that meet split a grant at the most; when several split it at once, it can be a few more.'),
    ('credits.low_balance_jobs', 'false', 'boolean', NULL, NULL, NULL,
     'Whether a job of type credits.low is enqueued each time that an account falls below its threshold.'),
    ('credits.refund_expired', 'refuse', 'text', NULL, NULL, ARRAY['refuse', 'new_lot'],
     'What becomes of a refund to a lot that has expired: refuse, or new_lot, which does not expire.')
  ) AS seed (key, value, type, minimum, maximum, choices, description);

-- What services cost.

CREATE TABLE latchkey.service_costs (
  service          text        NOT NULL,
  credits_per_unit bigint      NOT NULL,
  active           boolean     NOT NULL DEFAULT true,
  updated_at       timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT service_costs_pkey PRIMARY KEY (service),
  CONSTRAINT service_costs_service_form CHECK (service ~ '^[a-z][a-z0-9_.:-]{0,99}$'),
  CONSTRAINT service_costs_positive CHECK (credits_per_unit > 0)
);
COMMENT ON TABLE latchkey.service_costs IS
  'Credits per unit of each service (reference). What is not active can''t be debited. Changed by set_service_cost().';
SELECT pg_catalog.pg_extension_config_dump('latchkey.service_costs', '');
GRANT SELECT ON latchkey.service_costs TO latchkey_app, latchkey_admin;
CREATE TRIGGER invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON latchkey.service_costs
  FOR EACH STATEMENT EXECUTE FUNCTION latchkey._invalidate();

CREATE TABLE latchkey.service_cost_changes (
  service          text        NOT NULL,
  id               uuid        NOT NULL,
  credits_per_unit bigint      NOT NULL,
  active           boolean     NOT NULL,
  actor_id         uuid,
  actor_role       text        NOT NULL,
  changed_at       timestamptz NOT NULL,
  CONSTRAINT service_cost_changes_pkey PRIMARY KEY (service, id)
);
COMMENT ON TABLE latchkey.service_cost_changes IS
  'What each service has cost, since when, and who set it (reference, append-only). actor_id: the bound identity; actor_role: the '
  'database session''s role.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.service_cost_changes', '');
GRANT SELECT ON latchkey.service_cost_changes TO latchkey_admin;

-- Lots, ledger, holds.

-- Half of a page stays free, and no index mentions what a debit changes: so updates stay on their page (HOT).
CREATE TABLE latchkey.credit_lots (
  account_id uuid        NOT NULL,
  id         uuid        NOT NULL,
  grant_id   uuid        NOT NULL,
  slice      integer     NOT NULL,
  kind       text        NOT NULL,
  priority   integer     NOT NULL,
  expires_at timestamptz,
  granted_at timestamptz NOT NULL,
  available  bigint      NOT NULL,
  held       bigint      NOT NULL DEFAULT 0,
  open       boolean     NOT NULL DEFAULT true,
  seq        bigint      NOT NULL,
  hash       bytea,
  CONSTRAINT credit_lots_pkey PRIMARY KEY (account_id, id),
  CONSTRAINT credit_lots_account_fkey FOREIGN KEY (account_id) REFERENCES latchkey.accounts (id),
  CONSTRAINT credit_lots_not_negative CHECK (available >= 0 AND held >= 0)
) WITH (fillfactor = 50);
COMMENT ON TABLE latchkey.credit_lots IS
  'What is left of each grant (distributed by account). A grant is one lot, or several slices with one grant_id, so that debits at the '
  'same time lock different rows. Burned by priority (lowest first), then expires_at, then granted_at. held: set aside by holds. open: '
  'anything is left. available + held is the sum of the lot''s ledger rows, seq their number, hash the last one''s.';
-- A lot has one entry here, and more only for a while, of versions that are over. Merged into one (deduplicated) these could
-- not be removed one by one, and each debit of a hot account would visit them all.
CREATE INDEX credit_lots_open ON latchkey.credit_lots (account_id, id) WITH (deduplicate_items = off) WHERE open;
CREATE INDEX credit_lots_expiring ON latchkey.credit_lots (expires_at) WHERE open AND expires_at IS NOT NULL;
SELECT pg_catalog.pg_extension_config_dump('latchkey.credit_lots', '');
GRANT SELECT ON latchkey.credit_lots TO latchkey_admin;

-- No CHECK here: the server parses a table's checks anew in each statement, a twentieth of a debit each. Keys are compared as
-- bytes: nobody sorts by them.
CREATE TABLE latchkey.credit_transactions (
  account_id      uuid        NOT NULL,
  id              uuid        NOT NULL,
  part            integer     NOT NULL,
  kind            text        NOT NULL,
  amount          bigint      NOT NULL,
  total           bigint      NOT NULL,
  lot_id          uuid        NOT NULL,
  lot_seq         bigint      NOT NULL,
  balance_after   bigint      NOT NULL,
  quantity        bigint,
  recorded_at     timestamptz NOT NULL,
  related_id      uuid,
  service         text,
  idempotency_key text COLLATE "C",
  fingerprint     bytea,
  reference       text,
  metadata        jsonb,
  hash            bytea,
  CONSTRAINT credit_transactions_pkey PRIMARY KEY (account_id, id, part)
);
COMMENT ON TABLE latchkey.credit_transactions IS
  'The ledger (distributed by account): a row for each lot that a transaction touches, numbered by part. kind: debit, capture, refund, '
  'expiry, split, revocation (of what was paid back), or the kind of a grant. amount: what the lot gained or '
  'lost; total: what the account did. related_id: a refund''s debit, a capture''s hold. hash: SHA-256 of the row and of the hash of '
  'the lot''s row before it (lot_seq); null where credits.hash_chain was off. Append-only, for the owner too. No personal data in metadata: it can''t be erased.';
CREATE UNIQUE INDEX credit_transactions_idempotency_key
  ON latchkey.credit_transactions (account_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX credit_transactions_related
  ON latchkey.credit_transactions (account_id, related_id) WHERE related_id IS NOT NULL;
SELECT pg_catalog.pg_extension_config_dump('latchkey.credit_transactions', '');
GRANT SELECT ON latchkey.credit_transactions TO latchkey_admin;

CREATE FUNCTION latchkey._keep_ledger() RETURNS trigger
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_keep_ledger';
COMMENT ON FUNCTION latchkey._keep_ledger() IS 'Trigger: refuses to change or delete what is append-only (LK403), for the owner too.';
REVOKE ALL ON FUNCTION latchkey._keep_ledger() FROM PUBLIC;
CREATE TRIGGER keep_ledger BEFORE UPDATE OR DELETE ON latchkey.credit_transactions
  FOR EACH ROW EXECUTE FUNCTION latchkey._keep_ledger();
CREATE TRIGGER keep_ledger_truncate BEFORE TRUNCATE ON latchkey.credit_transactions
  FOR EACH STATEMENT EXECUTE FUNCTION latchkey._keep_ledger();
CREATE TRIGGER keep_changes BEFORE UPDATE OR DELETE ON latchkey.service_cost_changes
  FOR EACH ROW EXECUTE FUNCTION latchkey._keep_ledger();
CREATE TRIGGER keep_changes_truncate BEFORE TRUNCATE ON latchkey.service_cost_changes
  FOR EACH STATEMENT EXECUTE FUNCTION latchkey._keep_ledger();

CREATE TABLE latchkey.credit_holds (
  account_id      uuid        NOT NULL,
  id              uuid        NOT NULL,
  service         text        NOT NULL,
  quantity        bigint      NOT NULL,
  amount          bigint      NOT NULL,
  captured        bigint      NOT NULL DEFAULT 0,
  status          text        NOT NULL DEFAULT 'active',
  expires_at      timestamptz NOT NULL,
  created_at      timestamptz NOT NULL,
  settled_at      timestamptz,
  idempotency_key text,
  fingerprint     bytea,
  metadata        jsonb,
  CONSTRAINT credit_holds_pkey PRIMARY KEY (account_id, id),
  CONSTRAINT credit_holds_status_known CHECK (status IN ('active', 'captured', 'released', 'expired')),
  CONSTRAINT credit_holds_within CHECK (quantity > 0 AND amount > 0 AND captured BETWEEN 0 AND amount),
  CONSTRAINT credit_holds_settled CHECK ((status = 'active') = (settled_at IS NULL))
);
COMMENT ON TABLE latchkey.credit_holds IS
  'Credits set aside for work that goes on (distributed by account). amount is quantity times the service''s cost when the hold was '
  'made. An active hold past expires_at sets nothing aside any more; the next debit that meets it, or expire_credits(), books that.';
CREATE UNIQUE INDEX credit_holds_idempotency_key
  ON latchkey.credit_holds (account_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX credit_holds_active ON latchkey.credit_holds (account_id, expires_at) WHERE status = 'active';
CREATE INDEX credit_holds_expiring ON latchkey.credit_holds (expires_at) WHERE status = 'active';
SELECT pg_catalog.pg_extension_config_dump('latchkey.credit_holds', '');
GRANT SELECT ON latchkey.credit_holds TO latchkey_admin;

CREATE TABLE latchkey.credit_hold_lots (
  account_id uuid    NOT NULL,
  hold_id    uuid    NOT NULL,
  position   integer NOT NULL,
  lot_id     uuid    NOT NULL,
  amount     bigint  NOT NULL,
  CONSTRAINT credit_hold_lots_pkey PRIMARY KEY (account_id, hold_id, position),
  CONSTRAINT credit_hold_lots_hold_fkey FOREIGN KEY (account_id, hold_id) REFERENCES latchkey.credit_holds (account_id, id),
  CONSTRAINT credit_hold_lots_positive CHECK (amount > 0)
);
COMMENT ON TABLE latchkey.credit_hold_lots IS
  'From which lots a hold was made (distributed by account), in the order in which a capture burns them.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.credit_hold_lots', '');
GRANT SELECT ON latchkey.credit_hold_lots TO latchkey_admin;

CREATE TABLE latchkey.credit_thresholds (
  account_id uuid    NOT NULL,
  threshold  bigint  NOT NULL,
  is_low     boolean NOT NULL,
  CONSTRAINT credit_thresholds_pkey PRIMARY KEY (account_id),
  CONSTRAINT credit_thresholds_account_fkey FOREIGN KEY (account_id) REFERENCES latchkey.accounts (id),
  CONSTRAINT credit_thresholds_positive CHECK (threshold > 0)
);
COMMENT ON TABLE latchkey.credit_thresholds IS
  'Below which balance an account is low (distributed by account). is_low: it is, and event credits.low says so since.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.credit_thresholds', '');
GRANT SELECT ON latchkey.credit_thresholds TO latchkey_admin;

-- What the functions return.

CREATE TYPE latchkey.service_cost AS (service text, credits_per_unit bigint, active boolean, updated_at timestamptz);
COMMENT ON TYPE latchkey.service_cost IS 'What a service costs, in credits per unit.';

CREATE TYPE latchkey.service_cost_change AS (
  id uuid, service text, credits_per_unit bigint, active boolean, actor_id uuid, actor_role text, changed_at timestamptz);
COMMENT ON TYPE latchkey.service_cost_change IS 'A change of what a service costs, and who made it.';

CREATE TYPE latchkey.credit_transaction AS (
  id uuid, account_id uuid, kind text, amount bigint, service text, quantity bigint, balance_after bigint, reference text,
  related_id uuid, metadata jsonb, recorded_at timestamptz, replayed boolean);
COMMENT ON TYPE latchkey.credit_transaction IS
  'One transaction. amount: what it changed, negative for what was spent. balance_after: what could be spent after it; next to debits '
  'at the same time it is what this one saw. related_id: a refund''s debit, a capture''s hold. replayed: an earlier call with the '
  'same key made it.';

CREATE TYPE latchkey.credit_batch_entry AS (
  position integer, outcome text, message text, transaction latchkey.credit_transaction);
COMMENT ON TYPE latchkey.credit_batch_entry IS
  'What became of one debit of a batch: position as in the batch, from 1; outcome ok, insufficient_credits, not_found, '
  'invalid_argument or idempotency_mismatch; transaction when it is ok.';

CREATE TYPE latchkey.credit_hold AS (
  id uuid, account_id uuid, service text, quantity bigint, amount bigint, captured bigint, status text, expires_at timestamptz,
  created_at timestamptz, settled_at timestamptz, replayed boolean);
COMMENT ON TYPE latchkey.credit_hold IS
  'Credits set aside. status: active, captured, released or expired; captured: how many of amount were spent.';

CREATE TYPE latchkey.credit_balance AS (available bigint, held bigint, expiring bigint, by_kind jsonb);
COMMENT ON TYPE latchkey.credit_balance IS
  'available: can be spent now; held: set aside by holds; expiring: of the available what expires within the interval asked for; '
  'by_kind: the available by kind of grant.';

CREATE TYPE latchkey.credit_expiry AS (lots integer, holds integer);
COMMENT ON TYPE latchkey.credit_expiry IS 'How many lots and holds were booked as expired.';

-- Service costs.

CREATE FUNCTION latchkey.set_service_cost(service text, credits_per_unit bigint, active boolean DEFAULT true)
  RETURNS latchkey.service_cost
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_set_service_cost';
COMMENT ON FUNCTION latchkey.set_service_cost(text, bigint, boolean) IS
  'Sets what one unit of a service costs, at once for all debits that begin after the commit. Not active: it can''t be debited. '
  'Needs credits.write: forbidden (LK403). Malformed name, cost below 1: invalid_argument (LK400). Event: credits.cost_changed.';
REVOKE ALL ON FUNCTION latchkey.set_service_cost(text, bigint, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.set_service_cost(text, bigint, boolean) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.list_service_costs() RETURNS SETOF latchkey.service_cost
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 20 AS 'MODULE_PATHNAME', 'latchkey_list_service_costs';
COMMENT ON FUNCTION latchkey.list_service_costs() IS 'What each service costs, by name.';
REVOKE ALL ON FUNCTION latchkey.list_service_costs() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_service_costs() TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.service_cost_history(service text) RETURNS SETOF latchkey.service_cost_change
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 20 AS 'MODULE_PATHNAME', 'latchkey_service_cost_history';
COMMENT ON FUNCTION latchkey.service_cost_history(text) IS
  'What the service has cost, newest first. Needs credits.write: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.service_cost_history(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.service_cost_history(text) TO latchkey_gateway, latchkey_admin;

-- Grants and debits.

CREATE FUNCTION latchkey.grant_credits(
    account_id uuid, amount bigint, kind text DEFAULT 'purchase', priority integer DEFAULT 100, expires_at timestamptz DEFAULT NULL,
    reference text DEFAULT NULL, idempotency_key text DEFAULT NULL, metadata jsonb DEFAULT NULL)
  RETURNS latchkey.credit_transaction
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_grant_credits';
COMMENT ON FUNCTION latchkey.grant_credits(uuid, bigint, text, integer, timestamptz, text, text, jsonb) IS
  'Grants credits: kind purchase, bonus, trial, plan_allowance or adjustment. Debits burn the lowest priority first, then what expires '
  'first, then the oldest. Needs credits.grant platform-wide: forbidden (LK403). No or a deleted account: not_found (LK404). Amount below 1, or a '
  'balance beyond 2^63 - 1; expires_at in the past; an unknown kind: invalid_argument (LK400). The key with other arguments: '
  'idempotency_mismatch (LK419). Event: credits.granted.';
REVOKE ALL ON FUNCTION latchkey.grant_credits(uuid, bigint, text, integer, timestamptz, text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.grant_credits(uuid, bigint, text, integer, timestamptz, text, text, jsonb)
  TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.debit_credits(
    account_id uuid, service text, quantity bigint DEFAULT 1, idempotency_key text DEFAULT NULL, metadata jsonb DEFAULT NULL)
  RETURNS latchkey.credit_transaction
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_debit_credits';
COMMENT ON FUNCTION latchkey.debit_credits(uuid, text, bigint, text, jsonb) IS
  'Spends quantity times the service''s cost, in the caller''s transaction. Needs credits.debit: forbidden (LK403). Too little left: '
  'insufficient_credits (LK402), whose detail says what is needed and what is there; nothing changes. No such account or active '
  'service: not_found (LK404). The key with other arguments: idempotency_mismatch (LK419). Quantity below 1, or a cost beyond '
  '2^63 - 1: invalid_argument (LK400).';
REVOKE ALL ON FUNCTION latchkey.debit_credits(uuid, text, bigint, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.debit_credits(uuid, text, bigint, text, jsonb) TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

-- Low balance, and the proof.

CREATE FUNCTION latchkey.set_low_balance(account_id uuid, threshold bigint) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_set_low_balance';
COMMENT ON FUNCTION latchkey.set_low_balance(uuid, bigint) IS
  'Below this balance the account is low: event credits.low (setting credits.low_balance_jobs: a job too), once each time that it falls below. Null: no threshold. Needs '
  'credits.write: forbidden (LK403). Threshold below 1: invalid_argument (LK400). No such account: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.set_low_balance(uuid, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.set_low_balance(uuid, bigint) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.verify_ledger(account_id uuid DEFAULT NULL)
  RETURNS TABLE (account uuid, lot_id uuid, problem text)
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 1 AS 'MODULE_PATHNAME', 'latchkey_verify_ledger';
COMMENT ON FUNCTION latchkey.verify_ledger(uuid) IS
  'Computes every lot anew from the ledger, of one account or of all, and returns what differs: balances, missing rows, hashes, holds. '
  'No rows: all is right. Reads the whole ledger. Needs credits.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.verify_ledger(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.verify_ledger(uuid) TO latchkey_gateway, latchkey_admin;

-- Holds, refunds, expiry.

CREATE FUNCTION latchkey.hold_credits(
    account_id uuid, service text, quantity bigint DEFAULT 1, expires_in interval DEFAULT '1 hour', idempotency_key text DEFAULT NULL,
    metadata jsonb DEFAULT NULL) RETURNS latchkey.credit_hold
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_hold_credits';
COMMENT ON FUNCTION latchkey.hold_credits(uuid, text, bigint, interval, text, jsonb) IS
  'Sets aside what the quantity costs now, until capture_hold(), release_hold() or the end of expires_in (at most 366 days). Keys of '
  'holds are their own: they don''t meet those of transactions. Errors as debit_credits(): forbidden (LK403), insufficient_credits '
  '(LK402), not_found (LK404), idempotency_mismatch (LK419), invalid_argument (LK400).';
REVOKE ALL ON FUNCTION latchkey.hold_credits(uuid, text, bigint, interval, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.hold_credits(uuid, text, bigint, interval, text, jsonb)
  TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.capture_hold(account_id uuid, hold_id uuid, quantity bigint DEFAULT NULL, idempotency_key text DEFAULT NULL)
  RETURNS latchkey.credit_transaction
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_capture_hold';
COMMENT ON FUNCTION latchkey.capture_hold(uuid, uuid, bigint, text) IS
  'Spends what a hold set aside: all of it, or quantity units of it, and the rest is available again. Needs credits.debit: forbidden '
  '(LK403). No such hold: not_found (LK404). Captured, released or expired: conflict (LK410). Quantity beyond the hold''s: '
  'invalid_argument (LK400). The key with other arguments: idempotency_mismatch (LK419).';
REVOKE ALL ON FUNCTION latchkey.capture_hold(uuid, uuid, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.capture_hold(uuid, uuid, bigint, text)
  TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.release_hold(account_id uuid, hold_id uuid) RETURNS latchkey.credit_hold
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_release_hold';
COMMENT ON FUNCTION latchkey.release_hold(uuid, uuid) IS
  'Makes available again what a hold set aside; released or expired already: changes nothing. Needs credits.debit: forbidden (LK403). '
  'No such hold: not_found (LK404). Captured: conflict (LK410).';
REVOKE ALL ON FUNCTION latchkey.release_hold(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.release_hold(uuid, uuid) TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.refund_credits(
    account_id uuid, transaction_id uuid, amount bigint DEFAULT NULL, idempotency_key text DEFAULT NULL, reference text DEFAULT NULL)
  RETURNS latchkey.credit_transaction
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_refund_credits';
COMMENT ON FUNCTION latchkey.refund_credits(uuid, uuid, bigint, text, text) IS
  'Gives back a debit or capture, or an amount of it, to the lots that it burned, the last burned first. Null: what is left of it. '
  'Beyond what was debited, or the lot has expired and setting credits.refund_expired is refuse: conflict (LK410). Needs '
  'credits.refund platform-wide: forbidden (LK403). No such debit, or a deleted account: not_found (LK404). Amount below 1: invalid_argument '
  '(LK400). The key with other arguments: idempotency_mismatch (LK419). Event: credits.refunded.';
REVOKE ALL ON FUNCTION latchkey.refund_credits(uuid, uuid, bigint, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.refund_credits(uuid, uuid, bigint, text, text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.expire_credits(batch integer DEFAULT 1000) RETURNS latchkey.credit_expiry
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_expire_credits';
COMMENT ON FUNCTION latchkey.expire_credits(integer) IS
  'Books lots and holds that have expired, about batch of each; call it again until both counts are 0. They can''t be spent before '
  'either. Needs credits.write: forbidden (LK403). Batch below 1 or beyond 100000: invalid_argument (LK400).';
REVOKE ALL ON FUNCTION latchkey.expire_credits(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.expire_credits(integer) TO latchkey_admin, latchkey_worker;

-- Many debits at once.

CREATE FUNCTION latchkey.debit_credits_batch(account_id uuid, debits jsonb, atomic boolean DEFAULT true)
  RETURNS SETOF latchkey.credit_batch_entry
  LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100 AS 'MODULE_PATHNAME', 'latchkey_debit_credits_batch';
COMMENT ON FUNCTION latchkey.debit_credits_batch(uuid, jsonb, boolean) IS
  'Up to 10000 debits of one account, in their order: [{"service": "…", "quantity": 1, "idempotency_key": "…", "metadata": {}}, …]. '
  'atomic: the first that fails undoes all, with its error; else each stands on its own, and outcome says what became of it. Errors as '
  'debit_credits(): forbidden (LK403), insufficient_credits (LK402), not_found (LK404), idempotency_mismatch (LK419), '
  'invalid_argument (LK400); conflict (LK410) while another call is using one of its keys.';
REVOKE ALL ON FUNCTION latchkey.debit_credits_batch(uuid, jsonb, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.debit_credits_batch(uuid, jsonb, boolean)
  TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

-- Reading.

CREATE FUNCTION latchkey.credit_balance(account_id uuid, expiring_within interval DEFAULT '7 days') RETURNS latchkey.credit_balance
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_credit_balance';
COMMENT ON FUNCTION latchkey.credit_balance(uuid, interval) IS
  'What the account can spend, what holds set aside, what expires within the interval, and the kinds of it; zeros for an account that '
  'is not there. Other accounts than the caller''s need credits.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.credit_balance(uuid, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.credit_balance(uuid, interval) TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.balance_at(account_id uuid, "time" timestamptz) RETURNS bigint
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_balance_at';
COMMENT ON FUNCTION latchkey.balance_at(uuid, timestamptz) IS
  'What the account held at a time, what holds set aside included, expired lots not. Other accounts than the caller''s need '
  'credits.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.balance_at(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.balance_at(uuid, timestamptz) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.credit_history(
    account_id uuid, after uuid DEFAULT NULL, max_rows integer DEFAULT 100, service text DEFAULT NULL, kind text DEFAULT NULL,
    "from" timestamptz DEFAULT NULL, before timestamptz DEFAULT NULL) RETURNS SETOF latchkey.credit_transaction
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100 AS 'MODULE_PATHNAME', 'latchkey_credit_history';
COMMENT ON FUNCTION latchkey.credit_history(uuid, uuid, integer, text, text, timestamptz, timestamptz) IS
  'The account''s transactions, newest first. after: the last id of the page before; max_rows: 1 to 1000, else invalid_argument '
  '(LK400). Splits of lots show when kind is split. Other accounts than the caller''s need credits.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.credit_history(uuid, uuid, integer, text, text, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.credit_history(uuid, uuid, integer, text, text, timestamptz, timestamptz)
  TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.credit_usage(account_id uuid, "from" timestamptz, before timestamptz DEFAULT NULL)
  RETURNS TABLE (day timestamptz, service_name text, amount numeric, debits bigint)
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100 AS 'MODULE_PATHNAME', 'latchkey_credit_usage';
COMMENT ON FUNCTION latchkey.credit_usage(uuid, timestamptz, timestamptz) IS
  'What the account spent per UTC day and service, less what was refunded on that day. Other accounts than the caller''s need '
  'credits.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.credit_usage(uuid, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.credit_usage(uuid, timestamptz, timestamptz) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.list_holds(
    account_id uuid, after uuid DEFAULT NULL, max_rows integer DEFAULT 100, status text DEFAULT NULL)
  RETURNS SETOF latchkey.credit_hold
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100 AS 'MODULE_PATHNAME', 'latchkey_list_holds';
COMMENT ON FUNCTION latchkey.list_holds(uuid, uuid, integer, text) IS
  'The account''s holds, newest first. after: the last id of the page before; max_rows: 1 to 1000; status: only active, captured, '
  'released or expired, which a hold is from the end of its time on; else invalid_argument (LK400). Other accounts than the caller''s '
  'need credits.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.list_holds(uuid, uuid, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_holds(uuid, uuid, integer, text) TO latchkey_gateway, latchkey_app, latchkey_admin;
