-- Jobs: work to be done outside a caller's transaction, at least once each, by workers that claim it.

INSERT INTO latchkey.permissions (name, module, description, seeded) VALUES
  ('jobs.read', 'jobs', 'See jobs, their results, and schedules.', true),
  ('jobs.write', 'jobs', 'Enqueue jobs for others, cancel and retry them; set rules of groups, and schedules.', true);

INSERT INTO latchkey.settings (key, category, value, default_value, type, minimum, maximum, description, seeded)
SELECT key, 'jobs', value, value, type, minimum, maximum, description, true
  FROM (VALUES
    ('jobs.lease', '1 minute', 'duration', 1, 86400,
     'How long a claimed job is its worker''s, where claim_jobs() or report_progress() doesn''t say.'),
    ('jobs.max_retries', '10', 'integer', 0, 1000,
     'How often a job is tried again after its first attempt, where enqueue_job() doesn''t say.'),
    ('jobs.retry_delay', '5 seconds', 'duration', 0, 86400,
     'The delay before the first retry; it doubles with each, and half of it is random.'),
    ('jobs.max_retry_delay', '1 hour', 'duration', 0, 2592000, 'The longest delay before a retry.'),
    ('jobs.group_concurrency', '0', 'integer', 0, 100000,
     'How many jobs of one group and type run at once, where set_job_rule() doesn''t say. 0: no limit.'),
    ('jobs.retention', '7 days', 'duration', 0, 31622400,
     'How long jobs that are over are kept, with their results and idempotency keys, before purge_jobs() deletes them.')
  ) AS seed (key, value, type, minimum, maximum, description);

