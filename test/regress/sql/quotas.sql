-- Quotas: limits over each kind of period, idempotency keys, refunds, time zones, and metered tables.
SELECT regress.new_user('quo_a') AS a \gset
SELECT regress.new_user('quo_b') AS b \gset
SELECT latchkey.set_plan_feature('free', f.name, f.most, f.period) IS NOT NULL AS set
  FROM (VALUES ('q_day', 3, 'day'), ('q_month', 5, 'month'), ('q_billing', 2, 'billing'), ('q_ever', 4, 'ever'), ('q_none', 2, NULL), ('q_zero', 0, 'day'), ('q_open', NULL, 'month')) AS f (name, most, period);
-- Up to the limit, and not one further; what is refused counts nothing.
SELECT feature, period, granted_limit, used, remaining, resets_at = (date_trunc('day', now() AT TIME ZONE 'UTC') + interval '1 day') AT TIME ZONE 'UTC' AS midnight FROM latchkey.consume(:'a', 'q_day');
SELECT latchkey.can_consume(:'a', 'q_day', 2) AS two, latchkey.can_consume(:'a', 'q_day', 3) AS three, latchkey.can_consume(:'a', 'q_zero') AS zero, latchkey.can_consume(:'a', 'nowhere') AS nowhere, latchkey.can_consume(:'a', 'q_open', 1000000000000) AS open;
SELECT regexp_replace(regress.error_of(format('SELECT latchkey.consume(%L, ''q_day'', 3)', :'a')), '\d{4}-\d\d-\d\dT[\d:]+Z', 'TIME');
SELECT used, remaining FROM latchkey.consume(:'a', 'q_day', 2);
SELECT regexp_replace(regress.error_of(format('SELECT latchkey.consume(%L, ''q_day'')', :'a')), '\d{4}-\d\d-\d\dT[\d:]+Z', 'TIME');
SELECT used, remaining FROM latchkey.quota(:'a', 'q_day');
DO $$ BEGIN
  PERFORM latchkey.consume(regress.id_of('quo_a'), 'q_ever', 5);
EXCEPTION WHEN SQLSTATE 'LK429' THEN
  DECLARE detail text; hint text; BEGIN GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT; RAISE NOTICE '% | %', detail, hint; END;
