-- What is sold at the counter.

CREATE TABLE pos.products (
  id           uuid        NOT NULL DEFAULT pos.uuid7(),
  sku          text        NOT NULL,
  barcode      text,
  title        text        NOT NULL,
  category     text,
  price_cents  bigint      NOT NULL,
  cost_cents   bigint,
  currency     text        NOT NULL DEFAULT pos.currency(),
  tax_rate_bp  integer     NOT NULL DEFAULT 0,
  tax_included boolean     NOT NULL DEFAULT true,
  active       boolean     NOT NULL DEFAULT true,
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT products_pkey PRIMARY KEY (id),
  CONSTRAINT products_sku_key UNIQUE (sku),
  CONSTRAINT products_sku_given CHECK (btrim(sku) <> ''),
  CONSTRAINT products_title_given CHECK (btrim(title) <> ''),
  CONSTRAINT products_price_range CHECK (price_cents BETWEEN 0 AND 1000000000000),
  CONSTRAINT products_cost_range CHECK (cost_cents BETWEEN 0 AND 1000000000000),
  CONSTRAINT products_currency_form CHECK (currency ~ '^[A-Z]{3}$'),
  CONSTRAINT products_tax_rate_range CHECK (tax_rate_bp BETWEEN 0 AND 10000)
);
COMMENT ON TABLE pos.products IS
  'What can be sold. Each has a row in inventory from the beginning. What was ever sold is made inactive, not deleted.';
COMMENT ON COLUMN pos.products.cost_cents IS 'What one piece costs the shop; copied to the lines of sales, for the margin.';
COMMENT ON COLUMN pos.products.currency IS 'ISO 4217; without one given the setting shop.currency.';
COMMENT ON COLUMN pos.products.tax_rate_bp IS 'Basis points: 1900 is 19 %.';
COMMENT ON COLUMN pos.products.tax_included IS 'Whether price_cents contains the tax.';
CREATE UNIQUE INDEX products_by_barcode ON pos.products (barcode) WHERE barcode IS NOT NULL;
CREATE INDEX products_by_title ON pos.products (lower(title) text_pattern_ops);
CREATE TRIGGER set_updated_at BEFORE UPDATE ON pos.products FOR EACH ROW EXECUTE FUNCTION pos._set_updated_at();
