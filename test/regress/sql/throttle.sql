-- Attempts are bounded per account, per client network and per mailbox, unknown addresses alike.
SELECT latchkey.set_setting('throttle.account_attempts', '3');
SELECT regress.new_user('tom') AS tom \gset
CREATE FUNCTION regress.attempt(email text, password text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(', ', outcome, CASE WHEN token IS NOT NULL THEN 'token' END,
                   CASE WHEN retry_at > now() AND retry_at <= clock_timestamp() + latchkey.get_setting('throttle.window')::interval THEN 'retry later' END)
    FROM latchkey.login(email, password)
$$;
SELECT n, regress.attempt('tom@example.com', 'wrong ' || n) FROM generate_series(1, 4) AS n;
-- Not even the right password, in no spelling of the address.
SELECT regress.attempt('tom@example.com', 'password of tom');
SELECT regress.attempt('TOM@EXAMPLE.com', 'password of tom');
SELECT n, regress.attempt('nobody-of-throttle@example.com', 'wrong ' || n) FROM generate_series(1, 4) AS n;
SELECT n, regress.attempt('no address', 'wrong ' || n) FROM generate_series(1, 4) AS n;
-- Locked out is no attempt: the time does not move on.
SELECT retry_at AS retry_at FROM latchkey.login('tom@example.com', 'wrong') \gset
SELECT retry_at = :'retry_at' AS same FROM latchkey.login('tom@example.com', 'wrong');
-- The lock-out ends, and the count starts anew.
UPDATE latchkey.login_attempts SET window_ends_at = now() - interval '1 second';
SELECT n, regress.attempt('tom@example.com', 'wrong ' || n) FROM generate_series(1, 2) AS n;
-- A success forgets the failures.
SELECT regress.attempt('tom@example.com', 'password of tom');
SELECT n, regress.attempt('tom@example.com', 'wrong ' || n) FROM generate_series(1, 4) AS n;
-- What was typed is not kept.
SELECT count(*) FROM latchkey.login_attempts AS a WHERE a::text ~* 'tom|example|wrong' OR encode(key_hash, 'escape') ~* 'tom';
-- A wrong current password counts likewise.
UPDATE latchkey.login_attempts SET window_ends_at = now() - interval '1 second';
SELECT n, (latchkey.change_password(:'tom', 'wrong', 'next password')).outcome FROM generate_series(1, 4) AS n;
SELECT regress.attempt('tom@example.com', 'password of tom');
SELECT latchkey.set_setting('throttle.account_attempts', '10');
DELETE FROM latchkey.login_attempts;

-- Failures in a row, over all windows: then locked out until the password is reset. An address that nobody has, the same.
SELECT latchkey.set_setting('throttle.account_attempts', '2'), latchkey.set_setting('throttle.consecutive_failures', '3');
SELECT regress.new_user('tess') AS tess \gset
CREATE FUNCTION regress.next_window() RETURNS void LANGUAGE sql AS $$ UPDATE latchkey.login_attempts SET window_ends_at = now() - interval '1 second' $$;
SELECT n, regress.attempt('tess@example.com', 'wrong'), regress.attempt('nobody-in-a-row@example.com', 'wrong') AS nobody, regress.attempt('in a row', 'wrong') AS no_address FROM generate_series(1, 3) AS n;
SELECT regress.next_window();
SELECT n, regress.attempt('tess@example.com', 'wrong'), regress.attempt('nobody-in-a-row@example.com', 'wrong') AS nobody, regress.attempt('in a row', 'wrong') AS no_address FROM generate_series(1, 2) AS n;
SELECT regress.next_window();
SELECT outcome, retry_at, session_id FROM latchkey.login('tess@example.com', 'password of tess');
SELECT outcome, retry_at FROM latchkey.change_password(:'tess', 'password of tess', 'next password');
SELECT scope, failures, user_id = :'tess' AS of_tess, count(*) FROM latchkey.login_attempts GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
-- Every way to another password ends it, and so does a larger bound, or none.
SELECT latchkey.set_password(:'tess', 'password of tess');
SELECT regress.attempt('tess@example.com', 'password of tess');
UPDATE latchkey.settings SET value = '1000' WHERE key = 'throttle.account_attempts';
SELECT n, regress.attempt('tess@example.com', 'wrong') FROM generate_series(1, 4) AS n;
SELECT r.email FROM latchkey.request_password_reset('tess@example.com') AS m, latchkey.reset_password(m.token, 'password of tess') AS r;
SELECT regress.attempt('tess@example.com', 'password of tess');
SELECT n, regress.attempt('tess@example.com', 'wrong') FROM generate_series(1, 4) AS n;
SELECT latchkey.set_setting('throttle.consecutive_failures', '5');
SELECT n, regress.attempt('tess@example.com', 'wrong') FROM generate_series(1, 3) AS n;
SELECT latchkey.set_setting('throttle.consecutive_failures', '0');
SELECT n, regress.attempt('tess@example.com', 'wrong') FROM generate_series(1, 3) AS n;
-- A success starts the count anew: a login, or a change of the password.
SELECT regress.attempt('tess@example.com', 'password of tess');
SELECT latchkey.set_setting('throttle.consecutive_failures', '3');
SELECT n, regress.attempt('tess@example.com', 'wrong') FROM generate_series(1, 2) AS n;
SELECT (latchkey.change_password(:'tess', 'password of tess', 'password of tess')).outcome;
SELECT n, regress.attempt('tess@example.com', 'wrong') FROM generate_series(1, 2) AS n;
SELECT regress.attempt('tess@example.com', 'password of tess');
-- What was guessed before there was a user doesn't count, and then it is the user's.
SELECT n, regress.attempt('tommy@example.com', 'wrong') FROM generate_series(1, 4) AS n;
SELECT regress.new_user('tommy') AS tommy \gset
SELECT regress.attempt('tommy@example.com', 'password of tommy'), regress.attempt('tommy@example.com', 'wrong') AS wrong;
SELECT failures FROM latchkey.login_attempts WHERE user_id = :'tommy';
UPDATE latchkey.settings SET value = CASE key WHEN 'throttle.account_attempts' THEN '10' ELSE default_value END WHERE key IN ('throttle.account_attempts', 'throttle.consecutive_failures');
DELETE FROM latchkey.login_attempts;
-- A failure for a user's address leaves an event; one for an address that nobody has leaves none.
SELECT count(*) AS events FROM latchkey.events \gset
SELECT regress.attempt('tom@example.com', 'wrong'), regress.attempt('nobody@example.com', 'wrong'), regress.attempt('no address', 'wrong');
SELECT type, account_id = :'tom' AS of_tom FROM latchkey.events ORDER BY id OFFSET :events;
DELETE FROM latchkey.login_attempts;

-- Per client address: an IPv6 /64 is one client, IPv4 in IPv6 is IPv4, and other clients are not touched.
SELECT latchkey.set_setting('throttle.address_attempts', '3');
CREATE FUNCTION regress.attempt_from(client inet, email text, password text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM latchkey.bind_request('r', client);
  RETURN regress.attempt(email, password);
END $$;
SELECT n, regress.attempt_from('192.0.2.1', 'guess' || n || '@example.com', 'wrong') FROM generate_series(1, 4) AS n;
SELECT regress.attempt_from('192.0.2.1', 'tom@example.com', 'password of tom'), regress.attempt_from('::ffff:192.0.2.1', 'tom@example.com', 'password of tom') AS mapped,
       regress.attempt_from('192.0.2.1/24', 'tom@example.com', 'password of tom') AS with_mask,
       regress.attempt_from('192.0.2.2', 'tom@example.com', 'password of tom') AS neighbour;
SELECT client, regress.attempt_from(client, 'guess@example.com', 'wrong')
  FROM unnest(ARRAY['2001:db8:1:2::1', '2001:db8:1:2:ffff::1', '2001:db8:1:2:0:1::', '2001:db8:1:2::9', '2001:db8:1:3::1']::inet[]) AS client;
SELECT regress.attempt('tom@example.com', 'password of tom') AS unknown_client;
UPDATE latchkey.settings SET value = default_value WHERE key = 'throttle.address_attempts';
DELETE FROM latchkey.login_attempts;

-- Mails: so many per address within the window, whether it is known or not.
SELECT latchkey.set_setting('throttle.mail_requests', '2');
CREATE FUNCTION regress.mails(email text) RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT count(*) FROM latchkey.request_password_reset(email)';
CREATE FUNCTION regress.mails(id uuid) RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT count(*) FROM latchkey.request_email_verification(id)';
SELECT n, regress.mails('tom@example.com') AS resets, regress.mails(:'tom'::uuid) AS verifications, regress.mails('nobody@example.com') AS of_nobody
  FROM generate_series(1, 4) AS n;
-- By address as by user: one mailbox, one count; and who is not there is counted as well.
SELECT count(*) FROM latchkey.request_email_verification_for('tom@example.com');
SELECT n, count(m) FROM generate_series(1, 3) AS n LEFT JOIN LATERAL latchkey.request_email_verification_for('nobody@example.com') AS m ON true GROUP BY 1 ORDER BY 1;
SELECT scope, cardinality(places), count(*) FROM latchkey.login_attempts GROUP BY 1, 2 ORDER BY 1, 2;
UPDATE latchkey.settings SET value = default_value WHERE key = 'throttle.mail_requests';
DELETE FROM latchkey.login_attempts;
-- Null arguments are an error of the caller's.
SELECT regress.error_of(s) FROM unnest(ARRAY['SELECT latchkey.login(NULL, ''x'')', 'SELECT latchkey.login(''tom@example.com'', NULL)',
  'SELECT latchkey.request_password_reset(NULL)', 'SELECT latchkey.request_email_verification(NULL)',
  'SELECT latchkey.request_email_verification_for(NULL)']) AS s;
