-- Consumers: batches, leases, failures. specs/event_fetchers.spec shows two workers at once.
SELECT position ~ '^1\.\d+\.0{8}-' AS has_position, types, aggregates, max_attempts, leased_until, attempts, waiting, dead, behind_since IS NULL AS at_the_end
  FROM latchkey.create_event_consumer('now');
SELECT position, types, behind_since IS NOT NULL AS behind FROM latchkey.create_event_consumer('all', '{task.*}', start => 'beginning', max_attempts => 3);
SELECT regress.error_of(format('SELECT latchkey.create_event_consumer(%s)', arguments)) AS answer
  FROM unnest(ARRAY[$$'all'$$, 'NULL', $$''$$, $$'A'$$, $$repeat('a', 101)$$, $$'x', '{A}'$$, $$'x', NULL, '{a.b}'$$, $$'x', start => 'then'$$, $$'x', start => NULL$$,
                    $$'x', max_attempts => 0$$, $$'x', max_attempts => 101$$, $$'x', max_attempts => NULL$$]) AS arguments;
SELECT count(*) FROM generate_series(1, 5) AS i, latchkey.record_event('task', i::text, 'task.made');
SELECT count(*) FROM latchkey.record_event('other', '1', 'other.made');

-- A batch; nobody else gets one meanwhile, and its end moves the position.
CREATE TABLE regress.batch AS SELECT * FROM latchkey.fetch_events('all', 3);
SELECT aggregate_id, attempt, type, data FROM regress.batch ORDER BY position;
SELECT count(*) FROM latchkey.fetch_events('all', 3);
SELECT name, leased_until > clock_timestamp() AS leased, attempts FROM latchkey.list_event_consumers() WHERE name IN ('all', 'now') ORDER BY name;
SELECT DISTINCT lease_id AS lease FROM regress.batch \gset
SELECT latchkey.ack_events('all', :'lease') = (SELECT max(position) FROM regress.batch) AS at_the_last;
SELECT regress.error_of(format('SELECT latchkey.ack_events(''all'', %L)', :'lease'));
SELECT regress.error_of(format('SELECT latchkey.fail_event(''all'', %L, %L, ''x'')', :'lease', (SELECT id FROM regress.batch LIMIT 1)));

-- The rest; acknowledged in part, the other part comes again at once.
TRUNCATE regress.batch;
INSERT INTO regress.batch SELECT * FROM latchkey.fetch_events('all');
SELECT aggregate_id FROM regress.batch ORDER BY position;
SELECT DISTINCT lease_id AS lease FROM regress.batch \gset
SELECT regress.error_of(format('SELECT latchkey.ack_events(''all'', %L, %L)', :'lease', p)) FROM unnest(ARRAY['x', '9.9.00000000-0000-0000-0000-000000000000', '0.0.00000000-0000-0000-0000-000000000000']) AS p;
SELECT position AS fourth FROM regress.batch WHERE aggregate_id = '4' \gset
SELECT latchkey.ack_events('all', :'lease', :'fourth') = :'fourth' AS moved;
-- A lease that is over: the same events, as another attempt, and the first worker's answer is refused.
SELECT aggregate_id, attempt, lease_id AS lease FROM latchkey.fetch_events('all', lease => '1 second') \gset
SELECT :aggregate_id AS aggregate_id, :attempt AS attempt;
UPDATE latchkey.event_consumers SET leased_until = clock_timestamp() WHERE name = 'all';
SELECT aggregate_id, attempt, lease_id AS second, id AS fifth FROM latchkey.fetch_events('all') \gset
SELECT :aggregate_id AS aggregate_id, :attempt AS attempt;
SELECT regress.error_of(format('SELECT latchkey.ack_events(''all'', %L)', :'lease'));

-- Failed: set aside, and back when it is due. The rest goes on.
SELECT consumer, event_id = :'fifth' AS of_it, state, attempts, error, next_attempt_at - clock_timestamp() BETWEEN '9 s' AND '20 s' AS backs_off
  FROM latchkey.fail_event('all', :'second', :'fifth', 'mail server down');
