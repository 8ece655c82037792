-- Webhooks: endpoints, secrets, dispatching events to jobs, attempts, deliveries. cluster/webhooks.sh sends them to a server.
SELECT regress.new_user('wanda') AS w, regress.new_user('wim') AS v \gset
\set platform '''00000000-0000-0000-0000-000000000000'''
-- Only what a worker may see is shown once: the secret.
SELECT id AS e1, account_id = :'w' AS hers, url, event_types, description, active, secret ~ '^whsec_[A-Za-z0-9_-]{43}$' AS has_secret, secret AS s1,
       previous_secret_expires_at FROM latchkey.create_webhook_endpoint(:'w', 'https://Example.com/hook?x=1', '{order.*,user.changed}', 'hers') \gset
SELECT :'hers' AS hers, :'url' AS url, :'event_types' AS event_types, :'has_secret' AS has_secret, :'active' AS active;
SELECT id AS p1, secret AS ps FROM latchkey.create_webhook_endpoint(:platform, 'https://example.org') \gset
SELECT position(:'s1'::bytea IN secret) AS in_clear, length(secret) > 60 AS sealed FROM latchkey.webhook_endpoints WHERE id = :'e1';
SELECT account_id = :'w' AS hers, url, event_types, active, disabled_reason, failing_since FROM latchkey.list_webhook_endpoints();
SELECT count(*) FROM latchkey.list_webhook_endpoints(:'w');
SELECT count(*) FROM latchkey.list_webhook_endpoints(:'v');
SELECT account_id = :'w' AS next FROM latchkey.list_webhook_endpoints(NULL, :'p1', 1);
-- What is refused.
SELECT regress.error_of(format('SELECT latchkey.create_webhook_endpoint(%L, %s)', :'w', a)) FROM unnest(ARRAY[
  'NULL', '''''', '''http://example.com''', '''https://a@b.example/''', '''https://example.com:25/''', '''ftp://example.com''',
  '''https://example.com'', NULL', '''https://example.com'', ''{}''', '''https://example.com'', ''{User}''', '''https://example.com'', ''{*.x}''',
  '''https://example.com'', ''{NULL}''', '''https://example.com'', array_fill(''a.b''::text, ARRAY[101])', '''https://example.com'', ''{*}'', NULL',
  '''https://example.com'', ''{*}'', repeat(''x'', 501)']) AS a;
SELECT regress.error_of(format('SELECT latchkey.create_webhook_endpoint(%L, ''https://example.com'')', a)) FROM unnest(ARRAY[gen_random_uuid(), NULL]) AS a;
SELECT regress.error_of('SELECT latchkey.list_webhook_endpoints(max_rows => 0)');
SELECT latchkey.set_setting('webhooks.allow_http', 'true');
SELECT url FROM latchkey.create_webhook_endpoint(:'v', 'http://example.com:8080');
SELECT latchkey.set_setting('webhooks.allow_http', 'false');
SELECT latchkey.set_setting('webhooks.max_endpoints', '1');
SELECT regress.error_of(format('SELECT latchkey.create_webhook_endpoint(%L, ''https://example.com'')', :'v'));
SELECT latchkey.set_setting('webhooks.max_endpoints', '10');

-- Each event goes to the account's endpoints that want its type and to the platform's, once; an account gets no other's.
SELECT latchkey.dispatch_webhooks(1000) >= 0 AS earlier_ones;
DELETE FROM latchkey.jobs WHERE type = 'latchkey.webhook';
TRUNCATE latchkey.webhook_deliveries;
SELECT count(*) FROM unnest(ARRAY['order.paid', 'order.line.added', 'orders.paid', 'user.changed', 'user.changed_more']) AS t,
       latchkey.record_event('order', '1', t, '{"amount": 5}', :'w', metadata => '{"client_address": "192.0.2.7"}');
SELECT count(*) AS recorded FROM latchkey.record_event('order', '2', 'order.paid', '{}', :'v');
SELECT latchkey.dispatch_webhooks(), latchkey.dispatch_webhooks() AS again;
SELECT CASE account_id WHEN :'w' THEN 'wanda' WHEN :'v' THEN 'wim' ELSE 'platform' END AS endpoint_of, event_type, event_account_id = :'v' AS of_wim
  FROM latchkey.webhook_deliveries ORDER BY 1, 2, 3;
SELECT j.priority, j.max_retries, count(*), count(DISTINCT group_key) AS groups, bool_and(payload ->> 'event_id' = d.event_id::text) AS of_event
  FROM latchkey.jobs j JOIN latchkey.webhook_deliveries d ON d.job_id = j.id WHERE j.type = 'latchkey.webhook' GROUP BY 1, 2;
SELECT name, waiting, dead FROM latchkey.list_event_consumers() WHERE name = 'latchkey.webhooks';
SELECT regress.error_of(format('SELECT latchkey.dispatch_webhooks(%s)', n)) FROM unnest(ARRAY['0', '1001', 'NULL']) AS n;

-- An attempt. The body has facts alone; the signature is one over time and body that anybody with the secret can make.
SELECT account_id, id AS job, lease_token AS lease FROM latchkey.claim_jobs('{latchkey.webhook}', 'w', 1000) AS c
 WHERE account_id = :'w' AND EXISTS (SELECT FROM latchkey.webhook_deliveries d WHERE d.job_id = c.id AND d.event_type = 'order.paid') \gset
SELECT is_https, host, port, target, event_type, attempt, timeout_ms, body::jsonb - '{id,account_id,recorded_at}'::text[] AS body,
       signature ~ '^t=\d{10},v1=[0-9a-f]{64}$' AS one_signature,
       encode(public.hmac(split_part(substr(signature, 3), ',', 1) || '.' || body, :'s1', 'sha256'), 'hex') = right(signature, 64) AS right_one
  FROM latchkey.begin_webhook(:'account_id', :'job', :'lease');
SELECT regress.error_of(format('SELECT latchkey.begin_webhook(%L, %L, gen_random_uuid())', :'account_id', :'job'));
SELECT regress.error_of(format('SELECT latchkey.end_webhook(%L, %L, gen_random_uuid(), 200)', :'account_id', :'job'));
SELECT latchkey.end_webhook(:'account_id', :'job', :'lease', 500, NULL, 12);
SELECT event_type, status, attempts, response_status, error, duration_ms, next_attempt_at > now() AS later, delivered_at
  FROM latchkey.list_webhook_deliveries(:'w', :'e1') ORDER BY event_type;
SELECT failing_since IS NOT NULL AS failing FROM latchkey.list_webhook_endpoints(:'w');
SELECT event_id AS ev FROM latchkey.webhook_deliveries WHERE job_id = :'job' \gset
SELECT status, next_attempt_at <= clock_timestamp() AS due FROM latchkey.retry_webhook_delivery(:'w', :'e1', :'ev');
-- Two signatures while a rotation overlaps.
SELECT secret AS s2, previous_secret_expires_at > now() AS overlaps FROM latchkey.rotate_webhook_secret(:'w', :'e1') \gset
SELECT :'s1' <> :'s2' AS new_secret, :'overlaps' AS overlaps;
SELECT lease_token AS lease FROM latchkey.claim_jobs('{latchkey.webhook}', 'w') \gset
SELECT regress.error_of(format('SELECT latchkey.retry_webhook_delivery(%L, %L, %L)', :'w', :'e1', :'ev'));
SELECT bool_and(encode(public.hmac(split_part(substr(r.signature, 3), ',', 1) || '.' || r.body, s.secret, 'sha256'), 'hex') = split_part(r.signature, ',v1=', s.n::integer + 1)) AS both_right
  FROM latchkey.begin_webhook(:'account_id', :'job', :'lease') AS r, unnest(ARRAY[:'s2', :'s1']) WITH ORDINALITY AS s (secret, n);
SELECT latchkey.end_webhook(:'account_id', :'job', :'lease', 204, NULL, 7);
SELECT status, attempts, response_status, error, delivered_at IS NOT NULL AS delivered FROM latchkey.list_webhook_deliveries(:'w', :'e1', 'delivered');
SELECT failing_since FROM latchkey.list_webhook_endpoints(:'w');
SELECT regress.error_of(format('SELECT latchkey.end_webhook(%L, %L, %L, 200)', :'account_id', :'job', :'lease'));
SELECT regress.error_of(format('SELECT latchkey.rotate_webhook_secret(%L, %L%s)', :'w', :'e1', o)) FROM unnest(ARRAY[', ''31 days''', ', ''-1 second''', ', NULL']) AS o;
SELECT regress.error_of(format('SELECT latchkey.rotate_webhook_secret(%L, %L)', :'v', :'e1'));
-- What was delivered can be sent once more.
SELECT status, attempts FROM latchkey.retry_webhook_delivery(:'w', :'e1', :'ev');
SELECT regress.error_of(format('SELECT latchkey.retry_webhook_delivery(%L, %L, gen_random_uuid())', :'w', :'e1'));
-- After the last retry it is dead. That makes no delivery of its own.
SELECT latchkey.dispatch_webhooks() >= 0 AS own_events;
UPDATE latchkey.jobs SET max_retries = 0 WHERE type = 'latchkey.webhook' AND payload ->> 'event_id' = :'ev' AND account_id = :'w';
SELECT id AS job, lease_token AS lease FROM latchkey.claim_jobs('{latchkey.webhook}', 'w', 1000) WHERE account_id = :'w' AND payload ->> 'event_id' = :'ev' \gset
SELECT latchkey.end_webhook(:'w', :'job', :'lease', NULL, 'connection refused', 3);
SELECT status, response_status, error, next_attempt_at FROM latchkey.list_webhook_deliveries(:'w', :'e1', 'dead');
SELECT latchkey.dispatch_webhooks() AS job_failed;
SELECT count(*) FROM latchkey.webhook_deliveries WHERE event_type = 'job.failed';
-- Who fails for long is disabled, with an event; what waits for it is cancelled when its turn comes.
UPDATE latchkey.webhook_endpoints SET failing_since = now() - interval '4 days' WHERE id = :'e1';
SELECT status FROM latchkey.retry_webhook_delivery(:'w', :'e1', :'ev');
SELECT id AS job, lease_token AS lease FROM latchkey.claim_jobs('{latchkey.webhook}', 'w', 1000) WHERE account_id = :'w' AND payload ->> 'event_id' = :'ev' \gset
SELECT latchkey.end_webhook(:'w', :'job', :'lease', 503);
SELECT active, disabled_reason FROM latchkey.list_webhook_endpoints(:'w');
SELECT regress.error_of(format('SELECT latchkey.retry_webhook_delivery(%L, %L, %L)', :'w', :'e1', :'ev'));
UPDATE latchkey.jobs SET run_at = now() - interval '1 second' WHERE type = 'latchkey.webhook' AND id = :'job';
SELECT promoted FROM latchkey.sweep_jobs();
SELECT id AS job, lease_token AS lease FROM latchkey.claim_jobs('{latchkey.webhook}', 'w', 1000) WHERE id = :'job' \gset
SELECT latchkey.begin_webhook(:'w', :'job', :'lease') IS NULL AS nothing_to_send;
SELECT status FROM latchkey.list_webhook_deliveries(:'w', :'e1', 'cancelled');
SELECT count(*) AS while_disabled FROM latchkey.record_event('order', '3', 'order.missed', '{}', :'w');
SELECT active, disabled_reason, failing_since, url, event_types FROM latchkey.update_webhook_endpoint(:'w', :'e1', 'https://example.net/', '{*}', 'new', true);
SELECT count(*) AS while_active FROM latchkey.record_event('order', '4', 'order.seen', '{}', :'w');
SELECT latchkey.dispatch_webhooks() > 0 AS some;
SELECT event_type FROM latchkey.list_webhook_deliveries(:'w', :'e1') WHERE event_type LIKE 'order.%' AND status = 'pending' AND event_id <> :'ev' ORDER BY 1;
SELECT regress.error_of(format('SELECT latchkey.update_webhook_endpoint(%L, %L%s)', :'w', :'e1', a)) FROM unnest(ARRAY[', ''http://x.example''', ', NULL, ''{}''', ', description => repeat(''x'', 501)']) AS a;
SELECT regress.error_of(format('SELECT latchkey.update_webhook_endpoint(%L, gen_random_uuid())', :'w'));
SELECT regress.error_of(format('SELECT latchkey.list_webhook_deliveries(%L, %L%s)', :'w', :'e1', a)) FROM unnest(ARRAY[', ''lost''', ', max_rows => 0', ', max_rows => 1001']) AS a;
SELECT regress.error_of(format('SELECT latchkey.list_webhook_deliveries(%L, %L)', :'v', :'e1'));

