-- Schedules: each due time once, what was missed once and late, and the times that cron expressions name.
SET timezone = 'UTC';
SELECT due_at FROM latchkey.cron_times('*/20 9 * * mon-fri', 'UTC', '2026-11-21 15:00+00', 4);
-- Where clocks change, PostgreSQL's time zones say so.
SELECT due_at FROM latchkey.cron_times('30 2 * * *', 'Europe/Berlin', '2026-03-28 00:00+00', 3);
SELECT due_at FROM latchkey.cron_times('30 2 * * *', 'Europe/Berlin', '2026-10-24 00:00+00', 3);
SELECT due_at FROM latchkey.cron_times('30 * * * *', 'Europe/Berlin', '2026-10-25 00:00+00', 3);
SELECT due_at FROM latchkey.cron_times('0 0 * * *', 'Australia/Lord_Howe', '2026-04-03 00:00+00', 3);
SELECT due_at FROM latchkey.cron_times('0 0 29 2 *', 'Asia/Kathmandu', '2026-01-01 00:00+00', 2);
SELECT regress.error_of(s) FROM unnest(ARRAY['SELECT latchkey.cron_times(''61 * * * *'')', 'SELECT latchkey.cron_times(''0 0 30 2 *'')', 'SELECT latchkey.cron_times(NULL)', 'SELECT latchkey.cron_times(''@hourly'', ''Mars/Olympus'')',
  'SELECT latchkey.cron_times(''@hourly'', '''')', 'SELECT latchkey.cron_times(''@hourly'', ''UTC'', ''infinity'')', 'SELECT latchkey.cron_times(''@hourly'', max_rows => 0)']) AS s;

-- What came with the extension is listed, and can be changed, switched off and on, but not deleted.
SELECT name, cron, time_zone, type, payload, timeout, enabled, next_due_at FROM latchkey.list_schedules();
SELECT latchkey.run_due_schedules();
SELECT count(*) FROM latchkey.list_schedules() WHERE next_due_at > now();
SELECT cron, timeout FROM latchkey.schedule_job('latchkey.purge_jobs', '0 4 * * *', 'latchkey.purge_jobs', timeout => '2 hours');
SELECT enabled, next_due_at FROM latchkey.enable_schedule('latchkey.purge_jobs', false);
SELECT regress.error_of('SELECT latchkey.unschedule_job(''latchkey.purge_jobs'')');
-- The others of this file are looked at alone, and nothing else comes due meanwhile.
ALTER TABLE latchkey.job_schedules DISABLE TRIGGER USER;
DELETE FROM latchkey.job_schedules;
ALTER TABLE latchkey.job_schedules ENABLE TRIGGER USER;

SELECT name, cron, time_zone, type, payload, priority, enabled, next_due_at > now() AS ahead, last_due_at FROM latchkey.schedule_job('nightly', '0 3 * * *', 'report.make', '{"n": 1}', 'Europe/Berlin');
SELECT latchkey.run_due_schedules();
-- Due: once, however often it is asked.
UPDATE latchkey.job_schedules SET next_due_at = date_trunc('day', now()) - interval '12 hours' WHERE name = 'nightly';
SELECT latchkey.run_due_schedules(), latchkey.run_due_schedules();
SELECT payload FROM latchkey.claim_jobs('{report.make}', 'tester', 10);
SELECT s.last_due_at < now() AS ran, s.next_due_at > now() AS ahead, r.missed <= 1 AS missed, r.status FROM latchkey.list_schedules() AS s, latchkey.list_schedule_runs(s.name) AS r;
-- Missed for days: once, for the last time that was due.
DELETE FROM latchkey.job_schedule_runs;
UPDATE latchkey.job_schedules SET next_due_at = '2020-01-01 02:00+00' WHERE name = 'nightly';
SELECT latchkey.run_due_schedules();
SELECT r.missed > 2000 AS missed, r.due_at BETWEEN now() - interval '25 hours' AND now() AS last FROM latchkey.list_schedule_runs('nightly', max_rows => 1) AS r;
-- Put back by a clock or a restore: what has been enqueued is not enqueued again.
UPDATE latchkey.job_schedules SET next_due_at = (SELECT max(due_at) FROM latchkey.job_schedule_runs) WHERE name = 'nightly';
SELECT latchkey.run_due_schedules();
SELECT count(*) FROM latchkey.list_schedule_runs('nightly');
-- A row without a due time gets its first.
UPDATE latchkey.job_schedules SET next_due_at = NULL;
SELECT latchkey.run_due_schedules();
SELECT next_due_at > now() AS ahead FROM latchkey.list_schedules();
-- Off, on, changed, gone.
SELECT enabled, next_due_at FROM latchkey.enable_schedule('nightly', false);
SELECT latchkey.run_due_schedules(), next_due_at FROM latchkey.schedule_job('nightly', '@hourly', 'report.make');
SELECT enabled, cron, next_due_at = date_trunc('hour', now()) + interval '1 hour' AS next_hour FROM latchkey.enable_schedule('nightly');
SELECT latchkey.unschedule_job('nightly');
SELECT regress.error_of(s) FROM unnest(ARRAY['SELECT latchkey.unschedule_job(''nightly'')', 'SELECT latchkey.enable_schedule(''nightly'')', 'SELECT latchkey.schedule_job(''Bad name'', ''@hourly'', ''a'')', 'SELECT latchkey.schedule_job(''a'', ''* * *'', ''a'')',
  'SELECT latchkey.schedule_job(''a'', ''@hourly'', ''A'')', 'SELECT latchkey.schedule_job(''a'', ''@hourly'', ''a'', NULL)', 'SELECT latchkey.schedule_job(''a'', ''@hourly'', ''a'', time_zone => ''Nowhere'')', 'SELECT latchkey.list_schedule_runs(''a'', max_rows => 0)']) AS s;
-- One that came with the extension is switched off, not deleted.
INSERT INTO latchkey.job_schedules (name, cron, time_zone, type, seeded) VALUES ('seed', '@daily', 'UTC', 'a', true);
SELECT regress.error_of('SELECT latchkey.unschedule_job(''seed'')');
ALTER TABLE latchkey.job_schedules DISABLE TRIGGER USER;
DELETE FROM latchkey.job_schedules;
ALTER TABLE latchkey.job_schedules ENABLE TRIGGER USER;
SELECT type, data FROM latchkey.events WHERE aggregate = 'schedule' ORDER BY id;
DELETE FROM latchkey.job_schedule_runs;
DELETE FROM latchkey.jobs;
RESET timezone;
