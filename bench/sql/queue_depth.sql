-- :jobs that are completed and then as many that are pending, of 1,000 groups, by the functions themselves.
SET client_min_messages = warning;
SELECT set_config('bench.jobs', :'jobs', false);
CREATE PROCEDURE pg_temp.enqueue() LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1 .. current_setting('bench.jobs')::integer / 10000 LOOP
    PERFORM latchkey.enqueue_jobs((SELECT jsonb_agg(jsonb_build_object('type', 'noop', 'group_key', 'g' || n % 1000,
                                                                       'payload', '{"kind":"email","user":42}'::jsonb))
                                     FROM generate_series(1, 10000) AS n));
    COMMIT;
  END LOOP;
END $$;
CALL pg_temp.enqueue();
DO $$
DECLARE
  claimed record;
BEGIN
  LOOP
    SELECT array_agg(account_id) AS accounts, array_agg(id) AS ids, array_agg(lease_token) AS tokens INTO claimed
      FROM latchkey.claim_jobs('{noop}', 'bench', 1000);
    COMMIT;
    EXIT WHEN claimed.ids IS NULL;
    PERFORM latchkey.complete_jobs(claimed.accounts, claimed.ids, claimed.tokens);
    COMMIT;
  END LOOP;
END $$;
VACUUM latchkey.jobs;
CALL pg_temp.enqueue();
VACUUM ANALYZE latchkey.jobs;
VACUUM ANALYZE latchkey.job_history;
