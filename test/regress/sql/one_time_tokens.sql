-- Tokens of password resets and e-mail verifications: single-use, stored hashed, and good for one purpose and time.
SELECT regress.new_user('olga') AS olga \gset
SELECT regress.token_of('olga') AS session \gset
SELECT user_id = :'olga' AS hers, email, name, token AS reset,
       abs(extract(epoch FROM expires_at - now() - interval '1 hour')) < 60 AS in_an_hour
  FROM latchkey.request_password_reset('OLGA@example.com') \gset
\echo :hers :email :name :in_an_hour
SELECT token AS other_reset FROM latchkey.request_password_reset('olga@example.com') \gset
SELECT token AS verification, expires_at - now() > interval '2 days' AS days FROM latchkey.request_email_verification(:'olga') \gset
\echo :days
-- Not stored in clear, nowhere.
SELECT * FROM regress.tables_with(:'reset');
SELECT purpose, count(*), bool_and(octet_length(token_hash) = 32) AS hashed FROM latchkey.user_tokens WHERE user_id = :'olga' GROUP BY 1 ORDER BY 1;
-- For the other purpose, cut at every length, with every character altered, padded: refused.
SELECT regress.error_of(format('SELECT latchkey.confirm_email(%L)', :'reset'));
SELECT regress.error_of(format('SELECT latchkey.reset_password(%L, ''a new password'')', :'verification'));
SELECT count(*) FROM generate_series(0, length(:'reset') - 1) AS n
 WHERE regress.error_of(format('SELECT latchkey.reset_password(%L, ''a new password'')', left(:'reset', n))) NOT LIKE 'LK411%';
SELECT count(*) FROM generate_series(1, length(:'reset')) AS n
 WHERE regress.error_of(format('SELECT latchkey.reset_password(%L, ''a new password'')',
         overlay(:'reset' PLACING CASE substr(:'reset', n, 1) WHEN 'A' THEN 'B' ELSE 'A' END FROM n))) NOT LIKE 'LK411%';
SELECT regress.error_of(format('SELECT latchkey.reset_password(%L, ''a new password'')', t))
  FROM unnest(ARRAY[:'reset' || '=', :'reset' || ' ', ' ' || :'reset', :'reset' || 'AAAA', '', 'x', repeat('A', 100000), :'session', NULL]) AS t;
-- A password that breaks a rule leaves the token good.
SELECT regress.error_of(format('SELECT latchkey.reset_password(%L, %L)', :'reset', p)) FROM unnest(ARRAY['', 'short', repeat('x', 1025), NULL]) AS p;
SELECT email, email_verified FROM latchkey.reset_password(:'reset', 'a new password');
-- Used once, and the other one is gone with it. All sessions have ended; the old password as well.
SELECT regress.error_of(format('SELECT latchkey.reset_password(%L, ''another password'')', t)) FROM unnest(ARRAY[:'reset', :'other_reset']) AS t;
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', :'session'));
SELECT outcome FROM latchkey.login('olga@example.com', 'password of olga');
SELECT outcome FROM latchkey.login('olga@example.com', 'a new password');
-- The mailbox was proven: nothing to verify any more. The verification's own token is still good, once.
SELECT count(*) FROM latchkey.request_email_verification(:'olga');
SELECT email_verified FROM latchkey.confirm_email(:'verification');
SELECT regress.error_of(format('SELECT latchkey.confirm_email(%L)', t)) FROM unnest(ARRAY[:'verification', '', NULL]) AS t;
SELECT regress.events_of(:'olga');

-- Expired, with the setting and by the clock.
SELECT token AS reset FROM latchkey.request_password_reset('olga@example.com') \gset
UPDATE latchkey.user_tokens SET expires_at = now() - interval '1 second' WHERE user_id = :'olga';
SELECT regress.error_of(format('SELECT latchkey.reset_password(%L, ''another password'')', :'reset'));
SELECT latchkey.set_setting('accounts.password_reset_lifetime', '5 minutes');
SELECT expires_at - now() < interval '6 minutes' AS sooner FROM latchkey.request_password_reset('olga@example.com');
UPDATE latchkey.settings SET value = default_value WHERE key = 'accounts.password_reset_lifetime';

DELETE FROM latchkey.login_attempts;

-- A change of the password, a block and a deletion end what was mailed before.
SELECT token AS reset FROM latchkey.request_password_reset('olga@example.com') \gset
SELECT outcome FROM latchkey.change_password(:'olga', 'a new password', 'password of olga');
SELECT regress.error_of(format('SELECT latchkey.reset_password(%L, ''another password'')', :'reset'));
SELECT token AS reset FROM latchkey.request_password_reset('olga@example.com') \gset
SELECT status FROM latchkey.block_user(:'olga');
SELECT regress.error_of(format('SELECT latchkey.reset_password(%L, ''another password'')', :'reset'));
SELECT status FROM latchkey.unblock_user(:'olga');
SELECT regress.error_of(format('SELECT latchkey.reset_password(%L, ''another password'')', :'reset'));
-- So does another address.
SELECT token AS reset FROM latchkey.request_password_reset('olga@example.com') \gset
BEGIN;
UPDATE latchkey.users SET email = 'olga2@example.com' WHERE id = :'olga';
SELECT regress.error_of(format('SELECT latchkey.reset_password(%L, ''another password'')', :'reset'));
ROLLBACK;
-- A rolled-back use leaves the token good.
DELETE FROM latchkey.login_attempts;
SELECT token AS reset FROM latchkey.request_password_reset('olga@example.com') \gset
BEGIN;
SELECT email FROM latchkey.reset_password(:'reset', 'another password');
ROLLBACK;
SELECT email FROM latchkey.reset_password(:'reset', 'password of olga');

-- Where addresses must be confirmed first, there is no session before.
SELECT latchkey.set_setting('accounts.require_verified_email', 'true');
SELECT outcome, token IS NULL AS no_token, user_id IS NOT NULL AS created, account IS NULL AS no_account
  FROM latchkey.sign_up('pia@example.com', 'password of pia');
SELECT outcome, token IS NULL AS no_token FROM latchkey.login('pia@example.com', 'password of pia');
SELECT outcome FROM latchkey.login('pia@example.com', 'wrong');
SELECT count(*) FROM latchkey.sessions WHERE user_id = regress.id_of('pia');
-- Who can't log in knows no more than the address: in any case of letters, and no token for anybody else.
SELECT address, (SELECT email FROM latchkey.request_email_verification_for(address)) AS mailed_to
  FROM unnest(ARRAY['PIA@example.com', 'nobody@example.com', 'olga@example.com', 'no address', '']) AS address;
SELECT status FROM latchkey.block_user(regress.id_of('pia'));
SELECT count(*) FROM latchkey.request_email_verification_for('pia@example.com');
SELECT status FROM latchkey.unblock_user(regress.id_of('pia'));
SELECT email_verified FROM latchkey.request_email_verification_for('pia@example.com') AS m, latchkey.confirm_email(m.token);
SELECT outcome, token IS NULL AS no_token FROM latchkey.login('pia@example.com', 'password of pia');
UPDATE latchkey.settings SET value = default_value WHERE key = 'accounts.require_verified_email';
