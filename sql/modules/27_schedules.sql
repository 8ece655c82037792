-- Schedules: jobs that are enqueued by the calendar, each due time once.

CREATE TABLE latchkey.job_schedules (
  name        text        NOT NULL,
  cron        text        NOT NULL,
  time_zone   text        NOT NULL,
  type        text        NOT NULL,
  payload     jsonb       NOT NULL DEFAULT '{}',
  account_id  uuid        NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  priority    integer     NOT NULL DEFAULT 100,
  max_retries integer,
  timeout     interval,
  group_key   text,
  enabled     boolean     NOT NULL DEFAULT true,
  next_due_at timestamptz,
  last_due_at timestamptz,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  seeded      boolean     NOT NULL DEFAULT false,
  CONSTRAINT job_schedules_pkey PRIMARY KEY (name),
  CONSTRAINT job_schedules_name_form CHECK (name ~ '^[a-z][a-z0-9_.:-]{0,99}$')
);
COMMENT ON TABLE latchkey.job_schedules IS
  'Schedules (reference). next_due_at: when the next job is enqueued; null: run_due_schedules() is to compute it. '
  'last_due_at: for which due time one was enqueued last. Changed by schedule_job() and its kin.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.job_schedules', '');
GRANT SELECT ON latchkey.job_schedules TO latchkey_admin;
CALL latchkey._make_reference('latchkey.job_schedules', 'name');

-- What Latchkey itself needs done, by the gateway's worker (gateway/work/handlers.cpp). At minutes when others rarely begin.
INSERT INTO latchkey.job_schedules (name, cron, time_zone, type, timeout, seeded) VALUES
  ('latchkey.expire_credits', '3-59/10 * * * *', 'UTC', 'latchkey.expire_credits', '1 hour', true),
  ('latchkey.expire_trials', '1-59/5 * * * *', 'UTC', 'latchkey.expire_trials', '1 hour', true),
  ('latchkey.purge_consumptions', '27 2 * * *', 'UTC', 'latchkey.purge_consumptions', '6 hours', true),
  ('latchkey.purge_usage', '47 2 * * *', 'UTC', 'latchkey.purge_usage', '6 hours', true),
  ('latchkey.purge_webhook_deliveries', '57 2 * * *', 'UTC', 'latchkey.purge_webhook_deliveries', '6 hours', true),
  ('latchkey.delete_due_tenants', '43 * * * *', 'UTC', 'latchkey.delete_due_tenants', '1 hour', true),
  ('latchkey.drop_tenant_databases', '53 * * * *', 'UTC', 'latchkey.drop_tenant_databases', '1 hour', true),
  ('latchkey.check_databases', '* * * * *', 'UTC', 'latchkey.check_databases', '10 minutes', true),
  ('latchkey.compare_tenants', '9-59/10 * * * *', 'UTC', 'latchkey.compare_tenants', '10 minutes', true),
  ('latchkey.remind_trials', '2-59/5 * * * *', 'UTC', 'latchkey.remind_trials', '1 hour', true),
  ('latchkey.apply_parked_events', '1-59/5 * * * *', 'UTC', 'latchkey.apply_parked_events', '1 hour', true),
  ('latchkey.purge_sessions', '7 * * * *', 'UTC', 'latchkey.purge_sessions', '1 hour', true),
  ('latchkey.purge_jobs', '37 * * * *', 'UTC', 'latchkey.purge_jobs', '1 hour', true),
  ('latchkey.maintain_events', '17 3 * * *', 'UTC', 'latchkey.maintain_events', '6 hours', true);

CREATE TABLE latchkey.job_schedule_runs (
  schedule    text        NOT NULL,
  due_at      timestamptz NOT NULL,
  job_id      uuid        NOT NULL,
  account_id  uuid        NOT NULL,
  missed      integer     NOT NULL,
  enqueued_at timestamptz NOT NULL,
  CONSTRAINT job_schedule_runs_pkey PRIMARY KEY (schedule, due_at)
);
COMMENT ON TABLE latchkey.job_schedule_runs IS
  'For which due time of which schedule which job was enqueued (reference). missed: how many due times before it had been '
  'missed and are made up for by this one. Kept for setting jobs.retention; purge_jobs() deletes.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.job_schedule_runs', '');
GRANT SELECT ON latchkey.job_schedule_runs TO latchkey_admin;
CREATE INDEX job_schedule_runs_enqueued ON latchkey.job_schedule_runs (enqueued_at);

CREATE TYPE latchkey.job_schedule AS (
  name text, cron text, time_zone text, type text, payload jsonb, account_id uuid, priority integer, max_retries integer,
  timeout interval,
  group_key text, enabled boolean, next_due_at timestamptz, last_due_at timestamptz, created_at timestamptz,
  updated_at timestamptz);
COMMENT ON TYPE latchkey.job_schedule IS
  'A schedule, and when it is due next; null when it is disabled.';

