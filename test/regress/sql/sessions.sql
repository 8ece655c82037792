-- Sessions: sign-up, login, logout, listing, revoking, purging.
SELECT outcome, token IS NOT NULL AS has_token, expires_at > now() + interval '29 days' AS lasts, retry_at, user_id = (account).id AS same_user, (account).email,
       (account).tier, (account).last_login_at IS NOT NULL AS logged_in
  FROM latchkey.sign_up('sue@example.com', 'password of sue', 'Sue', '{"a": 1}');
SELECT regress.error_of(s) FROM unnest(ARRAY['SELECT latchkey.sign_up(''SUE@example.com'', ''password of sue'')', 'SELECT latchkey.sign_up(''bad'', ''password of sue'')',
  'SELECT latchkey.sign_up(''sue2@example.com'', ''short'')', 'SELECT latchkey.sign_up(''sue2@example.com'', NULL)', 'SELECT latchkey.sign_up(NULL, ''password of sue'')',
  'SELECT latchkey.sign_up(''sue2@example.com'', ''password of sue'', NULL, ''[]'')', 'SELECT latchkey.sign_up(''sue2@example.com'', ''password of sue'', E''\x01'')']) AS s;
SELECT count(*) FROM latchkey.find_user('sue2@example.com');
SELECT regress.id_of('sue') AS sue \gset
BEGIN;
SELECT latchkey.bind_request('r', '192.0.2.9', 'Firefox');
SELECT token AS token, session_id AS session FROM latchkey.login('sue@example.com', 'password of sue') \gset
COMMIT;
SELECT user_id = :'sue' AS hers, session_id = :'session' AS this_one, tenant_id, email, name, role, expires_at > now() AS lasts FROM latchkey.verify(:'token');
SELECT outcome, token, expires_at, session_id, user_id, retry_at, account FROM latchkey.login('sue@example.com', 'wrong password');
SELECT outcome, token, expires_at, session_id, user_id, retry_at, account FROM latchkey.login('nobody@example.com', 'wrong password');
-- Verification writes nothing: it works in a read-only transaction.
BEGIN READ ONLY;
SELECT user_id = :'sue' AS hers FROM latchkey.verify(:'token');
SELECT user_id = :'sue' AS hers FROM latchkey.authenticate(:'token');
SELECT count(*) FROM latchkey.list_sessions(:'sue');
COMMIT;

-- Listing: newest first, by pages, with the bound one marked.
SELECT regress.token_of('sue') IS NOT NULL AS logged_in FROM generate_series(1, 3);
BEGIN;
SELECT session_id = :'session' AS bound FROM latchkey.authenticate(:'token');
SELECT id = :'session' AS this_one, client_address, user_agent, current, created_at <= last_seen_at AS seen, expires_at > now() AS lasts
  FROM latchkey.list_sessions(:'sue');
COMMIT;
SELECT id AS first_id FROM latchkey.list_sessions(:'sue', NULL, 1) \gset
SELECT count(*), bool_and(id < :'first_id') AS older FROM latchkey.list_sessions(:'sue', :'first_id');
SELECT count(*) FROM latchkey.list_sessions(:'sue', :'first_id', 2);
SELECT regress.error_of(format('SELECT latchkey.list_sessions(%L, NULL, %s)', :'sue', n)) FROM unnest(ARRAY['0', '-1', '1001', 'NULL']) AS n;
SELECT count(*) FROM latchkey.list_sessions('00000000-0000-7000-8000-000000000000');

-- Where Citus is installed, rows may lie on other nodes: verification then asks by SQL, and answers the same.
SET allow_system_table_mods = on;
INSERT INTO pg_extension SELECT 1, 'citus', extowner, extnamespace, false, '0' FROM pg_extension WHERE extname = 'latchkey';
\c -
SELECT user_id = :'sue' AS hers, session_id = :'session' AS this_one, tenant_id, email, name, role, expires_at > now() AS lasts FROM latchkey.verify(:'token');
SELECT regress.token_of('sue') AS ended \gset
SELECT latchkey.logout(:'ended');
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', :'ended'));
SET allow_system_table_mods = on;
DELETE FROM pg_extension WHERE extname = 'citus';
\c -
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', :'ended'));

-- Logging out ends this session only, and once.
SELECT regress.token_of('sue') AS other \gset
SELECT latchkey.logout(:'token');
SELECT latchkey.logout(:'token');
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', t)) FROM unnest(ARRAY[:'token', :'other']) AS t;
SELECT latchkey.logout(t) FROM unnest(ARRAY['', 'x', 'a.b.c', left(:'other', -1)]) AS t;
SELECT regress.error_of('SELECT latchkey.logout(NULL)');
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', :'other'));

-- Revoking one, and all.
SELECT session_id AS session FROM latchkey.verify(:'other') \gset
SELECT latchkey.revoke_session(:'sue', :'session');
SELECT regress.error_of(format('SELECT latchkey.revoke_session(%L, %L)', :'sue', :'session'));
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', :'other'));
SELECT regress.new_user('ron') AS ron \gset
SELECT regress.token_of('ron') AS token \gset
SELECT regress.error_of(format('SELECT latchkey.revoke_session(%L, %L)', :'sue', session_id)) FROM latchkey.verify(:'token');
SELECT regress.error_of(s) FROM unnest(ARRAY['SELECT latchkey.revoke_session(NULL, NULL)', 'SELECT latchkey.logout_everywhere(NULL)', 'SELECT latchkey.list_sessions(NULL)']) AS s;
SELECT latchkey.logout_everywhere(:'sue');
SELECT latchkey.logout_everywhere(:'sue');
SELECT latchkey.logout_everywhere('00000000-0000-7000-8000-000000000000');
SELECT count(*) FROM latchkey.list_sessions(:'sue');
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', :'token'));

