-- Notes of which every user sees their own, and shares some: tables, policies and a function to start from.
-- Run it as the role that owns your tables. The application's role (here: app) must be another one; both need latchkey_app.

CREATE TABLE notes (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  owner_id   uuid NOT NULL DEFAULT latchkey.current_user_id(),
  body       text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX notes_by_owner ON notes (owner_id);

CREATE TABLE note_readers (
  note_id   bigint NOT NULL REFERENCES notes (id) ON DELETE CASCADE,
  reader_id uuid NOT NULL,
  PRIMARY KEY (note_id, reader_id)
);
CREATE INDEX note_readers_by_reader ON note_readers (reader_id);

ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE note_readers ENABLE ROW LEVEL SECURITY;

-- (SELECT …) is evaluated once per statement.
CREATE POLICY own ON notes USING (owner_id = (SELECT latchkey.current_user_id()));
CREATE POLICY shared ON notes FOR SELECT
  USING (id IN (SELECT note_id FROM note_readers WHERE reader_id = (SELECT latchkey.current_user_id())));
CREATE POLICY mine ON note_readers FOR SELECT USING (reader_id = (SELECT latchkey.current_user_id()));

-- Free users keep 100 notes. The lock makes two inserts at once count one after the other.
CREATE FUNCTION limit_notes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT latchkey.has_tier(NEW.owner_id, 'premium') THEN
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.owner_id::text, 0));
    IF (SELECT count(*) FROM notes WHERE owner_id = NEW.owner_id) >= 100 THEN
      PERFORM latchkey.require_tier(NEW.owner_id, 'premium');
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER limit_notes BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION limit_notes();

-- Sharing: by the owner, to a user who exists. Runs as the tables' owner, so it checks by itself.
CREATE FUNCTION share_note(note bigint, with_user uuid) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  INSERT INTO note_readers (note_id, reader_id)
  SELECT n.id, with_user FROM notes n WHERE n.id = note AND n.owner_id = latchkey.current_user_id()
  ON CONFLICT DO NOTHING;
$$;
REVOKE ALL ON FUNCTION share_note(bigint, uuid) FROM PUBLIC;

GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO app;
GRANT SELECT ON note_readers TO app;
GRANT EXECUTE ON FUNCTION share_note(bigint, uuid) TO app;
