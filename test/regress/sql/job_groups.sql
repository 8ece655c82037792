-- Groups: in turn, limited, in strict order.
CREATE FUNCTION regress.payloads(jobs_type text, how_many integer) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(payload #>> '{}', ' ' ORDER BY payload #>> '{}') FROM latchkey.claim_jobs(ARRAY[jobs_type], 'tester', how_many)
$$;
CREATE FUNCTION regress.finish(jobs_type text) RETURNS bigint LANGUAGE sql AS $$
  SELECT cardinality(array_agg(id)) - cardinality(latchkey.complete_jobs(array_agg(account_id), array_agg(id), array_agg(lease_token)))
    FROM latchkey.jobs WHERE type = jobs_type AND lease_token IS NOT NULL
$$;
-- A group with very many jobs that came first doesn't keep others waiting, however few are taken at a time.
SELECT cardinality(latchkey.enqueue_jobs((SELECT jsonb_agg(jsonb_build_object('type', 'fair', 'group_key', 'big', 'payload', 'big')) FROM generate_series(1, 5000))));
SELECT count(latchkey.enqueue_job('fair', to_jsonb('small ' || n), group_key => 'small ' || n)) FROM generate_series(1, 9) AS n;
SELECT regress.payloads('fair', 10);
SELECT count(latchkey.enqueue_job('fair', to_jsonb('small ' || n), group_key => 'small ' || n)) FROM generate_series(1, 9) AS n;
SELECT string_agg(p, ', ' ORDER BY p) FROM (SELECT regress.payloads('fair', 1) AS p FROM generate_series(1, 10)) AS one_by_one;
SELECT count(*) FILTER (WHERE payload = '"big"') AS big, count(*) AS all FROM latchkey.claim_jobs('{fair}', 'tester', 1000);
-- Without a group, the account is it.
SELECT count(latchkey.enqueue_job('of_accounts', to_jsonb(a), account_id => lpad(a::text, 32, '0')::uuid)) FROM generate_series(1, 3) AS a, generate_series(1, 10);
SELECT regress.payloads('of_accounts', 3);
-- Lower priority numbers come before all groups of higher ones.
SELECT count(latchkey.enqueue_job('ranked', to_jsonb(p || g), priority => p, group_key => g)) FROM (VALUES (2, 'a'), (2, 'b'), (1, 'c'), (1, 'a'), (3, 'd')) AS v (p, g);
SELECT regress.payloads('ranked', 2);
SELECT regress.payloads('ranked', 2);
SELECT count(latchkey.enqueue_job('ranked', '"0x"', priority => 0));
SELECT regress.payloads('ranked', 10);

-- Limits: for each group of a type, for one of them, and for all by setting.
SELECT type, group_key, max_running, strict_order FROM latchkey.set_job_rule('limited', max_running => 2);
SELECT type, group_key, max_running, strict_order FROM latchkey.set_job_rule('limited', 'vip', 3);
SELECT count(latchkey.enqueue_job('limited', to_jsonb(g), group_key => g)) FROM unnest(ARRAY['a', 'b', 'vip']) AS g, generate_series(1, 5);
SELECT regress.payloads('limited', 100);
SELECT regress.payloads('limited', 100);
SELECT regress.finish('limited');
SELECT regress.payloads('limited', 1) <> '' AS one, regress.payloads('limited', 100) <> '' AS rest;
SELECT group_key, count(*) FROM latchkey.jobs WHERE type = 'limited' AND lease_token IS NOT NULL GROUP BY 1 ORDER BY 1;
-- A group at its limit is no obstacle to what has a higher number.
SELECT count(latchkey.enqueue_job('limited', '"behind"', priority => 200, group_key => 'c'));
SELECT regress.payloads('limited', 1);
SELECT latchkey.remove_job_rule('limited');
SELECT regress.payloads('limited', 100);
SELECT latchkey.set_setting('jobs.group_concurrency', '1');
SELECT count(latchkey.enqueue_job('by_setting', to_jsonb(g), group_key => g)) FROM unnest(ARRAY['a', 'b']) AS g, generate_series(1, 2);
SELECT regress.payloads('by_setting', 100);
SELECT latchkey.set_setting('jobs.group_concurrency', '0');
SELECT regress.payloads('by_setting', 100);

-- Strict order: one at a time, also across a retry, a lost lease and what is given back; not past its end.
SELECT strict_order FROM latchkey.set_job_rule('strict', strict_order => true);
SELECT count(latchkey.enqueue_job('strict', to_jsonb(n), max_retries => 1, group_key => 'g')) FROM generate_series(1, 4) AS n;
SELECT regress.payloads('strict', 10), regress.payloads('strict', 10);
SELECT j.status FROM latchkey.jobs l, latchkey.fail_job(l.account_id, l.id, l.lease_token, 'again') AS j WHERE l.type = 'strict' AND l.lease_token IS NOT NULL;
SELECT regress.payloads('strict', 10) IS NULL AS held_up;
UPDATE latchkey.jobs SET run_at = now() - interval '1 second' WHERE type = 'strict' AND occupies;
SELECT promoted FROM latchkey.sweep_jobs();
SELECT regress.payloads('strict', 10), regress.payloads('strict', 10);
SELECT j.status FROM latchkey.jobs l, latchkey.fail_job(l.account_id, l.id, l.lease_token, 'again') AS j WHERE l.type = 'strict' AND l.lease_token IS NOT NULL;
SELECT regress.payloads('strict', 10);
UPDATE latchkey.jobs SET lease_expires_at = now() - interval '1 second' WHERE type = 'strict' AND lease_token IS NOT NULL;
SELECT requeued FROM latchkey.sweep_jobs();
SELECT regress.payloads('strict', 10);
SELECT latchkey.release_job(account_id, id, lease_token) FROM latchkey.jobs WHERE type = 'strict' AND lease_token IS NOT NULL;
SELECT regress.payloads('strict', 10), regress.finish('strict');
SELECT regress.payloads('strict', 10), regress.finish('strict');
SELECT regress.payloads('strict', 10), regress.finish('strict');
SELECT regress.payloads('strict', 10) IS NULL AS done;

SELECT type, group_key, max_running, strict_order FROM latchkey.list_job_rules();
SELECT regress.error_of(s) FROM unnest(ARRAY['SELECT latchkey.set_job_rule(''X'')', 'SELECT latchkey.set_job_rule(''a'', '''')', 'SELECT latchkey.set_job_rule(''a'', max_running => -1)', 'SELECT latchkey.set_job_rule(''a'', max_running => 100001)',
  'SELECT latchkey.set_job_rule(''a'', strict_order => NULL)', 'SELECT latchkey.remove_job_rule(''limited'')', 'SELECT latchkey.remove_job_rule(NULL)']) AS s;
SELECT latchkey.remove_job_rule('limited', 'vip'), latchkey.remove_job_rule('strict');
SELECT data FROM latchkey.events WHERE type = 'job.rule_changed' ORDER BY id;
DELETE FROM latchkey.jobs;
DELETE FROM latchkey.job_history;
