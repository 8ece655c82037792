-- Months of the event log: added, moved, removed. Dates are this month's, so that names are not shown.
CREATE FUNCTION regress.months() RETURNS TABLE (month integer, events bigint) LANGUAGE plpgsql AS $$
DECLARE
  part record;
BEGIN
  FOR part IN SELECT c.oid::regclass AS name, c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
               WHERE i.inhparent = 'latchkey.events'::regclass AND c.relname ~ '\d$' ORDER BY c.relname LOOP
    month := (date_part('year', d) * 12 + date_part('month', d)) - (date_part('year', n) * 12 + date_part('month', n))
       FROM to_date(right(part.relname, 7), 'YYYY_MM') AS d, CAST(now() AT TIME ZONE 'UTC' AS timestamp) AS n;
    EXECUTE format('SELECT count(*) FROM %s', part.name) INTO events;
    RETURN NEXT;
  END LOOP;
END $$;
SET timezone = 'Asia/Kathmandu';
SELECT action, row_count FROM latchkey.maintain_events();
SELECT * FROM regress.months();
SELECT count(*) AS nothing_more FROM latchkey.maintain_events();
RESET timezone;
-- An event of each of the last four months and of the next: the past ones stay in the default partition until the next maintenance.
SELECT regress.new_user('mona') AS mona \gset
INSERT INTO latchkey.events (account_id, id, recorded_at, era, xid, aggregate, aggregate_id, type, version, data, metadata, correlation_id, source, actor_role)
  SELECT :'mona', gen_random_uuid(), date_trunc('month', now()) + m * interval '1 month' + interval '3 days', 1, (m + 10)::text::xid8, 'month', m::text, 'month.passed', 1, '{}', '{"a": 1}', 'r', 'test', 'x'
    FROM generate_series(-4, 1) AS m WHERE m <> 0;
SELECT aggregate_id, tableoid = 'latchkey.events_default'::regclass AS in_default FROM latchkey.events WHERE aggregate = 'month' ORDER BY recorded_at;
CREATE TABLE regress.feed_before AS SELECT id, row_number() OVER () AS place FROM latchkey.event_feed(max_rows => 1000);
SELECT action, row_count FROM latchkey.maintain_events();
SELECT * FROM regress.months();
SELECT aggregate_id, tableoid = 'latchkey.events_default'::regclass AS in_default FROM latchkey.events WHERE aggregate = 'month' ORDER BY recorded_at;
-- The feed's order is the same, and history goes across months.
SELECT count(*) AS differ FROM regress.feed_before b FULL JOIN (SELECT id, row_number() OVER () AS place FROM latchkey.event_feed(max_rows => 1000)) f USING (id, place) WHERE b.id IS NULL OR f.id IS NULL;
SELECT count(*) FROM latchkey.event_history('month', '-2');
-- Times go across months too.
SELECT aggregate_id FROM latchkey.event_feed(types => '{month.passed}', recorded_from => date_trunc('month', now()) - interval '2 months', recorded_before => date_trunc('month', now()));
-- Every partition is append-only, for everybody, and has the same indexes.
SELECT DISTINCT regress.error_of(format(s, c.oid::regclass)) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid,
       unnest(ARRAY['UPDATE %s SET type = type || ''x''', 'DELETE FROM %s', 'TRUNCATE %s']) AS s
 WHERE i.inhparent = 'latchkey.events'::regclass AND (s !~ 'UPDATE|DELETE' OR c.relname = 'events_default' OR c.relname <= 'events_' || to_char(now(), 'YYYY_MM'));
SELECT regress.error_of('TRUNCATE latchkey.events');
SELECT DISTINCT array_agg(regexp_replace(pg_get_indexdef(x.indexrelid), 'events_\w+', 'P', 'g') ORDER BY x.indexrelid) AS indexes
  FROM pg_inherits i JOIN pg_index x ON x.indrelid = i.inhrelid WHERE i.inhparent = 'latchkey.events'::regclass GROUP BY i.inhrelid;