CREATE TYPE latchkey.job_schedule_run AS (
  due_at timestamptz, enqueued_at timestamptz, missed integer, account_id uuid, job_id uuid, status text);
COMMENT ON TYPE latchkey.job_schedule_run IS
  'A job that a schedule has enqueued. missed: due times before this one that it makes up for. status: the job''s; null '
  'when it has been purged.';

CREATE FUNCTION latchkey.schedule_job(
    name text, cron text, type text, payload jsonb DEFAULT '{}', time_zone text DEFAULT 'UTC', account_id uuid DEFAULT NULL,
    priority integer DEFAULT 100, max_retries integer DEFAULT NULL, timeout interval DEFAULT NULL,
    group_key text DEFAULT NULL)
  RETURNS latchkey.job_schedule
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_schedule_job';
COMMENT ON FUNCTION latchkey.schedule_job(text, text, text, jsonb, text, uuid, integer, integer, interval, text) IS
  'Makes a schedule, or changes the one of this name: enqueues such a job whenever the cron expression comes true in the '
  'time zone. cron: minute, hour, day of month, month, day of week (or six fields, seconds first) with lists, ranges, '
  'steps and names, or @hourly, @daily, @weekly, @monthly, @yearly; where both days are restricted either suffices. Where '
  'clocks change, an hour that is named runs once. From now on; the job''s fields as in enqueue_job(). Needs jobs.write: '
  'forbidden (LK403). Wrong expression, time zone or field: invalid_argument (LK400), whose detail says what is wrong. '
  'Event: schedule.changed.';
REVOKE ALL ON FUNCTION latchkey.schedule_job(text, text, text, jsonb, text, uuid, integer, integer, interval, text)
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.schedule_job(text, text, text, jsonb, text, uuid, integer, integer, interval, text)
  TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.unschedule_job(name text) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_unschedule_job';
COMMENT ON FUNCTION latchkey.unschedule_job(text) IS
  'Deletes a schedule; jobs that it has enqueued stay. One that came with the extension can only be disabled: '
  'invalid_argument (LK400). Needs jobs.write: forbidden (LK403). There is none: not_found (LK404). Event: '
  'schedule.deleted.';
REVOKE ALL ON FUNCTION latchkey.unschedule_job(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.unschedule_job(text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.enable_schedule(name text, enabled boolean DEFAULT true) RETURNS latchkey.job_schedule
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_enable_schedule';
COMMENT ON FUNCTION latchkey.enable_schedule(text, boolean) IS
  'Switches a schedule on, from now on, or off; what was due while it was off is not made up for. Needs jobs.write: '
  'forbidden (LK403). There is none: not_found (LK404). Event: schedule.changed.';
REVOKE ALL ON FUNCTION latchkey.enable_schedule(text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.enable_schedule(text, boolean) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.list_schedules() RETURNS SETOF latchkey.job_schedule
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 20 AS 'MODULE_PATHNAME', 'latchkey_list_schedules';
COMMENT ON FUNCTION latchkey.list_schedules() IS
  'All schedules, by name. Needs jobs.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.list_schedules() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_schedules() TO latchkey_gateway, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.list_schedule_runs(name text, before timestamptz DEFAULT NULL, max_rows integer DEFAULT 100)
  RETURNS SETOF latchkey.job_schedule_run
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100 AS 'MODULE_PATHNAME', 'latchkey_list_schedule_runs';
COMMENT ON FUNCTION latchkey.list_schedule_runs(text, timestamptz, integer) IS
  'The jobs that a schedule has enqueued, newest first. before: the due_at of the last row of the page before; max_rows: '
  '1 to 1000, else invalid_argument (LK400). Needs jobs.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.list_schedule_runs(text, timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_schedule_runs(text, timestamptz, integer) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.cron_times(cron text, time_zone text DEFAULT 'UTC', after timestamptz DEFAULT NULL,
    max_rows integer DEFAULT 10)
  RETURNS TABLE ("position" integer, due_at timestamptz)
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10 AS 'MODULE_PATHNAME', 'latchkey_cron_times';
COMMENT ON FUNCTION latchkey.cron_times(text, text, timestamptz, integer) IS
  'The next times (at most max_rows, 1 to 1000) at which a cron expression comes true, after a time or now: to look '
  'before you schedule. Wrong expression or time zone: invalid_argument (LK400).';
REVOKE ALL ON FUNCTION latchkey.cron_times(text, text, timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.cron_times(text, text, timestamptz, integer)
  TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.run_due_schedules() RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_run_due_schedules';
COMMENT ON FUNCTION latchkey.run_due_schedules() IS
  'Enqueues the jobs of schedules that are due, and says how many. For workers, about once a second; of several at the '
  'same time one does it, and the others don''t wait. Each due time is enqueued once; of several that were missed only '
  'the last, late. With an identity bound needs jobs.write: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.run_due_schedules() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.run_due_schedules() TO latchkey_admin, latchkey_worker;
