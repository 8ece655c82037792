-- Sales at the counter, with lines and payments.

CREATE TABLE pos.sales (
  id              uuid        NOT NULL DEFAULT pos.uuid7(),
  number          bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
  register        text,
  cashier_id      uuid,
  customer        text,
  status          text        NOT NULL DEFAULT 'open',
  currency        text        NOT NULL DEFAULT pos.currency(),
  lines_cents     bigint      NOT NULL DEFAULT 0,
  tax_cents       bigint      NOT NULL DEFAULT 0,
  discount_cents  bigint      NOT NULL DEFAULT 0,
  total_cents     bigint      NOT NULL GENERATED ALWAYS AS (lines_cents - discount_cents) STORED,
  paid_cents      bigint      NOT NULL DEFAULT 0,
  idempotency_key text,
  completed_at    timestamptz,
  voided_at       timestamptz,
  refunded_at     timestamptz,
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT sales_pkey PRIMARY KEY (id),
  CONSTRAINT sales_number_key UNIQUE (number),
  CONSTRAINT sales_idempotency_key UNIQUE (idempotency_key),
  CONSTRAINT sales_cashier_fkey FOREIGN KEY (cashier_id) REFERENCES pos.users (id),
  CONSTRAINT sales_status_known CHECK (status IN ('open', 'completed', 'voided', 'refunded')),
  CONSTRAINT sales_currency_form CHECK (currency ~ '^[A-Z]{3}$'),
  CONSTRAINT sales_discount_range CHECK (discount_cents >= 0),
  CONSTRAINT sales_total_range CHECK (total_cents >= 0 OR status IN ('open', 'voided')),
  CONSTRAINT sales_paid_range CHECK (paid_cents >= 0)
);
COMMENT ON TABLE pos.sales IS
  'open → completed → refunded, or open → voided. Another step: conflict (LK410). Completing needs payments of exactly the '
  'total and takes the goods from the stock; voiding needs that nothing is paid, and refunding that all is paid back. What '
  'comes back into the stock is a movement of its own (return): it may be broken. From completed on lines and discount '
  'stay as they are.';
COMMENT ON COLUMN pos.sales.number IS 'For people. Rises; numbers may be left out.';
COMMENT ON COLUMN pos.sales.customer IS 'What the cashier noted; null: a passer-by.';
COMMENT ON COLUMN pos.sales.lines_cents IS 'Sum of the lines'' totals, with tax: computed, whatever is assigned.';
COMMENT ON COLUMN pos.sales.tax_cents IS
  'The tax in lines_cents: computed, whatever is assigned. A discount on the sale does not change it; one on a line does.';
COMMENT ON COLUMN pos.sales.paid_cents IS 'Sum of the payments, less what was paid back: computed, whatever is assigned.';
COMMENT ON COLUMN pos.sales.idempotency_key IS
  'Of the request that made it: a retry finds the sale instead of making another.';
