-- Stock: one row for each product, which is the sum of its movements.

CREATE TABLE pos.inventory (
  product_id     uuid        NOT NULL,
  on_hand        integer     NOT NULL DEFAULT 0,
  tracked        boolean     NOT NULL DEFAULT true,
  allow_negative boolean     NOT NULL DEFAULT false,
  reorder_level  integer,
  updated_at     timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT inventory_pkey PRIMARY KEY (product_id),
  CONSTRAINT inventory_product_fkey FOREIGN KEY (product_id) REFERENCES pos.products (id) ON DELETE CASCADE,
  CONSTRAINT inventory_not_negative CHECK (on_hand >= 0 OR allow_negative),
  CONSTRAINT inventory_reorder_level_range CHECK (reorder_level >= 0)
);
COMMENT ON TABLE pos.inventory IS
  'How many pieces of a product are there. on_hand changes by inserting into inventory_movements, and only so.';
COMMENT ON COLUMN pos.inventory.on_hand IS
  'Pieces: the sum of the movements. Sales have taken theirs when they are completed.';
COMMENT ON COLUMN pos.inventory.tracked IS 'False: sales move nothing, as with services.';
COMMENT ON COLUMN pos.inventory.allow_negative IS 'True: may be sold before it is there.';
COMMENT ON COLUMN pos.inventory.reorder_level IS 'At this many pieces or fewer it is to be ordered; null: never.';

CREATE TABLE pos.inventory_movements (
  id         uuid        NOT NULL DEFAULT pos.uuid7(),
  product_id uuid        NOT NULL,
  quantity   integer     NOT NULL,
  reason     text        NOT NULL,
  sale_id    uuid,
  user_id    uuid,
  note       text,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT inventory_movements_pkey PRIMARY KEY (id),
  CONSTRAINT inventory_movements_product_fkey FOREIGN KEY (product_id) REFERENCES pos.inventory (product_id),
  CONSTRAINT inventory_movements_user_fkey FOREIGN KEY (user_id) REFERENCES pos.users (id),
  CONSTRAINT inventory_movements_quantity_moves CHECK (quantity <> 0),
  CONSTRAINT inventory_movements_of_sale CHECK (sale_id IS NOT NULL OR reason <> 'sale'),
  CONSTRAINT inventory_movements_reason_known CHECK (reason IN ('receipt', 'sale', 'return', 'loss', 'count'))
);
COMMENT ON TABLE pos.inventory_movements IS
  'Every change of the stock, append-only. More than is there, unless inventory.allow_negative: conflict (LK410).';
COMMENT ON COLUMN pos.inventory_movements.quantity IS 'Pieces: positive when they come, negative when they go.';
COMMENT ON COLUMN pos.inventory_movements.reason IS
  'receipt: bought or made; sale: written when one is completed; return: what a customer brought back and can be sold '
  'again; loss; count: what was found differs from what was expected.';
CREATE INDEX inventory_movements_by_product ON pos.inventory_movements (product_id, id);
CREATE INDEX inventory_movements_by_sale ON pos.inventory_movements (sale_id) WHERE sale_id IS NOT NULL;
CREATE INDEX inventory_movements_by_user ON pos.inventory_movements (user_id) WHERE user_id IS NOT NULL;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON pos.inventory_movements
  FOR EACH ROW EXECUTE FUNCTION pos._refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON pos.inventory_movements
  FOR EACH STATEMENT EXECUTE FUNCTION pos._refuse_change();

CREATE FUNCTION pos._apply_movements() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Two that want the last piece meet here: the second one waits, and then reads what the first has left. Always in one
  -- order, so that two with several products don't wait for each other.
  PERFORM FROM pos.inventory i WHERE i.product_id IN (SELECT a.product_id FROM added a)
    ORDER BY i.product_id FOR NO KEY UPDATE;
  UPDATE pos.inventory i SET on_hand = i.on_hand + a.quantity, updated_at = now()
    FROM (SELECT product_id, sum(quantity) AS quantity FROM added GROUP BY product_id) AS a
   WHERE i.product_id = a.product_id;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION pos._apply_movements() IS 'Trigger: adds new movements to the stock.';
CREATE TRIGGER apply AFTER INSERT ON pos.inventory_movements REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION pos._apply_movements();

CREATE FUNCTION pos._guard_inventory() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  sku text;
BEGIN
  -- Within another trigger (new movements, a new or deleted product) it is that one's business.
  IF pg_trigger_depth() < 2 AND (TG_OP <> 'UPDATE' OR
      (NEW.on_hand, NEW.product_id) IS DISTINCT FROM (OLD.on_hand, OLD.product_id)) THEN
    RAISE EXCEPTION 'stock is changed by movements only'
      USING ERRCODE = 'LK410', HINT = 'Insert into ' || quote_ident(TG_TABLE_SCHEMA) || '.inventory_movements.';
  END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  IF TG_OP = 'UPDATE' AND NEW.on_hand < least(OLD.on_hand, 0) AND NOT NEW.allow_negative THEN
    SELECT p.sku INTO sku FROM pos.products p WHERE p.id = NEW.product_id;
    RAISE EXCEPTION 'not enough stock of %', sku
      USING ERRCODE = 'LK410', DETAIL = format('%s are there, %s are wanted.', OLD.on_hand, OLD.on_hand - NEW.on_hand);
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION pos._guard_inventory() IS
  'Trigger: the stock stays the sum of its movements, and not below zero (LK410).';
CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE ON pos.inventory
  FOR EACH ROW EXECUTE FUNCTION pos._guard_inventory();

CREATE FUNCTION pos._add_inventory() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO pos.inventory (product_id) VALUES (NEW.id);
  RETURN NULL;
END $$;
COMMENT ON FUNCTION pos._add_inventory() IS 'Trigger: a new product begins with no stock.';
CREATE TRIGGER add_inventory AFTER INSERT ON pos.products FOR EACH ROW EXECUTE FUNCTION pos._add_inventory();

CREATE VIEW pos.inventory_drift AS
  SELECT i.product_id, i.on_hand, coalesce(m.quantity, 0) AS moved
    FROM pos.inventory i
    LEFT JOIN (SELECT product_id, sum(quantity) AS quantity FROM pos.inventory_movements GROUP BY product_id) AS m
              USING (product_id)
   WHERE i.on_hand <> coalesce(m.quantity, 0);
COMMENT ON VIEW pos.inventory_drift IS
  'Stock that is not the sum of its movements: no rows, as long as nobody switched triggers off.';

CREATE VIEW pos.low_stock AS
  SELECT i.product_id, p.sku, p.title, i.on_hand, i.reorder_level
    FROM pos.inventory i JOIN pos.products p ON p.id = i.product_id
   WHERE i.tracked AND p.active AND i.on_hand <= i.reorder_level;
COMMENT ON VIEW pos.low_stock IS 'What is to be ordered: at or below its reorder_level.';
