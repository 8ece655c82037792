-- Jobs where their tables are not as the extension made them: what a DBA adds to them counts, and the answers stay the same.
CREATE FUNCTION regress.one_job(timeout interval) RETURNS TABLE (what text, answer text) LANGUAGE plpgsql AS $$
DECLARE
  claimed latchkey.claimed_job;
BEGIN
  what := 'enqueued';
  SELECT concat_ws(' ', status, priority, group_key, attempts, j.payload, j.timeout) INTO answer
    FROM latchkey.enqueue_job('tables.job', jsonb_build_object('big', repeat('x', 10), 'n', 1), group_key => 'g', timeout => one_job.timeout) AS j;
  RETURN NEXT;
  SELECT * INTO claimed FROM latchkey.claim_jobs('{tables.job}', 'worker', 1, '1 hour');
  what := 'claimed';
  answer := concat_ws(' ', claimed.type, claimed.payload, claimed.attempts, claimed.group_key, date_trunc('minute', claimed.lease_expires_at - clock_timestamp() + interval '1 second'));
  RETURN NEXT;
  what := 'stored';
  SELECT concat_ws(' ', status, position IS NULL, worker, occupies, lease_token = claimed.lease_token, deadline_at - started_at) INTO answer FROM latchkey.jobs WHERE id = claimed.id;
  RETURN NEXT;
  PERFORM latchkey.complete_job(claimed.account_id, claimed.id, claimed.lease_token, '{"done": true}'), latchkey.complete_job(claimed.account_id, claimed.id, claimed.lease_token);
  what := 'history';
  SELECT concat_ws(' ', status, attempts, worker, lease_token = claimed.lease_token, h.payload, h.result, h.timeout, finished_at >= started_at, error IS NULL) INTO answer FROM latchkey.job_history h WHERE id = claimed.id;
  RETURN NEXT;
  what := 'live';
  answer := (SELECT count(*) FROM latchkey.jobs WHERE id = claimed.id)::text;
  RETURN NEXT;
  what := 'another token';
  answer := regress.error_of(format('SELECT latchkey.complete_job(%L, %L, gen_random_uuid())', claimed.account_id, claimed.id));
  RETURN NEXT;
END $$;
SELECT * FROM regress.one_job(NULL);
SELECT * FROM regress.one_job('10 minutes');
CREATE TABLE regress.one_job_as_made AS SELECT * FROM regress.one_job('10 minutes');
-- Many at once, in the order of their places; a payload that is stored apart from its row.
SELECT count(latchkey.enqueue_job('tables.many', jsonb_build_object('n', n, 'x', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 300) AS i)))) FROM generate_series(1, 5) AS n;
CREATE TABLE regress.many AS SELECT * FROM latchkey.claim_jobs('{tables.many}', 'worker', 3) WITH ORDINALITY AS c (account_id, id, type, payload, attempts, lease_token, lease_expires_at, group_key, cursor, correlation_id, place);
SELECT place, payload ->> 'n' AS n, length(payload ->> 'x') FROM regress.many ORDER BY place;
SELECT count(latchkey.complete_job(account_id, id, lease_token)) FROM regress.many;
SELECT payload ->> 'n' AS n, length(payload ->> 'x') FROM latchkey.job_history WHERE type = 'tables.many' ORDER BY id;
SELECT count(*) FROM latchkey.jobs WHERE type = 'tables.many';

-- Triggers run.
CREATE TABLE regress.seen_jobs (what text);
GRANT INSERT ON regress.seen_jobs TO latchkey_owner;
GRANT USAGE ON SCHEMA regress TO latchkey_owner;
CREATE FUNCTION regress.see_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO regress.seen_jobs SELECT concat_ws(' ', TG_OP, TG_TABLE_NAME);
  RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER see AFTER INSERT OR UPDATE OR DELETE ON latchkey.jobs FOR EACH ROW EXECUTE FUNCTION regress.see_job();
SELECT count(*) AS differ FROM (SELECT * FROM regress.one_job('10 minutes') EXCEPT TABLE regress.one_job_as_made) AS d;
DROP TRIGGER see ON latchkey.jobs;
CREATE TRIGGER see BEFORE INSERT ON latchkey.job_history FOR EACH ROW EXECUTE FUNCTION regress.see_job();
SELECT count(*) AS differ FROM (SELECT * FROM regress.one_job('10 minutes') EXCEPT TABLE regress.one_job_as_made) AS d;
DROP TRIGGER see ON latchkey.job_history;
SELECT what, count(*) FROM regress.seen_jobs GROUP BY what ORDER BY what;

-- Where Citus is installed, rows may lie on other nodes.
SET allow_system_table_mods = on;
INSERT INTO pg_extension SELECT 1, 'citus', extowner, extnamespace, false, '0' FROM pg_extension WHERE extname = 'latchkey';
\c -
SELECT count(*) AS differ FROM (SELECT * FROM regress.one_job('10 minutes') EXCEPT TABLE regress.one_job_as_made) AS d;
SET allow_system_table_mods = on;
DELETE FROM pg_extension WHERE extname = 'citus';
\c -
DELETE FROM latchkey.jobs WHERE type LIKE 'tables.%';
DELETE FROM latchkey.job_history WHERE type LIKE 'tables.%';
