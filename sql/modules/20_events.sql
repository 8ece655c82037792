-- Events: the append-only log that every module writes to.

INSERT INTO latchkey.permissions (name, module, description, seeded) VALUES
  ('events.read', 'events', 'Read the event log.', true),
  ('events.write', 'events', 'Record events of any account.', true),
  ('events.consume', 'events', 'Make consumers of the event log, and process events for them.', true);

INSERT INTO latchkey.settings (key, category, value, default_value, type, minimum, maximum, choices, description, seeded)
SELECT key, 'events', value, value, type, minimum, maximum, choices, description, true
  FROM (VALUES
    ('events.retention', '0', 'duration', 0, 3155760000, NULL::text[],
     'How long events are kept: maintain_events() removes a month when all of it is older. 0: for ever.'),
    ('events.retention_action', 'drop', 'text', NULL, NULL, ARRAY['drop', 'detach'],
     'What becomes of a month that is removed: drop deletes it, detach leaves it as a table of its own beside the log.')
  ) AS seed (key, value, type, minimum, maximum, choices, description);

-- Transaction ids order the feed, and mean something in one cluster alone. So they are counted in eras: one for each cluster
-- (and each timeline of it) in which the database has lived. The first event in a new one opens its era; not this script.
CREATE TABLE latchkey.event_eras (
  era               integer     NOT NULL,
  system_identifier bigint      NOT NULL,
  timeline          integer     NOT NULL,
  first_xid         xid8        NOT NULL,
  began_at          timestamptz NOT NULL,
  CONSTRAINT event_eras_pkey PRIMARY KEY (era)
);
COMMENT ON TABLE latchkey.event_eras IS
  'Where the event log has been written (reference): a row for each cluster and timeline that the database has lived in, in '
  'order. Transaction ids of events compare within an era only. first_xid: the transaction that opened the era.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.event_eras', '');
GRANT SELECT ON latchkey.event_eras TO latchkey_admin;
CREATE TRIGGER invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON latchkey.event_eras
  FOR EACH STATEMENT EXECUTE FUNCTION latchkey._invalidate();

-- No index on this table, but the same ones on each partition (_index_events): pg_dump writes the partitions that are made
-- at run time with their indexes, and an index of this table would have made them already when they are restored.
CREATE TABLE latchkey.events (
  account_id      uuid        NOT NULL,
  id              uuid        NOT NULL,
  recorded_at     timestamptz NOT NULL,
  era             integer     NOT NULL,
  xid             xid8        NOT NULL,
  aggregate       text        NOT NULL,
  aggregate_id    text        NOT NULL,
  type            text        NOT NULL,
  version         integer     NOT NULL,
  data            jsonb       NOT NULL,
  metadata        jsonb,
  idempotency_key text,
  correlation_id  text,
  causation_id    uuid,
  source          text        NOT NULL,
  actor_id        uuid,
  actor_role      text        NOT NULL
) PARTITION BY RANGE (recorded_at);
COMMENT ON TABLE latchkey.events IS
  'Append-only event log (distributed by account; the nil UUID stands for the platform), a partition for each month (UTC). '
  'data holds facts and never personal data; metadata (request id, client address, user agent) and correlation_id (the '
  'request id) are personal, and are erased with their user. causation_id: the event that led to this one. actor_id: the '
  'bound identity; actor_role: the database session''s role. era and xid: the recording transaction, which the feed is '
  'ordered by. UPDATE and DELETE are refused, for the owner too.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.events', '');
GRANT SELECT ON latchkey.events TO latchkey_admin;

CREATE TABLE latchkey.events_default PARTITION OF latchkey.events DEFAULT;
COMMENT ON TABLE latchkey.events_default IS
  'Events of months that have no partition of their own yet (distributed by account): read latchkey.events. '
  'maintain_events() moves them.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.events_default', '');

CREATE TABLE latchkey.event_keys (
  account_id      uuid        NOT NULL,
  idempotency_key text        NOT NULL,
  event_id        uuid        NOT NULL,
  recorded_at     timestamptz NOT NULL,
  fingerprint     bytea       NOT NULL,
  CONSTRAINT event_keys_pkey PRIMARY KEY (account_id, idempotency_key)
);
COMMENT ON TABLE latchkey.event_keys IS
  'Idempotency keys of record_event() (distributed by account), and a hash of the arguments that came with them. A table of '
  'its own, as partitions share no unique index. They go when their events do.';
