-- Passwords: hashing, checking, rules, hashes of other products, and every way to change one.
SELECT latchkey.hash_password('correct horse') AS hash \gset
SELECT :'hash' ~ '^\$argon2id\$v=19\$m=8192,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$' AS phc,
       latchkey.hash_password('correct horse') <> :'hash' AS salted,
       latchkey.verify_password('correct horse', :'hash') AS right_one,
       latchkey.verify_password('correct horsf', :'hash') AS wrong_one,
       latchkey.verify_password('', :'hash') AS empty,
       latchkey.verify_password('correct horse', NULL) AS no_hash;

-- Lengths: characters at the lower end, bytes at the upper one. Nothing is cut.
SELECT description, octet_length(password) AS bytes,
       regress.error_of(format('SELECT latchkey.hash_password(%L)', password)) AS answer
  FROM (VALUES ('null', NULL), ('empty', ''), ('7 characters', 'sevench'), ('8 characters', 'eight ch'),
               ('7 characters in 14 bytes', 'äöüäöüä'), ('8 spaces', '        '), ('4 that compose to 2', 'u' || U&'\0308' || 'o' || U&'\0308'),
               ('8 characters in normal form, of 4', repeat(U&'\FB01', 4)),
               ('1,024 bytes', repeat('x', 1024)), ('1,025 bytes', repeat('x', 1025)), ('1,024 bytes of 2-byte characters', repeat('ü', 512)),
               ('1,026 bytes of 2-byte characters', repeat('ü', 513)), ('1 MB', repeat('x', 1000000)),
               ('216 bytes that are 1,296 in normal form', repeat(U&'\FDFA', 72))) AS t (description, password);
SELECT regress.error_of(format('SELECT latchkey.verify_password(%L, %L)', repeat('x', 1025), :'hash'));

-- Passwords that differ in the last byte only are different ones, at every length.
SELECT length, latchkey.verify_password(repeat('p', length - 1) || 'a', hash) AS same, latchkey.verify_password(repeat('p', length - 1) || 'b', hash) AS other
  FROM (SELECT length, latchkey.hash_password(repeat('p', length - 1) || 'a') AS hash FROM unnest(ARRAY[71, 72, 73, 1000, 1024]) AS length) AS t;

-- Forms of one text are one password: composed, decomposed, compatibility characters.
SELECT latchkey.verify_password('caf' || U&'\00E9' || ' au lait', h) AS nfc, latchkey.verify_password('cafe' || U&'\0301' || ' au lait', h) AS nfd,
       latchkey.verify_password('ca' || U&'\FB00' || U&'\00E9' || ' au lait', h) AS another,
       latchkey.verify_password('CAF' || U&'\00C9' || ' AU LAIT', h) AS upper
  FROM (SELECT latchkey.hash_password('cafe' || U&'\0301' || ' au lait')) AS t (h);
SELECT latchkey.verify_password('fi' || 'password 12', latchkey.hash_password(U&'\FB01' || 'password ' || U&'\FF11' || U&'\FF12')) AS nfkc;

-- bcrypt of all three prefixes.
CREATE TABLE regress.bcrypt (description text, password text, hash text);
INSERT INTO regress.bcrypt VALUES
  ('2b, 06', 'correct horse battery staple', '$2b$06$4Pc6DMsSbnBP34kVFkriku1RInRkRBtYQ0TAIDt84XwuevZhpb33S'),
  ('2a, 06', 'Tr0ub4dor&3', '$2a$06$82rfw5i8YTWChtSmdMSNZOr0m5fHhtb1oN9j1OfrFZl98UODDFFEq'),
  ('2b, beyond ASCII', 'pässwörd-ünïcode', '$2b$06$QetVMzCL3n78TkwuWRDvpOqaqMv1ZHBT5htou7/4ePRG7wUpVYyNS'),
  ('2y, as PHP writes it', 'from-php', '$2y$06$WR.BvYZqLDa5nSuwvy2o8OVKNSZk71uUw5XImWdyY9b17HUOJinbS'),
  ('2b, 72 bytes', repeat('a', 72), '$2b$06$apvQz1udZLQSzDkxPpcD6uYflREdqnhpUTV/lA/27Yxx2AqLuZoM.'),
  ('2a, cost 12', 'framesense-12', '$2a$12$lqEhs6FqYYN.5cTlLOOqg.nhpD36.NIto.H2TDd2z5UlwpAJYXzmm');
SELECT description, latchkey.verify_password(password, hash) AS right_one, latchkey.verify_password(password || '!', hash) AS longer,
       latchkey.verify_password(left(password, -1), hash) AS shorter
  FROM regress.bcrypt;
