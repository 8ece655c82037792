-- Customers, and their orders with lines.

CREATE TABLE store.customers (
  id         uuid        NOT NULL DEFAULT store.uuid7(),
  email      text,
  name       text        NOT NULL,
  phone      text,
  user_id    uuid,
  address    jsonb,
  note       text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT customers_pkey PRIMARY KEY (id),
  CONSTRAINT customers_user_key UNIQUE (user_id),
  CONSTRAINT customers_user_fkey FOREIGN KEY (user_id) REFERENCES store.users (id),
  CONSTRAINT customers_address_object CHECK (jsonb_typeof(address) = 'object')
);
COMMENT ON TABLE store.customers IS 'Who buys. Whoever has ordered stays; what is personal can be overwritten.';
COMMENT ON COLUMN store.customers.user_id IS 'Null for who has no login.';
CREATE UNIQUE INDEX customers_by_email ON store.customers (lower(email)) WHERE email IS NOT NULL;
CREATE TRIGGER set_updated_at BEFORE UPDATE ON store.customers FOR EACH ROW EXECUTE FUNCTION store._set_updated_at();

CREATE TABLE store.orders (
  id                uuid        NOT NULL DEFAULT store.uuid7(),
  number            bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
  customer_id       uuid,
  status            text        NOT NULL DEFAULT 'draft',
  currency          text        NOT NULL DEFAULT store.currency(),
  lines_cents       bigint      NOT NULL DEFAULT 0,
  tax_cents         bigint      NOT NULL DEFAULT 0,
  shipping_cents    bigint      NOT NULL DEFAULT 0,
  discount_cents    bigint      NOT NULL DEFAULT 0,
  total_cents       bigint      NOT NULL GENERATED ALWAYS AS (lines_cents + shipping_cents - discount_cents) STORED,
  shipping_address  jsonb,
  billing_address   jsonb,
  payment_reference text,
  note              text,
  idempotency_key   text,
  placed_at         timestamptz,
  paid_at           timestamptz,
  shipped_at        timestamptz,
  completed_at      timestamptz,
  cancelled_at      timestamptz,
  refunded_at       timestamptz,
  created_at        timestamptz NOT NULL DEFAULT now(),
  updated_at        timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT orders_pkey PRIMARY KEY (id),
  CONSTRAINT orders_number_key UNIQUE (number),
  CONSTRAINT orders_idempotency_key UNIQUE (idempotency_key),
  CONSTRAINT orders_customer_fkey FOREIGN KEY (customer_id) REFERENCES store.customers (id),
  CONSTRAINT orders_status_known CHECK
    (status IN ('draft', 'placed', 'paid', 'shipped', 'completed', 'cancelled', 'refunded')),
  CONSTRAINT orders_currency_form CHECK (currency ~ '^[A-Z]{3}$'),
  CONSTRAINT orders_shipping_range CHECK (shipping_cents BETWEEN 0 AND 1000000000000),
  CONSTRAINT orders_discount_range CHECK (discount_cents >= 0),
  -- A draft may have its discount before its lines.
  CONSTRAINT orders_total_range CHECK (total_cents >= 0 OR status IN ('draft', 'cancelled'))
);
COMMENT ON TABLE store.orders IS
  'draft → placed → paid → shipped → completed, or paid → completed where nothing is shipped; draft and placed may become '
  'cancelled, and what is paid refunded. Another step: conflict (LK410). Placing takes the goods from the stock; '
  'cancelling, and refunding what was not shipped, brings them back. From placed on money and lines stay as they are.';
COMMENT ON COLUMN store.orders.number IS 'For people. Rises; numbers may be left out.';
COMMENT ON COLUMN store.orders.customer_id IS 'Null: a guest.';
COMMENT ON COLUMN store.orders.lines_cents IS 'Sum of the lines'' totals, with tax: computed, whatever is assigned.';
COMMENT ON COLUMN store.orders.tax_cents IS
  'The tax in lines_cents: computed, whatever is assigned. A discount on the order does not change it; one on a line does.';
