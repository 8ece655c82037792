-- Plans as functions define them: versions, prices, overrides, and what of it running accounts see.
SELECT regress.new_user('ver_old') AS old \gset
SELECT regress.new_user('ver_new') AS new \gset
-- A plan of one's own. Nobody has it yet, so changes make no version.
SELECT key, version, display_name, rank, monthly_price_cents, yearly_price_cents, currency, stripe_monthly_price_id, active, features
  FROM latchkey.set_plan('studio', 'Studio', 'For studios.', 15, 1900, 19000, stripe_monthly_price_id => 'price_studio_1', stripe_yearly_price_id => 'price_studio_year', sort_order => 15);
SELECT latchkey.set_plan_feature('studio', 'campaigns', 3, 'ever'), latchkey.set_plan_feature('studio', 'export', 10, 'day'), latchkey.set_plan_feature('studio', 'sso');
SELECT version FROM latchkey.set_plan('studio', monthly_price_cents => 2000);
SELECT feature, granted_limit, period FROM latchkey.features_of_plan('studio');
SELECT plan, version, billing_interval, active FROM latchkey.plan_of_price('price_studio_1');
-- Who subscribes pins the version; every change after that begins one, and the account keeps what it pays for.
SELECT latchkey.set_tier(:'old', 'studio');
SELECT latchkey.set_plan_feature('studio', 'campaigns', 1, 'ever') AS version;
SELECT latchkey.set_plan_feature('studio', 'sso', granted => false) AS same_version, latchkey.set_plan_feature('studio', 'sso', granted => false) AS nothing;
SELECT latchkey.set_tier(:'new', 'studio');
SELECT latchkey.limit_of(:'old', 'campaigns') AS old, latchkey.limit_of(:'new', 'campaigns') AS new, latchkey.can_use(:'old', 'sso') AS old_sso, latchkey.can_use(:'new', 'sso') AS new_sso;
SELECT regress.error_of(format('SELECT latchkey.require_feature(%L, ''nowhere'')', :'new'));
SELECT feature, granted_limit, period FROM latchkey.features_of_plan('studio', 1);
SELECT plan, version FROM latchkey.plan_of_price('price_studio_1');
-- Another price: its id stays with the old version, the other interval's comes along.
SELECT version, monthly_price_cents, stripe_monthly_price_id, stripe_yearly_price_id FROM latchkey.set_plan('studio', monthly_price_cents => 2500);
SELECT version, stripe_monthly_price_id, stripe_yearly_price_id FROM latchkey.set_plan('studio', stripe_monthly_price_id => 'price_studio_3');
SELECT price_id, version, billing_interval, active FROM latchkey.plan_prices WHERE plan = 'studio' ORDER BY 1;
SELECT version, monthly_price_cents, yearly_price_cents, currency FROM latchkey.plan_versions WHERE plan = 'studio' ORDER BY 1;
SELECT regress.error_of(s) FROM unnest(ARRAY[$$SELECT latchkey.set_plan('studio', stripe_monthly_price_id => 'price_studio_1')$$, $$SELECT latchkey.set_plan('pro', stripe_yearly_price_id => 'price_studio_3')$$,
  $$SELECT latchkey.set_plan('studio', stripe_monthly_price_id => 'a price')$$, $$SELECT latchkey.plan_of_price('price_unknown')$$, 'SELECT latchkey.plan_of_price(NULL)']) AS s;
