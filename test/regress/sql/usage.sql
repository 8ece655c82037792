-- Usage counters: they count, and a new day starts at zero.
SELECT regress.new_user('una') AS una \gset
SELECT usage_daily, usage_total, usage_resets_at > now() AND usage_resets_at <= now() + interval '1 day' AS resets,
       usage_resets_at AT TIME ZONE 'UTC' = date_trunc('day', usage_resets_at AT TIME ZONE 'UTC') AS at_midnight FROM latchkey.count_usage(:'una');
SELECT usage_daily, usage_total FROM latchkey.count_usage(:'una', 41);
SELECT usage_daily, usage_total FROM latchkey.get_user(:'una');
-- Yesterday's use does not count today.
UPDATE latchkey.usage SET period_start = period_start - interval '24 hours' WHERE account_id = :'una' AND period_start > '-infinity';
SELECT usage_daily, usage_total FROM latchkey.get_user(:'una');
SELECT usage_daily, usage_total FROM latchkey.count_usage(:'una');
SELECT amount, regress.error_of(format('SELECT latchkey.count_usage(%L, %s)', :'una', amount)) FROM unnest(ARRAY['0', '-1', '1000000000001', '-9223372036854775808', '9223372036854775807', 'NULL']) AS amount;
SELECT usage_daily, usage_total FROM latchkey.count_usage(:'una', 1000000000000);
SELECT regress.error_of(s) FROM unnest(ARRAY['SELECT latchkey.count_usage(''00000000-0000-7000-8000-000000000000'')', 'SELECT latchkey.count_usage(NULL)']) AS s;
-- A deleted user's requests are nobody's.
SELECT latchkey.delete_user(regress.new_user('gone_una'));
SELECT regress.error_of(format('SELECT latchkey.count_usage(%L)', id)) FROM latchkey.users WHERE status = 'deleted' ORDER BY id DESC LIMIT 1;
-- The day is UTC's, whatever the session's time zone is.
BEGIN;
SET LOCAL TimeZone = 'Pacific/Kiritimati';
SELECT latchkey.count_usage(:'una') IS NOT NULL AS counted;
SET LOCAL TimeZone = 'Pacific/Pago_Pago';
SELECT latchkey.count_usage(:'una') IS NOT NULL AS counted;
COMMIT;
SELECT count(*) FROM latchkey.usage WHERE account_id = :'una';
SELECT bool_and(period_start AT TIME ZONE 'UTC' = date_trunc('day', period_start AT TIME ZONE 'UTC')) AS days FROM latchkey.usage WHERE account_id = :'una';
-- Rolled back, not counted.
BEGIN;
SELECT usage_total AS total FROM latchkey.count_usage(:'una') \gset
ROLLBACK;
SELECT usage_total = :total AS same_again FROM latchkey.count_usage(:'una');
