-- Accounts: registering, finding, changing, blocking and deleting users.
SELECT id AS ann, email, name, tier, subscription_status, stripe_customer_id, usage_daily, usage_total,
       created_at = updated_at AS fresh, email_verified, status, profile, onboarding_step, last_login_at,
       usage_resets_at = (date_trunc('day', now() AT TIME ZONE 'UTC') + interval '1 day') AT TIME ZONE 'UTC' AS resets_at_midnight
  FROM latchkey.register_user('Ann@Example.com', 'correct horse', 'Ann Müller', '{"language": "de"}') \gset
\echo :email :name :tier :subscription_status :usage_daily :usage_total :fresh :email_verified :status :profile :resets_at_midnight
SELECT substr(:'ann', 15, 1) AS uuid_version;
SELECT password_hash ~ '^\$argon2id\$v=19\$m=8192,t=1,p=1\$' AS argon2id FROM latchkey.users WHERE id = :'ann';

-- An address is taken in every case of A–Z, and only there.
SELECT regress.error_of($$SELECT latchkey.register_user('ANN@example.COM', 'correct horse')$$);
SELECT count(*) FROM latchkey.users WHERE email ILIKE 'ann@example.com';
SELECT email = 'Ann@Example.com' AS as_given FROM latchkey.find_user('aNN@eXAMPLE.cOM');
SELECT count(*) FROM latchkey.find_user('nobody@example.com');
SELECT count(*) FROM latchkey.find_user('not an address');
SELECT (latchkey.get_user(:'ann')).email;

-- Without a password: nobody can log in.
SELECT status, profile, name FROM latchkey.register_user('bare@example.com');
SELECT outcome, token IS NULL AS no_token FROM latchkey.login('bare@example.com', '');
SELECT outcome, token IS NULL AS no_token FROM latchkey.login('bare@example.com', 'password');

-- Malformed arguments.
SELECT regress.error_of(s) FROM unnest(ARRAY[
  'SELECT latchkey.register_user(NULL, ''long enough'')',
  'SELECT latchkey.register_user(''x1@example.com'', ''long enough'', repeat(''n'', 201))',
  'SELECT latchkey.register_user(''x2@example.com'', ''long enough'', E''line\nline'')',
  'SELECT latchkey.register_user(''x3@example.com'', ''long enough'', NULL, ''[1]'')',
  'SELECT latchkey.register_user(''x4@example.com'', ''long enough'', NULL, ''"text"'')',
  'SELECT latchkey.register_user(''x5@example.com'', ''long enough'', NULL, ''null'')',
  'SELECT latchkey.register_user(''x6@example.com'', ''long enough'', NULL, jsonb_build_object(''a'', repeat(''x'', 16384)))',
  'SELECT latchkey.get_user(NULL)', 'SELECT latchkey.find_user(NULL)', 'SELECT latchkey.update_profile(NULL, ''x'')',
  'SELECT latchkey.get_user(''00000000-0000-7000-8000-000000000000'')',
  'SELECT latchkey.update_profile(''00000000-0000-7000-8000-000000000000'', ''x'')',
  'SELECT latchkey.block_user(''00000000-0000-7000-8000-000000000000'')',
  'SELECT latchkey.unblock_user(''00000000-0000-7000-8000-000000000000'')',
  'SELECT latchkey.delete_user(''00000000-0000-7000-8000-000000000000'')',
  'SELECT latchkey.delete_user(NULL)', 'SELECT latchkey.block_user(NULL)']) AS s;
SELECT count(*) FROM latchkey.users WHERE email LIKE 'x_@example.com';
SELECT name = repeat('ü', 200) AS longest_name
  FROM latchkey.register_user('longname@example.com', NULL, repeat('ü', 200));

-- update_profile changes what is not null, merges the first level, and null removes.
SELECT name, profile, onboarding_step FROM latchkey.update_profile(:'ann', NULL, '{"theme": {"dark": true}, "gone": null}', 'welcome');
SELECT name, profile, onboarding_step FROM latchkey.update_profile(:'ann', 'Ann', '{"theme": {"size": 2}, "language": null}');
SELECT name, profile, onboarding_step, updated_at > created_at AS newer FROM latchkey.update_profile(:'ann');
SELECT regress.error_of(format('SELECT latchkey.update_profile(%L, %s)', :'ann', a)) FROM unnest(ARRAY[
  'repeat(''n'', 201)', 'E''tab\there''', 'NULL, ''[]''', 'NULL, jsonb_build_object(''a'', repeat(''x'', 16384))',
  'NULL, NULL, repeat(''s'', 101)']) AS a;
-- The limit holds for the merged profile, not only for what comes.
SELECT length((latchkey.update_profile(:'ann', NULL, jsonb_build_object('a', repeat('x', 9000)))).profile::text) > 9000 AS stored;
SELECT regress.error_of(format('SELECT latchkey.update_profile(%L, NULL, jsonb_build_object(''b'', repeat(''x'', 9000)))', :'ann'));