COMMENT ON COLUMN store.orders.payment_reference IS 'The payment''s id at the provider.';
COMMENT ON COLUMN store.orders.idempotency_key IS
  'Of the request that made it: a retry finds the order instead of making another.';
CREATE INDEX orders_by_customer ON store.orders (customer_id, id) WHERE customer_id IS NOT NULL;
CREATE INDEX orders_by_status ON store.orders (status, id);
ALTER TABLE store.inventory_movements ADD CONSTRAINT inventory_movements_order_fkey
  FOREIGN KEY (order_id) REFERENCES store.orders (id);

CREATE TABLE store.order_lines (
  id               uuid    NOT NULL DEFAULT store.uuid7(),
  order_id         uuid    NOT NULL,
  variant_id       uuid    NOT NULL,
  sku              text    NOT NULL,
  title            text    NOT NULL,
  quantity         integer NOT NULL,
  unit_price_cents bigint  NOT NULL,
  discount_cents   bigint  NOT NULL DEFAULT 0,
  tax_rate_bp      integer NOT NULL,
  tax_included     boolean NOT NULL,
  tax_cents        bigint  NOT NULL GENERATED ALWAYS AS
    (store.tax_of(quantity * unit_price_cents - discount_cents, tax_rate_bp, tax_included)) STORED,
  total_cents      bigint  NOT NULL GENERATED ALWAYS AS
    (quantity * unit_price_cents - discount_cents + CASE WHEN tax_included THEN 0
       ELSE store.tax_of(quantity * unit_price_cents - discount_cents, tax_rate_bp, tax_included) END) STORED,
  CONSTRAINT order_lines_pkey PRIMARY KEY (id),
  CONSTRAINT order_lines_order_fkey FOREIGN KEY (order_id) REFERENCES store.orders (id) ON DELETE CASCADE,
  CONSTRAINT order_lines_variant_fkey FOREIGN KEY (variant_id) REFERENCES store.variants (id),
  CONSTRAINT order_lines_quantity_range CHECK (quantity BETWEEN 1 AND 1000000),
  CONSTRAINT order_lines_unit_price_range CHECK (unit_price_cents BETWEEN 0 AND 1000000000000),
  CONSTRAINT order_lines_discount_range CHECK (discount_cents BETWEEN 0 AND quantity * unit_price_cents),
  CONSTRAINT order_lines_tax_rate_range CHECK (tax_rate_bp BETWEEN 0 AND 10000)
);
COMMENT ON TABLE store.order_lines IS
  'What is ordered, as it was then: what is left out (sku, title, price, tax) is copied from the variant. Only a draft''s '
  'can change.';
COMMENT ON COLUMN store.order_lines.discount_cents IS 'Off quantity × unit_price_cents.';
COMMENT ON COLUMN store.order_lines.tax_cents IS 'The tax in total_cents.';
COMMENT ON COLUMN store.order_lines.total_cents IS 'What the customer pays for it, with tax.';
CREATE INDEX order_lines_by_order ON store.order_lines (order_id);
CREATE INDEX order_lines_by_variant ON store.order_lines (variant_id);

CREATE FUNCTION store._fill_order_line() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  variant record;
BEGIN
  SELECT v.sku, concat_ws(', ', p.title, v.title) AS title, v.price_cents, v.tax_rate_bp, v.tax_included, v.currency
    INTO variant FROM store.variants v JOIN store.products p ON p.id = v.product_id WHERE v.id = NEW.variant_id;
  IF NOT FOUND THEN RAISE EXCEPTION 'there is no such variant' USING ERRCODE = 'LK404'; END IF;
  IF variant.currency <> (SELECT o.currency FROM store.orders o WHERE o.id = NEW.order_id) THEN
    RAISE EXCEPTION 'the order is in another currency than %, which is priced in %', variant.sku, variant.currency
      USING ERRCODE = 'LK400';
  END IF;
  NEW.sku := coalesce(NEW.sku, variant.sku);
  NEW.title := coalesce(NEW.title, variant.title);
  NEW.unit_price_cents := coalesce(NEW.unit_price_cents, variant.price_cents);
  NEW.tax_rate_bp := coalesce(NEW.tax_rate_bp, variant.tax_rate_bp);
  NEW.tax_included := coalesce(NEW.tax_included, variant.tax_included);
  RETURN NEW;
