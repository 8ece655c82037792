-- The people of the shop, as the main database knows them, and the shop's settings.

CREATE TABLE store.users (
  id            uuid        NOT NULL,
  email         text        NOT NULL,
  name          text,
  role          text        NOT NULL,
  status        text        NOT NULL DEFAULT 'active',
  version       bigint      NOT NULL,
  last_login_at timestamptz,
  synced_at     timestamptz NOT NULL DEFAULT now(),
  created_at    timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT users_pkey PRIMARY KEY (id),
  CONSTRAINT users_role_form CHECK (role ~ '^[a-z][a-z0-9_.-]{0,62}$'),
  CONSTRAINT users_status_known CHECK (status IN ('active', 'blocked', 'deleted')),
  CONSTRAINT users_version_positive CHECK (version > 0)
);
COMMENT ON TABLE store.users IS
  'This tenant''s copy of its users: the main database decides, and writes by sync_user(). Rows are never deleted, so that '
  'a write that comes late can''t bring a user back: who is gone has status deleted.';
COMMENT ON COLUMN store.users.id IS 'The user''s id in the main database.';
-- Not unique: two users who swap addresses reach this table one after the other, in any order.
COMMENT ON COLUMN store.users.email IS 'Unique in the main database, and here as soon as all changes have arrived.';
COMMENT ON COLUMN store.users.version IS 'Of the main database''s row; a change of what is copied must bring a higher one.';
COMMENT ON COLUMN store.users.last_login_at IS 'Written here, at a login with this tenant; not copied.';
COMMENT ON COLUMN store.users.synced_at IS 'When the last change arrived from the main database.';
CREATE INDEX users_by_email ON store.users (lower(email));

CREATE FUNCTION store._keep_newest_user() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'users of a tenant are not deleted' USING ERRCODE = 'LK410', HINT = 'Delete them in the main database.';
  END IF;
  RAISE EXCEPTION 'version % of the user is not newer than version %', NEW.version, OLD.version
    USING ERRCODE = 'LK410', HINT = 'Change users in the main database, from where the change comes with a new version.';
END $$;
COMMENT ON FUNCTION store._keep_newest_user() IS
  'Trigger: an old write never replaces a newer one, whoever writes (LK410).';
CREATE TRIGGER keep_newest BEFORE UPDATE ON store.users FOR EACH ROW
  WHEN (NEW.version < OLD.version OR NEW.version = OLD.version AND (NEW.id, NEW.email, NEW.name, NEW.role, NEW.status)
        IS DISTINCT FROM (OLD.id, OLD.email, OLD.name, OLD.role, OLD.status))
  EXECUTE FUNCTION store._keep_newest_user();
CREATE TRIGGER keep_rows BEFORE DELETE ON store.users FOR EACH ROW EXECUTE FUNCTION store._keep_newest_user();

CREATE FUNCTION store.sync_user(id uuid, email text, name text, role text, status text, version bigint) RETURNS boolean
  LANGUAGE sql VOLATILE
BEGIN ATOMIC
  WITH written AS (
    INSERT INTO store.users AS u (id, email, name, role, status, version)
    VALUES (sync_user.id, sync_user.email, sync_user.name, sync_user.role, sync_user.status, sync_user.version)
    ON CONFLICT (id) DO UPDATE
      SET email = excluded.email, name = excluded.name, role = excluded.role, status = excluded.status,
          version = excluded.version, synced_at = excluded.synced_at
      WHERE u.version < excluded.version
    RETURNING 1)
  SELECT EXISTS (SELECT FROM written);
END;
COMMENT ON FUNCTION store.sync_user(uuid, text, text, text, text, bigint) IS
  'Writes what the main database says of a user. False, and nothing is done: this version, or a newer one, is there '
  'already.';

CREATE TABLE store.settings (
  key         text        NOT NULL,
  value       jsonb       NOT NULL,
  description text,
  updated_at  timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT settings_pkey PRIMARY KEY (key),
  CONSTRAINT settings_key_form CHECK (key ~ '^[a-z][a-z0-9_.]{0,99}$')
);
COMMENT ON TABLE store.settings IS 'The shop''s own settings. No secrets: those belong into the main database.';
CREATE TRIGGER set_updated_at BEFORE UPDATE ON store.settings FOR EACH ROW EXECUTE FUNCTION store._set_updated_at();

INSERT INTO store.settings (key, value, description) VALUES
  ('shop.name', '"Shop"', 'as customers read it'),
  ('shop.currency', '"EUR"', 'ISO 4217: what products without a currency of their own are priced in'),
  ('shop.time_zone', '"UTC"', 'where a day begins and ends in reports');

CREATE FUNCTION store.currency() RETURNS text
  LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT s.value #>> '{}' FROM store.settings s WHERE s.key = 'shop.currency';
END;
COMMENT ON FUNCTION store.currency() IS 'The setting shop.currency.';