-- A change of the status is none of the version; who comes back after the end gets the newest.
SELECT latchkey.set_tier(:'old', 'studio', 'past_due');
SELECT plan_version FROM latchkey.subscription(:'old');
SELECT latchkey.set_tier(:'old', 'studio');
SELECT plan_version FROM latchkey.subscription(:'old');
SELECT latchkey.set_tier(:'old', 'studio', 'canceled');
SELECT plan_version, tier FROM latchkey.subscription(:'old');
SELECT latchkey.set_tier(:'old', 'studio');
SELECT plan_version, tier FROM latchkey.subscription(:'old');
-- In place, for who has it too, when that is asked for.
SELECT latchkey.set_plan_feature('studio', 'campaigns', 5, 'ever', apply_to_existing => true) AS version;
SELECT latchkey.limit_of(:'old', 'campaigns') AS newest, latchkey.limit_of(:'new', 'campaigns') AS older;
-- Moving accounts to the newest version.
SELECT latchkey.move_to_newest_version('studio', :'new'), latchkey.move_to_newest_version('studio', :'new'), latchkey.move_to_newest_version('studio');
SELECT latchkey.limit_of(:'new', 'campaigns');
SELECT data FROM latchkey.events WHERE account_id = :'new' AND type = 'plan.version_changed';
SELECT latchkey.set_plan_feature('studio', 'campaigns', 6, 'ever') AS version;
SELECT latchkey.move_to_newest_version('studio', max_accounts => 1), latchkey.move_to_newest_version('studio', max_accounts => 1), latchkey.move_to_newest_version('studio');
SELECT regress.error_of(s) FROM unnest(ARRAY['SELECT latchkey.move_to_newest_version(''none'')', 'SELECT latchkey.move_to_newest_version(''studio'', max_accounts => 0)', 'SELECT latchkey.move_to_newest_version(''studio'', max_accounts => 10001)',
  'SELECT latchkey.move_to_newest_version(NULL)', 'SELECT latchkey.features_of_plan(''studio'', 99)', 'SELECT latchkey.features_of_plan(''none'')']) AS s;