SELECT DISTINCT c.relowner::regrole, obj_description(c.oid) ~ '^Events of' AS commented FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'latchkey.events'::regclass;
-- Erasing a user's metadata reaches every month, by the account's index.
SELECT latchkey.delete_user(:'mona');
SELECT count(*) AS kept, count(metadata) AS metadata, count(correlation_id) AS correlations FROM latchkey.events WHERE account_id = :'mona' AND aggregate = 'month';

-- Retention: a month goes when all of it is older. Keys and deliveries go with their events.
INSERT INTO latchkey.event_keys SELECT account_id, 'month ' || aggregate_id, id, recorded_at, '\x00' FROM latchkey.events WHERE aggregate = 'month';
INSERT INTO latchkey.event_deliveries SELECT account_id, 'x', id, recorded_at, 'dead', 1, NULL, NULL, NULL, now() FROM latchkey.events WHERE aggregate = 'month';
SELECT latchkey.set_setting('events.retention', (now() - date_trunc('month', now()) + interval '63 days')::text);
SELECT action, CASE action WHEN 'purged' THEN object END AS object, row_count FROM latchkey.maintain_events(1);
SELECT action, CASE action WHEN 'purged' THEN object END AS object, row_count FROM latchkey.maintain_events();
SELECT count(*) AS kept, count(k.*) AS keys, count(d.*) AS deliveries, min(e.aggregate_id::integer) >= -3 AS young FROM latchkey.events e LEFT JOIN latchkey.event_keys k ON k.event_id = e.id LEFT JOIN latchkey.event_deliveries d ON d.event_id = e.id WHERE e.aggregate = 'month';
-- Detached, a month is a table of its own: out of the log, and anybody's who owns it to drop.
SELECT latchkey.set_setting('events.retention_action', 'detach');
SELECT latchkey.set_setting('events.retention', '1 hour');
SELECT count(*) > 0 AS detached FROM latchkey.maintain_events() WHERE action = 'detached';
SELECT count(*) FROM latchkey.events WHERE aggregate = 'month';
SELECT count(*) > 0 AS beside, bool_and(NOT relispartition) AS tables, bool_and(NOT relhastriggers OR NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid)) AS unguarded
  FROM pg_class c WHERE relnamespace = 'latchkey'::regnamespace AND relname ~ '^events_\d{4}_\d{2}$' AND NOT relispartition;
DO $$
DECLARE
  name text;
BEGIN
  FOR name IN SELECT oid::regclass FROM pg_class WHERE relnamespace = 'latchkey'::regnamespace AND relkind = 'r' AND relname ~ '^events_\d{4}_\d{2}$' LOOP
    EXECUTE 'DROP TABLE ' || name;
  END LOOP;
END $$;
UPDATE latchkey.settings SET value = default_value WHERE category = 'events';
DELETE FROM latchkey.event_keys WHERE idempotency_key LIKE 'month %';
DELETE FROM latchkey.event_deliveries WHERE consumer = 'x';
-- Done deliveries are forgotten after a week.
INSERT INTO latchkey.event_deliveries VALUES ('00000000-0000-0000-0000-000000000000', 'x', gen_random_uuid(), now(), 'done', 1, NULL, NULL, NULL, now() - interval '8 days'),
  ('00000000-0000-0000-0000-000000000000', 'x', gen_random_uuid(), now(), 'done', 1, NULL, NULL, NULL, now() - interval '6 days');
BEGIN;
SELECT object, row_count FROM latchkey.maintain_events() WHERE action = 'purged';
ROLLBACK;
DELETE FROM latchkey.event_deliveries WHERE consumer = 'x';
SELECT regress.error_of(format('SELECT latchkey.maintain_events(%s)', n)) FROM unnest(ARRAY['0', '100001', 'NULL']) AS n;