END $$;
COMMENT ON FUNCTION store._fill_order_line() IS 'Trigger: copies from the variant what a new line leaves out.';
CREATE TRIGGER fill BEFORE INSERT OR UPDATE OF variant_id, order_id ON store.order_lines
  FOR EACH ROW EXECUTE FUNCTION store._fill_order_line();

CREATE FUNCTION store._lines_changed() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  changed uuid[];
  order_number bigint;
BEGIN
  -- One branch at a time: a statement that names the other's rows would not even be planned.
  IF TG_OP = 'INSERT' THEN
    changed := ARRAY(SELECT order_id FROM lines_after);
  ELSIF TG_OP = 'DELETE' THEN
    changed := ARRAY(SELECT order_id FROM lines_before);
  ELSE
    changed := ARRAY(SELECT order_id FROM lines_after UNION SELECT order_id FROM lines_before);
  END IF;
  -- Lines of one order change one after the other, and never while the order is being placed.
  PERFORM FROM store.orders o WHERE o.id = ANY (changed) ORDER BY o.id FOR NO KEY UPDATE;
  SELECT min(o.number) INTO order_number FROM store.orders o WHERE o.id = ANY (changed) AND o.status <> 'draft';
  IF order_number IS NOT NULL THEN
    RAISE EXCEPTION 'the lines of order % can''t change any more', order_number USING ERRCODE = 'LK410';
  END IF;
  UPDATE store.orders o SET updated_at = now() WHERE o.id = ANY (changed);  -- which computes the totals
  RETURN NULL;
END $$;
COMMENT ON FUNCTION store._lines_changed() IS
  'Trigger: the order''s totals follow its lines; after the draft lines stay (LK410).';
CREATE TRIGGER lines_added AFTER INSERT ON store.order_lines REFERENCING NEW TABLE AS lines_after
  FOR EACH STATEMENT EXECUTE FUNCTION store._lines_changed();
CREATE TRIGGER lines_changed AFTER UPDATE ON store.order_lines REFERENCING OLD TABLE AS lines_before NEW TABLE AS lines_after
  FOR EACH STATEMENT EXECUTE FUNCTION store._lines_changed();
CREATE TRIGGER lines_removed AFTER DELETE ON store.order_lines REFERENCING OLD TABLE AS lines_before
  FOR EACH STATEMENT EXECUTE FUNCTION store._lines_changed();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON store.order_lines FOR EACH STATEMENT EXECUTE FUNCTION store._refuse_change();

