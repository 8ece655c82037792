-- Streams of jobs' progress: what the gateway asks for all of them at once. After the sessions, which it authenticates.

CREATE FUNCTION latchkey.watch_jobs(
    tokens text[], account_ids uuid[], job_ids uuid[], after integer[], max_results integer DEFAULT 100)
  RETURNS TABLE (place integer, kind text, "position" integer, status text, data jsonb)
  LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 100 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  job latchkey.job;
  state text;
BEGIN
  IF cardinality(tokens) IS DISTINCT FROM cardinality(account_ids) OR cardinality(tokens) IS DISTINCT FROM cardinality(job_ids)
     OR cardinality(tokens) IS DISTINCT FROM cardinality(after) OR max_results IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'LK400', MESSAGE = 'the arrays must have the same number of elements';
  END IF;
  FOR i IN 1 .. coalesce(cardinality(tokens), 0) LOOP
    BEGIN
      -- Bound for this turn alone: the next one binds its own, or undoes it when it may not.
      PERFORM latchkey.authenticate(tokens[i]);
      job := latchkey.get_job(account_ids[i], job_ids[i]);
      RETURN QUERY
        SELECT i, 'result', r.position, NULL::text, to_jsonb(r)
          FROM latchkey.list_job_results(account_ids[i], job_ids[i], after[i], max_results) AS r;
      RETURN QUERY
        SELECT i, 'state', job.results, job.status, to_jsonb(job)
               - '{payload,priority,group_key,max_retries,timeout,worker,lease_expires_at,correlation_id}'::text[];
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE;
      IF state NOT LIKE 'LK%' THEN
        RAISE;
      END IF;
      RETURN QUERY
        SELECT i, 'error', NULL::integer, NULL::text, jsonb_build_object('code',
               CASE state WHEN 'LK411' THEN 'invalid_token' WHEN 'LK404' THEN 'not_found' ELSE 'forbidden' END);
    END;
  END LOOP;
END $$;
COMMENT ON FUNCTION latchkey.watch_jobs(text[], uuid[], uuid[], integer[], integer) IS
  'How it stands with jobs, each as the bearer of its token may see it: for each place in the arrays, from 1 on, rows of kind '
  'result (partial results after position after, at most max_results: 1 to 1000) and one state (the job without its payload; '
  'position: how many partial results there are), or one error: code is invalid_token, not_found or forbidden. Binds identities as '
  'authenticate() does, the last one to the end of the transaction. Arrays of different length: invalid_argument (LK400).';
REVOKE ALL ON FUNCTION latchkey.watch_jobs(text[], uuid[], uuid[], integer[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.watch_jobs(text[], uuid[], uuid[], integer[], integer) TO latchkey_gateway, latchkey_app;
