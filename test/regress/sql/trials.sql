-- Trials: one per account and address, with dates that hold at their instant, swept or not.
SELECT regress.new_user('tri_a') AS a \gset
SELECT plan, status, starts_at = requested_at AS at_once, ends_at - starts_at AS length, ended_at FROM latchkey.start_trial(:'a', 'pro');
SELECT latchkey.tier_of(:'a'), latchkey.can_use(:'a', 'model:gpt-4-turbo'), (latchkey.get_user(:'a')).tier, (latchkey.get_user(:'a')).subscription_status;
SELECT regress.error_of(format('SELECT latchkey.start_trial(%L, ''premium'')', :'a'));
SELECT status FROM latchkey.cancel_trial(:'a');
SELECT latchkey.tier_of(:'a'), regress.error_of(format('SELECT latchkey.cancel_trial(%L)', :'a')), regress.error_of(format('SELECT latchkey.start_trial(%L, ''premium'')', :'a'));
-- The same address, once more after its user is gone, in another case and with a tag.
SELECT latchkey.delete_user(:'a');
SELECT id AS a2 FROM latchkey.register_user('TRI_A+again@Example.com', 'password of tri_a') \gset
SELECT regress.error_of(format('SELECT latchkey.start_trial(%L, ''pro'')', :'a2'));
SELECT count(*), bool_and(length(address_digest) = 32) AS digests, bool_or(address_digest = sha256('tri_a@example.com')) AS guessable FROM latchkey.trial_addresses;
SELECT latchkey.set_setting('trials.once_per_address', 'false');
SELECT plan, status FROM latchkey.start_trial(:'a2', 'pro');
SELECT latchkey.set_setting('trials.once_per_address', 'true');
-- The end, at its instant.
SELECT regress.new_user('tri_b') AS b \gset
SELECT status FROM latchkey.start_trial(:'b', 'premium', interval '0.4 seconds');
SELECT latchkey.tier_of(:'b'), latchkey.expire_trials() AS swept;
SELECT pg_sleep(0.5);
SELECT latchkey.tier_of(:'b'), (latchkey.get_user(:'b')).tier, (latchkey.get_user(:'b')).subscription_status, latchkey.can_use(:'b', 'model:gpt-4');
SELECT t.status, t.ended_at = t.ends_at AS at_its_end, s.status AS stored FROM latchkey.trial_of(:'b') AS t, latchkey.trials s WHERE s.account_id = t.account_id;
SELECT count(*) AS free, (SELECT count(*) FROM latchkey.list_users(search => 'tri_b', tier => 'premium')) AS premium FROM latchkey.list_users(search => 'tri_b', tier => 'free');
SELECT latchkey.expire_trials(), latchkey.expire_trials() AS again;
SELECT status, ended_at = ends_at AS at_its_end FROM latchkey.trials WHERE account_id = :'b';
SELECT plan, plan_version, subscription_status, trial_ends_at FROM latchkey.accounts WHERE id = :'b';
SELECT regress.events_of(:'b');
-- A start to come: pending until then, and free.
SELECT regress.new_user('tri_c') AS c \gset
SELECT status, ends_at - starts_at AS length FROM latchkey.start_trial(:'c', 'pro', '3 days', clock_timestamp() + interval '0.4 seconds');
SELECT latchkey.tier_of(:'c'), (SELECT status FROM latchkey.trial_of(:'c')), (latchkey.subscription(:'c')).status AS subscription;
SELECT pg_sleep(0.5);
SELECT latchkey.tier_of(:'c'), (SELECT status FROM latchkey.trial_of(:'c')), latchkey.expire_trials() AS swept;
SELECT regress.events_of(:'c');
-- Which are about to end.
SELECT count(*) FILTER (WHERE account_id = :'c') AS c, count(*) FILTER (WHERE account_id = :'b') AS b FROM latchkey.expiring_trials('4 days');
SELECT count(*) FROM latchkey.expiring_trials('1 day') WHERE account_id = :'c';
SELECT (SELECT array_agg(account_id) FROM latchkey.expiring_trials('30 days'))
     = (SELECT array_agg(account_id) FROM latchkey.expiring_trials('30 days', max_rows => 1)) || (SELECT array_agg(t.account_id) FROM latchkey.expiring_trials('30 days', (SELECT account_id FROM latchkey.expiring_trials('30 days', max_rows => 1))) AS t) AS paged;
