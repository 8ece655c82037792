-- Plans: tiers, what they include, and the model menu.
SELECT key, rank, active, sort_order, seeded FROM latchkey.plans ORDER BY rank;
SELECT regress.new_user('pat') AS pat \gset
\set unknown 00000000-0000-7000-8000-000000000000
-- An unknown account, or none, has the free plan.
SELECT latchkey.tier_of(:'pat'), latchkey.tier_of(:'unknown') AS unknown, latchkey.tier_of(NULL) AS none;
SELECT plan, latchkey.has_tier(:'pat', plan), latchkey.has_tier(:'unknown', plan) AS unknown, latchkey.has_tier(NULL, plan) AS none FROM unnest(ARRAY['free', 'premium']) AS plan;
SELECT latchkey.can_use(id, 'model:gpt-3.5-turbo') AS free_one, latchkey.can_use(id, 'model:gpt-4') AS premium_one, latchkey.can_use(id, 'model:none') AS none FROM unnest(ARRAY[:'pat', :'unknown', NULL]::uuid[]) AS id;
SELECT (SELECT count(*) FROM latchkey.list_models(NULL)) AS none, (SELECT count(*) FROM latchkey.list_models(:'unknown')) AS unknown, (SELECT count(*) FROM latchkey.available(NULL, 'model:')) AS available;
-- Each plan. (The functions that read see what their statement sees, so what was set is read by a statement of its own.)
CREATE FUNCTION regress.with_tier(account uuid, plan text, status text, OUT tier text, OUT has text, OUT passes text, OUT models text, OUT available bigint) LANGUAGE plpgsql AS $$
DECLARE
  plans text[] := ARRAY['free', 'premium', 'pro', 'enterprise'];
BEGIN
  PERFORM latchkey.set_tier(account, plan, status);
  tier := latchkey.tier_of(account);
  has := (SELECT string_agg(p, ' ') FROM unnest(plans) AS p WHERE latchkey.has_tier(account, p));
  passes := (SELECT string_agg(p, ' ') FROM unnest(plans) AS p WHERE regress.error_of(format('SELECT latchkey.require_tier(%L, %L)', account, p)) = 'ok');
  models := (SELECT string_agg(name || '=' || m.tier, ' ') FROM latchkey.list_models(account) AS m);
  available := (SELECT count(*) FROM latchkey.available(account, 'model:'));
  ASSERT (latchkey.get_user(account)).tier = tier AND (latchkey.get_user(account)).subscription_status = status;
END $$;
SELECT plan, t.* FROM unnest(ARRAY['enterprise', 'pro', 'premium', 'free']) AS plan, regress.with_tier(:'pat', plan, 'active') AS t;
SELECT latchkey.set_tier(:'pat', 'premium');
SELECT regress.error_of(format('SELECT latchkey.require_tier(%L, %L)', :'pat', plan)) FROM unnest(ARRAY['free', 'premium', 'pro', 'enterprise', 'platinum', NULL]) AS plan;
SELECT regress.error_of(format('SELECT latchkey.has_tier(%L, %L)', :'pat', plan)) FROM unnest(ARRAY['platinum', NULL]) AS plan;
-- Each status.
SELECT status, tier, has, passes, available FROM unnest(ARRAY['active', 'trialing', 'past_due', 'canceled', 'unpaid', 'paused', 'incomplete', 'incomplete_expired', 'inactive']) AS status,
       regress.with_tier(:'pat', 'pro', status);
-- Past due grants for plans.past_due_grace, from when it became so.
SELECT latchkey.set_tier(:'pat', 'pro', 'past_due');
UPDATE latchkey.accounts SET status_changed_at = now() - interval '167 hours' WHERE id = :'pat';
SELECT latchkey.tier_of(:'pat');
SELECT latchkey.set_tier(:'pat', 'premium', 'past_due');
UPDATE latchkey.accounts SET status_changed_at = status_changed_at - interval '2 hours' WHERE id = :'pat';
SELECT latchkey.tier_of(:'pat');
SELECT latchkey.set_setting('plans.past_due_grace', '14 days');
SELECT latchkey.tier_of(:'pat');
UPDATE latchkey.settings SET value = default_value WHERE key = 'plans.past_due_grace';
SELECT latchkey.set_tier(:'pat', 'pro', 'active');
SELECT regress.error_of(s) FROM unnest(ARRAY[format('SELECT latchkey.set_tier(%L, ''platinum'')', :'pat'), format('SELECT latchkey.set_tier(%L, ''pro'', ''frozen'')', :'pat'),
  format('SELECT latchkey.set_tier(%L, NULL)', :'pat'), format('SELECT latchkey.set_tier(%L, ''pro'', NULL)', :'pat'), format('SELECT latchkey.set_tier(%L, ''PRO'')', :'pat'),
  format('SELECT latchkey.set_tier(%L, ''pro'')', :'unknown'), 'SELECT latchkey.set_tier(NULL, ''pro'')']) AS s;