-- A blocked user: no login, and sessions end; unblocked, the old ones stay ended.
SELECT token AS token FROM latchkey.login('ann@example.com', 'correct horse') \gset
SELECT status FROM latchkey.block_user(:'ann', 'spam ' || repeat('ü', 400));
SELECT octet_length(status_reason) <= 500 AS reason_cut FROM latchkey.users WHERE id = :'ann';
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', :'token'));
SELECT regress.error_of(format('SELECT latchkey.authenticate(%L)', :'token'));
SELECT regress.error_of(format('SELECT latchkey.refresh(%L)', :'token'));
SELECT outcome, token, account IS NULL AS no_account FROM latchkey.login('ann@example.com', 'correct horse');
SELECT outcome FROM latchkey.login('ann@example.com', 'wrong password');
SELECT count(*) FROM latchkey.request_password_reset('ann@example.com');
SELECT status FROM latchkey.block_user(:'ann');
SELECT status FROM latchkey.unblock_user(:'ann');
SELECT status FROM latchkey.unblock_user(:'ann');
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', :'token'));
SELECT outcome FROM latchkey.login('ann@example.com', 'correct horse');
SELECT type FROM latchkey.events WHERE account_id = :'ann' AND type LIKE 'user.%blocked' ORDER BY id;

-- A deleted user leaves no personal data in any table, and every token is refused.
BEGIN;
SELECT latchkey.bind_request('request of zaphod', '198.51.100.77', 'zaphod agent');
SELECT id AS zaphod FROM latchkey.register_user('Zaphod.Beeblebrox@example.org', 'heart of gold', 'Zaphod Beeblebrox',
                                                '{"nick": "zaphod"}') \gset
SELECT token AS token FROM latchkey.login('zaphod.beeblebrox@example.org', 'heart of gold') \gset
SELECT outcome FROM latchkey.login('zaphod.beeblebrox@example.org', 'wrong zaphod');
SELECT count(*) FROM latchkey.request_password_reset('zaphod.beeblebrox@example.org');
SELECT count(*) FROM latchkey.request_email_verification(:'zaphod');
SELECT onboarding_step FROM latchkey.update_profile(:'zaphod', onboarding_step => 'zaphod step');
SELECT status FROM latchkey.block_user(:'zaphod', 'because zaphod');
SELECT status FROM latchkey.unblock_user(:'zaphod');
COMMIT;
SELECT latchkey.set_tier(:'zaphod', 'pro');
SELECT latchkey.delete_user(:'zaphod');
CREATE FUNCTION regress.tables_with(pattern text) RETURNS TABLE (relation text, hits bigint) LANGUAGE plpgsql AS $$
BEGIN
  FOR relation IN SELECT c.oid::regclass::text FROM pg_class c
                   WHERE c.relnamespace = 'latchkey'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1 LOOP
    EXECUTE format('SELECT count(*) FROM %s AS t WHERE t::text ~* $1', relation) INTO hits USING pattern;
    IF hits > 0 THEN RETURN NEXT; END IF;
  END LOOP;
END $$;
SELECT * FROM regress.tables_with('zaphod|beeblebrox|198\.51\.100\.77');
SELECT relation FROM regress.tables_with(:'zaphod');
-- As it looks to who read the address before the deletion, and the user after it: an unknown address.
BEGIN;
INSERT INTO latchkey.user_emails VALUES ('zaphod.beeblebrox@example.org', :'zaphod');
SELECT count(*) FROM latchkey.find_user('zaphod.beeblebrox@example.org');
SELECT outcome FROM latchkey.login('zaphod.beeblebrox@example.org', 'heart of gold');
SELECT count(*) FROM latchkey.request_password_reset('zaphod.beeblebrox@example.org');
SELECT outcome, reason FROM latchkey.import_users('{"zaphod.beeblebrox@example.org": {}}');
-- And to who reads the user after it got another address.
UPDATE latchkey.user_emails SET user_id = :'ann' WHERE email_key = 'zaphod.beeblebrox@example.org';
SELECT count(*) FROM latchkey.find_user('zaphod.beeblebrox@example.org');
SELECT outcome FROM latchkey.login('zaphod.beeblebrox@example.org', 'correct horse');
ROLLBACK;
SELECT status, email IS NULL AND name IS NULL AND password_hash IS NULL AND profile = '{}' AND onboarding_step IS NULL
       AND last_login_at IS NULL AND status_reason IS NULL AND email_verified_at IS NULL AS erased
  FROM latchkey.users WHERE id = :'zaphod';
SELECT count(*) FROM latchkey.sessions WHERE user_id = :'zaphod';
SELECT count(*) FROM latchkey.login_attempts
 WHERE key_hash IN (SELECT sha256(convert_to(scope || E'\nzaphod.beeblebrox@example.org', 'UTF8'))
                      FROM unnest(ARRAY['login', 'password_reset', 'email_verification']) AS scope);
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', :'token'));
SELECT regress.error_of(format('SELECT latchkey.refresh(%L)', :'token'));
SELECT latchkey.logout(:'token');
SELECT outcome FROM latchkey.login('zaphod.beeblebrox@example.org', 'heart of gold');
SELECT count(*) FROM latchkey.find_user('zaphod.beeblebrox@example.org');
SELECT regress.error_of(format(s, :'zaphod')) FROM unnest(ARRAY[
  'SELECT latchkey.delete_user(%L)', 'SELECT latchkey.update_profile(%L, ''x'')', 'SELECT latchkey.set_password(%L, ''long enough'')',
  'SELECT latchkey.block_user(%L)', 'SELECT latchkey.unblock_user(%L)', 'SELECT latchkey.request_email_verification(%L)',
  'SELECT latchkey.change_password(%L, ''heart of gold'', ''long enough'')']) AS s;
-- Its address is free again, for a different user.
SELECT id <> :'zaphod' AS another_id FROM latchkey.register_user('zaphod.beeblebrox@example.org');
