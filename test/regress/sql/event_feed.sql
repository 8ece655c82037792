-- record_event(), event_history() and the feed. specs/event_feed_order.spec shows transactions that commit out of order.
SELECT regress.new_user('fay') AS fay \gset
SELECT regress.token_of('fay') AS token \gset
-- Defaults: the platform's account, nothing bound.
SELECT aggregate, aggregate_id, type, version, data, metadata, source, correlation_id, causation_id, idempotency_key, actor_id,
       account_id = '00000000-0000-0000-0000-000000000000' AS of_platform, actor_role = session_user AS by_me, position ~ '^1\.\d+\.' AS has_position
  FROM latchkey.record_event('order', '4711', 'order.placed');
-- All of it given.
SELECT version, data, metadata, source, correlation_id, causation_id, idempotency_key, account_id = :'fay' AS of_fay
  FROM latchkey.record_event('order', '4711', 'order.paid', '{"cents": 100}', :'fay', 'pay', 2, '{"a": 1}', 'shop', 'trace-1',
                             '00000000-0000-7000-8000-000000000001');
-- What is bound fills what is absent; what is given wins. The bound user's own account is the default.
BEGIN;
SELECT latchkey.bind_request('request-9', '192.0.2.7', 'curl/8');
SELECT FROM latchkey.authenticate(:'token');
SELECT metadata, correlation_id, causation_id, account_id = :'fay' AS of_fay, actor_id = :'fay' AS by_fay FROM latchkey.record_event('order', '1', 'order.placed');
SELECT metadata, correlation_id FROM latchkey.record_event('order', '1', 'order.placed', metadata => '{"user_agent": "mine", "more": true}', correlation_id => 'given');
SELECT latchkey.bind_cause('00000000-0000-7000-8000-00000000000a', 'trace-a');
SELECT correlation_id, causation_id FROM latchkey.record_event('order', '1', 'order.placed');
SELECT correlation_id, causation_id FROM latchkey.record_event('order', '1', 'order.placed', correlation_id => 'given', causation_id => '00000000-0000-7000-8000-00000000000b');
-- Latchkey's own events name the cause too.
SELECT FROM latchkey.update_profile(:'fay', 'Fay');
SAVEPOINT s;
SELECT latchkey.bind_cause(NULL);
SELECT correlation_id, causation_id FROM latchkey.record_event('order', '1', 'order.placed');
ROLLBACK TO s;
SELECT correlation_id, causation_id FROM latchkey.record_event('order', '1', 'order.placed');
COMMIT;
SELECT correlation_id, causation_id FROM latchkey.events WHERE account_id = :'fay' AND type = 'user.profile_updated';
SELECT correlation_id, causation_id FROM latchkey.record_event('order', '1', 'order.placed');
-- The same key: the first event, whatever is bound now. Keys are an account's own.
SELECT id AS first FROM latchkey.record_event('order', '1', 'order.shipped', '{"a": 1, "b": 2}', :'fay', 'ship') \gset
BEGIN;
SELECT latchkey.bind_request('another');
SELECT id = :'first' AS same, correlation_id FROM latchkey.record_event('order', '1', 'order.shipped', '{"b": 2, "a": 1}', :'fay', 'ship');
COMMIT;
SELECT id <> :'first' AS another FROM latchkey.record_event('order', '1', 'order.shipped', '{"a": 1, "b": 2}', idempotency_key => 'ship');
SELECT count(*) AS shipped FROM latchkey.events WHERE type = 'order.shipped';
SELECT arguments, regress.error_of(format('SELECT latchkey.record_event(%s, account_id => %L, idempotency_key => ''ship'')', arguments, :'fay')) AS answer
  FROM unnest(ARRAY[$$'order', '1', 'order.shipped', '{"a": 1, "b": 3}'$$, $$'order', '2', 'order.shipped', '{"a": 1, "b": 2}'$$,
                    $$'order', '1', 'order.shipped', '{"a": 1, "b": 2}', version => 2$$, $$'order', '1', 'order.shipped', '{"a": 1, "b": 2}', metadata => '{}'$$]) AS arguments;
