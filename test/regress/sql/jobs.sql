-- Jobs: enqueuing, claiming, progress, and every way in which an attempt ends.
-- What can be compared of a job, and calls about the job that was claimed last.
CREATE FUNCTION regress.state(job latchkey.job) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', (job).status, 'attempts', (job).attempts, 'progress', (job).progress, (job).error)
$$;
CREATE TABLE regress.claimed (account_id uuid, id uuid, token uuid);
CREATE FUNCTION regress.claim(VARIADIC types text[]) RETURNS text LANGUAGE sql AS $$
  DELETE FROM regress.claimed;
  WITH c AS (SELECT * FROM latchkey.claim_jobs(types, 'tester', 1)), i AS (INSERT INTO regress.claimed SELECT account_id, id, lease_token FROM c)
  SELECT c.type || ' ' || c.payload::text FROM c
$$;
CREATE FUNCTION regress.at_it(call text) RETURNS text LANGUAGE sql AS $$
  SELECT regress.error_of(format('SELECT latchkey.' || call, account_id, id, token)) FROM regress.claimed
$$;

-- A job from its beginning to its end.
SELECT type, status, priority, payload, account_id, attempts, max_retries, progress, run_at = created_at AS at_once FROM latchkey.enqueue_job('mail.send', '{"to": 1}');
SELECT regress.claim('other');
SELECT regress.claim('other', 'mail.send');
SELECT count(*) FROM latchkey.claim_jobs('{mail.send}', 'tester');
SELECT regress.at_it('report_progress(%L, %L, %L, 30, 200, ''{"at": 30}'', ''["a"]'')');
SELECT regress.at_it('report_progress(%L, %L, %L, processed => 50, result => ''["b"]'')');
SELECT status, progress, processed, target, cursor, results, worker, lease_expires_at > now() AS leased FROM regress.claimed c, latchkey.get_job(c.account_id, c.id);
SELECT r.position, r.result FROM regress.claimed c, latchkey.list_job_results(c.account_id, c.id) AS r;
SELECT r.position, r.result FROM regress.claimed c, latchkey.list_job_results(c.account_id, c.id, 1) AS r;
SELECT regress.at_it('complete_job(%L, %L, %L, ''{"sent": true}'')');
SELECT status, progress, result, finished_at IS NOT NULL AS finished, results FROM regress.claimed c, latchkey.get_job(c.account_id, c.id);
-- The same again is no error; something else is.
SELECT regress.at_it('complete_job(%L, %L, %L, ''{"sent": true}'')'), regress.at_it('fail_job(%L, %L, %L, ''no'')'), regress.at_it('extend_lease(%L, %L, %L)'),
       regress.at_it('report_progress(%L, %L, %L)'), regress.at_it('release_job(%L, %L, %L)');
SELECT regress.error_of(format('SELECT latchkey.complete_job(%L, %L, gen_random_uuid())', account_id, id)) FROM regress.claimed;

-- Order: priority, then in turn as they were enqueued; not before its time.
SELECT count(latchkey.enqueue_job('ordered', to_jsonb(n), priority => p)) FROM (VALUES (1, 100), (2, 100), (3, 50), (4, 100), (5, -1)) AS v (n, p);
SELECT count(latchkey.enqueue_job('ordered', '"later"', priority => -5, run_at => now() + interval '1 hour'));
SELECT payload FROM latchkey.claim_jobs('{ordered}', 'tester', 3);
SELECT payload FROM latchkey.claim_jobs('{ordered}', 'tester', 10);
SELECT regress.state(latchkey.retry_job(account_id, id)) FROM latchkey.list_jobs(type => 'ordered', status => 'pending');
SELECT payload FROM latchkey.claim_jobs('{ordered}', 'tester', 10);
SELECT latchkey.complete_jobs(array_agg(account_id), array_agg(id), array_agg(lease_token)) FROM latchkey.jobs WHERE type = 'ordered';
SELECT latchkey.complete_jobs(NULL, NULL, NULL), latchkey.complete_jobs('{}', '{}', '{}');