-- The free plan has no subscribers: its accounts have its newest version.
SELECT regress.new_user('ver_free') AS free \gset
SELECT latchkey.set_plan_feature('free', 'export', 1, 'day') AS version;
SELECT latchkey.limit_of(:'free', 'export');
SELECT latchkey.set_plan_feature('free', 'export', granted => false) AS version;
DELETE FROM latchkey.plan_features WHERE plan = 'free' AND NOT seeded;
SELECT latchkey.limit_of(:'free', 'export') AS none, latchkey.limit_of(:'new', 'sso') AS not_in_it, latchkey.limit_of(NULL, 'export') AS nobody;
-- Retired: off the list, refused to others, in force for who has it, and its status goes on changing.
SELECT latchkey.retire_plan('studio'), latchkey.retire_plan('studio');
SELECT count(*) FROM latchkey.list_plans() WHERE key = 'studio';
SELECT latchkey.tier_of(:'old'), regress.error_of(format('SELECT latchkey.set_tier(%L, ''studio'')', :'free'));
SELECT latchkey.set_tier(:'old', 'studio', 'past_due');
SELECT latchkey.tier_of(:'old');
SELECT active FROM latchkey.set_plan('studio', active => true);
SELECT key, version, features IS NOT NULL AS features FROM latchkey.list_plans();
-- Malformed, each with its own words.
SELECT s, regress.error_of('SELECT latchkey.set_plan(' || s || ')') FROM unnest(ARRAY['''Bad''', '''bad key'', ''x'', rank => 1', '''x''', '''x'', ''X''', '''x'', '''', rank => 1', '''x'', ''X'', rank => -1',
  '''studio'', monthly_price_cents => -1', '''studio'', currency => ''USD''', '''studio'', monthly_price_cents => 1, on_request => true', '''free'', rank => 1', '''free'', active => false', 'NULL',
  '''studio'', apply_to_existing => NULL', '''studio'', display_name => repeat(''x'', 201)', '''studio'', description => repeat(''x'', 2001)']) AS s;
SELECT s, regress.error_of('SELECT latchkey.set_plan_feature(' || s || ')') FROM unnest(ARRAY['''none'', ''x''', '''studio'', ''Bad Name''', '''studio'', ''x'', -1', '''studio'', ''x'', 1, ''week''', '''studio'', ''x'', granted => NULL', 'NULL, ''x''', '''studio'', NULL']) AS s;
SELECT regress.error_of(s) FROM unnest(ARRAY['SELECT latchkey.retire_plan(''free'')', 'SELECT latchkey.retire_plan(''none'')', 'SELECT latchkey.retire_plan(NULL)']) AS s;
SELECT monthly_price_cents, yearly_price_cents, description FROM latchkey.set_plan('studio', on_request => true, description => '');
-- What was told.
SELECT type, count(*) FROM latchkey.events WHERE aggregate = 'plan' AND aggregate_id = 'studio' GROUP BY 1 ORDER BY 1;

-- Overrides: they win over the plan, until their end.
SELECT latchkey.set_tier(:'old', 'free');
SELECT latchkey.set_feature_override(:'old', 'sso', reason => 'a friend');
SELECT latchkey.set_feature_override(:'old', 'campaigns', 2, 'ever', ends_at => clock_timestamp() + interval '0.3 seconds');
SELECT latchkey.set_feature_override(:'old', 'model:gpt-3.5-turbo', granted => false);
SELECT feature, granted_limit, period, source, ends_at IS NOT NULL AS ends FROM latchkey.features(:'old');
SELECT latchkey.can_use(:'old', 'sso'), latchkey.limit_of(:'old', 'campaigns'), latchkey.can_use(:'old', 'model:gpt-3.5-turbo'), (SELECT count(*) FROM latchkey.list_models(:'old')) AS models;
SELECT pg_sleep(0.4);
SELECT latchkey.limit_of(:'old', 'campaigns') AS over, regress.error_of(format('SELECT latchkey.require_feature(%L, ''campaigns'')', :'old'));
SELECT latchkey.set_feature_override(:'old', 'sso', 0);
SELECT latchkey.can_use(:'old', 'sso') AS limit_of_zero;
SELECT latchkey.clear_feature_override(:'old', 'sso'), latchkey.clear_feature_override(:'old', 'sso');
SELECT latchkey.clear_feature_override(:'old', 'model:gpt-3.5-turbo');
SELECT feature, source FROM latchkey.features(:'old');
SELECT s, regress.error_of(format('SELECT latchkey.set_feature_override(%L, %s)', :'old', s)) FROM unnest(ARRAY['''Bad Name''', '''x'', -1', '''x'', 1, ''week''', '''x'', ends_at => now()', '''x'', reason => repeat(''x'', 501)', 'NULL']) AS s;
SELECT regress.error_of('SELECT latchkey.set_feature_override(''00000000-0000-7000-8000-000000000000'', ''x'')');
SELECT regress.events_of(:'old');
-- In policies and CHECKs: the answer follows the account.
CREATE TABLE regress.exports (account_id uuid, CONSTRAINT may_export CHECK (latchkey.can_use(account_id, 'sso')));
SELECT regress.error_of(format('INSERT INTO regress.exports VALUES (%L)', :'old'));
SELECT latchkey.set_feature_override(:'old', 'sso');
INSERT INTO regress.exports VALUES (:'old');
DROP TABLE regress.exports;
SELECT latchkey.clear_feature_override(:'old', 'sso');
-- A change that is rolled back was never there, for the cache either.
BEGIN;
SELECT latchkey.set_feature_override(:'old', 'sso');
SELECT latchkey.can_use(:'old', 'sso') AS inside;
ROLLBACK;
SELECT latchkey.can_use(:'old', 'sso') AS after_rollback;
-- Nobody gives themselves anything.
SELECT regress.token_of('ver_old') AS token \gset
SET ROLE regress_latchkey_gateway;
BEGIN;
SELECT (latchkey.authenticate(:'token')).user_id IS NOT NULL AS bound;
SELECT latchkey.limit_of(:'old', 'model:gpt-3.5-turbo'), (SELECT count(*) FROM latchkey.features(:'old')) AS features;
SELECT regress.error_of(s) FROM unnest(ARRAY[format('SELECT latchkey.set_feature_override(%L, ''sso'')', :'old'), format('SELECT latchkey.clear_feature_override(%L, ''sso'')', :'old'), 'SELECT latchkey.set_plan(''mine'', ''Mine'', rank => 1)',
  'SELECT latchkey.retire_plan(''pro'')', 'SELECT latchkey.set_plan_feature(''free'', ''sso'')', format('SELECT latchkey.move_to_newest_version(''pro'', %L)', :'old'), format('SELECT latchkey.features(%L)', :'new')]) AS s;
COMMIT;
RESET ROLE;
SELECT latchkey.set_tier(:'new', 'free');
