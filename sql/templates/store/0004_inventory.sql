-- Stock: one row for each variant, which is the sum of its movements.

CREATE TABLE store.inventory (
  variant_id     uuid        NOT NULL,
  on_hand        integer     NOT NULL DEFAULT 0,
  tracked        boolean     NOT NULL DEFAULT true,
  allow_negative boolean     NOT NULL DEFAULT false,
  reorder_level  integer,
  updated_at     timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT inventory_pkey PRIMARY KEY (variant_id),
  CONSTRAINT inventory_variant_fkey FOREIGN KEY (variant_id) REFERENCES store.variants (id) ON DELETE CASCADE,
  CONSTRAINT inventory_not_negative CHECK (on_hand >= 0 OR allow_negative),
  CONSTRAINT inventory_reorder_level_range CHECK (reorder_level >= 0)
);
COMMENT ON TABLE store.inventory IS
  'How many pieces of a variant are there. on_hand changes by inserting into inventory_movements, and only so.';
COMMENT ON COLUMN store.inventory.on_hand IS
  'Pieces: the sum of the movements. Orders have taken theirs when they are placed.';
COMMENT ON COLUMN store.inventory.tracked IS 'False: orders move nothing, as with downloads.';
COMMENT ON COLUMN store.inventory.allow_negative IS 'True: may be sold before it is there.';
COMMENT ON COLUMN store.inventory.reorder_level IS 'At this many pieces or fewer it is to be ordered; null: never.';

CREATE TABLE store.inventory_movements (
  id         uuid        NOT NULL DEFAULT store.uuid7(),
  variant_id uuid        NOT NULL,
  quantity   integer     NOT NULL,
  reason     text        NOT NULL,
  order_id   uuid,
  user_id    uuid,
  note       text,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT inventory_movements_pkey PRIMARY KEY (id),
  CONSTRAINT inventory_movements_variant_fkey FOREIGN KEY (variant_id) REFERENCES store.inventory (variant_id),
  CONSTRAINT inventory_movements_user_fkey FOREIGN KEY (user_id) REFERENCES store.users (id),
  CONSTRAINT inventory_movements_quantity_moves CHECK (quantity <> 0),
  CONSTRAINT inventory_movements_of_order CHECK (order_id IS NOT NULL OR reason NOT IN ('order', 'cancellation')),
  CONSTRAINT inventory_movements_reason_known CHECK
    (reason IN ('receipt', 'order', 'cancellation', 'return', 'loss', 'count'))
);
COMMENT ON TABLE store.inventory_movements IS
  'Every change of the stock, append-only. More than is there, unless inventory.allow_negative: conflict (LK410).';
COMMENT ON COLUMN store.inventory_movements.quantity IS 'Pieces: positive when they come, negative when they go.';
COMMENT ON COLUMN store.inventory_movements.reason IS
  'receipt: bought or made; order and cancellation: written when an order is placed and undone; return: a customer''s; '
  'loss; count: what was found differs from what was expected.';
CREATE INDEX inventory_movements_by_variant ON store.inventory_movements (variant_id, id);
CREATE INDEX inventory_movements_by_order ON store.inventory_movements (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX inventory_movements_by_user ON store.inventory_movements (user_id) WHERE user_id IS NOT NULL;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON store.inventory_movements
  FOR EACH ROW EXECUTE FUNCTION store._refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON store.inventory_movements
  FOR EACH STATEMENT EXECUTE FUNCTION store._refuse_change();

CREATE FUNCTION store._apply_movements() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Two that want the last piece meet here: the second one waits, and then reads what the first has left. Always in one
  -- order, so that two with several variants don't wait for each other.
  PERFORM FROM store.inventory i WHERE i.variant_id IN (SELECT a.variant_id FROM added a)
    ORDER BY i.variant_id FOR NO KEY UPDATE;
  UPDATE store.inventory i SET on_hand = i.on_hand + a.quantity, updated_at = now()
    FROM (SELECT variant_id, sum(quantity) AS quantity FROM added GROUP BY variant_id) AS a
   WHERE i.variant_id = a.variant_id;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION store._apply_movements() IS 'Trigger: adds new movements to the stock.';
CREATE TRIGGER apply AFTER INSERT ON store.inventory_movements REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION store._apply_movements();

CREATE FUNCTION store._guard_inventory() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  sku text;
BEGIN
  -- Within another trigger (new movements, a new or deleted variant) it is that one's business.
  IF pg_trigger_depth() < 2 AND (TG_OP <> 'UPDATE' OR
      (NEW.on_hand, NEW.variant_id) IS DISTINCT FROM (OLD.on_hand, OLD.variant_id)) THEN
    RAISE EXCEPTION 'stock is changed by movements only'
      USING ERRCODE = 'LK410', HINT = 'Insert into ' || quote_ident(TG_TABLE_SCHEMA) || '.inventory_movements.';
  END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  IF TG_OP = 'UPDATE' AND NEW.on_hand < least(OLD.on_hand, 0) AND NOT NEW.allow_negative THEN
    SELECT v.sku INTO sku FROM store.variants v WHERE v.id = NEW.variant_id;
    RAISE EXCEPTION 'not enough stock of %', sku
      USING ERRCODE = 'LK410', DETAIL = format('%s are there, %s are wanted.', OLD.on_hand, OLD.on_hand - NEW.on_hand);
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION store._guard_inventory() IS
  'Trigger: the stock stays the sum of its movements, and not below zero (LK410).';
CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE ON store.inventory
  FOR EACH ROW EXECUTE FUNCTION store._guard_inventory();

CREATE FUNCTION store._add_inventory() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO store.inventory (variant_id) VALUES (NEW.id);
  RETURN NULL;
END $$;
COMMENT ON FUNCTION store._add_inventory() IS 'Trigger: a new variant begins with no stock.';
CREATE TRIGGER add_inventory AFTER INSERT ON store.variants FOR EACH ROW EXECUTE FUNCTION store._add_inventory();

CREATE VIEW store.inventory_drift AS
  SELECT i.variant_id, i.on_hand, coalesce(m.quantity, 0) AS moved
    FROM store.inventory i
    LEFT JOIN (SELECT variant_id, sum(quantity) AS quantity FROM store.inventory_movements GROUP BY variant_id) AS m
              USING (variant_id)
   WHERE i.on_hand <> coalesce(m.quantity, 0);
COMMENT ON VIEW store.inventory_drift IS
  'Stock that is not the sum of its movements: no rows, as long as nobody switched triggers off.';

CREATE VIEW store.low_stock AS
  SELECT i.variant_id, v.sku, p.title, i.on_hand, i.reorder_level
    FROM store.inventory i JOIN store.variants v ON v.id = i.variant_id JOIN store.products p ON p.id = v.product_id
   WHERE i.tracked AND v.active AND i.on_hand <= i.reorder_level;
COMMENT ON VIEW store.low_stock IS 'What is to be ordered: at or below its reorder_level.';