-- Many at once.
SELECT cardinality(latchkey.enqueue_jobs('[{"type": "many", "payload": [1]}, {"type": "many", "priority": 5, "max_retries": 0, "timeout": "1 minute", "group_key": "g", "correlation_id": "c"},
                                           {"type": "many", "run_at": "2999-01-01"}, {"type": "many", "idempotency_key": "k"}, {"type": "many", "idempotency_key": "k"}]'));
SELECT priority, payload, max_retries, timeout, group_key, correlation_id, run_at > now() AS later FROM latchkey.list_jobs(type => 'many');
SELECT regress.error_of(format('SELECT latchkey.enqueue_jobs(%L)', j)) FROM unnest(ARRAY['{}', '[]', '1', 'null', '[1]', '[{}]', '[{"type": "X"}]', '[{"type": "many"}, {"type": "many", "priority": "high"}]',
  '[{"type": "many", "run_at": "soon"}]', '[{"type": "many", "timeout": "0"}]', '[{"type": "many", "idempotency_key": "k", "payload": 2}]']) AS j;
SELECT count(*) FROM latchkey.list_jobs(type => 'many');
SELECT account_id AS a, id AS i, lease_token AS t FROM latchkey.claim_jobs('{many}', 'tester', 10) OFFSET 2 \gset
SELECT latchkey.complete_jobs(ARRAY[:'a', :'a']::uuid[], ARRAY[:'i', :'a']::uuid[], ARRAY[:'t', :'t']::uuid[], ARRAY['{"n": 1}', NULL]::jsonb[]) = ARRAY[:'a']::uuid[] AS refused;
SELECT result FROM latchkey.get_job(:'a', :'i');
SELECT regress.error_of(s) FROM unnest(ARRAY['SELECT latchkey.complete_jobs(''{}'', ARRAY[gen_random_uuid()], ''{}'')', 'SELECT latchkey.complete_jobs(ARRAY[NULL]::uuid[], ARRAY[gen_random_uuid()], ARRAY[gen_random_uuid()])',
  'SELECT latchkey.complete_jobs(''{}'', ''{}'', ''{}'', ''{"1"}'')']) AS s;
SELECT count(*) FROM latchkey.list_jobs(type => 'many', status => 'pending') AS j, latchkey.cancel_job(j.account_id, j.id);

-- Idempotency keys hold beyond the job's end, and per account.
SELECT id AS first FROM latchkey.enqueue_job('keyed', '{"n": 1}', idempotency_key => 'once') \gset
SELECT id = :'first' AS same FROM latchkey.enqueue_job('keyed', '{"n": 1}', idempotency_key => 'once');
SELECT regress.claim('keyed'), regress.at_it('complete_job(%L, %L, %L)');
SELECT id = :'first' AS same, status FROM latchkey.enqueue_job('keyed', '{"n": 1}', idempotency_key => 'once');
SELECT regress.error_of('SELECT latchkey.enqueue_job(''keyed'', ''{"n": 2}'', idempotency_key => ''once'')');
SELECT regress.claim('keyed') IS NULL AS nothing;
SELECT id <> :'first' AS another FROM latchkey.enqueue_job('keyed', '{"n": 1}', account_id => gen_random_uuid(), idempotency_key => 'once');

-- Failing: a delay that grows, then for good; and at once when it isn't to be retried.
SELECT count(latchkey.enqueue_job('flaky', max_retries => 2));
SELECT regress.claim('flaky'), regress.at_it('fail_job(%L, %L, %L, ''first'')');
SELECT regress.state(j), j.run_at - clock_timestamp() BETWEEN interval '2 seconds' AND interval '5 seconds' AS delayed, j.worker FROM regress.claimed c, latchkey.get_job(c.account_id, c.id) AS j;
SELECT regress.claim('flaky') IS NULL AS not_yet;
UPDATE latchkey.jobs SET run_at = now() - interval '1 second' WHERE type = 'flaky';
SELECT promoted > 0 AS promoted FROM latchkey.sweep_jobs();
SELECT regress.claim('flaky'), regress.at_it('fail_job(%L, %L, %L, ''second'')');
SELECT regress.state(j), j.run_at - clock_timestamp() BETWEEN interval '4 seconds' AND interval '10 seconds' AS delayed FROM regress.claimed c, latchkey.get_job(c.account_id, c.id) AS j;
SELECT regress.state(latchkey.retry_job(account_id, id)) FROM regress.claimed;
SELECT regress.claim('flaky'), regress.at_it('fail_job(%L, %L, %L, ''third'')');
SELECT regress.state(latchkey.get_job(account_id, id)) FROM regress.claimed;
SELECT regress.state(latchkey.retry_job(account_id, id)) FROM regress.claimed;
SELECT regress.claim('flaky'), regress.at_it('fail_job(%L, %L, %L, ''broken'', false)');
SELECT regress.state(latchkey.get_job(account_id, id)) FROM regress.claimed;
SELECT type, data FROM latchkey.events WHERE aggregate = 'job' AND aggregate_id = (SELECT id::text FROM regress.claimed) ORDER BY id;

-- Leases: what dead workers leave, what living ones give back, and late answers.
SELECT count(latchkey.enqueue_job('leased', max_retries => 1));
SELECT regress.claim('leased');
SELECT regress.at_it('release_job(%L, %L, %L)');
SELECT regress.state(latchkey.get_job(account_id, id)), regress.at_it('complete_job(%L, %L, %L)') FROM regress.claimed;
SELECT regress.claim('leased');
UPDATE latchkey.jobs SET lease_expires_at = now() - interval '1 second' WHERE type = 'leased';
SELECT requeued, failed, timed_out FROM latchkey.sweep_jobs();
SELECT regress.state(latchkey.get_job(account_id, id)), regress.at_it('complete_job(%L, %L, %L)') FROM regress.claimed;
SELECT regress.claim('leased');
SELECT regress.at_it('extend_lease(%L, %L, %L, ''1 hour'')');
SELECT lease_expires_at - clock_timestamp() > interval '59 minutes' AS extended FROM latchkey.jobs WHERE type = 'leased';
UPDATE latchkey.jobs SET lease_expires_at = now() - interval '1 second' WHERE type = 'leased';
SELECT requeued, failed, timed_out FROM latchkey.sweep_jobs();
SELECT regress.state(latchkey.get_job(account_id, id)) FROM regress.claimed;

-- A timeout bounds lease and attempt.
SELECT count(latchkey.enqueue_job('slow', timeout => '10 seconds'));
SELECT lease_expires_at - now() < interval '11 seconds' AS bounded FROM latchkey.claim_jobs('{slow}', 'tester', 1, '1 hour');
DELETE FROM regress.claimed;
INSERT INTO regress.claimed SELECT account_id, id, lease_token FROM latchkey.jobs WHERE type = 'slow';
SELECT latchkey.extend_lease(account_id, id, token, '1 day') - now() < interval '11 seconds' AS bounded FROM regress.claimed;
UPDATE latchkey.jobs SET lease_expires_at = now() - interval '1 second', deadline_at = now() - interval '1 second' WHERE type = 'slow';
SELECT requeued, failed, timed_out FROM latchkey.sweep_jobs();
SELECT regress.state(latchkey.get_job(account_id, id)), regress.at_it('complete_job(%L, %L, %L)') FROM regress.claimed;

-- Cancelling, before and while it runs; retrying what is over.
SELECT count(latchkey.enqueue_job('unwanted'));
SELECT regress.claim('unwanted');
SELECT regress.state(latchkey.cancel_job(account_id, id)), regress.state(latchkey.cancel_job(account_id, id)) FROM regress.claimed;
SELECT regress.at_it('report_progress(%L, %L, %L, 1)'), regress.at_it('complete_job(%L, %L, %L)');
SELECT regress.state(latchkey.retry_job(account_id, id)) FROM regress.claimed;
SELECT regress.claim('unwanted'), regress.at_it('complete_job(%L, %L, %L)');
SELECT regress.error_of(format(s, account_id, id)) FROM regress.claimed, unnest(ARRAY['SELECT latchkey.cancel_job(%L, %L)', 'SELECT latchkey.retry_job(%L, %L)']) AS s;

-- A claim that is rolled back takes nothing with it, and nothing of it is forgotten.
SELECT count(latchkey.enqueue_job('undone', to_jsonb(n))) FROM generate_series(1, 3) AS n;
BEGIN;
SELECT count(*) FROM latchkey.claim_jobs('{undone}', 'tester', 2);
SELECT count(*) FROM latchkey.claim_jobs('{undone}', 'tester', 2);
SELECT count(*) FROM latchkey.claim_jobs('{undone}', 'tester', 2);
ROLLBACK;
SELECT payload FROM latchkey.claim_jobs('{undone}', 'tester', 2);
SELECT payload FROM latchkey.claim_jobs('{undone}', 'tester', 2);

-- Wrong arguments.
SELECT regress.error_of(s) FROM unnest(ARRAY['SELECT latchkey.enqueue_job(NULL)', 'SELECT latchkey.enqueue_job('''')', 'SELECT latchkey.enqueue_job(''Upper'')', 'SELECT latchkey.enqueue_job(''a'', NULL)',
  'SELECT latchkey.enqueue_job(''a'', priority => NULL)', 'SELECT latchkey.enqueue_job(''a'', priority => 1000001)', 'SELECT latchkey.enqueue_job(''a'', run_at => ''infinity'')', 'SELECT latchkey.enqueue_job(''a'', max_retries => -1)',
  'SELECT latchkey.enqueue_job(''a'', timeout => ''0'')', 'SELECT latchkey.enqueue_job(''a'', timeout => ''31 days'')', 'SELECT latchkey.enqueue_job(''a'', timeout => ''178000000 years'')', 'SELECT latchkey.enqueue_job(''a'', idempotency_key => '''')',
  'SELECT latchkey.enqueue_job(''a'', group_key => repeat(''g'', 256))', 'SELECT latchkey.claim_jobs(NULL, ''w'')', 'SELECT latchkey.claim_jobs(''{}'', ''w'')', 'SELECT latchkey.claim_jobs(''{a,NULL}'', ''w'')',
  'SELECT latchkey.claim_jobs(''{a}'', NULL)', 'SELECT latchkey.claim_jobs(''{a}'', '''')', 'SELECT latchkey.claim_jobs(''{a}'', ''w'', 0)', 'SELECT latchkey.claim_jobs(''{a}'', ''w'', 1001)', 'SELECT latchkey.claim_jobs(''{a}'', ''w'', 1, ''0'')',
  'SELECT latchkey.claim_jobs(''{a}'', ''w'', 1, ''2 days'')', 'SELECT latchkey.sweep_jobs(0)', 'SELECT latchkey.purge_jobs(0)', 'SELECT latchkey.await_jobs(''{}'')', 'SELECT latchkey.list_jobs(status => ''dead'')', 'SELECT latchkey.list_jobs(max_rows => 0)']) AS s;
SELECT regress.error_of(format(s, gen_random_uuid(), gen_random_uuid(), gen_random_uuid())) FROM unnest(ARRAY['SELECT latchkey.get_job(%L, %L)', 'SELECT latchkey.cancel_job(%L, %L)', 'SELECT latchkey.retry_job(%L, %L)', 'SELECT latchkey.list_job_results(%L, %L)',
  'SELECT latchkey.complete_job(%L, %L, %L)', 'SELECT latchkey.fail_job(%L, %L, %L, ''x'')', 'SELECT latchkey.fail_job(%L, %L, %L, NULL)', 'SELECT latchkey.report_progress(%L, %L, %L)', 'SELECT latchkey.report_progress(%L, %L, %L, -1)', 'SELECT latchkey.release_job(%L, %L, NULL)']) AS s;

-- Whose job it is: a user's own without saying so, others' only by permission.
SELECT regress.new_user('jobs_una') AS una \gset
SELECT regress.token_of('jobs_una') AS token \gset
BEGIN;
SELECT count(latchkey.authenticate(:'token'));
SELECT latchkey.bind_request('request-1');
SELECT account_id = :'una' AS own, correlation_id FROM latchkey.enqueue_job('una.export');
SELECT regress.error_of(format('SELECT latchkey.enqueue_job(''x'', account_id => %L)', gen_random_uuid())), regress.error_of('SELECT latchkey.list_jobs()'), regress.error_of('SELECT latchkey.claim_jobs(''{x}'', ''w'')');
SELECT type, status FROM latchkey.list_jobs(latchkey.current_user_id());
SELECT (latchkey.get_job(j.account_id, j.id)).type, regress.error_of(format('SELECT latchkey.cancel_job(%L, %L)', j.account_id, j.id)) FROM latchkey.list_jobs(:'una') AS j;
COMMIT;

-- Listing pages by id; views count.
SELECT count(*) - 1 = count(*) FILTER (WHERE j.id < lag) AS descending FROM (SELECT id, lag(id) OVER () FROM latchkey.list_jobs(max_rows => 1000)) AS j;
SELECT count(*) FROM latchkey.list_jobs(max_rows => 3) AS a, LATERAL (SELECT FROM latchkey.list_jobs(after => a.id, max_rows => 1)) AS b;
SELECT type, state, jobs FROM latchkey.job_queue WHERE type IN ('undone', 'una.export') ORDER BY type COLLATE "C", state;
SELECT type, status, jobs FROM latchkey.job_failures ORDER BY type COLLATE "C", status;
SELECT type, status, jobs FROM latchkey.job_throughput WHERE type = 'mail.send';

-- Purging: only what is over for long enough, with all that belongs to it.
SELECT latchkey.purge_jobs();
UPDATE latchkey.job_history SET finished_at = now() - interval '8 days' WHERE type IN ('keyed', 'mail.send');
SELECT latchkey.purge_jobs(1), latchkey.purge_jobs(), latchkey.purge_jobs();
SELECT (SELECT count(*) FROM latchkey.job_results) AS results, (SELECT count(*) FROM latchkey.job_keys WHERE job_id = :'first') AS keys;
SELECT id <> :'first' AS anew FROM latchkey.enqueue_job('keyed', '{"n": 1}', idempotency_key => 'once');
DELETE FROM latchkey.jobs;
DELETE FROM latchkey.job_history;