-- bcrypt looks at 72 bytes: one more must not match what begins alike. (The last one is made here, of 71 bytes.)
SELECT n, latchkey.verify_password(repeat('a', n), hash) AS answer
  FROM regress.bcrypt, unnest(ARRAY[71, 72, 73, 1000]) AS n WHERE description = '2b, 72 bytes';
SELECT latchkey.verify_password(repeat('a', 71) || 'b', hash) AS last_byte_differs FROM regress.bcrypt WHERE description = '2b, 72 bytes';
SELECT latchkey.verify_password(repeat('b', 71), crypt(repeat('b', 71), gen_salt('bf', 4))) AS of_71,
       latchkey.verify_password(repeat('b', 70) || 'c', crypt(repeat('b', 71), gen_salt('bf', 4))) AS last_byte_differs;

-- scrypt in PHC form (RFC 7914's vector: password 'pleaseletmein', salt 'SodiumChloride', N=2^14, r=8, p=1).
SELECT latchkey.verify_password('pleaseletmein', phc) AS right_one, latchkey.verify_password('pleaseletmeim', phc) AS wrong_one
  FROM (SELECT '$scrypt$ln=14,r=8,p=1$' || rtrim(encode('SodiumChloride', 'base64'), '=') || '$' ||
               rtrim(translate(encode('\x7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
                                      'base64'), E'\n', ''), '=')) AS t (phc);

-- Hashes of no known form, or too expensive.
SELECT hash, regress.error_of(format('SELECT latchkey.verify_password(''whatever'', %L)', hash)) AS answer
  FROM unnest(ARRAY['', 'plain', '$1$abcdefgh$0123456789012345678901', '$2b$31$4Pc6DMsSbnBP34kVFkriku1RInRkRBtYQ0TAIDt84XwuevZhpb33S',
                    '$2b$03$4Pc6DMsSbnBP34kVFkriku1RInRkRBtYQ0TAIDt84XwuevZhpb33S', '$2x$06$4Pc6DMsSbnBP34kVFkriku1RInRkRBtYQ0TAIDt84XwuevZhpb33S',
                    '$2b$06$4Pc6DMsSbnBP34kVFkriku1RInRkRBtYQ0TAIDt84XwuevZhpb33', '$argon2i$v=19$m=8192,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA',
                    '$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA',
                    '$argon2id$v=19$m=8192,t=99,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA',
                    '$argon2id$v=19$m=8192,t=1,p=1$$aGFzaGhhc2hoYXNoaGFzaA', '$argon2id$v=19$m=8192,t=1,p=1$c2FsdHNhbHRzYWx0$',
                    '$argon2id$v=19$m=8192,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA=', '$scrypt$ln=40,r=8,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA']) AS hash;

-- Blocked passwords, in any case.
INSERT INTO latchkey.blocked_passwords VALUES ('password1');
SELECT regress.error_of(format('SELECT latchkey.hash_password(%L)', p)) FROM unnest(ARRAY['password1', 'PassWord1', 'password1 ']) AS p;
DELETE FROM latchkey.blocked_passwords;

-- Rehash at login: from bcrypt, and from other argon2id parameters. The old password goes on to work.
SELECT regress.new_user('paul') AS paul \gset
UPDATE latchkey.users SET password_hash = (SELECT hash FROM regress.bcrypt WHERE description = '2y, as PHP writes it') WHERE id = :'paul';
SELECT outcome FROM latchkey.login('paul@example.com', 'not from-php');
SELECT password_hash LIKE '$2y$%' AS kept FROM latchkey.users WHERE id = :'paul';
SELECT outcome FROM latchkey.login('paul@example.com', 'from-php');
SELECT password_hash AS hash, password_hash LIKE '$argon2id$v=19$m=8192,t=1,p=1$%' AS rehashed FROM latchkey.users WHERE id = :'paul' \gset
\echo :rehashed
SELECT outcome FROM latchkey.login('paul@example.com', 'from-php');
SELECT password_hash = :'hash' AS kept FROM latchkey.users WHERE id = :'paul';
BEGIN;
SELECT latchkey.set_setting('passwords.argon2_passes', '2');
SELECT outcome FROM latchkey.login('paul@example.com', 'from-php');
SELECT password_hash LIKE '$argon2id$v=19$m=8192,t=2,p=1$%' AS rehashed FROM latchkey.users WHERE id = :'paul';
SELECT outcome FROM latchkey.login('paul@example.com', 'from-php');
ROLLBACK;
-- A password that breaks today's rules works, and keeps its hash.
UPDATE latchkey.users SET password_hash = crypt('short', gen_salt('bf', 4)) WHERE id = :'paul';
SELECT outcome FROM latchkey.login('paul@example.com', 'short');
SELECT password_hash LIKE '$2a$%' AS kept FROM latchkey.users WHERE id = :'paul';
SELECT latchkey.set_password(:'paul', 'password of paul');
SELECT regress.events_of(:'paul');

-- change_password: the bound session stays, all others end.
SELECT regress.token_of('paul') AS token \gset
SELECT regress.token_of('paul') AS other_token \gset
SELECT outcome FROM latchkey.change_password(:'paul', 'wrong', 'next password');
SELECT regress.error_of(format('SELECT latchkey.change_password(%L, ''password of paul'', ''short'')', :'paul'));
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', :'other_token'));
BEGIN;
SELECT user_id = :'paul' AS bound FROM latchkey.authenticate(:'token');
SELECT outcome, retry_at FROM latchkey.change_password(:'paul', 'password of paul', 'next password');
COMMIT;
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', t)) FROM unnest(ARRAY[:'token', :'other_token']) AS t;
SELECT outcome FROM latchkey.login('paul@example.com', 'password of paul');
SELECT outcome FROM latchkey.login('paul@example.com', 'next password');
-- Without an identity all end.
SELECT outcome FROM latchkey.change_password(:'paul', 'next password', 'password of paul');
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', :'token'));

-- set_password: all sessions end, a lock-out too.
SELECT regress.token_of('paul') AS token \gset
SELECT latchkey.set_setting('throttle.account_attempts', '2');
SELECT outcome FROM latchkey.login('paul@example.com', 'wrong');
SELECT outcome FROM latchkey.login('paul@example.com', 'wrong');
SELECT outcome FROM latchkey.login('paul@example.com', 'password of paul');
SELECT outcome, retry_at > now() AS later FROM latchkey.change_password(:'paul', 'password of paul', 'next password');
SELECT latchkey.set_password(:'paul', 'set by an admin');
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', :'token'));
SELECT outcome FROM latchkey.login('paul@example.com', 'set by an admin');
UPDATE latchkey.settings SET value = default_value WHERE key = 'throttle.account_attempts';
SELECT regress.error_of(format(s, :'paul')) FROM unnest(ARRAY[
  'SELECT latchkey.set_password(%L, ''short'')', 'SELECT latchkey.set_password(%L, NULL)', 'SELECT latchkey.set_password(NULL, ''long enough'')',
  'SELECT latchkey.set_password(''00000000-0000-7000-8000-000000000000'', ''long enough'')',
  'SELECT latchkey.change_password(''00000000-0000-7000-8000-000000000000'', ''x'', ''long enough'')',
  'SELECT latchkey.change_password(%L, NULL, ''long enough'')', 'SELECT latchkey.change_password(%L, ''x'', NULL)',
  'SELECT latchkey.change_password(%L, ''set by an admin'', repeat(''x'', 1025))']) AS s;

-- No form of password may be told apart by the time of its refusal: an unknown address, an argon2id user and a bcrypt
-- user are refused in times of one order, also where two normal forms are tried, and beyond bcrypt's 72 bytes.
SELECT regress.new_user('timing_argon2id') IS NOT NULL AS made;
SELECT regress.new_user('timing_bcrypt') IS NOT NULL AS made;
UPDATE latchkey.users SET password_hash = crypt('password of timing', gen_salt('bf', 6)) WHERE email = 'timing_bcrypt@example.com';
SELECT latchkey.set_setting('passwords.argon2_memory_kib', '65536');
UPDATE latchkey.users SET password_hash = latchkey.hash_password('password of timing') WHERE email = 'timing_argon2id@example.com';
-- Compared are the shortest times; where the machine is busy it takes more rounds until they tell something.
CREATE FUNCTION regress.costs_the_same(known text, password text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  emails text[] := ARRAY[known, 'timing_nobody@example.com'];
  shortest numeric[] := ARRAY[1000, 1000];
  start timestamptz;
BEGIN
  FOR round IN 1 .. 40 LOOP
    FOR i IN 1 .. 2 LOOP
      DELETE FROM latchkey.login_attempts;
      start := clock_timestamp();
      PERFORM latchkey.login(emails[i], password);
      shortest[i] := least(shortest[i], extract(epoch FROM clock_timestamp() - start));
    END LOOP;
    IF round >= 4 AND shortest[1] / shortest[2] BETWEEN 0.6 AND 1.66 THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END $$;
SELECT description, regress.costs_the_same('timing_argon2id@example.com', password)
  FROM (VALUES ('ASCII', 'wrong password'), ('two forms', U&'\FB01' || 'wrong password')) AS t (description, password);
SELECT regress.costs_the_same('timing_bcrypt@example.com', repeat('x', 73)) AS beyond_72_bytes;
SELECT latchkey.set_setting('passwords.argon2_memory_kib', '8192');
