-- Stripe's events in any order, with duplicates: always the same final state. Every order is rolled back, so that all are of one account.
SELECT regress.new_user('orders') AS account \gset
SELECT key FROM latchkey.set_plan('premium', stripe_monthly_price_id => 'price_1SamplePremiumMonthly');
SELECT key FROM latchkey.set_plan('pro', stripe_monthly_price_id => 'price_1SampleProMonthly');
CREATE FUNCTION regress.stripe_state(account uuid) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object(
    'subscription', (SELECT to_jsonb(s) - 'account_id' - CASE WHEN EXISTS (SELECT FROM latchkey.trial_of(account)) THEN 'trial_ends_at' ELSE '' END FROM latchkey.subscription(account) AS s),
    'trial', (SELECT status FROM latchkey.trial_of(account)),
    'transactions', (SELECT jsonb_agg(jsonb_build_array(kind, amount_cents, currency, occurred_at, credits, credits_revoked, stripe_invoice_id, stripe_subscription_id) ORDER BY kind, amount_cents, occurred_at) FROM latchkey.list_billing_transactions(account)),
    'ledger', (SELECT jsonb_object_agg(kind, total) FROM (SELECT kind, sum(amount) AS total FROM latchkey.credit_transactions WHERE account_id = account GROUP BY kind) AS l),
    'available', (SELECT available FROM latchkey.credit_balance(account)),
    'debt', (SELECT credit_debt FROM latchkey.billing_accounts WHERE account_id = account),
    'problems', (SELECT count(*) FROM latchkey.verify_ledger(account)),
    'cards', (SELECT jsonb_agg(to_jsonb(m)) FROM latchkey.list_payment_methods(account) AS m),
    'outcomes', (SELECT jsonb_object_agg(stripe_event_id, concat_ws(' ', outcome, reason)) FROM latchkey.billing_events WHERE stripe_event_id LIKE 'evt\_1Sample%'))
$$;
-- What it comes to when the events come in that order.
CREATE FUNCTION regress.stripe_run(account uuid, ids text[], finally text DEFAULT 'SELECT 1') RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  state jsonb;
BEGIN
  PERFORM regress.stripe_send(replace(s.event, '%USER%', account::text)) FROM unnest(ids) WITH ORDINALITY AS i (id, place), LATERAL (SELECT event FROM regress.stripe_samples AS r WHERE r.id = i.id) AS s ORDER BY place;
  EXECUTE finally;
  state := regress.stripe_state(account);
  RAISE EXCEPTION USING ERRCODE = 'RG000';
EXCEPTION WHEN SQLSTATE 'RG000' THEN RETURN state;
END $$;
CREATE TABLE regress.stripe_ids AS SELECT array_agg(id ORDER BY (event::jsonb ->> 'created')::bigint, id) AS ids FROM regress.stripe_samples;
SET TimeZone = 'UTC';
CREATE TABLE regress.stripe_expected AS SELECT regress.stripe_run(:'account', ids) AS state FROM regress.stripe_ids;
SELECT e.key, jsonb_pretty(e.value) AS value FROM regress.stripe_expected, jsonb_each(state) AS e ORDER BY e.key;
-- Reversed; all twice; and applied again.
SELECT regress.stripe_run(:'account', ARRAY(SELECT id FROM unnest(ids) WITH ORDINALITY AS u (id, place) ORDER BY place DESC)) = state AS reversed, regress.stripe_run(:'account', ids || ids) = state AS twice,
       regress.stripe_run(:'account', ids, 'SELECT latchkey.replay_billing()') = state AS replayed FROM regress.stripe_ids, regress.stripe_expected;
-- 200 random orders with some twice or more often. An order that leads elsewhere is shown with the seed that makes it again.
CREATE FUNCTION regress.stripe_shuffled(ids text[], seed double precision) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
  PERFORM setseed(seed);
  RETURN ARRAY(SELECT id FROM (SELECT id FROM unnest(ids) AS id UNION ALL SELECT id FROM unnest(ids) AS id WHERE random() < 0.3 UNION ALL SELECT id FROM unnest(ids) AS id WHERE random() < 0.1) AS chosen ORDER BY random());
END $$;
CREATE TABLE regress.stripe_seeds AS SELECT place, random() AS seed FROM generate_series(1, 200) AS place;
SELECT s.seed, o.ids, r.state FROM regress.stripe_seeds AS s, regress.stripe_ids AS i, regress.stripe_expected AS e, LATERAL (SELECT regress.stripe_shuffled(i.ids, s.seed)) AS o (ids), LATERAL (SELECT regress.stripe_run(:'account', o.ids)) AS r (state)
 WHERE r.state IS DISTINCT FROM e.state;