-- Everybody has the endpoints of their own account; others' and the platform's need the permission.
SELECT regress.token_of('wim') AS token \gset
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'token');
SELECT count(*) FROM latchkey.list_webhook_endpoints(:'v');
SELECT active FROM latchkey.create_webhook_endpoint(:'v', 'https://example.com/mine');
SELECT regress.error_of(format('SELECT latchkey.list_webhook_endpoints(%s)', a)) FROM unnest(ARRAY[quote_literal(:'w'), quote_literal(:platform), 'NULL']) AS a;
SELECT regress.error_of(format('SELECT latchkey.create_webhook_endpoint(%L, ''https://example.com'')', a)) FROM unnest(ARRAY[:'w', :platform]) AS a;
SELECT regress.error_of(format('SELECT latchkey.%s(%L, %L)', f, :'w', :'e1')) FROM unnest(ARRAY['rotate_webhook_secret', 'delete_webhook_endpoint', 'update_webhook_endpoint', 'list_webhook_deliveries']) AS f;
SELECT regress.error_of('SELECT latchkey.' || f) FROM unnest(ARRAY['dispatch_webhooks()', 'purge_webhook_deliveries()']) AS f;
ROLLBACK;

-- Nothing remains of what is deleted, nor of a deleted user's.
UPDATE latchkey.webhook_deliveries SET created_at = created_at - interval '31 days' WHERE account_id = :platform;
SELECT latchkey.purge_webhook_deliveries(1), latchkey.purge_webhook_deliveries() > 0 AS rest, latchkey.purge_webhook_deliveries();
SELECT regress.error_of('SELECT latchkey.purge_webhook_deliveries(0)');
SELECT latchkey.delete_webhook_endpoint(:'w', :'e1');
SELECT count(*) FROM latchkey.webhook_deliveries WHERE account_id = :'w';
SELECT regress.error_of(format('SELECT latchkey.delete_webhook_endpoint(%L, %L)', :'w', :'e1'));
SELECT latchkey.delete_user(:'v');
SELECT count(*) FROM latchkey.webhook_endpoints WHERE account_id = :'v';
SELECT regress.error_of(format('SELECT latchkey.create_webhook_endpoint(%L, ''https://example.com'')', :'v'));
SELECT type, data FROM latchkey.events WHERE aggregate = 'webhook' AND aggregate_id = :'e1' AND type <> 'webhook.retried' ORDER BY id;
-- Without an active endpoint nothing is taken; the next one begins with what comes then.
SELECT latchkey.delete_webhook_endpoint(:platform, :'p1');
SELECT count(*) AS recorded FROM latchkey.record_event('order', '5', 'order.unseen', '{}');
SELECT latchkey.dispatch_webhooks();
SELECT id AS p2 FROM latchkey.create_webhook_endpoint(:platform, 'https://example.org', '{order.*}') \gset
SELECT latchkey.dispatch_webhooks() <= 1 AS begins_here;
SELECT count(*) FROM latchkey.webhook_deliveries;
SELECT latchkey.delete_webhook_endpoint(:platform, :'p2');
DELETE FROM latchkey.jobs WHERE type = 'latchkey.webhook';