CREATE FUNCTION store._check_order() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  lines bigint;
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.status <> 'draft' THEN
      RAISE EXCEPTION 'order % is %: only drafts can be deleted', OLD.number, OLD.status
        USING ERRCODE = 'LK410', HINT = 'Cancel or refund it.';
    END IF;
    RETURN OLD;
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'draft' THEN
      RAISE EXCEPTION 'an order begins as a draft' USING ERRCODE = 'LK410', HINT = 'Add its lines, then set its status.';
    END IF;
    NEW.lines_cents := 0;
    NEW.tax_cents := 0;
    RETURN NEW;
  END IF;
  IF NEW.status <> OLD.status AND OLD.status || ' ' || NEW.status NOT IN
      ('draft placed', 'draft cancelled', 'placed paid', 'placed cancelled', 'paid shipped', 'paid completed',
       'paid refunded', 'shipped completed', 'shipped refunded', 'completed refunded') THEN
    RAISE EXCEPTION 'order % is %: it can''t become %', OLD.number, OLD.status, NEW.status USING ERRCODE = 'LK410';
  END IF;
  IF OLD.status <> 'draft' AND (NEW.currency, NEW.shipping_cents, NEW.discount_cents)
      IS DISTINCT FROM (OLD.currency, OLD.shipping_cents, OLD.discount_cents) THEN
    RAISE EXCEPTION 'order % is %: its amounts can''t change any more', OLD.number, OLD.status USING ERRCODE = 'LK410';
  END IF;
  -- The row is locked, and this reads what is committed now: no line that others have added is missed.
  SELECT count(*), coalesce(sum(l.total_cents), 0), coalesce(sum(l.tax_cents), 0) INTO lines, NEW.lines_cents, NEW.tax_cents
    FROM store.order_lines l WHERE l.order_id = NEW.id;
  IF NEW.currency <> OLD.currency AND lines > 0 THEN
    RAISE EXCEPTION 'order % has lines: its currency can''t change', OLD.number USING ERRCODE = 'LK410';
  END IF;
  IF NEW.status = 'placed' AND lines = 0 THEN
    RAISE EXCEPTION 'order % has no lines', OLD.number USING ERRCODE = 'LK410';
  END IF;
  IF NEW.status <> OLD.status THEN
    CASE NEW.status
      WHEN 'placed' THEN NEW.placed_at := now();
      WHEN 'paid' THEN NEW.paid_at := now();
      WHEN 'shipped' THEN NEW.shipped_at := now();
      WHEN 'completed' THEN NEW.completed_at := now();
      WHEN 'cancelled' THEN NEW.cancelled_at := now();
      WHEN 'refunded' THEN NEW.refunded_at := now();
    END CASE;
  END IF;
  NEW.updated_at := now();
  RETURN NEW;
END $$;
COMMENT ON FUNCTION store._check_order() IS 'Trigger: an order''s steps, times and totals (LK410).';
CREATE TRIGGER check_order BEFORE INSERT OR UPDATE OR DELETE ON store.orders
  FOR EACH ROW EXECUTE FUNCTION store._check_order();

CREATE FUNCTION store._move_ordered() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO store.inventory_movements (variant_id, quantity, reason, order_id)
  SELECT l.variant_id, -sum(l.quantity), 'order', a.id
    FROM orders_after a JOIN orders_before b USING (id) JOIN store.order_lines l ON l.order_id = a.id
    JOIN store.inventory i ON i.variant_id = l.variant_id AND i.tracked
   WHERE b.status = 'draft' AND a.status = 'placed' GROUP BY a.id, l.variant_id
   UNION ALL
  -- What had been taken, and not what the lines say: tracking may have been switched meanwhile.
  SELECT m.variant_id, -sum(m.quantity), 'cancellation', a.id
    FROM orders_after a JOIN orders_before b USING (id) JOIN store.inventory_movements m ON m.order_id = a.id
   WHERE b.status IN ('placed', 'paid') AND a.status IN ('cancelled', 'refunded')
     AND m.reason = 'order' GROUP BY a.id, m.variant_id;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION store._move_ordered() IS
  'Trigger: placing an order takes its goods from the stock, undoing it brings them back.';
CREATE TRIGGER move_ordered AFTER UPDATE ON store.orders REFERENCING OLD TABLE AS orders_before NEW TABLE AS orders_after
  FOR EACH STATEMENT EXECUTE FUNCTION store._move_ordered();

CREATE VIEW store.daily_orders AS
  SELECT (o.placed_at AT TIME ZONE z.name)::date AS day, o.currency, count(*) AS orders,
         sum(o.total_cents)::bigint AS total_cents, sum(o.tax_cents)::bigint AS tax_cents
    FROM store.orders o
   CROSS JOIN (SELECT coalesce((SELECT s.value #>> '{}' FROM store.settings s
                                 WHERE s.key = 'shop.time_zone'), 'UTC') AS name) AS z
   WHERE o.placed_at IS NOT NULL AND o.status NOT IN ('cancelled', 'refunded')
   GROUP BY 1, 2;
COMMENT ON VIEW store.daily_orders IS 'What was ordered and still stands, by day (of setting shop.time_zone) and currency.';
