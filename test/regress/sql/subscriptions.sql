-- Subscriptions: all in one row, the intended plan, billing periods, and what an account was entitled to.
SELECT regress.new_user('sub_a') AS a \gset
SELECT tier, plan, plan_version, status, trial_status, period_ends_at, cancel_at, intended_plan, last_webhook_at FROM latchkey.subscription(:'a');
SELECT latchkey.set_intended_plan(:'a', 'premium', 'year');
SELECT tier, intended_plan, intended_interval FROM latchkey.subscription(:'a');
SELECT latchkey.set_tier(:'a', 'premium', 'past_due');
SELECT latchkey.set_billing_period(:'a', '2026-01-01+00', '2026-02-01+00', '2026-02-01+00', '2026-01-15 10:00+00');
-- An older word doesn't turn the clock back.
SELECT latchkey.set_billing_period(:'a', '2026-01-01+00', '2026-02-01+00', NULL, '2026-01-14 10:00+00');
SET TimeZone = 'UTC';
SELECT tier, plan, plan_version, status, period_starts_at, period_ends_at, cancel_at, intended_plan, last_webhook_at FROM latchkey.subscription(:'a');
RESET TimeZone;
SELECT latchkey.set_intended_plan(:'a', NULL);
SELECT intended_plan, intended_interval FROM latchkey.subscription(:'a');
SELECT regress.error_of(format('SELECT latchkey.set_intended_plan(%L, %s)', :'a', s)) FROM unnest(ARRAY['''none''', '''pro'', ''week''']) AS s;
SELECT latchkey.retire_plan('pro');
SELECT regress.error_of(format('SELECT latchkey.set_intended_plan(%L, ''pro'')', :'a'));
SELECT active FROM latchkey.set_plan('pro', active => true);
SELECT regress.error_of(format('SELECT latchkey.set_billing_period(%L, %s)', :'a', s)) FROM unnest(ARRAY['''2026-02-01'', ''2026-01-01''', '''2026-01-01'', NULL', 'NULL, ''2026-01-01''']) AS s;
SELECT regress.error_of(format(s, '00000000-0000-7000-8000-000000000000')) FROM unnest(ARRAY['SELECT latchkey.subscription(%L)', 'SELECT latchkey.set_intended_plan(%L, ''pro'')', 'SELECT latchkey.set_billing_period(%L, NULL, NULL)']) AS s;
SELECT regress.events_of(:'a');
-- Then and now. The times of the steps are moved into the past.
SELECT regress.new_user('sub_b') AS b \gset
SELECT status FROM latchkey.start_trial(:'b', 'pro', '2 days');
SELECT latchkey.set_tier(:'b', 'premium');
SELECT latchkey.set_tier(:'b', 'premium', 'past_due');
SELECT latchkey.set_tier(:'b', 'premium', 'canceled');
WITH steps AS (SELECT id, row_number() OVER (ORDER BY since, id) AS n FROM latchkey.account_standings WHERE account_id = :'b')
UPDATE latchkey.account_standings h SET since = '2026-01-01+00'::timestamptz + n * interval '10 days', status_changed_at = '2026-01-01+00'::timestamptz + n * interval '10 days',
       trial_starts_at = CASE WHEN trial_starts_at IS NOT NULL THEN '2026-01-11+00'::timestamptz END, trial_ends_at = CASE WHEN trial_ends_at IS NOT NULL THEN '2026-01-13+00'::timestamptz END
  FROM steps WHERE h.account_id = :'b' AND h.id = steps.id;
SET TimeZone = 'UTC';
SELECT t, p.tier, p.plan_version, p.plan, p.status, p.since FROM unnest(ARRAY['2026-01-10', '2026-01-11', '2026-01-12 23:59:59.999999', '2026-01-13', '2026-01-25', '2026-02-05', '2026-02-07', '2026-02-10', '2026-06-01']::timestamptz[]) AS t, latchkey.plan_at(:'b', t) AS p;
RESET TimeZone;
SELECT tier, plan, since FROM latchkey.plan_at('00000000-0000-7000-8000-000000000000', now());
SELECT regress.error_of(format('SELECT latchkey.plan_at(%L, NULL)', :'b'));
-- Overrides too, each until it was replaced, taken back, or over; the free plan's features are those of its version then.
SELECT regress.new_user('sub_c') AS c \gset
SELECT latchkey.set_feature_override(:'c', 'sub_seats', 5, 'ever', ends_at => now() + interval '1 hour'), latchkey.set_feature_override(:'c', 'sub_seats', 7, 'day', reason => 'more'), latchkey.set_feature_override(:'c', 'model:gpt-3.5-turbo', granted => false),
       latchkey.clear_feature_override(:'c', 'sub_seats'), latchkey.clear_feature_override(:'c', 'model:gpt-3.5-turbo'), latchkey.clear_feature_override(:'c', 'sub_seats');
SELECT feature, granted, granted_limit, period, ends_at IS NOT NULL AS ends, reason, set_by FROM latchkey.feature_override_changes WHERE account_id = :'c' ORDER BY since, id;
WITH steps AS (SELECT id, row_number() OVER (ORDER BY since, id) AS n FROM latchkey.feature_override_changes WHERE account_id = :'c')
UPDATE latchkey.feature_override_changes h SET since = '2026-07-01+00'::timestamptz + n * interval '10 days', ends_at = CASE WHEN ends_at IS NOT NULL THEN '2026-07-15+00'::timestamptz END FROM steps WHERE h.account_id = :'c' AND h.id = steps.id;
SET TimeZone = 'UTC';
SELECT t, p.tier, f AS feature FROM unnest(ARRAY['2026-07-10', '2026-07-11', '2026-07-14 23:59:59.999999', '2026-07-15', '2026-07-21', '2026-07-31', '2026-08-10', '2026-08-20']::timestamptz[]) AS t, latchkey.plan_at(:'c', t) AS p
  LEFT JOIN LATERAL (SELECT f FROM jsonb_array_elements(p.features) AS f WHERE f ->> 'feature' IN ('sub_seats', 'model:gpt-3.5-turbo')) AS f ON true ORDER BY t, f;
RESET TimeZone;
SELECT latchkey.set_feature_override(:'c', 'sub_seats', 1);
-- Now is as features() says.
SELECT jsonb_agg(to_jsonb(f)) = (latchkey.plan_at(:'c', clock_timestamp())).features AS same FROM latchkey.features(:'c') AS f;
SELECT latchkey.clear_feature_override(:'c', 'sub_seats');
DELETE FROM latchkey.account_standings WHERE account_id = :'b' AND subscription_status <> 'canceled';
-- One's own, and nobody else's.
SELECT regress.token_of('sub_a') AS token \gset
SET ROLE regress_latchkey_gateway;
BEGIN;
SELECT (latchkey.authenticate(:'token')).user_id IS NOT NULL AS bound;
SELECT tier FROM latchkey.subscription(:'a');
SELECT latchkey.set_intended_plan(:'a', 'pro', 'month');
SELECT regress.error_of(s) FROM unnest(ARRAY[format('SELECT latchkey.subscription(%L)', :'b'), format('SELECT latchkey.set_intended_plan(%L, ''pro'')', :'b'), format('SELECT latchkey.plan_at(%L, now())', :'b'), format('SELECT latchkey.set_billing_period(%L, NULL, NULL)', :'a')]) AS s;
COMMIT;
RESET ROLE;