CREATE INDEX sales_by_status ON pos.sales (status, id);
CREATE INDEX sales_by_completion ON pos.sales (completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX sales_of_cashier ON pos.sales (cashier_id, id) WHERE cashier_id IS NOT NULL;
ALTER TABLE pos.inventory_movements ADD CONSTRAINT inventory_movements_sale_fkey
  FOREIGN KEY (sale_id) REFERENCES pos.sales (id);

CREATE TABLE pos.sale_lines (
  id               uuid    NOT NULL DEFAULT pos.uuid7(),
  sale_id          uuid    NOT NULL,
  product_id       uuid    NOT NULL,
  sku              text    NOT NULL,
  title            text    NOT NULL,
  quantity         integer NOT NULL,
  unit_price_cents bigint  NOT NULL,
  discount_cents   bigint  NOT NULL DEFAULT 0,
  cost_cents       bigint,
  tax_rate_bp      integer NOT NULL,
  tax_included     boolean NOT NULL,
  tax_cents        bigint  NOT NULL GENERATED ALWAYS AS
    (pos.tax_of(quantity * unit_price_cents - discount_cents, tax_rate_bp, tax_included)) STORED,
  total_cents      bigint  NOT NULL GENERATED ALWAYS AS
    (quantity * unit_price_cents - discount_cents + CASE WHEN tax_included THEN 0
       ELSE pos.tax_of(quantity * unit_price_cents - discount_cents, tax_rate_bp, tax_included) END) STORED,
  CONSTRAINT sale_lines_pkey PRIMARY KEY (id),
  CONSTRAINT sale_lines_sale_fkey FOREIGN KEY (sale_id) REFERENCES pos.sales (id) ON DELETE CASCADE,
  CONSTRAINT sale_lines_product_fkey FOREIGN KEY (product_id) REFERENCES pos.products (id),
  CONSTRAINT sale_lines_quantity_range CHECK (quantity BETWEEN 1 AND 1000000),
  CONSTRAINT sale_lines_unit_price_range CHECK (unit_price_cents BETWEEN 0 AND 1000000000000),
  CONSTRAINT sale_lines_discount_range CHECK (discount_cents BETWEEN 0 AND quantity * unit_price_cents),
  CONSTRAINT sale_lines_tax_rate_range CHECK (tax_rate_bp BETWEEN 0 AND 10000)
);
COMMENT ON TABLE pos.sale_lines IS
  'What is sold, as it was then: what is left out (sku, title, price, cost, tax) is copied from the product. Only an open '
  'sale''s lines can change.';
COMMENT ON COLUMN pos.sale_lines.discount_cents IS 'Off quantity × unit_price_cents.';
COMMENT ON COLUMN pos.sale_lines.cost_cents IS 'What one piece had cost the shop; null: unknown.';
COMMENT ON COLUMN pos.sale_lines.tax_cents IS 'The tax in total_cents.';
COMMENT ON COLUMN pos.sale_lines.total_cents IS 'What the customer pays for it, with tax.';
CREATE INDEX sale_lines_by_sale ON pos.sale_lines (sale_id);
CREATE INDEX sale_lines_by_product ON pos.sale_lines (product_id);

CREATE FUNCTION pos._fill_sale_line() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  product record;
BEGIN
  SELECT p.sku, p.title, p.price_cents, p.cost_cents, p.tax_rate_bp, p.tax_included, p.currency
    INTO product FROM pos.products p WHERE p.id = NEW.product_id;
  IF NOT FOUND THEN RAISE EXCEPTION 'there is no such product' USING ERRCODE = 'LK404'; END IF;
  IF product.currency <> (SELECT s.currency FROM pos.sales s WHERE s.id = NEW.sale_id) THEN
    RAISE EXCEPTION 'the sale is in another currency than %, which is priced in %', product.sku, product.currency
      USING ERRCODE = 'LK400';
  END IF;
  NEW.sku := coalesce(NEW.sku, product.sku);
  NEW.title := coalesce(NEW.title, product.title);
  NEW.unit_price_cents := coalesce(NEW.unit_price_cents, product.price_cents);
  NEW.cost_cents := coalesce(NEW.cost_cents, product.cost_cents);
  NEW.tax_rate_bp := coalesce(NEW.tax_rate_bp, product.tax_rate_bp);
  NEW.tax_included := coalesce(NEW.tax_included, product.tax_included);
  RETURN NEW;
END $$;
COMMENT ON FUNCTION pos._fill_sale_line() IS 'Trigger: copies from the product what a new line leaves out.';
CREATE TRIGGER fill BEFORE INSERT OR UPDATE OF product_id, sale_id ON pos.sale_lines
  FOR EACH ROW EXECUTE FUNCTION pos._fill_sale_line();

CREATE FUNCTION pos._lines_changed() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  changed uuid[];
  sale_number bigint;
BEGIN
  -- One branch at a time: a statement that names the other's rows would not even be planned.
  IF TG_OP = 'INSERT' THEN
    changed := ARRAY(SELECT sale_id FROM lines_after);
  ELSIF TG_OP = 'DELETE' THEN
    changed := ARRAY(SELECT sale_id FROM lines_before);
  ELSE
    changed := ARRAY(SELECT sale_id FROM lines_after UNION SELECT sale_id FROM lines_before);
  END IF;
  -- Lines of one sale change one after the other, and never while it is being completed.
  PERFORM FROM pos.sales s WHERE s.id = ANY (changed) ORDER BY s.id FOR NO KEY UPDATE;
  SELECT min(s.number) INTO sale_number FROM pos.sales s WHERE s.id = ANY (changed) AND s.status <> 'open';
  IF sale_number IS NOT NULL THEN
    RAISE EXCEPTION 'the lines of sale % can''t change any more', sale_number USING ERRCODE = 'LK410';
  END IF;
  UPDATE pos.sales s SET updated_at = now() WHERE s.id = ANY (changed);  -- which computes the totals
  RETURN NULL;
END $$;
COMMENT ON FUNCTION pos._lines_changed() IS
  'Trigger: the sale''s totals follow its lines; those of a sale that is over stay (LK410).';
CREATE TRIGGER lines_added AFTER INSERT ON pos.sale_lines REFERENCING NEW TABLE AS lines_after
  FOR EACH STATEMENT EXECUTE FUNCTION pos._lines_changed();
CREATE TRIGGER lines_changed AFTER UPDATE ON pos.sale_lines REFERENCING OLD TABLE AS lines_before NEW TABLE AS lines_after
  FOR EACH STATEMENT EXECUTE FUNCTION pos._lines_changed();
CREATE TRIGGER lines_removed AFTER DELETE ON pos.sale_lines REFERENCING OLD TABLE AS lines_before
  FOR EACH STATEMENT EXECUTE FUNCTION pos._lines_changed();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON pos.sale_lines FOR EACH STATEMENT EXECUTE FUNCTION pos._refuse_change();

CREATE TABLE pos.payments (
  id              uuid        NOT NULL DEFAULT pos.uuid7(),
  sale_id         uuid        NOT NULL,
  method          text        NOT NULL,
  amount_cents    bigint      NOT NULL,
  tendered_cents  bigint,
  change_cents    bigint      GENERATED ALWAYS AS (tendered_cents - amount_cents) STORED,
  reference       text,
  user_id         uuid,
  idempotency_key text,
  created_at      timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT payments_pkey PRIMARY KEY (id),
  CONSTRAINT payments_sale_fkey FOREIGN KEY (sale_id) REFERENCES pos.sales (id),
  CONSTRAINT payments_user_fkey FOREIGN KEY (user_id) REFERENCES pos.users (id),
  CONSTRAINT payments_idempotency_key UNIQUE (idempotency_key),
  CONSTRAINT payments_method_known CHECK (method IN ('cash', 'card', 'voucher', 'transfer', 'other')),
  CONSTRAINT payments_amount_moves CHECK (amount_cents <> 0),
  CONSTRAINT payments_tendered_suffices CHECK (method = 'cash' AND tendered_cents >= amount_cents AND amount_cents > 0
                                               OR tendered_cents IS NULL)
);
COMMENT ON TABLE pos.payments IS
  'What was paid for a sale, append-only. Into one that is not open, or more back than was paid: conflict (LK410).';
COMMENT ON COLUMN pos.payments.amount_cents IS 'In the sale''s currency; negative: paid back.';
COMMENT ON COLUMN pos.payments.tendered_cents IS 'Cash that the customer gave; null when it was exact, or no cash.';
COMMENT ON COLUMN pos.payments.change_cents IS 'What the customer got of it.';
COMMENT ON COLUMN pos.payments.reference IS 'Of the card terminal, the voucher …';
CREATE INDEX payments_by_sale ON pos.payments (sale_id);
CREATE INDEX payments_by_time ON pos.payments (created_at);
CREATE INDEX payments_by_user ON pos.payments (user_id) WHERE user_id IS NOT NULL;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON pos.payments FOR EACH ROW EXECUTE FUNCTION pos._refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON pos.payments FOR EACH STATEMENT EXECUTE FUNCTION pos._refuse_change();

CREATE FUNCTION pos._payments_added() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  sale record;
BEGIN
  PERFORM FROM pos.sales s WHERE s.id IN (SELECT a.sale_id FROM added a) ORDER BY s.id FOR NO KEY UPDATE;
  SELECT s.number, s.status INTO sale FROM pos.sales s JOIN added a ON a.sale_id = s.id
   WHERE s.status NOT IN ('open', 'completed') OR s.status = 'completed' AND a.amount_cents > 0 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'sale % is %: nothing can be paid for it', sale.number, sale.status USING ERRCODE = 'LK410';
  END IF;
  UPDATE pos.sales s SET updated_at = now() WHERE s.id IN (SELECT a.sale_id FROM added a);  -- which computes what is paid
  RETURN NULL;
END $$;
COMMENT ON FUNCTION pos._payments_added() IS 'Trigger: the sale''s paid_cents follows its payments (LK410).';
CREATE TRIGGER payments_added AFTER INSERT ON pos.payments REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION pos._payments_added();

CREATE FUNCTION pos._check_sale() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  lines bigint;
  total bigint;
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.status <> 'open' OR OLD.paid_cents <> 0 THEN
      RAISE EXCEPTION 'sale % can''t be deleted', OLD.number USING ERRCODE = 'LK410', HINT = 'Void or refund it.';
    END IF;
    RETURN OLD;
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'open' THEN
      RAISE EXCEPTION 'a sale begins open'
        USING ERRCODE = 'LK410', HINT = 'Add its lines and payments, then set its status.';
    END IF;
    NEW.lines_cents := 0;
    NEW.tax_cents := 0;
    NEW.paid_cents := 0;
    RETURN NEW;
  END IF;
  IF NEW.status <> OLD.status AND OLD.status || ' ' || NEW.status
      NOT IN ('open completed', 'open voided', 'completed refunded') THEN
    RAISE EXCEPTION 'sale % is %: it can''t become %', OLD.number, OLD.status, NEW.status USING ERRCODE = 'LK410';
  END IF;
  IF OLD.status <> 'open' AND (NEW.currency, NEW.discount_cents) IS DISTINCT FROM (OLD.currency, OLD.discount_cents) THEN
    RAISE EXCEPTION 'sale % is %: its amounts can''t change any more', OLD.number, OLD.status USING ERRCODE = 'LK410';
  END IF;
  -- The row is locked, and this reads what is committed now: no line or payment that others have added is missed.
  SELECT count(*), coalesce(sum(l.total_cents), 0), coalesce(sum(l.tax_cents), 0) INTO lines, NEW.lines_cents, NEW.tax_cents
    FROM pos.sale_lines l WHERE l.sale_id = NEW.id;
  SELECT coalesce(sum(p.amount_cents), 0) INTO NEW.paid_cents FROM pos.payments p WHERE p.sale_id = NEW.id;
  IF NEW.paid_cents < 0 THEN
    RAISE EXCEPTION 'sale %: more is paid back than was paid', OLD.number USING ERRCODE = 'LK410';
  END IF;
  IF NEW.currency <> OLD.currency AND (lines > 0 OR NEW.paid_cents <> 0) THEN
    RAISE EXCEPTION 'sale % has lines or payments: its currency can''t change', OLD.number USING ERRCODE = 'LK410';
  END IF;
  NEW.updated_at := now();
  IF NEW.status = OLD.status THEN RETURN NEW; END IF;
  total := CASE NEW.status WHEN 'completed' THEN NEW.lines_cents - NEW.discount_cents ELSE 0 END;
  IF NEW.status = 'completed' AND lines = 0 THEN
    RAISE EXCEPTION 'sale % has no lines', OLD.number USING ERRCODE = 'LK410';
  ELSIF NEW.paid_cents <> total THEN
    RAISE EXCEPTION 'sale % can''t become %: % cents are paid, % must be', OLD.number, NEW.status, NEW.paid_cents, total
      USING ERRCODE = 'LK410';
  END IF;
  CASE NEW.status
    WHEN 'completed' THEN NEW.completed_at := now();
    WHEN 'voided' THEN NEW.voided_at := now();
    WHEN 'refunded' THEN NEW.refunded_at := now();
  END CASE;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION pos._check_sale() IS 'Trigger: a sale''s steps, times and sums (LK410).';
CREATE TRIGGER check_sale BEFORE INSERT OR UPDATE OR DELETE ON pos.sales FOR EACH ROW EXECUTE FUNCTION pos._check_sale();

CREATE FUNCTION pos._move_sold() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO pos.inventory_movements (product_id, quantity, reason, sale_id, user_id)
  SELECT l.product_id, -sum(l.quantity), 'sale', a.id, a.cashier_id
    FROM sales_after a JOIN sales_before b USING (id) JOIN pos.sale_lines l ON l.sale_id = a.id
    JOIN pos.inventory i ON i.product_id = l.product_id AND i.tracked
   WHERE b.status = 'open' AND a.status = 'completed' GROUP BY a.id, a.cashier_id, l.product_id;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION pos._move_sold() IS 'Trigger: completing a sale takes its goods from the stock.';
CREATE TRIGGER move_sold AFTER UPDATE ON pos.sales REFERENCING OLD TABLE AS sales_before NEW TABLE AS sales_after
  FOR EACH STATEMENT EXECUTE FUNCTION pos._move_sold();
