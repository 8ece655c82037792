-- The schema of a shop, its ids, and what triggers of several tables share.

CREATE SCHEMA store;
COMMENT ON SCHEMA store IS
  'An online shop: products, stock, customers, orders. Money is in integer cents beside a currency, ids are UUIDs (version '
  '7). What can''t be done has SQLSTATE LK400 (invalid) or LK410 (the state of things is against it).';

CREATE FUNCTION store.uuid7() RETURNS uuid
  LANGUAGE sql VOLATILE PARALLEL SAFE
BEGIN ATOMIC
  -- RFC 9562: 48 bits of milliseconds before the random bits of version 4, whose version 0100 becomes 0111.
  SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING
      substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1),
    'hex')::uuid;
END;
COMMENT ON FUNCTION store.uuid7() IS
  'A new id that sorts by time: UUID version 7. PostgreSQL has one of its own from 18 on only.';

CREATE FUNCTION store.tax_of(amount_cents bigint, tax_rate_bp integer, tax_included boolean) RETURNS bigint
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT round(amount_cents * tax_rate_bp::numeric / (10000 + CASE WHEN tax_included THEN tax_rate_bp ELSE 0 END))::bigint;
END;
COMMENT ON FUNCTION store.tax_of(bigint, integer, boolean) IS
  'The tax of an amount, or in it when it is included, rounded half away from zero. The rate is in basis points: 1900 is '
  '19 %.';

CREATE FUNCTION store._set_updated_at() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END $$;
COMMENT ON FUNCTION store._set_updated_at() IS 'Trigger: notes when the row was changed.';

CREATE FUNCTION store._refuse_change() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    RAISE EXCEPTION '%.% is not truncated', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'LK410';
  END IF;
  RAISE EXCEPTION 'rows of %.% are only added', TG_TABLE_SCHEMA, TG_TABLE_NAME
    USING ERRCODE = 'LK410', HINT = 'Add a row that makes up for the wrong one.';
END $$;
COMMENT ON FUNCTION store._refuse_change() IS 'Trigger: the table is append-only, or not to be truncated (LK410).';