CREATE INDEX event_keys_by_age ON latchkey.event_keys (recorded_at);
SELECT pg_catalog.pg_extension_config_dump('latchkey.event_keys', '');
GRANT SELECT ON latchkey.event_keys TO latchkey_admin;

CREATE FUNCTION latchkey._keep_events() RETURNS trigger
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_keep_events';
COMMENT ON FUNCTION latchkey._keep_events() IS
  'Trigger: refuses to change or delete events (LK403); only metadata and correlation_id may be set to null.';
REVOKE ALL ON FUNCTION latchkey._keep_events() FROM PUBLIC;

-- The server gives every partition a copy of this one.
CREATE TRIGGER keep_events BEFORE UPDATE OR DELETE ON latchkey.events
  FOR EACH ROW EXECUTE FUNCTION latchkey._keep_events();
CREATE TRIGGER keep_events_truncate BEFORE TRUNCATE ON latchkey.events
  FOR EACH STATEMENT EXECUTE FUNCTION latchkey._keep_events();

-- What each partition has of its own: indexes by account, by aggregate and for the feed, and a guard against TRUNCATE.
CREATE FUNCTION latchkey._index_events(relation regclass) RETURNS void
  LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  name text := (SELECT relname FROM pg_class WHERE oid = relation);
BEGIN
  EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I PRIMARY KEY (account_id, id)', relation, name || '_pkey');
  EXECUTE format('CREATE INDEX %I ON %s (aggregate, aggregate_id, id)', name || '_by_aggregate', relation);
  EXECUTE format('CREATE INDEX %I ON %s (era, xid, id)', name || '_feed', relation);
  EXECUTE format('CREATE TRIGGER keep_events_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT '
                 'EXECUTE FUNCTION latchkey._keep_events()', relation);
END $$;
COMMENT ON FUNCTION latchkey._index_events(regclass) IS
  'Gives a partition of latchkey.events its indexes, and the trigger against TRUNCATE.';
REVOKE ALL ON FUNCTION latchkey._index_events(regclass) FROM PUBLIC;
SELECT latchkey._index_events('latchkey.events_default');

CREATE TYPE latchkey.event AS (
  id uuid, account_id uuid, aggregate text, aggregate_id text, type text, version integer, data jsonb, metadata jsonb,
  source text, correlation_id text, causation_id uuid, idempotency_key text, actor_id uuid, actor_role text,
  recorded_at timestamptz, position text);
COMMENT ON TYPE latchkey.event IS
  'An event. account_id: the nil UUID for the platform. position: where it stands in the feed; opaque, and in no other '
  'order than the feed''s.';

CREATE FUNCTION latchkey.record_event(
    aggregate text, aggregate_id text, type text, data jsonb DEFAULT '{}', account_id uuid DEFAULT NULL,
    idempotency_key text DEFAULT NULL, version integer DEFAULT 1, metadata jsonb DEFAULT NULL,
    source text DEFAULT 'application', correlation_id text DEFAULT NULL, causation_id uuid DEFAULT NULL) RETURNS latchkey.event
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_record_event';
COMMENT ON FUNCTION latchkey.record_event(text, text, text, jsonb, uuid, text, integer, jsonb, text, text, uuid) IS
  'Records an event in the caller''s transaction, and returns it. type: thing.verb, as order.paid; data: facts, a JSON '
  'object without personal data; version: of the shape of data. account_id: whose event it is; by default the bound '
  'user''s, else the platform''s. What bind_request() bound goes into metadata, where metadata doesn''t say otherwise. '
  'correlation_id and causation_id are by default those that bind_cause() bound, then the request id. The same '
  'idempotency_key and arguments again return the first event, for as long as it is kept; with other arguments: '
  'idempotency_mismatch (LK419). An account other than the bound user''s own needs events.write: forbidden (LK403). '
  'Malformed, or source latchkey, which is kept for events of Latchkey itself: invalid_argument (LK400).';
REVOKE ALL ON FUNCTION latchkey.record_event(text, text, text, jsonb, uuid, text, integer, jsonb, text, text, uuid)
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.record_event(text, text, text, jsonb, uuid, text, integer, jsonb, text, text, uuid)
  TO latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.bind_cause(event_id uuid, correlation_id text DEFAULT NULL) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_bind_cause';
