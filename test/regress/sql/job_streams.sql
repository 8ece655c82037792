-- What streams of jobs show: each as the bearer of its token may see it. gateway/test_job_streams.py follows them over HTTP.
SELECT regress.new_user('stream_sue') AS sue, regress.new_user('stream_sam') AS sam \gset
SELECT regress.token_of('stream_sue') AS sue_token, regress.token_of('stream_sam') AS sam_token \gset
SELECT id AS job FROM latchkey.enqueue_job('stream', '{"secret": 1}', :'sue') \gset
SELECT id AS other FROM latchkey.enqueue_job('stream2', '{}', :'sam') \gset
SELECT lease_token AS lease FROM latchkey.claim_jobs('{stream}', 'w') \gset
SELECT count(*) FROM generate_series(1, 3) AS i, latchkey.report_progress(:'sue', :'job', :'lease', i, 10, result => to_jsonb(i));
SET ROLE regress_latchkey_gateway;
-- Results after the given one, the state without the payload; nobody sees another's, and one refusal does not end the others.
SELECT place, kind, "position", status, data - '{id,account_id,created_at,started_at,run_at,recorded_at}'::text[] AS data
  FROM latchkey.watch_jobs(ARRAY[:'sue_token', :'sam_token', 'x.y.z', :'sam_token', :'sue_token'], ARRAY[:'sue', :'sue', :'sue', :'sam', :'sue']::uuid[],
                           ARRAY[:'job', :'job', :'job', :'other', :'other']::uuid[], ARRAY[1, 0, 0, 0, 0]);
SELECT count(*) FROM latchkey.watch_jobs(ARRAY[:'sue_token'], ARRAY[:'sue']::uuid[], ARRAY[:'job']::uuid[], ARRAY[0], 2) WHERE kind = 'result';
SELECT count(*) FROM latchkey.watch_jobs('{}', '{}', '{}', '{}');
SELECT regress.error_of(format('SELECT latchkey.watch_jobs(%s)', a)) FROM unnest(ARRAY['''{a}'', ''{}'', ''{}'', ''{}''', '''{}'', ''{}'', ''{}'', NULL', '''{}'', ''{}'', ''{}'', ''{}'', NULL']) AS a;
-- Null is no token, and the last one's identity is not the next one's.
SELECT place, kind, data FROM latchkey.watch_jobs(ARRAY[:'sue_token', NULL], ARRAY[:'sue', :'sue']::uuid[], ARRAY[:'job', :'job']::uuid[], ARRAY[3, 3]) WHERE kind = 'error';
RESET ROLE;
-- A session that ends is refused from the next look on.
SELECT latchkey.logout_everywhere(:'sue');
SELECT kind, data FROM latchkey.watch_jobs(ARRAY[:'sue_token'], ARRAY[:'sue']::uuid[], ARRAY[:'job']::uuid[], ARRAY[3]);
DELETE FROM latchkey.jobs WHERE type IN ('stream', 'stream2');
