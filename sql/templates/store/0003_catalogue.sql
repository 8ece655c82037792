-- What the shop sells: products, and the variants of them that have a price.

CREATE TABLE store.products (
  id          uuid        NOT NULL DEFAULT store.uuid7(),
  slug        text        NOT NULL,
  title       text        NOT NULL,
  description text,
  status      text        NOT NULL DEFAULT 'draft',
  attributes  jsonb       NOT NULL DEFAULT '{}',
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT products_pkey PRIMARY KEY (id),
  CONSTRAINT products_slug_key UNIQUE (slug),
  CONSTRAINT products_slug_form CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,99}$'),
  CONSTRAINT products_title_given CHECK (btrim(title) <> ''),
  CONSTRAINT products_status_known CHECK (status IN ('draft', 'active', 'archived')),
  CONSTRAINT products_attributes_object CHECK (jsonb_typeof(attributes) = 'object')
);
COMMENT ON TABLE store.products IS 'What is shown as one thing. What was ever ordered is archived, not deleted.';
COMMENT ON COLUMN store.products.slug IS 'Its name in URLs.';
COMMENT ON COLUMN store.products.attributes IS 'Whatever else the shop shows: an object.';
CREATE INDEX products_by_status ON store.products (status, id);
CREATE TRIGGER set_updated_at BEFORE UPDATE ON store.products FOR EACH ROW EXECUTE FUNCTION store._set_updated_at();

CREATE TABLE store.variants (
  id               uuid        NOT NULL DEFAULT store.uuid7(),
  product_id       uuid        NOT NULL,
  sku              text        NOT NULL,
  barcode          text,
  title            text,
  options          jsonb       NOT NULL DEFAULT '{}',
  price_cents      bigint      NOT NULL,
  compare_at_cents bigint,
  currency         text        NOT NULL DEFAULT store.currency(),
  tax_rate_bp      integer     NOT NULL DEFAULT 0,
  tax_included     boolean     NOT NULL DEFAULT true,
  weight_grams     integer,
  sort_order       integer     NOT NULL DEFAULT 0,
  active           boolean     NOT NULL DEFAULT true,
  created_at       timestamptz NOT NULL DEFAULT now(),
  updated_at       timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT variants_pkey PRIMARY KEY (id),
  CONSTRAINT variants_product_fkey FOREIGN KEY (product_id) REFERENCES store.products (id) ON DELETE CASCADE,
  CONSTRAINT variants_sku_key UNIQUE (sku),
  CONSTRAINT variants_sku_given CHECK (btrim(sku) <> ''),
  CONSTRAINT variants_options_object CHECK (jsonb_typeof(options) = 'object'),
  CONSTRAINT variants_price_range CHECK (price_cents BETWEEN 0 AND 1000000000000),
  CONSTRAINT variants_compare_at_range CHECK (compare_at_cents BETWEEN 0 AND 1000000000000),
  CONSTRAINT variants_currency_form CHECK (currency ~ '^[A-Z]{3}$'),
  CONSTRAINT variants_tax_rate_range CHECK (tax_rate_bp BETWEEN 0 AND 10000),
  CONSTRAINT variants_weight_range CHECK (weight_grams >= 0)
);
COMMENT ON TABLE store.variants IS
  'What can be put into an order: a size, a colour, or simply the product. Each has a row in inventory from the beginning.';
COMMENT ON COLUMN store.variants.title IS 'What tells it from the product''s other variants; null where there is one only.';
COMMENT ON COLUMN store.variants.options IS 'Such as {"size": "M"}.';
COMMENT ON COLUMN store.variants.compare_at_cents IS 'The price that is struck through beside this one.';
COMMENT ON COLUMN store.variants.currency IS 'ISO 4217; without one given the setting shop.currency.';
COMMENT ON COLUMN store.variants.tax_rate_bp IS 'Basis points: 1900 is 19 %.';
COMMENT ON COLUMN store.variants.tax_included IS 'Whether price_cents contains the tax.';
CREATE INDEX variants_by_product ON store.variants (product_id, sort_order);
CREATE UNIQUE INDEX variants_by_barcode ON store.variants (barcode) WHERE barcode IS NOT NULL;
CREATE TRIGGER set_updated_at BEFORE UPDATE ON store.variants FOR EACH ROW EXECUTE FUNCTION store._set_updated_at();
