-- Onboarding: each step is told from the facts; what may be skipped can be, and the rest not.
SELECT regress.new_user('onboard_ann') AS ann, regress.new_user('onboard_bob') AS bob \gset
SELECT * FROM latchkey.onboarding(:'ann');
-- A tenant of which one is not the owner is none of one's own; archived ones don't count.
SELECT id AS shop FROM latchkey.create_tenant(:'bob', 'Onboarding') \gset
SELECT role FROM latchkey.grant_role(:'ann', 'admin', :'shop');
SELECT step FROM latchkey.onboarding(:'ann') WHERE is_next;
SELECT role FROM latchkey.grant_role(:'ann', 'owner', :'shop', now() + interval '1 day');
SELECT step FROM latchkey.onboarding(:'ann') WHERE is_next;
SELECT role FROM latchkey.grant_role(:'ann', 'owner', :'shop');
SELECT step FROM latchkey.onboarding(:'ann') WHERE is_next;
SELECT status FROM latchkey.archive_tenant(:'shop');
SELECT step FROM latchkey.onboarding(:'ann') WHERE is_next;
SELECT status FROM latchkey.reactivate_tenant(:'shop');
-- A database that is asked for is not there yet.
SELECT status FROM latchkey.connect_database(:'shop', '{"host": "db.example.com", "database": "d", "user": "u"}');
SELECT step FROM latchkey.onboarding(:'ann') WHERE is_next;
SELECT (latchkey.start_provisioning(:'shop')).tenant_id = :'shop' AS started, latchkey.record_provisioning(:'shop', 'verify', 'no');
SELECT step FROM latchkey.onboarding(:'ann') WHERE is_next;
SELECT latchkey.finish_provisioning(:'shop');
SELECT step FROM latchkey.onboarding(:'ann') WHERE is_next;
-- Payments: a plan that is paid for, of the user or of the tenant; a trial is none.
SELECT latchkey.set_tier(:'ann', 'pro', 'trialing');
SELECT done FROM latchkey.onboarding(:'ann') WHERE step = 'payments';
SELECT latchkey.set_tier(:'ann', 'free', 'active');
SELECT done FROM latchkey.onboarding(:'ann') WHERE step = 'payments';
BEGIN;
SELECT latchkey.set_tier(:'ann', 'pro', 'active');
SELECT done FROM latchkey.onboarding(:'ann') WHERE step = 'payments';
ROLLBACK;
BEGIN;
SELECT latchkey.set_tier(:'shop', 'pro', 'past_due');
SELECT done FROM latchkey.onboarding(:'ann') WHERE step = 'payments';
ROLLBACK;
-- Skipping is kept; a step that is done is done, skipped or not.
SELECT * FROM latchkey.skip_onboarding_step(:'ann', 'payments');
SELECT done, skipped FROM latchkey.skip_onboarding_step(:'ann', 'payments') WHERE step = 'payments';
SELECT step FROM latchkey.skip_onboarding_step(:'ann', 'credits') WHERE is_next;
-- Credits that are spent again were there.
SELECT kind, amount FROM latchkey.grant_credits(:'shop', 1);
SELECT step, done, skipped, is_next FROM latchkey.onboarding(:'ann') WHERE step >= 'credits' AND step < 'd';
SELECT skipped FROM latchkey.skip_onboarding_step(:'ann', 'payments', false) WHERE is_next;
SELECT skipped FROM latchkey.skip_onboarding_step(:'ann', 'payments', false) WHERE is_next;
SELECT (latchkey.update_profile(:'ann', '  ')).name = '  ' AS blank;
SELECT done FROM latchkey.onboarding(:'ann') WHERE step = 'profile';
SELECT (latchkey.update_profile(:'ann', 'Ann')).name;
SELECT done FROM latchkey.onboarding(:'ann') WHERE step = 'profile';
SELECT type, data FROM latchkey.events WHERE account_id = :'ann' AND type LIKE 'onboarding.%' ORDER BY id;
-- Errors.
SELECT regress.error_of(format('SELECT latchkey.skip_onboarding_step(%L, %s)', :'ann', a))
  FROM unnest(ARRAY['''profile''', '''create_store''', '''lunch''', '''''', 'NULL', '''credits'', NULL']) AS a;
SELECT regress.error_of('SELECT latchkey.onboarding(NULL)');
SELECT regress.error_of('SELECT latchkey.onboarding(gen_random_uuid())');
SELECT regress.error_of('SELECT latchkey.skip_onboarding_step(gen_random_uuid(), ''credits'')');
SELECT latchkey.delete_user(:'bob');
SELECT regress.error_of(format('SELECT latchkey.onboarding(%L)', :'bob'));
SELECT regress.error_of(format('INSERT INTO latchkey.onboarding_skips VALUES (%L, ''profile'', now())', :'ann'));