SELECT regress.new_user('gone_pat') AS gone \gset
SELECT latchkey.delete_user(:'gone');
SELECT regress.error_of(format('SELECT latchkey.set_tier(%L, ''pro'')', :'gone')) AS of_a_deleted_user;
SELECT count(*) AS events FROM latchkey.events WHERE account_id = :'pat' AND type = 'tier.changed' \gset
SELECT latchkey.set_tier(:'pat', 'pro', 'active');
SELECT count(*) - :events AS new_events FROM latchkey.events WHERE account_id = :'pat' AND type = 'tier.changed';
SELECT data FROM latchkey.events WHERE account_id = :'pat' AND type = 'tier.changed' ORDER BY id DESC LIMIT 1;

-- Features: limits, periods, names beyond models.
INSERT INTO latchkey.plan_features (plan, feature, granted_limit, period) VALUES ('free', 'export', 3, 'day'), ('pro', 'export', NULL, NULL), ('premium', 'export', 0, 'day'),
  ('pro', 'model:ünïcode', NULL, NULL), ('pro', 'modelling', 5, 'ever'), ('enterprise', 'audit:log', NULL, NULL);
SELECT feature, granted_limit, period FROM latchkey.require_feature(:'pat', 'export');
SELECT feature, granted_limit, period FROM latchkey.require_feature(NULL, 'export');
SELECT regress.error_of(format('SELECT latchkey.require_feature(%L, %L)', :'pat', f)) FROM unnest(ARRAY['audit:log', 'unheard-of', '', NULL]) AS f;
SELECT prefix, (SELECT string_agg(feature, ' ') FROM latchkey.available(:'pat', prefix)) FROM unnest(ARRAY['model:', 'model', 'export', '', 'MODEL:', '%', 'model:gpt-4']) AS prefix;
SELECT regress.error_of(format('SELECT latchkey.available(%L, NULL)', :'pat')), regress.error_of(format('SELECT latchkey.can_use(%L, NULL)', :'pat'));
-- A limit of 0 is not usable.
SELECT latchkey.set_tier(:'pat', 'premium');
SELECT latchkey.can_use(:'pat', 'export'), regress.error_of(format('SELECT latchkey.require_feature(%L, ''export'')', :'pat'));
SELECT name, feature, tier, available FROM latchkey.get_model(:'pat', 'gpt-4');
SELECT regress.error_of(format('SELECT latchkey.get_model(%L, %L)', :'pat', m)) FROM unnest(ARRAY['gpt-4-turbo', 'unheard-of', '', NULL, 'model:gpt-4']) AS m;
-- Taking a seeded feature away, and giving it back.
SELECT regress.error_of('DELETE FROM latchkey.plan_features WHERE plan = ''premium'' AND feature = ''model:gpt-4''');
UPDATE latchkey.plan_features SET granted = false WHERE plan = 'premium' AND feature = 'model:gpt-4';
SELECT latchkey.can_use(:'pat', 'model:gpt-4'), regress.error_of(format('SELECT latchkey.get_model(%L, ''gpt-4'')', :'pat'));
UPDATE latchkey.plan_features SET granted = true WHERE plan = 'premium' AND feature = 'model:gpt-4';
SELECT latchkey.can_use(:'pat', 'model:gpt-4');
DELETE FROM latchkey.plan_features WHERE NOT seeded;