-- Converted by a subscription, in the trial's version of the plan; cancelled by one that grants nothing.
SELECT latchkey.set_tier(:'c', 'pro');
SELECT status, ended_at < ends_at AS before_its_end FROM latchkey.trial_of(:'c');
SELECT latchkey.tier_of(:'c'), regress.events_of(:'c');
SELECT regress.new_user('tri_d') AS d \gset
SELECT status FROM latchkey.start_trial(:'d', 'pro');
SELECT latchkey.set_tier(:'d', 'pro', 'canceled');
SELECT status FROM latchkey.trial_of(:'d');
-- After its end, unswept, a subscription doesn't make it converted.
SELECT regress.new_user('tri_e') AS e \gset
SELECT status FROM latchkey.start_trial(:'e', 'pro', '0.1 seconds');
SELECT pg_sleep(0.2);
SELECT latchkey.set_tier(:'e', 'pro');
SELECT status FROM latchkey.trial_of(:'e');
SELECT latchkey.tier_of(:'e'), regress.events_of(:'e');
-- A plan in force, and what else stands against a trial.
SELECT regress.new_user('tri_f') AS f \gset
SELECT latchkey.set_tier(:'f', 'premium');
SELECT regress.error_of(format('SELECT latchkey.start_trial(%L, ''pro'')', :'f')), regress.error_of(format('SELECT latchkey.cancel_trial(%L)', :'f')), (SELECT count(*) FROM latchkey.trial_of(:'f')) AS trials;
SELECT latchkey.set_tier(:'f', 'free', 'inactive');
SELECT s, regress.error_of(format('SELECT latchkey.start_trial(%L, %s)', :'f', s)) FROM unnest(ARRAY['''free''', '''none''', 'NULL', '''pro'', ''0''', '''pro'', ''-1 day''', '''pro'', ''367 days''', '''pro'', NULL, now() + interval ''367 days''', '''pro'', NULL, ''infinity''']) AS s;
SELECT regress.error_of(s) FROM unnest(ARRAY['SELECT latchkey.start_trial(''00000000-0000-7000-8000-000000000000'', ''pro'')', 'SELECT latchkey.start_trial(NULL, ''pro'')', 'SELECT latchkey.cancel_trial(''00000000-0000-7000-8000-000000000000'')',
  'SELECT latchkey.expire_trials(0)', 'SELECT latchkey.expire_trials(10001)', 'SELECT latchkey.expiring_trials(NULL)', 'SELECT latchkey.expiring_trials(''1 day'', NULL, 1001)']) AS s;
SELECT latchkey.retire_plan('premium');
SELECT regress.error_of(format('SELECT latchkey.start_trial(%L, ''premium'')', :'f'));
SELECT active FROM latchkey.set_plan('premium', active => true);
-- Users start their own, of the length that is set, of plans that have a price; a tenant's counts for who asks.
SELECT regress.token_of('tri_f') AS token \gset
SET ROLE regress_latchkey_gateway;
BEGIN;
SELECT (latchkey.authenticate(:'token')).user_id IS NOT NULL AS bound;
SELECT regress.error_of(format('SELECT latchkey.start_trial(%L, %s)', :'f', s)) FROM unnest(ARRAY['''pro'', ''300 days''', '''pro'', NULL, now() + interval ''1 day''', '''enterprise''']) AS s;
SELECT regress.error_of(format('SELECT latchkey.start_trial(%L, ''pro'')', :'d')), regress.error_of(format('SELECT latchkey.trial_of(%L)', :'d')), regress.error_of('SELECT latchkey.expiring_trials(''1 day'')');
SELECT status, ends_at - starts_at AS length FROM latchkey.start_trial(:'f', 'pro');
SELECT status FROM latchkey.cancel_trial(:'f');
COMMIT;
RESET ROLE;
SELECT latchkey.set_setting('trials.length', '14 days');
SELECT ends_at - starts_at AS length FROM latchkey.start_trial(regress.new_user('tri_g'), 'pro');
UPDATE latchkey.settings SET value = default_value WHERE key LIKE 'trials.%';
-- Reminders: a job for each trial and offset, once; for what passed meanwhile the shortest alone; none for what is longer than the trial.
SELECT regress.new_user('tri_remind') AS r \gset
SELECT status FROM latchkey.start_trial(:'r', 'pro', '5 days');
SELECT latchkey.remind_trials() AS without_offsets;
SELECT latchkey.set_setting('trials.reminder_offsets', '["1 day", "3 days", "2 days", "1 hour", "5 days", "1 year"]');
SELECT latchkey.remind_trials() IS NOT NULL AS too_early, (SELECT count(*) FROM latchkey.jobs WHERE account_id = :'r') AS jobs;
CREATE FUNCTION regress.remind_before(account uuid, remains interval) RETURNS TABLE (type text, payload jsonb, again integer) LANGUAGE sql AS $$
  UPDATE latchkey.trials SET (requested_at, starts_at, ends_at) = (SELECT e - interval '5 days', e - interval '5 days', e FROM (SELECT clock_timestamp() + remains) AS x (e)) WHERE account_id = account;
  SELECT latchkey.remind_trials();
  SELECT j.type, j.payload - 'ends_at', latchkey.remind_trials() FROM latchkey.jobs j WHERE j.account_id = account ORDER BY j.id;
$$;
SELECT * FROM regress.remind_before(:'r', '3 days 1 minute');
SELECT * FROM regress.remind_before(:'r', '2 days 23 hours');
SELECT * FROM regress.remind_before(:'r', '20 hours');
SELECT latchkey.set_setting('trials.reminder_offsets', '["1 day", "2 days", "1 hour", "4 days"]');
SELECT * FROM regress.remind_before(:'r', '2 hours');
SELECT latchkey.cancel_trial(:'r') IS NOT NULL AS cancelled;
SELECT count(*) AS jobs FROM regress.remind_before(:'r', '30 minutes');
SELECT call, regress.error_of(call) FROM unnest(ARRAY['SELECT latchkey.remind_trials(0)', 'SELECT latchkey.remind_trials(10001)', 'SELECT latchkey.remind_trials(NULL)']) AS call;
SELECT latchkey.set_setting('trials.reminder_offsets', '["soon"]');
SELECT regress.error_of('SELECT latchkey.remind_trials()');
SELECT latchkey.set_setting('trials.reminder_offsets', '{"a": 1}');
SELECT regress.error_of('SELECT latchkey.remind_trials()');
SELECT latchkey.set_setting('trials.reminder_offsets', '[]');