SELECT count(DISTINCT regress.stripe_shuffled(ids, seed)) AS orders, min(cardinality(regress.stripe_shuffled(ids, seed))) >= 17 AS complete FROM regress.stripe_seeds, regress.stripe_ids;
-- The same with prices that come last.
UPDATE latchkey.plan_prices SET price_id = 'not_yet_' || price_id WHERE price_id LIKE 'price\_1Sample%';
SELECT regress.stripe_run(:'account', ids) #>> '{subscription,plan}' AS before, regress.stripe_run(:'account', ids, 'UPDATE latchkey.plan_prices SET price_id = replace(price_id, ''not_yet_'', ''''); SELECT latchkey.apply_parked_events()') = state AS same
  FROM regress.stripe_ids, regress.stripe_expected;
UPDATE latchkey.plan_prices SET price_id = replace(price_id, 'not_yet_', '');
-- Of an account in a trial of ours, with events of our own making beside the samples: a subscription that goes from a price of a plan's first version to one of its
-- second, and to the yearly one, which has named both; an attempt that was never paid. Then the same with its end.
SELECT regress.new_user('orders_trial') AS tried \gset
SELECT key FROM latchkey.set_plan('duo', 'Duo', rank => 18, monthly_price_cents => 500, yearly_price_cents => 5000, stripe_monthly_price_id => 'price_duo_1', stripe_yearly_price_id => 'price_duo_year');
SELECT latchkey.set_tier(regress.new_user('orders_pin'), 'duo');
SELECT version, stripe_yearly_price_id FROM latchkey.set_plan('duo', monthly_price_cents => 600);
SELECT version FROM latchkey.set_plan('duo', stripe_monthly_price_id => 'price_duo_2');
SELECT status FROM latchkey.start_trial(:'tried', 'pro', '90 days');
INSERT INTO regress.stripe_samples SELECT 'evt_1SampleDuo' || place, regress.stripe_event('evt_1SampleDuo' || place, 'customer.subscription.' || type, at, jsonb_build_object('id', sub, 'object', 'subscription', 'customer', 'cus_SampleCustomer1', 'status', status, 'start_date', 1763700000,
    'items', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('price', jsonb_build_object('id', price), 'current_period_start', at, 'current_period_end', at + 2592000)))))
  FROM (VALUES (1, 'created', regress.stripe_now() - 60, 'sub_duo', 'active', 'price_duo_1'), (2, 'updated', regress.stripe_now() + 100, 'sub_duo', 'active', 'price_duo_2'), (3, 'updated', regress.stripe_now() + 100, 'sub_duo', 'past_due', 'price_duo_1'),
    (4, 'updated', regress.stripe_now() + 200, 'sub_duo', 'active', 'price_duo_year'), (5, 'updated', regress.stripe_now() + 150, 'sub_duo_unpaid', 'incomplete_expired', 'price_1SampleProMonthly'),
    (6, 'deleted', regress.stripe_now() + 300, 'sub_duo', 'canceled', 'price_duo_year')) AS e (place, type, at, sub, status, price);
CREATE FUNCTION regress.stripe_made(account uuid, last integer) RETURNS TABLE (ids text[], state jsonb) LANGUAGE sql AS $$
  SELECT all_ids, regress.stripe_run(account, all_ids) FROM (SELECT array_agg(id ORDER BY (event::jsonb ->> 'created')::bigint, id) AS all_ids FROM regress.stripe_samples WHERE id NOT LIKE 'evt\_1SampleDuo%' OR right(id, 1)::integer <= last) AS s
$$;
CREATE TABLE regress.stripe_made_expected AS SELECT last, m.* FROM unnest(ARRAY[2, 4, 6]) AS last, regress.stripe_made(:'tried', last) AS m;
SELECT last, cardinality(ids) AS events, state #>> '{subscription,plan}' AS plan, state #>> '{subscription,plan_version}' AS version, state #>> '{subscription,status}' AS status, state ->> 'trial' AS trial FROM regress.stripe_made_expected ORDER BY last;
SELECT e.last, regress.stripe_run(:'tried', ARRAY(SELECT id FROM unnest(e.ids) WITH ORDINALITY AS u (id, place) ORDER BY place DESC)) = e.state AS reversed FROM regress.stripe_made_expected AS e ORDER BY e.last;
SELECT e.last, s.seed, o.ids, r.state FROM regress.stripe_made_expected AS e JOIN regress.stripe_seeds AS s ON s.place <= CASE e.last WHEN 4 THEN 200 ELSE 40 END, LATERAL (SELECT regress.stripe_shuffled(e.ids, s.seed)) AS o (ids), LATERAL (SELECT regress.stripe_run(:'tried', o.ids)) AS r (state)
 WHERE r.state IS DISTINCT FROM e.state;
DELETE FROM regress.stripe_samples WHERE id LIKE 'evt\_1SampleDuo%';
SELECT (latchkey.cancel_trial(:'tried')).status, latchkey.retire_plan('duo');
RESET TimeZone;
UPDATE latchkey.plan_prices SET active = false WHERE price_id IN ('price_1SamplePremiumMonthly', 'price_1SampleProMonthly', 'price_bill_later');
