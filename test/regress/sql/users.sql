-- Administration of users: lists and searches, invitations, changes on behalf of others.
SET client_min_messages = warning;
SELECT id AS root FROM latchkey.create_admin('users_root@example.com', 'password of users_root', 'Users Root') \gset
SELECT regress.new_user('users_help') AS help, regress.new_user('users_amy') AS amy, regress.new_user('users_ben') AS ben, regress.new_user('users_zoe') AS zoe \gset
SELECT role, tenant_id FROM latchkey.grant_role(:'help', 'support');
SELECT regress.token_of('users_root') AS root_token, regress.token_of('users_help') AS help_token, regress.token_of('users_amy') AS amy_token \gset
SELECT name FROM latchkey.update_profile(:'zoe', 'Zoë 100%_\ O''Hara');
-- The error of a statement as whom: the identity ends with the transaction.
CREATE FUNCTION regress.as_user(token text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM latchkey.authenticate(token);
  RETURN regress.error_of(statement);
END $$;

-- Search: a part of name or address, in any case; its own wildcards stand for themselves.
SELECT s AS search, (SELECT string_agg(email, ', ') FROM latchkey.list_users(s)) AS found
  FROM unnest(ARRAY['users_a', 'USERS_AMY@', 's_amy@ex', 'zoë 1', 'ZOË 1', U&'zoe\0308 1', '100%', '00%_\', 'o''h', 'a%@', '___', '%%%', 'users_b%', 'nobody at all', 'roger', 'root users']) AS s;
SELECT s AS search, regress.error_of(format('SELECT latchkey.list_users(%L)', s)) FROM unnest(ARRAY['', 'ab', 'zö', E'root\nusers', repeat('x', 201)]) AS s;
SELECT count(*) FROM latchkey.list_users(repeat('x', 200));
-- What is found follows each change.
BEGIN;
SELECT count(*) FROM latchkey.update_user(:'ben', 'users_benjamin@example.com', 'Benjamin');
SELECT (SELECT count(*) FROM latchkey.list_users('benjam')) AS new, (SELECT count(*) FROM latchkey.list_users('users_ben@')) AS old;
SELECT latchkey.delete_user(:'ben');
SELECT count(*) AS deleted_by_name FROM latchkey.list_users('benjam');
SELECT count(*) AS deleted_asked_for FROM latchkey.list_users(status => 'deleted', created_from => now() - interval '1 hour') WHERE id = :'ben';
ROLLBACK;

-- Filters, alone and together.
SELECT string_agg(email, ', ') AS support FROM latchkey.list_users('users_', role => 'support');
SELECT string_agg(email, ', ') AS admins FROM latchkey.list_users('users_', role => 'admin');
BEGIN;
SELECT expires_at > now() FROM latchkey.grant_role(:'amy', 'support', expires_at => now() + interval '1 day');
SELECT count(*) AS before_its_end FROM latchkey.list_users('users_amy', role => 'support');
UPDATE latchkey.role_grants SET expires_at = now() - interval '1 second' WHERE user_id = :'amy';
SELECT count(*) AS after_its_end FROM latchkey.list_users('users_amy', role => 'support');
ROLLBACK;
-- The tier is what tier_of() says, whatever the status.
BEGIN;
SELECT count(regress.new_user('tier_' || n)) FROM generate_series(1, 20) AS n;
SELECT count(latchkey.set_tier(regress.id_of('tier_' || n), CASE WHEN n <= 9 THEN 'pro' WHEN n <= 18 THEN 'free' ELSE 'premium' END,
         (ARRAY['inactive', 'trialing', 'active', 'past_due', 'canceled', 'unpaid', 'paused', 'incomplete', 'incomplete_expired'])[1 + n % 9]))
  FROM generate_series(1, 20) AS n;
UPDATE latchkey.accounts SET status_changed_at = now() - interval '8 days' WHERE id = regress.id_of('tier_3');
SELECT tier, (SELECT string_agg(split_part(email, '@', 1), ' ' ORDER BY id) FROM latchkey.list_users('tier_', tier => tier)) AS found,
       (SELECT string_agg(split_part(email, '@', 1), ' ' ORDER BY id) FROM latchkey.users WHERE email LIKE 'tier\_%' AND latchkey.tier_of(id) = tier)
         IS NOT DISTINCT FROM (SELECT string_agg(split_part(email, '@', 1), ' ' ORDER BY id) FROM latchkey.list_users('tier_', tier => tier)) AS as_tier_of
  FROM unnest(ARRAY['free', 'premium', 'pro', 'enterprise']) AS tier;
SELECT status FROM latchkey.block_user(regress.id_of('tier_5'));
SELECT string_agg(email, ', ') AS blocked FROM latchkey.list_users('tier_', status => 'blocked');
SELECT count(*) AS active FROM latchkey.list_users('tier_', status => 'active');
SELECT role FROM latchkey.grant_role(regress.id_of('tier_1'), 'support');
SELECT email FROM latchkey.list_users('tier_', 'support', 'pro', 'active', now() - interval '1 hour', now() + interval '1 hour');
SELECT count(*) FROM latchkey.list_users('tier_', 'support', 'free', 'active', now() - interval '1 hour', now() + interval '1 hour');
UPDATE latchkey.users SET created_at = '2020-01-01' WHERE id = regress.id_of('tier_7');
SELECT email FROM latchkey.list_users('tier_', created_before => '2020-01-02');
SELECT email FROM latchkey.list_users(created_from => '2020-01-01', created_before => '2020-01-01 00:00:01');
SELECT count(*) FROM latchkey.list_users(created_from => '2020-01-01 00:00:01', created_before => '2020-01-02');
-- Pages: newest first, each user once, whatever the page's size.
WITH RECURSIVE pages (size, n, ids) AS (
  SELECT size, 1, ARRAY(SELECT id FROM latchkey.list_users('tier_', max_rows => size)) FROM unnest(ARRAY[1, 3, 7, 20, 1000]) AS size
  UNION ALL
  SELECT size, n + 1, ARRAY(SELECT id FROM latchkey.list_users('tier_', after => ids[cardinality(ids)], max_rows => size)) FROM pages WHERE cardinality(ids) > 0)
SELECT size, count(*) AS pages, string_agg(DISTINCT cardinality(ids)::text, ' ') AS sizes,
       (SELECT array_agg(id ORDER BY n, place) FROM pages AS p, unnest(p.ids) WITH ORDINALITY AS u (id, place) WHERE p.size = pages.size)
         = (SELECT array_agg(id ORDER BY id DESC) FROM latchkey.users WHERE email LIKE 'tier\_%') AS each_once FROM pages GROUP BY size ORDER BY size;
ROLLBACK;
-- The same page whichever way it is found: what many, some, few and only old ones match, among more users than a walk looks at.
BEGIN;
CREATE TEMP TABLE crowd AS SELECT n, (lpad(to_hex(n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid AS id FROM generate_series(1, 9000) AS n;
INSERT INTO latchkey.accounts (id, kind, plan, subscription_status) SELECT id, 'user', CASE WHEN n % 50 = 0 THEN 'pro' ELSE 'free' END, 'active' FROM crowd;
INSERT INTO latchkey.users (id, email, name) SELECT id, 'crowd' || n || CASE WHEN n < 100 THEN '@old.test' ELSE '@new.test' END,
       concat('Crowd', CASE WHEN n % 2 = 0 THEN ' Even' END, CASE WHEN n % 100 = 0 THEN ' Hundred' END, CASE WHEN n % 3000 = 0 THEN ' Thousands' END) FROM crowd;
UPDATE latchkey.users SET status = 'blocked' WHERE email ~ '^crowd[0-9]*7@';
UPDATE latchkey.users SET created_at = '2001-01-01'::timestamptz + make_interval(days => n) FROM crowd WHERE crowd.id = users.id;
CREATE TEMP VIEW wrong AS
SELECT s, t, st, size, after, days FROM unnest(ARRAY[NULL, 'crowd', 'even', 'hundred', 'thousands', '@old.test', 'nothing']) AS s, unnest(ARRAY[NULL, 'pro', 'free']) AS t, unnest(ARRAY[1, 30, 1000]) AS size,
       unnest(ARRAY[NULL, 'blocked']) AS st, unnest(ARRAY[0, 2000]) AS days,
       unnest(ARRAY['00010000-0000-0000-0000-000000000000', (SELECT id FROM crowd WHERE n = 4000)]::uuid[]) AS after
 WHERE ARRAY(SELECT id FROM latchkey.list_users(s, tier => t, status => st, after => after, max_rows => size, created_from => '2001-01-02'::timestamptz + make_interval(days => days),
                                                created_before => '2001-01-01'::timestamptz + make_interval(days => 9001 - days)))
    <> ARRAY(SELECT u.id FROM latchkey.users u JOIN latchkey.accounts a USING (id) WHERE (s IS NULL OR (u.name || ' ' || u.email) ILIKE '%' || s || '%') AND a.plan = coalesce(t, a.plan)
                AND u.status = coalesce(st, u.status) AND u.created_at >= '2001-01-02'::timestamptz + make_interval(days => days)
                AND u.created_at < '2001-01-01'::timestamptz + make_interval(days => 9001 - days) AND u.id < after ORDER BY u.id DESC LIMIT size);
SELECT count(*) AS wrong FROM wrong;
-- The trigram index finds the few.
SAVEPOINT few;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_indexscan = off;
SELECT pg_stat_get_xact_numscans('latchkey.users_by_trigram'::regclass) AS scans \gset
SELECT count(*) AS found FROM latchkey.list_users('@old.test');
SELECT pg_stat_get_xact_numscans('latchkey.users_by_trigram'::regclass) - :scans AS scans;
ROLLBACK TO few;
-- By statements, where the table is not as we made it.
ALTER TABLE latchkey.users ADD COLUMN of_the_application integer;
SELECT count(*) AS wrong FROM wrong;
ROLLBACK;
-- A row as get_user() returns it.
SELECT l = latchkey.get_user(:'amy') AS same FROM latchkey.list_users('users_amy') AS l;
SELECT n AS max_rows, regress.error_of(format('SELECT latchkey.list_users(max_rows => %L)', n)) FROM unnest(ARRAY[0, -1, 1001, NULL]) AS n;
SELECT regress.error_of('SELECT latchkey.list_users(status => ''gone'')'), regress.error_of('SELECT latchkey.list_users(role => ''nobody'')'), regress.error_of('SELECT latchkey.list_users(tier => ''gold'')');
SELECT count(*) FROM latchkey.list_users(created_from => 'infinity');
-- Who may look: users.read on the whole platform.
SELECT who, regress.as_user(token, 'SELECT latchkey.list_users()') FROM (VALUES ('admin', :'root_token'), ('support', :'help_token'), ('user', :'amy_token')) AS t (who, token);
SELECT regress.as_user(:'amy_token', format('SELECT latchkey.list_users(after => %L)', :'amy'));

-- The index for searches is there, wherever pg_trgm lives.
SELECT indexdef ~ 'gin_trgm_ops' AND indexdef ~ 'fastupdate' AS trigrams FROM pg_indexes WHERE indexname = 'users_by_trigram';

-- Invitations: a user without a password, and a token that gives them one.
SELECT user_id AS ivy, email, name, token AS first_token, expires_at - now() > interval '6 days' AS days FROM latchkey.invite_user('Users_Ivy@example.com', 'Ivy', 'support') \gset
\echo :email :name :days
SELECT status, email_verified FROM latchkey.get_user(:'ivy');
SELECT role FROM latchkey.roles_of(:'ivy');
SELECT * FROM regress.tables_with(:'first_token');
SELECT outcome FROM latchkey.login('users_ivy@example.com', 'password of ivy');
-- Again: another token, the one before ends. The name that is stored stays.
SELECT user_id = :'ivy' AS same, name, token AS second_token FROM latchkey.invite_user('users_ivy@example.com', 'Other') \gset
\echo :same :name
SELECT regress.error_of(format('SELECT latchkey.accept_invitation(%L, ''password of ivy'')', t)) FROM unnest(ARRAY[:'first_token', 'x', '', NULL]) AS t;
SELECT regress.error_of(format('SELECT latchkey.reset_password(%L, ''password of ivy'')', :'second_token')), regress.error_of(format('SELECT latchkey.confirm_email(%L)', :'second_token'));
-- A broken rule leaves the token good.
SELECT regress.error_of(format('SELECT latchkey.accept_invitation(%L, %L)', :'second_token', p)) FROM unnest(ARRAY['', 'short', NULL]) AS p;
SELECT regress.error_of(format('SELECT latchkey.accept_invitation(%L, ''password of ivy'', %L)', :'second_token', repeat('x', 201)));
SELECT outcome, (account).name, (account).email_verified, token IS NOT NULL AS session FROM latchkey.accept_invitation(:'second_token', 'password of ivy', 'Ivy Accepts');
SELECT regress.error_of(format('SELECT latchkey.accept_invitation(%L, ''another password'')', :'second_token'));
SELECT outcome FROM latchkey.login('users_ivy@example.com', 'password of ivy');
SELECT regress.events_of(:'ivy');
-- Who is a user already is not invited; who was invited may also come by a password reset, which ends the invitation.
SELECT regress.error_of('SELECT latchkey.invite_user(''USERS_ivy@example.com'')');
SELECT token AS invitation FROM latchkey.invite_user('users_jon@example.com') \gset
SELECT token AS reset FROM latchkey.request_password_reset('users_jon@example.com') \gset
SELECT email FROM latchkey.reset_password(:'reset', 'password of jon');
SELECT regress.error_of(format('SELECT latchkey.accept_invitation(%L, ''another password'')', :'invitation'));
-- Not too often: mailboxes are not to be flooded.
SELECT regress.error_of('SELECT latchkey.invite_user(''users_max@example.com'')') FROM generate_series(1, 6);
SELECT latchkey.delete_user(regress.id_of('users_max'));
SELECT regress.error_of('SELECT latchkey.invite_user(''users_max@example.com'')') AS a_new_user;
-- Expired; blocked; deleted; another address by now.
SELECT user_id AS kim, token AS kim_token FROM latchkey.invite_user('users_kim@example.com') \gset
BEGIN;
UPDATE latchkey.user_tokens SET expires_at = now() - interval '1 second' WHERE user_id = :'kim';
SELECT regress.error_of(format('SELECT latchkey.accept_invitation(%L, ''password of kim'')', :'kim_token')) AS expired;
ROLLBACK;
BEGIN;
SELECT status FROM latchkey.block_user(:'kim');
SELECT regress.error_of(format('SELECT latchkey.accept_invitation(%L, ''password of kim'')', :'kim_token')) AS blocked, left(regress.error_of('SELECT latchkey.invite_user(''users_kim@example.com'')'), 5) AS again;
ROLLBACK;
BEGIN;
SELECT latchkey.delete_user(:'kim');
SELECT regress.error_of(format('SELECT latchkey.accept_invitation(%L, ''password of kim'')', :'kim_token')) AS deleted;
ROLLBACK;
BEGIN;
SELECT email FROM latchkey.update_user(:'kim', 'users_kimberly@example.com');
SELECT regress.error_of(format('SELECT latchkey.accept_invitation(%L, ''password of kim'')', :'kim_token')) AS moved;
ROLLBACK;
-- Within a tenant. Who is a user gets the role without a token; a pending user stays pending.
SELECT '00000000-0000-7000-8000-00000000d001' AS shop, '00000000-0000-7000-8000-00000000d002' AS other_shop \gset
INSERT INTO latchkey.accounts (id, kind) VALUES (:'shop', 'tenant'), (:'other_shop', 'tenant');
SELECT role FROM latchkey.grant_role(:'amy', 'admin', :'shop');
CREATE FUNCTION regress.invite_as(token text, email text, role text, tenant uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  mail latchkey.mail_token;
BEGIN
  PERFORM latchkey.authenticate(invite_as.token);
  mail := latchkey.invite_user(invite_as.email, NULL, invite_as.role, invite_as.tenant);
  RETURN 'ok, token: ' || (mail.token IS NOT NULL) || ', roles: ' || coalesce((SELECT string_agg(r.role, ' ' ORDER BY r.tenant_id, r.role) FROM latchkey.role_grants AS r WHERE user_id = mail.user_id), '');
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ': ' || SQLERRM;
END $$;
BEGIN; SELECT regress.invite_as(:'amy_token', 'users_lea@example.com', 'staff', :'shop'); COMMIT;
BEGIN; SELECT regress.invite_as(:'amy_token', 'users_lea@example.com', 'customer', :'shop'); COMMIT;
BEGIN; SELECT regress.invite_as(:'amy_token', 'users_zoe@example.com', 'staff', :'shop'); COMMIT;
-- Not beyond what one holds, nor elsewhere, nor oneself, nor without the permission.
BEGIN; SELECT regress.invite_as(:'amy_token', 'users_new@example.com', 'owner', :'shop'); COMMIT;
BEGIN; SELECT regress.invite_as(:'amy_token', 'users_new@example.com', 'staff', :'other_shop'); COMMIT;
BEGIN; SELECT regress.invite_as(:'amy_token', 'users_new@example.com', 'support', NULL); COMMIT;
BEGIN; SELECT regress.invite_as(:'amy_token', 'users_new@example.com', NULL, NULL); COMMIT;
BEGIN; SELECT regress.invite_as(:'amy_token', 'users_new@example.com', NULL, :'shop'); COMMIT;
BEGIN; SELECT regress.invite_as(:'amy_token', 'users_amy@example.com', 'staff', :'shop'); COMMIT;
BEGIN; SELECT regress.invite_as(:'amy_token', 'users_new@example.com', 'nobody', :'shop'); COMMIT;
BEGIN; SELECT regress.invite_as(:'help_token', 'users_new@example.com', NULL, NULL); COMMIT;
BEGIN; SELECT regress.invite_as(:'root_token', 'users_new@example.com', 'staff', '00000000-0000-7000-8000-00000000d003'); COMMIT;
BEGIN; SELECT regress.invite_as(:'root_token', 'not an address', NULL, NULL); COMMIT;
SELECT count(*) AS left_behind FROM latchkey.find_user('users_new@example.com');
BEGIN; SELECT regress.invite_as(:'root_token', 'users_new@example.com', 'admin', NULL); ROLLBACK;
SELECT type, actor_id = :'amy' AS by_amy FROM latchkey.events WHERE account_id = regress.id_of('users_lea') ORDER BY id;

-- Changing others: what is not null, or all of it.
SELECT email, name, profile, onboarding_step FROM latchkey.update_user(:'ben', name => 'Ben B.', profile => '{"a": 1, "b": 2}', onboarding_step => 'two');
SELECT email, name, profile, onboarding_step FROM latchkey.update_user(:'ben', profile => '{"a": null, "c": 3}');
SELECT email, name, profile, onboarding_step FROM latchkey.update_user(:'ben', profile => '{"d": 4}', replace => true);
SELECT email, name, profile, onboarding_step FROM latchkey.update_user(:'ben', replace => true);
SELECT name FROM latchkey.update_user(:'ben', name => 'Ben');
-- Another address: to be confirmed anew, and free to take is the old one. Sessions and mailed tokens end.
SELECT token AS verification FROM latchkey.request_email_verification(:'ben') \gset
SELECT email_verified FROM latchkey.confirm_email(:'verification');
SELECT token AS reset FROM latchkey.request_password_reset('users_ben@example.com') \gset
SELECT regress.token_of('users_ben') AS ben_token \gset
SELECT outcome FROM latchkey.login('users_ben@example.com', 'wrong password');
SELECT email, email_verified FROM latchkey.update_user(:'ben', 'users_ben@example.com');
SELECT user_id = :'ben' AS goes_on FROM latchkey.verify(:'ben_token');
SELECT email, email_verified FROM latchkey.update_user(:'ben', 'Users_Benno@example.com');
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', :'ben_token')), regress.error_of(format('SELECT latchkey.reset_password(%L, ''a new password'')', :'reset'));
SELECT outcome FROM latchkey.login('users_ben@example.com', 'password of users_ben') UNION ALL SELECT outcome FROM latchkey.login('users_benno@example.com', 'password of users_ben');
SELECT count(*) AS attempts_of_ben FROM latchkey.login_attempts WHERE user_id = :'ben';
SELECT email_key FROM latchkey.user_emails WHERE user_id = :'ben';
-- The same address in other letters is still theirs.
SELECT email, email_verified FROM latchkey.update_user(:'ben', 'USERS_BENNO@example.com');
SELECT outcome FROM latchkey.login('users_benno@example.com', 'password of users_ben');
SELECT regress.error_of(format('SELECT latchkey.update_user(%L, %L)', :'ben', e)) FROM unnest(ARRAY['users_amy@example.com', 'USERS_AMY@example.com', 'x', '']) AS e;
SELECT regress.new_user('users_ben') IS NOT NULL AS old_address_is_free;
SELECT regress.error_of(format('SELECT latchkey.update_user(%L, %s)', :'ben', a)) FROM unnest(ARRAY['name => repeat(''x'', 201)', 'profile => ''[]''', 'onboarding_step => repeat(''x'', 101)', 'replace => NULL']) AS a;
SELECT regress.error_of('SELECT latchkey.update_user(NULL)'), regress.error_of('SELECT latchkey.update_user(''00000000-0000-7000-8000-000000000000'')');
SELECT regress.events_of(:'ben');
SELECT data, actor_id FROM latchkey.events WHERE account_id = :'ben' AND type = 'user.updated' ORDER BY id DESC LIMIT 1;
-- Support changes nothing, a user not even oneself this way, and nobody one who holds more.
SELECT who, regress.as_user(token, format('SELECT latchkey.update_user(%L, name => ''X'')', id)) AS answer
  FROM (VALUES ('support, a user', :'help_token', :'ben'), ('user, another', :'amy_token', :'ben'), ('user, oneself', :'amy_token', :'amy'), ('admin, a user', :'root_token', :'ben'), ('admin, oneself', :'root_token', :'root')) AS t (who, token, id);
BEGIN;
SELECT name FROM latchkey.create_role('editor', '{users.write}');
SELECT role FROM latchkey.grant_role(:'amy', 'editor');
SELECT regress.as_user(:'amy_token', format('SELECT latchkey.update_user(%L, name => ''X'')', id)) FROM unnest(ARRAY[:'ben', :'root', :'help']) AS id;
ROLLBACK;
-- The other tests have no administrator.
DELETE FROM latchkey.role_grants WHERE user_id IN (:'root', :'help', :'amy');
DROP FUNCTION regress.as_user(text, text), regress.invite_as(text, text, text, uuid);