-- A rolled-back event gives its key back.
BEGIN;
SELECT FROM latchkey.record_event('order', '9', 'order.paid', idempotency_key => 'undone');
ROLLBACK;
SELECT type FROM latchkey.record_event('order', '9', 'order.cancelled', idempotency_key => 'undone');
-- When retention has removed the event, its key stands for nothing.
SET session_replication_role = replica;
DELETE FROM latchkey.events WHERE id = :'first';
RESET session_replication_role;
SELECT id <> :'first' AS another, data FROM latchkey.record_event('order', '1', 'order.shipped', '{"new": true}', :'fay', 'ship');
SELECT data FROM latchkey.record_event('order', '1', 'order.shipped', '{"new": true}', :'fay', 'ship');
-- Malformed.
SELECT left(arguments, 60) AS arguments, regress.error_of(format('SELECT latchkey.record_event(%s)', arguments)) AS answer
  FROM unnest(ARRAY[$$NULL, '1', 'a.b'$$, $$'', '1', 'a.b'$$, $$'Order', '1', 'a.b'$$, $$'1a', '1', 'a.b'$$, $$repeat('a', 101), '1', 'a.b'$$, $$'a', NULL, 'a.b'$$, $$'a', '', 'a.b'$$,
                    $$'a', repeat('x', 256), 'a.b'$$, $$'a', '1', NULL$$, $$'a', '1', 'a'$$, $$'a', '1', 'a.B'$$, $$'a', '1', 'a.*'$$, $$'a', '1', 'a.' || repeat('b', 99)$$,
                    $$'a', '1', 'a.b', NULL$$, $$'a', '1', 'a.b', '[]'$$, $$'a', '1', 'a.b', '1'$$, $$'a', '1', 'a.b', metadata => '"x"'$$, $$'a', '1', 'a.b', version => 0$$,
                    $$'a', '1', 'a.b', version => NULL$$, $$'a', '1', 'a.b', source => 'latchkey'$$, $$'a', '1', 'a.b', source => ''$$, $$'a', '1', 'a.b', source => NULL$$,
                    $$'a', '1', 'a.b', correlation_id => ''$$, $$'a', '1', 'a.b', correlation_id => repeat('x', 129)$$, $$'a', '1', 'a.b', idempotency_key => ''$$,
                    $$'a', '1', 'a.b', idempotency_key => repeat('x', 256)$$]) AS arguments;
SELECT regress.error_of($$SELECT latchkey.bind_cause(NULL, repeat('x', 129))$$);
SELECT type FROM latchkey.record_event(repeat('a', 100), repeat('x', 255), 'a.' || repeat('b', 98), idempotency_key => repeat('x', 255), correlation_id => repeat('x', 128));
-- For somebody else: with the permission.
BEGIN;
SELECT FROM latchkey.authenticate(:'token');
SELECT regress.error_of($$SELECT latchkey.record_event('a', '1', 'a.b', account_id => '00000000-0000-0000-0000-000000000000')$$);
ROLLBACK;

-- History: of one thing, by id, in pages, either way.
SELECT type, data FROM latchkey.event_history('order', '4711');
SELECT type FROM latchkey.event_history('order', '4711', newest_first => true);
SELECT id AS last FROM latchkey.event_history('order', '4711', max_rows => 1) \gset
SELECT type FROM latchkey.event_history('order', '4711', after => :'last');
SELECT count(*) FROM latchkey.event_history('order', '4711', after => :'last', newest_first => true);
SELECT type FROM latchkey.event_history('order', '4711', :'fay');
SELECT count(*) FROM latchkey.event_history('order', 'nothing');
SELECT arguments, regress.error_of(format('SELECT latchkey.event_history(%s)', arguments)) AS answer
  FROM unnest(ARRAY[$$NULL, '1'$$, $$'a', NULL$$, $$'a', '1', max_rows => 0$$, $$'a', '1', max_rows => 1001$$, $$'a', '1', newest_first => NULL$$]) AS arguments;

-- The feed: everything once, in an order that pages agree on, of all modules.
SELECT count(*) = (SELECT count(*) FROM latchkey.events) AS complete FROM latchkey.event_feed(max_rows => 1000);
CREATE FUNCTION regress.feed_ids(page integer) RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
  ids uuid[] := '{}';
  after text;
  e latchkey.event;
BEGIN
  LOOP
    FOR e IN SELECT * FROM latchkey.event_feed(after, page) LOOP ids := ids || e.id; END LOOP;
    EXIT WHEN e.position IS NULL OR e.position = after;
    after := e.position;
  END LOOP;
  RETURN ids;
END $$;
SELECT regress.feed_ids(3) = (SELECT array_agg(id) FROM latchkey.event_feed(max_rows => 1000)) AS pages_agree;
SELECT string_agg(DISTINCT type, ' ') FROM latchkey.event_feed(types => '{order.*}', max_rows => 1000);
SELECT string_agg(DISTINCT type, ' ') FROM latchkey.event_feed(types => '{order.paid,setting.changed}', max_rows => 1000);
SELECT string_agg(DISTINCT type, ' ') FROM latchkey.event_feed(types => '{order.*,user.registered}', aggregates => '{user}', max_rows => 1000);
SELECT count(*) FROM latchkey.event_feed(types => '{}');
-- By time: from then on, before then, both; an order other than the times' would show.
SELECT recorded_at AS mid FROM latchkey.event_feed(max_rows => 1000) OFFSET 5 LIMIT 1 \gset
SELECT (SELECT array_agg(id) FROM latchkey.event_feed(max_rows => 1000, recorded_from => :'mid')) =
         array_agg(id) FILTER (WHERE recorded_at >= :'mid') AS from_then,
       (SELECT array_agg(id) FROM latchkey.event_feed(max_rows => 1000, recorded_before => :'mid')) =
         array_agg(id) FILTER (WHERE recorded_at < :'mid') AS before_then
  FROM latchkey.event_feed(max_rows => 1000);