-- Administrators change plans; the application reads them.
SET ROLE regress_latchkey_admin;
-- To them a row that came with the extension is one as any other: a duplicate is refused, an upsert changes what it names.
SELECT regress.error_of($$INSERT INTO latchkey.plan_features (plan, feature, granted_limit, period) VALUES ('free', 'model:gpt-3.5-turbo', 10, 'day')$$);
INSERT INTO latchkey.plan_features (plan, feature, granted_limit) VALUES ('free', 'model:gpt-3.5-turbo', 10) ON CONFLICT DO NOTHING;
SELECT granted_limit, seeded FROM latchkey.plan_features WHERE plan = 'free' AND feature = 'model:gpt-3.5-turbo';
INSERT INTO latchkey.plan_features (plan, feature, granted_limit, period) VALUES ('free', 'model:gpt-3.5-turbo', 10, 'day')
  ON CONFLICT (plan, feature) DO UPDATE SET granted_limit = EXCLUDED.granted_limit, period = EXCLUDED.period;
INSERT INTO latchkey.plans (key, display_name, rank) VALUES ('pro', 'Professional', 1) ON CONFLICT (key) DO UPDATE SET display_name = EXCLUDED.display_name;
SELECT key, display_name, rank, monthly_price_cents, seeded FROM latchkey.plans WHERE key = 'pro';
UPDATE latchkey.plans SET display_name = 'Pro' WHERE key = 'pro';
SELECT granted_limit, seeded FROM latchkey.plan_features WHERE plan = 'free' AND feature = 'model:gpt-3.5-turbo';
UPDATE latchkey.plan_features SET granted_limit = NULL, period = NULL WHERE plan = 'free' AND feature = 'model:gpt-3.5-turbo';
SET ROLE regress_latchkey_app;
SELECT count(*) FROM latchkey.plans;
SELECT regress.probe('UPDATE latchkey.plans SET rank = rank'), regress.probe('DELETE FROM latchkey.plan_features');
RESET ROLE;
SELECT regress.error_of($$INSERT INTO latchkey.plans (key, display_name, rank) VALUES ('pro', 'Professional', 1)$$),
       regress.error_of($$INSERT INTO latchkey.settings (key, category, value, default_value, type, description) VALUES ('throttle.window', 'x', '1 hour', '1 hour', 'duration', 'x')$$) AS setting;
-- Only a restore replaces it; an administrator who sets what a dump sets doesn't.
BEGIN;
SET LOCAL check_function_bodies = off;
SET LOCAL ROLE regress_latchkey_admin;
SELECT regress.error_of($$INSERT INTO latchkey.plans (key, display_name, rank) VALUES ('pro', 'Professional', 20)$$);
RESET ROLE;
INSERT INTO latchkey.plans (key, display_name, rank) VALUES ('pro', 'Professional', 20);
SELECT key, display_name, rank, monthly_price_cents, seeded FROM latchkey.plans WHERE key = 'pro';
ROLLBACK;

-- A plan of one's own; one that is not on offer any more stays in force.
INSERT INTO latchkey.plans (key, display_name, rank) VALUES ('team', 'Team', 15);
SELECT latchkey.set_tier(:'pat', 'team');
SELECT latchkey.has_tier(:'pat', 'premium') AS premium, latchkey.has_tier(:'pat', 'pro') AS pro;
UPDATE latchkey.plans SET active = false WHERE key = 'team';
SELECT latchkey.tier_of(:'pat'), regress.error_of(format('SELECT latchkey.set_tier(%L, ''team'')', :'unknown'));
SELECT latchkey.set_tier(:'pat', 'free');
DELETE FROM latchkey.plans WHERE key = 'team';
SELECT regress.error_of(s) FROM unnest(ARRAY['DELETE FROM latchkey.plans WHERE key = ''free''', 'UPDATE latchkey.plans SET rank = 1 WHERE key = ''free''', 'UPDATE latchkey.plans SET active = false WHERE key = ''free''',
  'INSERT INTO latchkey.plans (key, display_name, rank) VALUES (''Bad Key'', ''x'', 1)', 'INSERT INTO latchkey.plan_features (plan, feature) VALUES (''pro'', ''Bad Name'')']) AS s;
SELECT regress.error_of('INSERT INTO latchkey.plan_features (plan, feature) VALUES (''none'', ''x''); SET CONSTRAINTS ALL IMMEDIATE');
