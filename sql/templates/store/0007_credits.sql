-- Credits: what the main database says of this tenant's balance, and on what it was spent.

CREATE TABLE store.credit_balance (
  single_row boolean     NOT NULL DEFAULT true,
  available  bigint      NOT NULL,
  version    bigint      NOT NULL,
  fetched_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT credit_balance_pkey PRIMARY KEY (single_row),
  CONSTRAINT credit_balance_single_row CHECK (single_row)
);
COMMENT ON TABLE store.credit_balance IS
  'A cache, to be shown: the main database holds the balance, and decides whether there is enough. One row, or none yet.';
COMMENT ON COLUMN store.credit_balance.available IS 'Credits.';
COMMENT ON COLUMN store.credit_balance.version IS
  'Rises with each balance that the main database tells; an older one is not taken.';

CREATE FUNCTION store.cache_credit_balance(available bigint, version bigint) RETURNS boolean
  LANGUAGE sql VOLATILE
BEGIN ATOMIC
  WITH written AS (
    INSERT INTO store.credit_balance AS b (available, version)
    VALUES (cache_credit_balance.available, cache_credit_balance.version)
    ON CONFLICT (single_row) DO UPDATE
      SET available = excluded.available, version = excluded.version, fetched_at = excluded.fetched_at
      WHERE b.version < excluded.version
    RETURNING 1)
  SELECT EXISTS (SELECT FROM written);
END;
COMMENT ON FUNCTION store.cache_credit_balance(bigint, bigint) IS
  'Writes a balance that the main database told. False, and nothing is done: this one, or a newer one, is there already.';

CREATE TABLE store.credit_spending (
  id              uuid        NOT NULL DEFAULT store.uuid7(),
  transaction_id  uuid,
  service         text        NOT NULL,
  quantity        bigint      NOT NULL DEFAULT 1,
  credits         bigint      NOT NULL,
  user_id         uuid,
  idempotency_key text        NOT NULL,
  metadata        jsonb       NOT NULL DEFAULT '{}',
  created_at      timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT credit_spending_pkey PRIMARY KEY (id),
  CONSTRAINT credit_spending_idempotency_key UNIQUE (idempotency_key),
  CONSTRAINT credit_spending_user_fkey FOREIGN KEY (user_id) REFERENCES store.users (id),
  CONSTRAINT credit_spending_quantity_positive CHECK (quantity > 0),
  CONSTRAINT credit_spending_credits_range CHECK (credits >= 0),
  CONSTRAINT credit_spending_metadata_object CHECK (jsonb_typeof(metadata) = 'object')
);
COMMENT ON TABLE store.credit_spending IS
  'What credits were spent on in this shop, append-only. The ledger is the main database''s.';
COMMENT ON COLUMN store.credit_spending.transaction_id IS 'The row of the main database''s ledger.';
COMMENT ON COLUMN store.credit_spending.service IS 'As in the main database''s service_costs.';
COMMENT ON COLUMN store.credit_spending.idempotency_key IS 'The debit''s, so that what is told twice is here once.';
CREATE INDEX credit_spending_by_time ON store.credit_spending (created_at);
CREATE INDEX credit_spending_by_user ON store.credit_spending (user_id) WHERE user_id IS NOT NULL;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON store.credit_spending
  FOR EACH ROW EXECUTE FUNCTION store._refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON store.credit_spending
  FOR EACH STATEMENT EXECUTE FUNCTION store._refuse_change();
