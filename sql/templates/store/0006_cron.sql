-- What the shop does by the clock, and how that went.

CREATE TABLE store.cron_jobs (
  id              uuid        NOT NULL DEFAULT store.uuid7(),
  name            text        NOT NULL,
  cron            text        NOT NULL,
  time_zone       text        NOT NULL DEFAULT 'UTC',
  type            text        NOT NULL,
  payload         jsonb       NOT NULL DEFAULT '{}',
  enabled         boolean     NOT NULL DEFAULT true,
  timeout_seconds integer     NOT NULL DEFAULT 300,
  next_due_at     timestamptz,
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT cron_jobs_pkey PRIMARY KEY (id),
  CONSTRAINT cron_jobs_name_key UNIQUE (name),
  CONSTRAINT cron_jobs_payload_object CHECK (jsonb_typeof(payload) = 'object'),
  CONSTRAINT cron_jobs_timeout_range CHECK (timeout_seconds BETWEEN 1 AND 86400)
);
COMMENT ON TABLE store.cron_jobs IS 'What a worker of the application does again and again.';
COMMENT ON COLUMN store.cron_jobs.cron IS 'Minute, hour, day of month, month, day of week.';
COMMENT ON COLUMN store.cron_jobs.type IS 'Which of the worker''s handlers runs it.';
COMMENT ON COLUMN store.cron_jobs.next_due_at IS 'When it is due next; null: the worker is to compute it.';
CREATE INDEX cron_jobs_due ON store.cron_jobs (next_due_at) WHERE enabled;
CREATE TRIGGER set_updated_at BEFORE UPDATE ON store.cron_jobs FOR EACH ROW EXECUTE FUNCTION store._set_updated_at();

CREATE TABLE store.cron_job_executions (
  id          uuid        NOT NULL DEFAULT store.uuid7(),
  cron_job_id uuid        NOT NULL,
  due_at      timestamptz NOT NULL,
  status      text        NOT NULL DEFAULT 'running',
  attempts    integer     NOT NULL DEFAULT 1,
  started_at  timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  duration    interval    GENERATED ALWAYS AS (finished_at - started_at) STORED,
  result      jsonb,
  error       text,
  CONSTRAINT cron_job_executions_pkey PRIMARY KEY (id),
  CONSTRAINT cron_job_executions_due_key UNIQUE (cron_job_id, due_at),
  CONSTRAINT cron_job_executions_job_fkey FOREIGN KEY (cron_job_id) REFERENCES store.cron_jobs (id) ON DELETE CASCADE,
  CONSTRAINT cron_job_executions_status_known CHECK (status IN ('running', 'succeeded', 'failed')),
  CONSTRAINT cron_job_executions_finished CHECK ((status = 'running') = (finished_at IS NULL)),
  CONSTRAINT cron_job_executions_times CHECK (finished_at >= started_at),
  CONSTRAINT cron_job_executions_attempts_positive CHECK (attempts > 0)
);
COMMENT ON TABLE store.cron_job_executions IS
  'When which job ran. A due time has one row, so of two workers that find a job due the second''s INSERT fails (23505).';
COMMENT ON COLUMN store.cron_job_executions.due_at IS 'For which time of the schedule, whenever it began.';
COMMENT ON COLUMN store.cron_job_executions.error IS 'Why it failed. No secrets.';
CREATE INDEX cron_job_executions_running ON store.cron_job_executions (started_at) WHERE status = 'running';