SELECT count(*) FROM latchkey.event_feed(recorded_from => :'mid', recorded_before => :'mid');
SELECT count(*) > 0 AS some, bool_and(type LIKE 'order.%') AS both_hold FROM latchkey.event_feed(types => '{order.*}', recorded_from => '-infinity', recorded_before => 'infinity');
-- _ and % are no wildcards.
SELECT FROM latchkey.record_event('order', '1', 'orderxpaid.x');
SELECT count(*) FROM latchkey.event_feed(types => '{order_paid.x}');
-- Its own transaction's events are not over yet; the end of the feed stands before them.
SELECT position AS end FROM latchkey.event_feed_end() \gset
BEGIN;
SELECT FROM latchkey.record_event('order', '2', 'order.placed');
SELECT count(*) AS shown FROM latchkey.event_feed(:'end');
SELECT waiting, waiting_since IS NOT NULL AS since FROM latchkey.event_feed_end();
COMMIT;
SELECT aggregate_id FROM latchkey.event_feed(:'end');
SELECT waiting, waiting_since FROM latchkey.event_feed_end();
SELECT arguments, regress.error_of(format('SELECT latchkey.event_feed(%s)', arguments)) AS answer
  FROM unnest(ARRAY[$$'x'$$, $$''$$, $$'1.2.3'$$, $$NULL, 0$$, $$NULL, 1001$$, $$types => '{Order}'$$, $$types => '{*}'$$, $$types => '{order.%}'$$, $$types => '{NULL}'$$, $$aggregates => '{a.b}'$$]) AS arguments;

-- Moved to another cluster, transaction ids begin anew there: the feed goes on in a new era, and misses nothing.
SELECT position AS end FROM latchkey.event_feed(max_rows => 1000) ORDER BY split_part(position, '.', 1)::integer DESC, split_part(position, '.', 2)::bigint DESC LIMIT 1 \gset
BEGIN;
UPDATE latchkey.event_eras SET system_identifier = 1, first_xid = '3';
SET session_replication_role = replica;
UPDATE latchkey.events SET xid = (xid::text::bigint + 1000000000)::text::xid8;
RESET session_replication_role;
SELECT regress.feed_ids(100) = ARRAY(SELECT id FROM latchkey.events ORDER BY era, xid, id) AS old_ones_complete;
SELECT position ~ '^2\.' AS second_era FROM latchkey.record_event('order', '3', 'order.placed');
SELECT era, system_identifier = 1 AS elsewhere FROM latchkey.event_eras ORDER BY era;
SELECT position FROM latchkey.event_feed_end() \gset
SELECT :'position' ~ '^2\.' AS ends_in_second_era;
ROLLBACK;
-- A promoted standby, or recovery to an earlier time: ids go on, in a new era.
BEGIN;
UPDATE latchkey.event_eras SET timeline = timeline - 1;
SELECT position ~ '^2\.' AS second_era FROM latchkey.record_event('order', '3', 'order.placed');
SELECT count(*) AS not_yet FROM latchkey.event_feed(:'end');
ROLLBACK;
SELECT position ~ '^1\.' AS first_era FROM latchkey.record_event('order', '3', 'order.placed');
-- A user's erasure takes what is personal off their events.
SELECT latchkey.delete_user(:'fay');
SELECT count(*) > 5 AS kept, count(metadata) AS metadata, count(correlation_id) AS correlations FROM latchkey.events WHERE account_id = :'fay';

-- Who may read events within a tenant alone sees whose request each was, but addresses and request ids of their own requests only.
INSERT INTO latchkey.accounts (id, kind) VALUES ('00000000-0000-7000-8000-00000000fe01', 'tenant');
SELECT regress.new_user('fiona') AS fiona, regress.new_user('felix') AS felix \gset
SELECT role FROM latchkey.grant_role(:'fiona', 'owner', '00000000-0000-7000-8000-00000000fe01');
SELECT role FROM latchkey.grant_role(:'felix', 'support');
SELECT regress.token_of('fiona') AS token, regress.token_of('felix') AS staff \gset
BEGIN;
SELECT count(*) FROM latchkey.bind_request('request-of-staff', '192.0.2.66', 'browser of staff');
SELECT count(*) FROM latchkey.record_event('order', 'fe', 'order.checked', '{}', '00000000-0000-7000-8000-00000000fe01');
COMMIT;
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'token');
SELECT count(*) FROM latchkey.bind_request('request-of-owner', '192.0.2.77', 'browser of owner');
SELECT count(*) FROM latchkey.record_event('order', 'fe', 'order.placed', '{}', '00000000-0000-7000-8000-00000000fe01');
SELECT type, metadata ->> 'client_address' AS address, correlation_id FROM latchkey.event_history('order', 'fe', '00000000-0000-7000-8000-00000000fe01');
SELECT regress.error_of('SELECT latchkey.event_history(''order'', ''fe'')');
COMMIT;
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'staff');
SELECT type, metadata ->> 'client_address' AS address, correlation_id FROM latchkey.event_history('order', 'fe');
ROLLBACK;
SELECT type, metadata ->> 'client_address' AS address, correlation_id FROM latchkey.event_history('order', 'fe');