-- The queue: live jobs only, so that its indexes stay as small as the work that is there. No CHECK: the server would
-- parse it anew in each statement.
CREATE TABLE latchkey.jobs (
  account_id       uuid        NOT NULL,
  id               uuid        NOT NULL,
  type             text        NOT NULL,
  status           text        NOT NULL DEFAULT 'pending',
  priority         integer     NOT NULL,
  lane             bigint      NOT NULL,
  position         bigint,
  run_at           timestamptz NOT NULL,
  attempts         integer     NOT NULL DEFAULT 0,
  max_retries      integer     NOT NULL,
  lease_token      uuid,
  lease_expires_at timestamptz,
  deadline_at      timestamptz,
  occupies         boolean     NOT NULL DEFAULT false,
  processed        bigint,
  target           bigint,
  results          integer     NOT NULL DEFAULT 0,
  created_at       timestamptz NOT NULL,
  started_at       timestamptz,
  timeout          interval,
  group_key        text,
  worker           text,
  correlation_id   text,
  error            text,
  cursor           jsonb,
  payload          jsonb       NOT NULL,
  CONSTRAINT jobs_pkey PRIMARY KEY (account_id, id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE latchkey.jobs IS
  'Jobs that are pending or processing (distributed by account; the nil UUID stands for the platform); what is over '
  'stands in job_history. lane: hash of the group, else of the account. position: place in the lane, null where the job '
  'can''t be claimed; the enqueuing transaction''s number (shifted by 20 bits) and a count within it, so that it grows as '
  'transactions do. occupies: it takes a place of a limited group. deadline_at: started_at plus timeout. results: how '
  'many rows of job_results there are.';
CREATE INDEX jobs_ready ON latchkey.jobs (type, priority, lane, position) WHERE position IS NOT NULL;
CREATE INDEX jobs_waiting ON latchkey.jobs (run_at) WHERE position IS NULL AND lease_token IS NULL;
CREATE INDEX jobs_leased ON latchkey.jobs (lease_expires_at) WHERE lease_token IS NOT NULL;
CREATE INDEX jobs_occupying ON latchkey.jobs (type, lane) WHERE occupies;
SELECT pg_catalog.pg_extension_config_dump('latchkey.jobs', '');
GRANT SELECT ON latchkey.jobs TO latchkey_admin;

CREATE TABLE latchkey.job_history (
  account_id     uuid        NOT NULL,
  id             uuid        NOT NULL,
  type           text        NOT NULL,
  status         text        NOT NULL,
  priority       integer     NOT NULL,
  lane           bigint      NOT NULL,
  run_at         timestamptz NOT NULL,
  attempts       integer     NOT NULL,
  max_retries    integer     NOT NULL,
  lease_token    uuid,
  processed      bigint,
  target         bigint,
  results        integer     NOT NULL,
  created_at     timestamptz NOT NULL,
  started_at     timestamptz,
  finished_at    timestamptz NOT NULL,
  timeout        interval,
  group_key      text,
  worker         text,
  correlation_id text,
  error          text,
  cursor         jsonb,
  payload        jsonb       NOT NULL,
  result         jsonb,
  CONSTRAINT job_history_pkey PRIMARY KEY (account_id, id)
);
COMMENT ON TABLE latchkey.job_history IS
  'Jobs that are over (distributed by account): completed, failed (after the last retry, or not to be retried), timeout, '
  'cancelled. Kept for setting jobs.retention. lease_token: of the worker that ended it.';
CREATE INDEX job_history_finished ON latchkey.job_history (finished_at);
CREATE INDEX job_history_failures ON latchkey.job_history (finished_at) INCLUDE (type, status)
  WHERE status IN ('failed', 'timeout');
CREATE INDEX job_history_by_id ON latchkey.job_history (id);
SELECT pg_catalog.pg_extension_config_dump('latchkey.job_history', '');
GRANT SELECT ON latchkey.job_history TO latchkey_admin;

CREATE TABLE latchkey.job_keys (
  account_id      uuid  NOT NULL,
  idempotency_key text  NOT NULL,
  job_id          uuid  NOT NULL,
  fingerprint     bytea NOT NULL,
  CONSTRAINT job_keys_pkey PRIMARY KEY (account_id, idempotency_key)
);
COMMENT ON TABLE latchkey.job_keys IS
  'With which idempotency key a job was enqueued (distributed by account); gone with the job. fingerprint: of the other '
  'arguments.';
CREATE INDEX job_keys_by_job ON latchkey.job_keys (account_id, job_id);
SELECT pg_catalog.pg_extension_config_dump('latchkey.job_keys', '');
GRANT SELECT ON latchkey.job_keys TO latchkey_admin;

CREATE TABLE latchkey.job_results (
  account_id  uuid        NOT NULL,
  job_id      uuid        NOT NULL,
  position    integer     NOT NULL,
  result      jsonb       NOT NULL,
  recorded_at timestamptz NOT NULL,
  CONSTRAINT job_results_pkey PRIMARY KEY (account_id, job_id, position)
);
COMMENT ON TABLE latchkey.job_results IS
  'Partial results of a job, in the order in which report_progress() brought them (distributed by account); gone with the '
  'job.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.job_results', '');
GRANT SELECT ON latchkey.job_results TO latchkey_admin;

CREATE TABLE latchkey.job_rules (
  type         text        NOT NULL,
  group_key    text        NOT NULL,
  max_running  integer     NOT NULL,
  strict_order boolean     NOT NULL,
  updated_at   timestamptz NOT NULL,
  CONSTRAINT job_rules_pkey PRIMARY KEY (type, group_key),
  CONSTRAINT job_rules_within CHECK (max_running BETWEEN 0 AND 100000)
);
COMMENT ON TABLE latchkey.job_rules IS
  'How many jobs of a type run at once in a group, and whether in order (reference). group_key: empty for every group of '
  'the type that has no rule of its own. max_running: 0 for no limit. Changed by set_job_rule().';
SELECT pg_catalog.pg_extension_config_dump('latchkey.job_rules', '');
GRANT SELECT ON latchkey.job_rules TO latchkey_admin;
CREATE TRIGGER invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON latchkey.job_rules
  FOR EACH STATEMENT EXECUTE FUNCTION latchkey._invalidate();

-- What the functions return.

CREATE VIEW latchkey._job_states AS
  SELECT id, account_id, type, status, priority, group_key, payload, run_at, attempts, max_retries, timeout, worker,
         lease_expires_at,
         CASE WHEN target > 0 THEN least(100, greatest(0, processed::numeric * 100 / target))::integer
              ELSE 0 END AS progress,
         processed, target, cursor, results, NULL::jsonb AS result, error, correlation_id, created_at, started_at,
         NULL::timestamptz AS finished_at
    FROM latchkey.jobs
  UNION ALL
  SELECT id, account_id, type, status, priority, group_key, payload, run_at, attempts, max_retries, timeout, worker, NULL,
         CASE WHEN status = 'completed' THEN 100
              WHEN target > 0 THEN least(100, greatest(0, processed::numeric * 100 / target))::integer ELSE 0 END,
         processed, target, cursor, results, result, error, correlation_id, created_at, started_at, finished_at
    FROM latchkey.job_history;
COMMENT ON VIEW latchkey._job_states IS
  'Live jobs and those that are over, as get_job() returns them.';

CREATE TYPE latchkey.job AS (
  id uuid, account_id uuid, type text, status text, priority integer, group_key text, payload jsonb, run_at timestamptz,
  attempts integer, max_retries integer, timeout interval, worker text, lease_expires_at timestamptz,
  progress integer, processed bigint, target bigint, cursor jsonb, results integer, result jsonb, error text,
  correlation_id text, created_at timestamptz, started_at timestamptz, finished_at timestamptz);
COMMENT ON TYPE latchkey.job IS
  'A job. status: pending, processing, completed, failed, timeout, cancelled. attempts: how often it was started. '
  'progress: 0 to 100, processed of target. results: how many partial results there are; result: the final one. error: of '
  'the last attempt that failed.';

CREATE TYPE latchkey.claimed_job AS (
  account_id uuid, id uuid, type text, payload jsonb, attempts integer, lease_token uuid, lease_expires_at timestamptz,
  group_key text,
  cursor jsonb, correlation_id text);
COMMENT ON TYPE latchkey.claimed_job IS
  'A job that a worker has claimed. attempts: 1 at the first. cursor: where an earlier attempt had got to. Account, id '
  'and lease token are the arguments of report_progress(), complete_job(), fail_job() …';

CREATE TYPE latchkey.job_result AS ("position" integer, result jsonb, recorded_at timestamptz);
COMMENT ON TYPE latchkey.job_result IS
  'A partial result of a job; position counts from 1.';

CREATE TYPE latchkey.job_rule AS (type text, group_key text, max_running integer, strict_order boolean,
  updated_at timestamptz);
COMMENT ON TYPE latchkey.job_rule IS
  'A rule for groups of jobs. group_key: null for every group of the type without a rule of its own. max_running: 0 for '
  'no limit.';

CREATE TYPE latchkey.job_sweep AS (promoted integer, requeued integer, failed integer, timed_out integer);
COMMENT ON TYPE latchkey.job_sweep IS
  'What sweep_jobs() did: jobs that have come due, whose lease was over and that are pending again, that failed with it '
  'for good, and that were past their timeout.';

-- Enqueuing.

CREATE FUNCTION latchkey.enqueue_job(
    type text, payload jsonb DEFAULT '{}', account_id uuid DEFAULT NULL, priority integer DEFAULT 100,
    run_at timestamptz DEFAULT NULL,
    max_retries integer DEFAULT NULL, timeout interval DEFAULT NULL, idempotency_key text DEFAULT NULL,
    group_key text DEFAULT NULL,
    correlation_id text DEFAULT NULL) RETURNS latchkey.job
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_enqueue_job';
COMMENT ON FUNCTION latchkey.enqueue_job(text, jsonb, uuid, integer, timestamptz, integer, interval, text, text, text) IS
  'Adds a job in the caller''s transaction: workers see it when that commits. account_id: whose job it is; null for the '
  'bound user''s own, else the platform''s. priority: lower first. run_at: not before. max_retries: setting '
  'jobs.max_retries if null. timeout: how long one attempt may take. group_key: jobs of one type and group take turns '
  'with those of other groups; null: the account is the group. correlation_id: the request''s id if null. The same '
  'idempotency_key returns the first job, as it stands. For others than the bound user needs jobs.write: forbidden '
  '(LK403). Malformed: invalid_argument (LK400). The key with other arguments: idempotency_mismatch (LK419). NOTIFY '
  'latchkey_jobs when a worker waits.';
REVOKE ALL ON FUNCTION latchkey.enqueue_job(text, jsonb, uuid, integer, timestamptz, integer, interval, text, text, text)
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.enqueue_job(text, jsonb, uuid, integer, timestamptz, integer, interval, text, text, text)
  TO latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.enqueue_jobs(jobs jsonb, account_id uuid DEFAULT NULL) RETURNS uuid[]
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_enqueue_jobs';
COMMENT ON FUNCTION latchkey.enqueue_jobs(jsonb, uuid) IS
  'Adds up to 10000 jobs of one account at once: [{"type": "…", "payload": {}, "priority": 100, "run_at": "…", '
  '"max_retries": 10, "timeout": "1 minute", "idempotency_key": "…", "group_key": "…", "correlation_id": "…"}, …], and '
  'returns their ids in the same order; for a key that was used before, the first job''s. All or none. Errors as '
  'enqueue_job(): forbidden (LK403), invalid_argument (LK400), idempotency_mismatch (LK419).';
REVOKE ALL ON FUNCTION latchkey.enqueue_jobs(jsonb, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.enqueue_jobs(jsonb, uuid) TO latchkey_app, latchkey_admin, latchkey_worker;

-- Workers.

CREATE FUNCTION latchkey.claim_jobs(types text[], worker text, max_jobs integer DEFAULT 1, lease interval DEFAULT NULL)
  RETURNS SETOF latchkey.claimed_job
  LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10 AS 'MODULE_PATHNAME', 'latchkey_claim_jobs';
COMMENT ON FUNCTION latchkey.claim_jobs(text[], text, integer, interval) IS
  'Hands up to max_jobs (1 to 1000) jobs of these types (1 to 100) to a worker: lowest priority number first, groups in '
  'turn, each group in the order of enqueueing. Nobody waits for anybody. They are the worker''s until the lease is over '
  '(setting jobs.lease if null; 1 second to 1 day); then another gets them. Commit before you begin to work. Also '
  'promotes what has come due and frees what dead workers left. With an identity bound needs jobs.write: forbidden '
  '(LK403). Malformed: invalid_argument (LK400).';
REVOKE ALL ON FUNCTION latchkey.claim_jobs(text[], text, integer, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.claim_jobs(text[], text, integer, interval) TO latchkey_worker;

CREATE FUNCTION latchkey.await_jobs(types text[]) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_await_jobs';
COMMENT ON FUNCTION latchkey.await_jobs(text[]) IS
  'Says that this connection waits for jobs of these types (1 to 100): from now on who enqueues one sends NOTIFY '
  'latchkey_jobs with the type as payload. LISTEN and this come before a last claim_jobs(), which must not miss what was '
  'enqueued meanwhile. Ends with the next claim that finds something, or with the connection. In a pool that shares '
  'connections it does nothing useful: poll there. Malformed: invalid_argument (LK400).';
REVOKE ALL ON FUNCTION latchkey.await_jobs(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.await_jobs(text[]) TO latchkey_worker;

CREATE FUNCTION latchkey.report_progress(
    account_id uuid, job_id uuid, lease_token uuid, processed bigint DEFAULT NULL, target bigint DEFAULT NULL,
    cursor jsonb DEFAULT NULL,
    result jsonb DEFAULT NULL, lease interval DEFAULT NULL) RETURNS timestamptz
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_report_progress';
COMMENT ON FUNCTION latchkey.report_progress(uuid, uuid, uuid, bigint, bigint, jsonb, jsonb, interval) IS
  'Notes how far a job is, appends a partial result, and extends the lease; what is null stays. Returns when the lease '
  'ends now: at the latest at the end of the job''s timeout. The lease was lost, or the job cancelled: conflict (LK410). '
  'No such job: not_found (LK404). Negative counts, lease not from 1 second to 1 day: invalid_argument (LK400). With an '
  'identity bound needs jobs.write: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.report_progress(uuid, uuid, uuid, bigint, bigint, jsonb, jsonb, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.report_progress(uuid, uuid, uuid, bigint, bigint, jsonb, jsonb, interval)
  TO latchkey_worker;

CREATE FUNCTION latchkey.extend_lease(account_id uuid, job_id uuid, lease_token uuid, lease interval DEFAULT NULL)
  RETURNS timestamptz
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_extend_lease';
COMMENT ON FUNCTION latchkey.extend_lease(uuid, uuid, uuid, interval) IS
  'Extends the lease and nothing else; returns when it ends now. Errors as report_progress(): conflict (LK410), not_found '
  '(LK404), invalid_argument (LK400), forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.extend_lease(uuid, uuid, uuid, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.extend_lease(uuid, uuid, uuid, interval) TO latchkey_worker;

CREATE FUNCTION latchkey.complete_job(account_id uuid, job_id uuid, lease_token uuid, result jsonb DEFAULT NULL) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_complete_job';
COMMENT ON FUNCTION latchkey.complete_job(uuid, uuid, uuid, jsonb) IS
  'Ends a job as completed, with its final result. In one transaction with what the job did to the database, that is done '
  'exactly once. Again with the same token: nothing happens. The lease was lost, or the job cancelled: conflict (LK410). '
  'No such job: not_found (LK404). With an identity bound needs jobs.write: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.complete_job(uuid, uuid, uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.complete_job(uuid, uuid, uuid, jsonb) TO latchkey_worker;

CREATE FUNCTION latchkey.complete_jobs(account_ids uuid[], job_ids uuid[], lease_tokens uuid[], results jsonb[] DEFAULT NULL)
  RETURNS uuid[]
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_complete_jobs';
COMMENT ON FUNCTION latchkey.complete_jobs(uuid[], uuid[], uuid[], jsonb[]) IS
  'Ends many jobs as completed, at most 10000; the n-th elements belong together. Returns the ids that were refused, '
  'because the lease was lost, or the job is over or unknown; the others are completed. Null arrays are empty ones. '
  'Arrays of different lengths, nulls among the ids: invalid_argument (LK400). With an identity bound needs jobs.write: '
  'forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.complete_jobs(uuid[], uuid[], uuid[], jsonb[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.complete_jobs(uuid[], uuid[], uuid[], jsonb[]) TO latchkey_worker;

CREATE FUNCTION latchkey.fail_job(account_id uuid, job_id uuid, lease_token uuid, error text, retryable boolean DEFAULT true)
  RETURNS latchkey.job
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_fail_job';
COMMENT ON FUNCTION latchkey.fail_job(uuid, uuid, uuid, text, boolean) IS
  'An attempt has failed: the job is pending again after a delay that doubles each time (settings jobs.retry_delay, '
  'jobs.max_retry_delay), or failed for good after its last retry or when not retryable (event: job.failed). error: for '
  'people, at most 4000 characters are kept. In a group with strict order the ones behind it wait for its retries. The '
  'lease was lost, or the job cancelled: conflict (LK410). No such job: not_found (LK404). Null: invalid_argument '
  '(LK400). With an identity bound needs jobs.write: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.fail_job(uuid, uuid, uuid, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.fail_job(uuid, uuid, uuid, text, boolean) TO latchkey_worker;

CREATE FUNCTION latchkey.release_job(account_id uuid, job_id uuid, lease_token uuid) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_release_job';
COMMENT ON FUNCTION latchkey.release_job(uuid, uuid, uuid) IS
  'Gives a job back that was not done: it is pending at once, and the attempt doesn''t count. For a worker that ends. The '
  'lease was lost, or the job cancelled: conflict (LK410). No such job: not_found (LK404). With an identity bound needs '
  'jobs.write: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.release_job(uuid, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.release_job(uuid, uuid, uuid) TO latchkey_worker;

CREATE FUNCTION latchkey.sweep_jobs(batch integer DEFAULT 1000) RETURNS latchkey.job_sweep
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_sweep_jobs';
COMMENT ON FUNCTION latchkey.sweep_jobs(integer) IS
  'Promotes jobs that have come due, makes jobs pending again whose lease is over (failed after their last retry), and '
  'ends those past their timeout; at most batch (1 to 100000) of each. claim_jobs() does it by itself from time to time; '
  'this looks at everything. With an identity bound needs jobs.write: forbidden (LK403). Batch out of range: '
  'invalid_argument (LK400).';
REVOKE ALL ON FUNCTION latchkey.sweep_jobs(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.sweep_jobs(integer) TO latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.purge_jobs(batch integer DEFAULT 10000) RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_purge_jobs';
COMMENT ON FUNCTION latchkey.purge_jobs(integer) IS
  'Deletes jobs that have been over for longer than setting jobs.retention, with results and idempotency keys: at most '
  'batch (1 to 100000), and says how many; call it again until that is 0. With an identity bound needs jobs.write: '
  'forbidden (LK403). Batch out of range: invalid_argument (LK400).';
REVOKE ALL ON FUNCTION latchkey.purge_jobs(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.purge_jobs(integer) TO latchkey_admin, latchkey_worker;

-- Looking and administering.

CREATE FUNCTION latchkey.get_job(account_id uuid, job_id uuid) RETURNS latchkey.job
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_get_job';
COMMENT ON FUNCTION latchkey.get_job(uuid, uuid) IS
  'A job with its progress and result. Other accounts than the caller''s need jobs.read: forbidden (LK403). No such job, '
  'or purged: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.get_job(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.get_job(uuid, uuid) TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.list_jobs(
    account_id uuid DEFAULT NULL, status text DEFAULT NULL, type text DEFAULT NULL, after uuid DEFAULT NULL,
    max_rows integer DEFAULT 100)
  RETURNS SETOF latchkey.job
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100 AS 'MODULE_PATHNAME', 'latchkey_list_jobs';
COMMENT ON FUNCTION latchkey.list_jobs(uuid, text, text, uuid, integer) IS
  'Jobs, newest first: of an account, or of all (null), which reads the whole queue of live ones. after: the last id of '
  'the page before; max_rows: 1 to 1000. Other accounts than the caller''s, and all, need jobs.read: forbidden (LK403). '
  'Unknown status: invalid_argument (LK400).';
REVOKE ALL ON FUNCTION latchkey.list_jobs(uuid, text, text, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_jobs(uuid, text, text, uuid, integer)
  TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.list_job_results(account_id uuid, job_id uuid, after integer DEFAULT 0,
    max_rows integer DEFAULT 100)
  RETURNS SETOF latchkey.job_result
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100 AS 'MODULE_PATHNAME', 'latchkey_list_job_results';
COMMENT ON FUNCTION latchkey.list_job_results(uuid, uuid, integer, integer) IS
  'Partial results of a job, also while it runs, in their order. after: the last position of the page before; max_rows: 1 '
  'to 1000, else invalid_argument (LK400). Other accounts than the caller''s need jobs.read: forbidden (LK403). No such '
  'job: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.list_job_results(uuid, uuid, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_job_results(uuid, uuid, integer, integer)
  TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.cancel_job(account_id uuid, job_id uuid) RETURNS latchkey.job
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_cancel_job';
COMMENT ON FUNCTION latchkey.cancel_job(uuid, uuid) IS
  'Cancels a job that is pending or processing; a worker at it learns so from its next report_progress() or '
  'complete_job(). Cancelled already: changes nothing. Needs jobs.write: forbidden (LK403). No such job: not_found '
  '(LK404). It is over otherwise: conflict (LK410). Event: job.cancelled.';
REVOKE ALL ON FUNCTION latchkey.cancel_job(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.cancel_job(uuid, uuid) TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.retry_job(account_id uuid, job_id uuid) RETURNS latchkey.job
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_retry_job';
COMMENT ON FUNCTION latchkey.retry_job(uuid, uuid) IS
  'Makes a job that failed, timed out or was cancelled pending again, with all its retries and its cursor, behind the '
  'others of its group; one that waits for its run_at comes due at once. Completed or processing: conflict (LK410). Needs '
  'jobs.write: forbidden (LK403). No such job: not_found (LK404). Event: job.retried.';
REVOKE ALL ON FUNCTION latchkey.retry_job(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.retry_job(uuid, uuid) TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.set_job_rule(type text, group_key text DEFAULT NULL, max_running integer DEFAULT 0,
    strict_order boolean DEFAULT false)
  RETURNS latchkey.job_rule
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_set_job_rule';
COMMENT ON FUNCTION latchkey.set_job_rule(text, text, integer, boolean) IS
  'Limits how many jobs of a type run at once in one group (null: in each group that has no rule of its own; 0: no '
  'limit). strict_order: one at a time in the order of enqueueing; one that is to be retried holds up those behind it, '
  'one that has failed for good doesn''t. Jobs that run stay. Needs jobs.write: forbidden (LK403). Malformed: '
  'invalid_argument (LK400). Event: job.rule_changed.';
REVOKE ALL ON FUNCTION latchkey.set_job_rule(text, text, integer, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.set_job_rule(text, text, integer, boolean) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.remove_job_rule(type text, group_key text DEFAULT NULL) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_remove_job_rule';
COMMENT ON FUNCTION latchkey.remove_job_rule(text, text) IS
  'Removes a rule. Needs jobs.write: forbidden (LK403). There is none: not_found (LK404). Event: job.rule_changed.';
REVOKE ALL ON FUNCTION latchkey.remove_job_rule(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.remove_job_rule(text, text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.list_job_rules() RETURNS SETOF latchkey.job_rule
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 20 AS 'MODULE_PATHNAME', 'latchkey_list_job_rules';
COMMENT ON FUNCTION latchkey.list_job_rules() IS
  'The rules for groups of jobs. Needs jobs.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.list_job_rules() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_job_rules() TO latchkey_gateway, latchkey_admin, latchkey_worker;

-- Observing.

-- By look-ups, as the queue may be long: a type is found after the one before it, what it has is counted to a thousand, and
-- the oldest of it is the oldest of the first jobs of its lanes. What is more is estimated from a sample of the table's pages.
CREATE VIEW latchkey.job_queue AS
  WITH RECURSIVE types AS (
    (SELECT type FROM latchkey.jobs WHERE position IS NOT NULL ORDER BY type LIMIT 1)
    UNION ALL
    SELECT (SELECT j.type FROM latchkey.jobs AS j WHERE j.type > t.type AND j.position IS NOT NULL ORDER BY j.type LIMIT 1)
      FROM types AS t WHERE t.type IS NOT NULL
  ), ready AS MATERIALIZED (
    SELECT t.type, 'ready' AS state,
           (SELECT count(*) FROM (SELECT FROM latchkey.jobs AS j
                                   WHERE j.type = t.type AND j.position IS NOT NULL LIMIT 1001) AS first) AS jobs,
           (WITH RECURSIVE heads AS (
              (SELECT j.priority, j.lane, j.run_at, 1 AS n FROM latchkey.jobs AS j
                WHERE j.type = t.type AND j.position IS NOT NULL
                ORDER BY j.type, j.priority, j.lane, j.position LIMIT 1)
              UNION ALL
              SELECT next.priority, next.lane, next.run_at, h.n + 1
                FROM heads AS h CROSS JOIN LATERAL (
                     SELECT j.priority, j.lane, j.run_at FROM latchkey.jobs AS j
                      WHERE j.type = t.type AND j.position IS NOT NULL AND (j.priority, j.lane) > (h.priority, h.lane)
                      ORDER BY j.type, j.priority, j.lane, j.position LIMIT 1) AS next
               WHERE h.n < 16)
            SELECT min(h.run_at) FROM heads AS h) AS oldest_run_at
      FROM types AS t WHERE t.type IS NOT NULL
  ), others AS (
    SELECT w.type, 'waiting' AS state, count(*) AS jobs, min(w.run_at) AS oldest_run_at
      FROM (SELECT type, run_at FROM latchkey.jobs WHERE position IS NULL AND lease_token IS NULL
             ORDER BY run_at LIMIT 1001) AS w GROUP BY w.type
    UNION ALL
    SELECT p.type, 'processing', count(*), min(p.run_at)
      FROM (SELECT type, run_at FROM latchkey.jobs WHERE lease_token IS NOT NULL LIMIT 1001) AS p GROUP BY p.type
  ), counted AS (
    SELECT type, state, jobs, oldest_run_at, jobs <= 1000 AS is_exact FROM ready
    UNION ALL
    SELECT type, state, jobs, oldest_run_at, sum(jobs) OVER (PARTITION BY state) <= 1000 FROM others
  ), sample AS (
    SELECT type, CASE WHEN lease_token IS NOT NULL THEN 'processing' WHEN position IS NOT NULL THEN 'ready' ELSE 'waiting' END
                 AS state,
           count(*) * greatest(1, pages.number / 100.0) AS jobs, min(run_at) AS oldest_run_at
      FROM latchkey.jobs TABLESAMPLE SYSTEM (
             least(100, 10000.0 / greatest(1, pg_relation_size('latchkey.jobs') / current_setting('block_size')::integer))),
           (SELECT pg_relation_size('latchkey.jobs') / current_setting('block_size')::integer AS number) AS pages
     WHERE EXISTS (SELECT FROM counted WHERE NOT is_exact)
     GROUP BY 1, 2, pages.number
  )
  SELECT coalesce(c.type, s.type) AS type, coalesce(c.state, s.state) AS state,
         CASE WHEN c.is_exact THEN c.jobs ELSE greatest(c.jobs, round(s.jobs)::bigint) END AS jobs,
         coalesce(c.is_exact, false) AS is_exact, coalesce(c.oldest_run_at, s.oldest_run_at) AS oldest_run_at
    FROM counted AS c FULL JOIN sample AS s ON s.type = c.type AND s.state = c.state
   WHERE c.type IS NOT NULL OR EXISTS (SELECT FROM counted AS o WHERE o.state = s.state AND NOT o.is_exact);
COMMENT ON VIEW latchkey.job_queue IS
  'How many jobs there are by type and state (ready, waiting for their time, processing), and when the oldest was due; for '
  'metrics: cheap, however many there are. is_exact: jobs was counted; else (more than 1,000) it is estimated from a sample. '
  'oldest_run_at: of the ready, of the first job in each of up to 16 lanes; else, of those that were counted.';
GRANT SELECT ON latchkey.job_queue TO latchkey_gateway, latchkey_admin, latchkey_worker;

CREATE VIEW latchkey.job_throughput AS
  SELECT type, status, count(*) AS jobs, avg(finished_at - started_at) AS mean_duration,
  avg(started_at - run_at) AS mean_wait
    FROM latchkey.job_history WHERE finished_at > statement_timestamp() - interval '1 minute' GROUP BY 1, 2;
COMMENT ON VIEW latchkey.job_throughput IS
  'Jobs that ended within the last minute, by type and status, how long their last attempts took, and how long they had '
  'waited for them.';
GRANT SELECT ON latchkey.job_throughput TO latchkey_gateway, latchkey_admin, latchkey_worker;

CREATE VIEW latchkey.job_failures AS
  SELECT type, status, count(*) AS jobs, max(finished_at) AS last_at
    FROM latchkey.job_history
   WHERE finished_at > statement_timestamp() - interval '1 day' AND status IN ('failed', 'timeout') GROUP BY 1, 2;
COMMENT ON VIEW latchkey.job_failures IS
  'Jobs that failed for good or timed out within the last day, by type.';
GRANT SELECT ON latchkey.job_failures TO latchkey_gateway, latchkey_admin, latchkey_worker;