COMMENT ON FUNCTION latchkey.bind_cause(uuid, text) IS
  'Binds the event that the caller is handling to this transaction: events recorded from here on name it as their cause, '
  'and carry its correlation_id (at most 128 bytes, else invalid_argument (LK400)). Null, null: nothing is bound. Kept in '
  'the backend''s memory; the next transaction starts without.';
REVOKE ALL ON FUNCTION latchkey.bind_cause(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.bind_cause(uuid, text) TO latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.event_history(
    aggregate text, aggregate_id text, account_id uuid DEFAULT NULL, after uuid DEFAULT NULL, max_rows integer DEFAULT 100,
    newest_first boolean DEFAULT false) RETURNS SETOF latchkey.event
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100 AS 'MODULE_PATHNAME', 'latchkey_event_history';
COMMENT ON FUNCTION latchkey.event_history(text, text, uuid, uuid, integer, boolean) IS
  'What happened to one thing, as user, its id: by id, which is by time; at most 1,000 a page; after: the last id of the '
  'page before. With account_id only that account''s events. For following what happens, use event_feed(): here an event '
  'that is committed late may stand before ones already seen. Needs events.read, in the tenant that the account is or '
  'platform-wide: forbidden (LK403). Malformed: invalid_argument (LK400).';
REVOKE ALL ON FUNCTION latchkey.event_history(text, text, uuid, uuid, integer, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.event_history(text, text, uuid, uuid, integer, boolean)
  TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.event_feed(
    after text DEFAULT NULL, max_rows integer DEFAULT 100, types text[] DEFAULT NULL, aggregates text[] DEFAULT NULL,
    recorded_from timestamptz DEFAULT NULL, recorded_before timestamptz DEFAULT NULL)
  RETURNS SETOF latchkey.event
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100 AS 'MODULE_PATHNAME', 'latchkey_event_feed';
COMMENT ON FUNCTION latchkey.event_feed(text, integer, text[], text[], timestamptz, timestamptz) IS
  'Events in an order that never changes, and in which none is missed: an event appears when every transaction that began '
  'to write before its own has ended. after: position of the last event seen, null from the beginning; at most 1,000 a '
  'page. types: names, or user.* for all that begin so; aggregates: names; recorded_from, recorded_before: only what was recorded '
  'then or later, before then; null: all. Needs events.read platform-wide: '
  'forbidden (LK403). Malformed: invalid_argument (LK400).';
REVOKE ALL ON FUNCTION latchkey.event_feed(text, integer, text[], text[], timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.event_feed(text, integer, text[], text[], timestamptz, timestamptz)
  TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

CREATE TYPE latchkey.event_feed_end AS (position text, waiting bigint, waiting_since timestamptz);
COMMENT ON TYPE latchkey.event_feed_end IS
  'How far the feed goes now. position: after it comes what is not shown yet. waiting: committed events that wait for older '
  'transactions to end; waiting_since: when the oldest of them was recorded.';

CREATE FUNCTION latchkey.event_feed_end() RETURNS latchkey.event_feed_end
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_event_feed_end';
COMMENT ON FUNCTION latchkey.event_feed_end() IS
  'Where the feed ends now, and what it holds back: pass position as after to event_feed() to begin with what comes next. '
  'Needs events.read platform-wide: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.event_feed_end() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.event_feed_end() TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.bind_request(
    request_id text, client_address inet DEFAULT NULL, user_agent text DEFAULT NULL) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_bind_request';
COMMENT ON FUNCTION latchkey.bind_request(text, inet, text) IS
  'Binds the request''s metadata to this transaction: events carry it, new sessions show it, and attempts are '
  'counted per client address. Kept in the backend''s memory; the next transaction starts without.';
REVOKE ALL ON FUNCTION latchkey.bind_request(text, inet, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.bind_request(text, inet, text) TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

-- Months. They are added while nobody writes to them: not the running month, whose events stay in the default partition
-- until it is over, when there was none before it began. An event that is just being recorded never loses its partition.

CREATE FUNCTION latchkey._add_event_month(month date) RETURNS bigint
  LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  name text := 'events_' || to_char(month, 'YYYY_MM');
  starts timestamptz := month::timestamp AT TIME ZONE 'UTC';
  ends timestamptz := (month + interval '1 month') AT TIME ZONE 'UTC';
  moved bigint;
BEGIN
  EXECUTE format('CREATE TABLE latchkey.%I (LIKE latchkey.events)', name);
  EXECUTE format('COMMENT ON TABLE latchkey.%I IS %L', name,
                 'Events of ' || to_char(month, 'YYYY-MM') || ' (UTC): read latchkey.events.');
  -- Who erases a user's metadata must wait, or would miss a row that is on its way; who reads need not.
  LOCK TABLE latchkey.events_default IN SHARE ROW EXCLUSIVE MODE;
  EXECUTE format('WITH moved AS (DELETE FROM latchkey.events_default WHERE recorded_at >= $1 AND recorded_at < $2 '
                 '               RETURNING *) '
                 'INSERT INTO latchkey.%I SELECT * FROM moved', name) USING starts, ends;
  GET DIAGNOSTICS moved = ROW_COUNT;
  PERFORM latchkey._index_events(format('latchkey.%I', name)::regclass);
  EXECUTE format('ALTER TABLE latchkey.events ATTACH PARTITION latchkey.%I FOR VALUES FROM (%L) TO (%L)',
                 name, starts, ends);
  RETURN moved;
END $$;
COMMENT ON FUNCTION latchkey._add_event_month(date) IS
  'Adds the partition of the month that begins with the date, and moves its events from the default partition. Returns how '
  'many.';
REVOKE ALL ON FUNCTION latchkey._add_event_month(date) FROM PUBLIC;

CREATE FUNCTION latchkey._maintain_event_months(oldest timestamptz, removal text)
  RETURNS TABLE (action text, object text, row_count bigint)
  LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 5
  SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' SET lock_timeout = '2s' AS $$
DECLARE
  slack constant interval := '1 minute';  -- between an event's time and its row
  months_ahead constant integer := 3;
  month date;
BEGIN
  LOCK TABLE latchkey.events IN SHARE UPDATE EXCLUSIVE MODE;
  LOOP
    SELECT date_trunc('month', e.recorded_at) INTO month FROM latchkey.events_default AS e
     ORDER BY e.era, e.xid, e.id LIMIT 1;
    EXIT WHEN month IS NULL OR month + interval '1 month' > clock_timestamp() - slack;
    action := 'moved';
    object := 'events_' || to_char(month, 'YYYY_MM');
    row_count := latchkey._add_event_month(month);
    RETURN NEXT;
  END LOOP;
  FOR i IN 1 .. months_ahead LOOP
    month := date_trunc('month', clock_timestamp() + slack) + i * interval '1 month';
    action := 'created';
    object := 'events_' || to_char(month, 'YYYY_MM');
    CONTINUE WHEN to_regclass('latchkey.' || object) IS NOT NULL;
    row_count := latchkey._add_event_month(month);
    RETURN NEXT;
  END LOOP;
  row_count := NULL;
  FOR object IN
    SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'latchkey.events'::regclass
       AND substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz <= oldest ORDER BY c.relname
  LOOP
    EXECUTE format('ALTER TABLE latchkey.events DETACH PARTITION latchkey.%I', object);
    IF removal = 'drop' THEN
      action := 'dropped';
      EXECUTE format('DROP TABLE latchkey.%I', object);
    ELSE
      action := 'detached';
      EXECUTE format('DROP TRIGGER keep_events_truncate ON latchkey.%I', object);
    END IF;
    RETURN NEXT;
  END LOOP;
END $$;
COMMENT ON FUNCTION latchkey._maintain_event_months(timestamptz, text) IS
  'The part of maintain_events() that adds and removes partitions: those that end before oldest are dropped or detached.';
REVOKE ALL ON FUNCTION latchkey._maintain_event_months(timestamptz, text) FROM PUBLIC;

CREATE FUNCTION latchkey.maintain_events(batch integer DEFAULT 10000)
  RETURNS TABLE (action text, object text, row_count bigint)
  LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 5 AS 'MODULE_PATHNAME', 'latchkey_maintain_events';
COMMENT ON FUNCTION latchkey.maintain_events(integer) IS
  'Adds partitions for the three months to come, moves months that are over out of the default partition, removes what is '
  'older than events.retention (as events.retention_action says), and up to batch (1 to 100,000, else invalid_argument '
  '(LK400)) idempotency keys and deliveries of removed events. Returns what it did; row_count: rows moved or purged. For a '
  'job, daily or so: who records or reads events may wait for it, and it gives up with 55P03 when it has waited 2 seconds '
  'for them. Needs events.write: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.maintain_events(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.maintain_events(integer) TO latchkey_admin, latchkey_worker;
