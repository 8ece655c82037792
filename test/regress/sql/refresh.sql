-- refresh(): one successor for each token; the predecessor gets it again, an older one ends the session.
SELECT regress.new_user('rosa') AS rosa \gset
CREATE FUNCTION regress.state_of(token text) RETURNS text LANGUAGE sql AS $$ SELECT left(regress.error_of(format('SELECT latchkey.verify(%L)', token)), 5) $$;
SELECT token AS t1, session_id AS session FROM latchkey.login('rosa@example.com', 'password of rosa') \gset
SELECT outcome, token <> :'t1' AS new_token, session_id = :'session' AS same_session, user_id = :'rosa' AS hers, (account).email, expires_at > now() AS lasts, token AS t2
  FROM latchkey.refresh(:'t1') \gset
\echo :outcome :new_token :same_session :hers :email :lasts
-- Both verify during the grace period, then the new one alone.
SELECT regress.state_of(:'t1') AS t1, regress.state_of(:'t2') AS t2;
SELECT outcome, token = :'t2' AS same_successor FROM latchkey.refresh(:'t1');
SELECT outcome, token = :'t2' AS same_successor FROM latchkey.refresh(:'t1');
UPDATE latchkey.sessions SET token_issued_at = token_issued_at - interval '61 seconds' WHERE id = :'session';
SELECT regress.state_of(:'t1') AS t1, regress.state_of(:'t2') AS t2;
-- However late, the predecessor gets its successor: still one session.
SELECT outcome, regress.part_of(token, 2) ->> 'jti' = regress.part_of(:'t2', 2) ->> 'jti' AS same_successor FROM latchkey.refresh(:'t1');
SELECT outcome, token AS t3 FROM latchkey.refresh(:'t2') \gset
\echo :outcome
SELECT regress.state_of(:'t1') AS t1, regress.state_of(:'t2') AS t2, regress.state_of(:'t3') AS t3;
-- One older than the last two ends the session, and does not raise: the end must be committed.
SELECT outcome, token, session_id, user_id, account FROM latchkey.refresh(:'t1');
SELECT regress.state_of(:'t1') AS t1, regress.state_of(:'t2') AS t2, regress.state_of(:'t3') AS t3;
SELECT regress.error_of(format('SELECT latchkey.refresh(%L)', t)) FROM unnest(ARRAY[:'t1', :'t2', :'t3']) AS t;
SELECT type, data FROM latchkey.events WHERE account_id = :'rosa' ORDER BY id;

-- No grace: the predecessor is refused at once, and may still be refreshed.
SELECT latchkey.set_setting('sessions.rotation_grace', '0');
SELECT token AS t1 FROM latchkey.login('rosa@example.com', 'password of rosa') \gset
SELECT token AS t2 FROM latchkey.refresh(:'t1') \gset
SELECT regress.state_of(:'t1') AS t1, regress.state_of(:'t2') AS t2;
SELECT outcome, token = :'t2' AS same_successor FROM latchkey.refresh(:'t1');
UPDATE latchkey.settings SET value = default_value WHERE key = 'sessions.rotation_grace';
-- Only this session is ended by the reuse of its tokens.
SELECT token AS o1 FROM latchkey.login('rosa@example.com', 'password of rosa') \gset
SELECT token AS t3 FROM latchkey.refresh(:'t2') \gset
SELECT outcome FROM latchkey.refresh(:'t1');
SELECT regress.state_of(:'t3') AS t3, regress.state_of(:'o1') AS other_session;

-- Bounded by the session's age.
SELECT session_id AS session FROM latchkey.verify(:'o1') \gset
UPDATE latchkey.sessions SET created_at = now() - interval '4296 hours' WHERE id = :'session';
SELECT outcome, token AS o2, expires_at - now() BETWEEN interval '23 hours' AND interval '25 hours' AS a_day_left FROM latchkey.refresh(:'o1') \gset
\echo :outcome :a_day_left
UPDATE latchkey.sessions SET created_at = now() - interval '4344 hours' WHERE id = :'session';
SELECT regress.error_of(format('SELECT latchkey.refresh(%L)', :'o2'));
SELECT regress.state_of(:'o2') AS o2;

-- A new signing key signs the successor; after a rotation the predecessor gets the same token id.
SELECT token AS t1 FROM latchkey.login('rosa@example.com', 'password of rosa') \gset
SELECT token AS t2 FROM latchkey.refresh(:'t1') \gset
SELECT latchkey.rotate_signing_key() IS NOT NULL AS rotated;
SELECT outcome, regress.part_of(token, 2) = regress.part_of(:'t2', 2) AS same_claims, regress.part_of(token, 1) <> regress.part_of(:'t2', 1) AS another_key
  FROM latchkey.refresh(:'t1');
-- Rolled back, nothing happened.
BEGIN;
SELECT token AS lost FROM latchkey.refresh(:'t2') \gset
ROLLBACK;
SELECT regress.state_of(:'lost') AS lost, regress.state_of(:'t2') AS t2;
-- What is over can't be refreshed.
SELECT latchkey.logout(:'t2');
SELECT regress.error_of(format('SELECT latchkey.refresh(%L)', t)) FROM unnest(ARRAY[:'t1', :'t2', 'x', '', NULL]) AS t;