END $$;
-- Each kind of period, and no limit at all.
SELECT f, q.period, q.used, q.remaining, q.resets_at IS NULL AS for_good FROM unnest(ARRAY['q_month', 'q_billing', 'q_ever', 'q_none', 'q_open']) AS f, latchkey.consume(:'a', f, 2) AS q;
SELECT feature, period, granted_limit, used, remaining FROM latchkey.usage(:'a');
SELECT feature, used FROM latchkey.usage(:'b');
-- Arguments.
SELECT s, regress.error_of(format('SELECT latchkey.consume(%L, %s)', :'a', s)) FROM unnest(ARRAY['''q_day'', 0', '''q_day'', -1', '''q_day'', 1000000000001', '''q_day'', NULL', 'NULL', '''nowhere''', '''q_zero''', '''q_day'', 1, ''''', '''q_day'', 1, repeat(''k'', 256)']) AS s;
SELECT regress.error_of(s) FROM unnest(ARRAY['SELECT latchkey.consume(''00000000-0000-7000-8000-000000000000'', ''q_day'')', 'SELECT latchkey.consume(NULL, ''q_day'')', 'SELECT latchkey.usage(NULL)',
  format('SELECT latchkey.quota(%L, ''nowhere'')', :'a'), format('SELECT latchkey.can_consume(%L, ''q_day'', 0)', :'a')]) AS s;
SELECT latchkey.delete_user(regress.new_user('quo_gone'));
SELECT regress.error_of(format('SELECT latchkey.consume(%L, ''q_day'')', id)) FROM latchkey.users WHERE status = 'deleted' ORDER BY id DESC LIMIT 1;
-- Also one who was known as living, and has a counter.
SELECT regress.new_user('quo_going') AS going \gset
SELECT used FROM latchkey.consume(:'going', 'q_day');
SELECT latchkey.delete_user(:'going');
SELECT regress.error_of(format('SELECT latchkey.consume(%L, ''q_day'')', :'going'));
SELECT regress.error_of(format('SELECT latchkey.consume(%L, ''model:gpt-4'')', :'a'));
-- The edge of a period: yesterday's use doesn't count, and stands for the record.
UPDATE latchkey.usage SET period_start = period_start - interval '24 hours' WHERE account_id = :'a' AND feature = 'q_day';
SELECT used FROM latchkey.quota(:'a', 'q_day');
SELECT used, remaining FROM latchkey.consume(:'a', 'q_day', 3);
SELECT count(*) FROM latchkey.usage WHERE account_id = :'a' AND feature = 'q_day';
-- Keys: the same call again gives the first answer; another one with it is refused; a refused call uses none up.
SELECT used, remaining FROM latchkey.consume(:'b', 'q_day', 2, 'one');
SELECT used, remaining FROM latchkey.consume(:'b', 'q_day', 1);
SELECT used, remaining FROM latchkey.consume(:'b', 'q_day', 2, 'one');
SELECT regress.error_of(format('SELECT latchkey.consume(%L, %s)', :'b', s)) FROM unnest(ARRAY['''q_day'', 1, ''one''', '''q_month'', 2, ''one''']) AS s;
SELECT left(regress.error_of(format('SELECT latchkey.consume(%L, ''q_day'', 1, ''two'')', :'b')), 5);
SELECT used FROM latchkey.quota(:'b', 'q_day');
-- Refunds, once each.
SELECT used, remaining FROM latchkey.refund_consumption(:'b', 'one');
SELECT used, remaining FROM latchkey.refund_consumption(:'b', 'one');
SELECT regress.error_of(format('SELECT latchkey.consume(%L, ''q_day'', 2, ''one'')', :'b'));
SELECT used FROM latchkey.consume(:'b', 'q_day', 1, 'two');
SELECT regress.error_of(format('SELECT latchkey.refund_consumption(%L, %s)', :'b', s)) FROM unnest(ARRAY['''three''', 'NULL', '''''']) AS s;
SELECT data FROM latchkey.events WHERE account_id = :'b' AND type = 'quota.refunded';
-- To the period in which it was consumed.
UPDATE latchkey.usage SET period_start = period_start - interval '24 hours' WHERE account_id = :'b' AND feature = 'q_day';
UPDATE latchkey.quota_consumptions SET period_start = period_start - interval '24 hours', resets_at = resets_at - interval '24 hours' WHERE account_id = :'b';
SELECT used FROM latchkey.consume(:'b', 'q_day', 3);
SELECT used, resets_at < now() AS yesterday FROM latchkey.refund_consumption(:'b', 'two');
SELECT used FROM latchkey.quota(:'b', 'q_day');
-- Old keys go.
UPDATE latchkey.quota_consumptions SET consumed_at = consumed_at - interval '31 days' WHERE account_id = :'b' AND idempotency_key = 'one';
SELECT latchkey.purge_consumptions(), latchkey.purge_consumptions();
SELECT string_agg(idempotency_key, ' ') FROM latchkey.quota_consumptions WHERE account_id = :'b';
SELECT regress.error_of(format('SELECT latchkey.purge_consumptions(%s)', n)) FROM unnest(ARRAY['0', '100001', 'NULL']) AS n;
-- Counters of past periods go when the setting says so, and never sooner than after 400 days; the one since ever stays.
INSERT INTO latchkey.usage SELECT :'b', 'q_old', p, now() - d * interval '1 day', 1 FROM (VALUES ('day', 500), ('month', 401), ('billing', 399), ('day', 1)) AS v (p, d);
INSERT INTO latchkey.usage VALUES (:'b', 'q_old', 'ever', '-infinity', 4);
SELECT latchkey.purge_usage() AS kept_for_ever;
SELECT latchkey.set_setting('quotas.usage_retention', '1 day');
SELECT latchkey.purge_usage(1), latchkey.purge_usage(), latchkey.purge_usage();
SELECT period FROM latchkey.usage WHERE account_id = :'b' AND feature = 'q_old' ORDER BY period_start;
SELECT regress.error_of(format('SELECT latchkey.purge_usage(%s)', n)) FROM unnest(ARRAY['0', '100001', 'NULL']) AS n;
SELECT latchkey.set_setting('quotas.usage_retention', '0');
DELETE FROM latchkey.usage WHERE account_id = :'b' AND feature = 'q_old';

-- Time zones: days and months begin in the account's, whatever the session's is; what is used stays used.
SET TimeZone = 'Asia/Tokyo';
SELECT latchkey.set_time_zone(:'b', 'America/New_York');
SELECT used, resets_at = (date_trunc('day', now() AT TIME ZONE 'America/New_York') + interval '1 day') AT TIME ZONE 'America/New_York' AS their_midnight FROM latchkey.quota(:'b', 'q_day');
SELECT latchkey.set_time_zone(:'b', 'Pacific/Kiritimati');
SELECT used, resets_at = (date_trunc('day', now() AT TIME ZONE 'Pacific/Kiritimati') + interval '1 day') AT TIME ZONE 'Pacific/Kiritimati' AS their_midnight FROM latchkey.quota(:'b', 'q_day');
SELECT left(regress.error_of(format('SELECT latchkey.consume(%L, ''q_day'')', :'b')), 5);
SELECT used, resets_at = (date_trunc('month', now() AT TIME ZONE 'Pacific/Kiritimati') + interval '1 month') AT TIME ZONE 'Pacific/Kiritimati' AS their_month FROM latchkey.consume(:'b', 'q_month');
RESET TimeZone;
SELECT regress.error_of(format('SELECT latchkey.set_time_zone(%s)', s)) FROM unnest(ARRAY[format('%L, ''Nowhere/Land''', :'b'), format('%L, ''UTC+3''', :'b'), format('%L, NULL', :'b'), '''00000000-0000-7000-8000-000000000000'', ''UTC''']) AS s;
SELECT regress.events_of(:'b');
-- Requests are counted in UTC, by both who count them.
SELECT latchkey.set_plan_feature('free', 'requests', 10, 'day') IS NOT NULL AS set;
SELECT usage_daily FROM latchkey.count_usage(:'b', 7);
SELECT used, remaining FROM latchkey.consume(:'b', 'requests', 3);
SELECT usage_daily FROM latchkey.get_user(:'b');
-- The billing period, and after its end month by month.
SELECT latchkey.set_billing_period(:'a', now() - interval '10 days', now() + interval '20 days');
SELECT q.used, q.resets_at = s.period_ends_at AS at_its_end FROM latchkey.consume(:'a', 'q_billing') AS q, latchkey.subscription(:'a') AS s;
SELECT latchkey.set_billing_period(:'a', '2024-01-31 12:00+00', '2024-02-29 12:00+00');
SELECT q.used, q.resets_at > now() AS ahead, extract(day FROM q.resets_at AT TIME ZONE 'UTC') IN (28, 29) AS on_its_day FROM latchkey.consume(:'a', 'q_billing') AS q;
SELECT latchkey.set_billing_period(:'a', NULL, NULL);

-- A metered table: with a limit on the rows there are …
CREATE TABLE regress.campaigns (id integer, account_id uuid);
CREATE TRIGGER meter AFTER INSERT OR UPDATE OR DELETE ON regress.campaigns FOR EACH ROW EXECUTE FUNCTION latchkey.meter('campaigns');
SELECT latchkey.set_plan_feature('free', 'campaigns', 3, 'ever') IS NOT NULL AS set;
INSERT INTO regress.campaigns SELECT i, :'a' FROM generate_series(1, 3) AS i;
SELECT regress.error_of(format('INSERT INTO regress.campaigns VALUES (4, %L)', :'a'));
DELETE FROM regress.campaigns WHERE id = 1;
INSERT INTO regress.campaigns VALUES (4, :'a'), (9, NULL);
-- Nor by giving a row to another account, or taking one over.
UPDATE regress.campaigns SET account_id = :'b' WHERE id = 2;
SELECT a.used AS a, b.used AS b FROM latchkey.quota(:'a', 'campaigns') AS a, latchkey.quota(:'b', 'campaigns') AS b;
UPDATE regress.campaigns SET account_id = :'a' WHERE id = 9;
SELECT regress.error_of(format('UPDATE regress.campaigns SET account_id = %L WHERE id = 2', :'a'));
UPDATE regress.campaigns SET id = id + 100;
DELETE FROM regress.campaigns WHERE account_id = :'a';
SELECT used FROM latchkey.quota(:'a', 'campaigns');
-- … and with one on rows added in a period: a deletion gives nothing back, and the rows there are stay counted for another plan's limit.
SELECT latchkey.set_feature_override(:'a', 'campaigns', 3, 'day');
INSERT INTO regress.campaigns SELECT i, :'a' FROM generate_series(1, 3) AS i;
DELETE FROM regress.campaigns WHERE id = 1;
SELECT left(regress.error_of(format('INSERT INTO regress.campaigns VALUES (4, %L)', :'a')), 5);
SELECT latchkey.clear_feature_override(:'a', 'campaigns');
SELECT period, used FROM latchkey.quota(:'a', 'campaigns');
-- Without the feature nothing can be added, but what there is can go.
SELECT latchkey.set_feature_override(:'a', 'campaigns', granted => false);
SELECT regress.error_of(format('INSERT INTO regress.campaigns VALUES (4, %L)', :'a'));
DELETE FROM regress.campaigns WHERE account_id = :'a';
SELECT latchkey.clear_feature_override(:'a', 'campaigns');
SELECT used FROM latchkey.quota(:'a', 'campaigns');
SELECT regress.error_of('INSERT INTO regress.campaigns VALUES (4, ''00000000-0000-7000-8000-000000000000'')');
-- Triggers that are made wrongly say so at their first row.
CREATE TABLE regress.wrong (id integer, account_id uuid, owner text);
CREATE TRIGGER wrong BEFORE INSERT ON regress.wrong FOR EACH ROW EXECUTE FUNCTION latchkey.meter('campaigns');
SELECT regress.error_of(format('INSERT INTO regress.wrong VALUES (1, %L)', :'a'));
DROP TRIGGER wrong ON regress.wrong;
CREATE TRIGGER wrong AFTER INSERT ON regress.wrong FOR EACH STATEMENT EXECUTE FUNCTION latchkey.meter('campaigns');
SELECT regress.error_of(format('INSERT INTO regress.wrong VALUES (1, %L)', :'a'));
DROP TRIGGER wrong ON regress.wrong;
CREATE TRIGGER wrong AFTER INSERT ON regress.wrong FOR EACH ROW EXECUTE FUNCTION latchkey.meter();
SELECT regress.error_of(format('INSERT INTO regress.wrong VALUES (1, %L)', :'a'));
DROP TRIGGER wrong ON regress.wrong;
CREATE TRIGGER wrong AFTER INSERT ON regress.wrong FOR EACH ROW EXECUTE FUNCTION latchkey.meter('campaigns', 'owner');
SELECT regress.error_of(format('INSERT INTO regress.wrong VALUES (1, %L, ''x'')', :'a'));
DROP TRIGGER wrong ON regress.wrong;
CREATE TRIGGER wrong AFTER INSERT ON regress.wrong FOR EACH ROW EXECUTE FUNCTION latchkey.meter('campaigns', 'nowhere');
SELECT regress.error_of(format('INSERT INTO regress.wrong VALUES (1, %L)', :'a'));
DROP TABLE regress.wrong, regress.campaigns;
-- The application's role meters its own table without any right to ours; nobody refunds themselves.
CREATE SCHEMA AUTHORIZATION regress_latchkey_app;
SET ROLE regress_latchkey_app;
CREATE TABLE regress_latchkey_app.notes (account_id uuid);
CREATE TRIGGER meter AFTER INSERT OR DELETE ON regress_latchkey_app.notes FOR EACH ROW EXECUTE FUNCTION latchkey.meter('campaigns');
INSERT INTO regress_latchkey_app.notes VALUES (:'a');
SELECT used FROM latchkey.quota(:'a', 'campaigns');
DROP TABLE regress_latchkey_app.notes;
RESET ROLE;
DROP SCHEMA regress_latchkey_app;
SELECT regress.token_of('quo_a') AS token \gset
SET ROLE regress_latchkey_gateway;
BEGIN;
SELECT (latchkey.authenticate(:'token')).user_id IS NOT NULL AS bound;
SELECT used FROM latchkey.consume(:'a', 'q_month', 1, 'own');
SELECT regress.error_of(s) FROM unnest(ARRAY[format('SELECT latchkey.refund_consumption(%L, ''own'')', :'a'), format('SELECT latchkey.set_time_zone(%L, ''UTC'')', :'a'), format('SELECT latchkey.consume(%L, ''q_month'')', :'b'), format('SELECT latchkey.usage(%L)', :'b')]) AS s;
ROLLBACK;
RESET ROLE;
DELETE FROM latchkey.plan_features WHERE NOT seeded;