-- Expired: by the row, and by the token's own claim.
UPDATE latchkey.sessions SET expires_at = now() - interval '1 second' WHERE user_id = :'ron';
SELECT regress.error_of(format(s, :'token')) FROM unnest(ARRAY['SELECT latchkey.verify(%L)', 'SELECT latchkey.authenticate(%L)', 'SELECT latchkey.refresh(%L)']) AS s;
SELECT latchkey.logout(:'token');
SELECT count(*) FROM latchkey.list_sessions(:'ron');
UPDATE latchkey.settings SET minimum = 1, value = '1 second' WHERE key = 'sessions.lifetime';
SELECT regress.token_of('ron') AS token \gset
UPDATE latchkey.settings SET minimum = 60, value = default_value WHERE key = 'sessions.lifetime';
UPDATE latchkey.sessions SET expires_at = now() + interval '1 day' WHERE user_id = :'ron';
SELECT pg_sleep(1.1);
SELECT regress.error_of(format(s, :'token')) FROM unnest(ARRAY['SELECT latchkey.verify(%L)', 'SELECT latchkey.authenticate(%L)', 'SELECT latchkey.refresh(%L)']) AS s;

-- sessions.lifetime and max_lifetime bound a session from its start.
SELECT latchkey.set_setting('sessions.max_lifetime', '2 hours');
SELECT expires_at - now() BETWEEN interval '1 hour 59 minutes' AND interval '2 hours 1 minute' AS bounded FROM latchkey.login('ron@example.com', 'password of ron');
UPDATE latchkey.settings SET value = default_value WHERE key = 'sessions.max_lifetime';

-- Purging: what is over for longer than sessions.retention, in batches.
SELECT latchkey.purge_expired_sessions();
UPDATE latchkey.sessions SET revoked_at = now() - interval '8 days' WHERE user_id = :'sue';
UPDATE latchkey.sessions SET expires_at = now() - interval '6 days' WHERE user_id = :'ron';
SELECT count(*) AS old FROM latchkey.sessions WHERE user_id = :'sue' \gset
SELECT :old AS old, latchkey.purge_expired_sessions(2), latchkey.purge_expired_sessions(100000), latchkey.purge_expired_sessions();
SELECT count(*) > 0 AS kept FROM latchkey.sessions WHERE user_id = :'ron';
INSERT INTO latchkey.user_tokens VALUES (:'ron', '\x00', 'password_reset', 'ron@example.com', now(), now() - interval '1 second');
INSERT INTO latchkey.login_attempts VALUES ('login', '\x00', '{0}', now() - interval '8 days');
SELECT latchkey.purge_expired_sessions(), latchkey.purge_expired_sessions() AS again;
-- Batches of everything, oldest first.
INSERT INTO latchkey.user_tokens SELECT :'ron', '\x0000' || decode(lpad(n::text, 2, '0'), 'hex'), 'password_reset', 'ron@example.com', now(), now() - make_interval(days => n) FROM generate_series(1, 5) AS n;
INSERT INTO latchkey.login_attempts SELECT 'login', '\x0000' || decode(lpad(n::text, 2, '0'), 'hex'), '{0}', now() - make_interval(days => 7 + n) FROM generate_series(1, 3) AS n;
INSERT INTO latchkey.login_attempts VALUES ('login', '\x01', '{0}', now() - interval '6 days', 1, NULL), ('login', '\x02', '{0}', now() - interval '1 year', 99, :'ron');
SELECT latchkey.purge_expired_sessions(2) AS first;
SELECT (SELECT string_agg(encode(token_hash, 'hex'), ' ' ORDER BY token_hash) FROM latchkey.user_tokens WHERE token_hash >= '\x0000' AND token_hash < '\x0001') AS tokens,
       (SELECT string_agg(encode(key_hash, 'hex'), ' ' ORDER BY key_hash) FROM latchkey.login_attempts WHERE key_hash >= '\x0000' AND key_hash < '\x0001') AS attempts;
SELECT latchkey.purge_expired_sessions(2) AS second, latchkey.purge_expired_sessions(2) AS third, latchkey.purge_expired_sessions(2) AS fourth;
SELECT (SELECT count(*) FROM latchkey.user_tokens WHERE token_hash = '\x00'), (SELECT count(*) FROM latchkey.login_attempts WHERE key_hash = '\x00');
-- Failures are kept for a while, those for a user's address until a success.
SELECT key_hash FROM latchkey.login_attempts WHERE window_ends_at < now() ORDER BY key_hash;
DELETE FROM latchkey.login_attempts WHERE key_hash IN ('\x01', '\x02');
SELECT regress.error_of(format('SELECT latchkey.purge_expired_sessions(%s)', n)) FROM unnest(ARRAY['0', '-1', '100001', 'NULL']) AS n;
SELECT regress.events_of(:'ron');
-- No token is stored anywhere.
SELECT regress.token_of('ron') AS token \gset
SELECT * FROM regress.tables_with(split_part(:'token', '.', 3));