SELECT latchkey.ack_events('all', :'second') IS NOT NULL AS ok;
SELECT count(*) FROM latchkey.fetch_events('all');
SELECT waiting, dead FROM latchkey.list_event_consumers() WHERE name = 'all';
UPDATE latchkey.event_deliveries SET next_attempt_at = clock_timestamp() WHERE consumer = 'all';
SELECT count(*) FROM latchkey.record_event('task', '6', 'task.made');
-- It comes first, with its number of attempts; what is new follows in the same batch.
TRUNCATE regress.batch;
INSERT INTO regress.batch SELECT * FROM latchkey.fetch_events('all');
SELECT aggregate_id, attempt FROM regress.batch;
SELECT DISTINCT lease_id AS lease FROM regress.batch \gset
SELECT state, attempts, next_attempt_at IS NULL AS never FROM latchkey.fail_event('all', :'lease', :'fifth', repeat('ü', 1500));
SELECT latchkey.ack_events('all', :'lease') IS NOT NULL AS ok;
SELECT state, octet_length(error) AS error_bytes FROM latchkey.event_deliveries WHERE consumer = 'all';
-- Dead until somebody asks; then done.
SELECT count(*) FROM latchkey.fetch_events('all');
SELECT waiting, dead FROM latchkey.list_event_consumers() WHERE name = 'all';
SELECT state, attempts FROM latchkey.retry_event('all', :'fifth');
SELECT aggregate_id, attempt, lease_id AS lease FROM latchkey.fetch_events('all') \gset
SELECT :aggregate_id AS aggregate_id, :attempt AS attempt;
SELECT latchkey.ack_events('all', :'lease') IS NOT NULL AS ok;
SELECT state, attempts, next_attempt_at FROM latchkey.event_deliveries WHERE consumer = 'all';
SELECT regress.error_of(format('SELECT latchkey.retry_event(''all'', %L)', :'fifth'));
-- A worker that dies each time uses up the attempts too. A given time instead of the back-off.
SELECT count(*) FROM latchkey.record_event('task', '7', 'task.made');
SELECT id AS seventh, lease_id AS lease FROM latchkey.fetch_events('all') \gset
SELECT state, next_attempt_at <= clock_timestamp() AS due FROM latchkey.fail_event('all', :'lease', :'seventh', 'x', '0');
SELECT latchkey.ack_events('all', :'lease') IS NOT NULL AS ok;
SELECT attempt FROM latchkey.fetch_events('all');
UPDATE latchkey.event_consumers SET leased_until = clock_timestamp() WHERE name = 'all';
SELECT attempt FROM latchkey.fetch_events('all');
UPDATE latchkey.event_consumers SET leased_until = clock_timestamp() WHERE name = 'all';
SELECT count(*) FROM latchkey.fetch_events('all');
SELECT state, attempts FROM latchkey.event_deliveries WHERE consumer = 'all' AND event_id = :'seventh';

-- Fetched, processed and acknowledged in one transaction: undone together.
SELECT count(*) FROM latchkey.record_event('task', '8', 'task.made');
BEGIN;
SELECT aggregate_id, lease_id AS lease FROM latchkey.fetch_events('all') \gset
SELECT latchkey.ack_events('all', :'lease') IS NOT NULL AS ok;
ROLLBACK;
SELECT aggregate_id, attempt FROM latchkey.fetch_events('all');

-- Bounds and unknown ones.
SELECT call, regress.error_of('SELECT latchkey.' || call) AS answer
  FROM unnest(ARRAY[$$fetch_events('none')$$, $$fetch_events(NULL)$$, $$fetch_events('now', 0)$$, $$fetch_events('now', 1001)$$, $$fetch_events('now', lease => '0.5 s')$$, $$fetch_events('now', lease => '25 hours')$$,
                    $$fetch_events('now', lease => NULL)$$, $$ack_events('none', gen_random_uuid())$$, $$ack_events('all', NULL)$$, $$fail_event('none', gen_random_uuid(), gen_random_uuid(), 'x')$$,
                    $$fail_event('all', (SELECT lease_id FROM latchkey.event_consumers WHERE name = 'all'), gen_random_uuid(), 'x')$$, $$fail_event('all', (SELECT lease_id FROM latchkey.event_consumers WHERE name = 'all'), gen_random_uuid(), NULL)$$,
                    $$fail_event('all', (SELECT lease_id FROM latchkey.event_consumers WHERE name = 'all'), gen_random_uuid(), 'x', '31 days')$$, $$fail_event('all', (SELECT lease_id FROM latchkey.event_consumers WHERE name = 'all'), gen_random_uuid(), 'x', '-1 s')$$,
                    $$retry_event('none', gen_random_uuid())$$, $$drop_event_consumer('none')$$, $$drop_event_consumer(NULL)$$]) AS call;
SELECT latchkey.drop_event_consumer('all');
SELECT latchkey.drop_event_consumer('now');
SELECT count(*) FROM latchkey.event_deliveries WHERE consumer = 'all';
DROP TABLE regress.batch;
