-- Signing keys: made at first need, rotated, of four algorithms; old tokens stay valid; jwks() shows public halves only.
SELECT regress.new_user('kim') AS kim \gset
SELECT regress.token_of('kim') AS hs256 \gset
SELECT latchkey.jwks() AS with_hs256;
SELECT count(*) FILTER (WHERE retired_at IS NULL) AS current FROM latchkey.signing_keys;
-- A login that is rolled back takes the key that it rotated to with it.
BEGIN;
SELECT latchkey.rotate_signing_key('EdDSA') AS kid \gset
SELECT regress.token_of('kim') AS lost \gset
SELECT regress.part_of(:'lost', 1) ->> 'alg' AS alg, user_id = :'kim' AS hers FROM latchkey.verify(:'lost');
SAVEPOINT s;
SELECT latchkey.rotate_signing_key('ES256') IS NOT NULL AS rotated;
ROLLBACK TO s;
SELECT regress.part_of(regress.token_of('kim'), 1) ->> 'alg' AS alg;
ROLLBACK;
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', :'lost'));
SELECT regress.part_of(regress.token_of('kim'), 1) ->> 'alg' AS alg;

SELECT latchkey.rotate_signing_key('EdDSA') = regress.part_of(regress.token_of('kim'), 1) ->> 'kid' AS used;
SELECT regress.token_of('kim') AS eddsa \gset
SELECT latchkey.set_setting('tokens.algorithm', 'ES256');
-- The setting names the algorithm of the next key.
SELECT regress.part_of(regress.token_of('kim'), 1) ->> 'alg' AS alg;
SELECT latchkey.rotate_signing_key() IS NOT NULL AS rotated;
SELECT regress.token_of('kim') AS es256 \gset
SELECT latchkey.rotate_signing_key('RS256') IS NOT NULL AS rotated;
SELECT regress.token_of('kim') AS rs256 \gset
SELECT regress.error_of(format('SELECT latchkey.rotate_signing_key(%L)', a)) FROM unnest(ARRAY['none', '', 'HS512', 'hs256', 'PS256']) AS a;
SELECT regress.part_of(t, 1) ->> 'alg' AS alg, user_id = :'kim' AS hers FROM unnest(ARRAY[:'hs256', :'eddsa', :'es256', :'rs256']) AS t, latchkey.verify(t);
SELECT count(*), count(*) FILTER (WHERE retired_at IS NULL) AS current, bool_and(coalesce(retired_at > now() + interval '179 days', true)) AS verify_on
  FROM latchkey.signing_keys;
SELECT type, data, account_id, aggregate FROM latchkey.events WHERE type = 'signing_key.created' ORDER BY id;

-- jwks(): newest first, nothing private.
SELECT k ->> 'alg' AS alg, k ->> 'kty' AS kty, k ->> 'use' AS use, k ->> 'crv' AS crv, k - ARRAY['alg', 'kty', 'use', 'crv', 'kid', 'x', 'y', 'n', 'e'] AS more,
       length(k ->> 'x') AS x, length(k ->> 'y') AS y, length(k ->> 'n') AS n, k ->> 'e' AS e
  FROM jsonb_array_elements(latchkey.jwks() -> 'keys') AS k;
SELECT count(*) FROM jsonb_array_elements(latchkey.jwks() -> 'keys') AS k WHERE k ->> 'kid' = ANY (ARRAY[regress.part_of(:'eddsa', 1) ->> 'kid', regress.part_of(:'es256', 1) ->> 'kid', regress.part_of(:'rs256', 1) ->> 'kid']);

-- Each character altered, of every algorithm (RS256 is long: every seventh).
SELECT regress.part_of(t, 1) ->> 'alg' AS alg, count(*)
  FROM unnest(ARRAY[:'eddsa', :'es256', :'rs256']) AS t, generate_series(1, length(t), CASE WHEN length(t) > 500 THEN 7 ELSE 1 END) AS n
 WHERE regress.error_of(format('SELECT latchkey.verify(%L)', overlay(t PLACING CASE substr(t, n, 1) WHEN 'A' THEN 'B' ELSE 'A' END FROM n))) NOT LIKE 'LK411%' GROUP BY 1;
-- The algorithm × key matrix: each header's key id with each algorithm, and each payload under each other key's header and signature.
SELECT count(*) AS refused FROM unnest(ARRAY[:'hs256', :'eddsa', :'es256', :'rs256']) AS t, unnest(ARRAY['HS256', 'EdDSA', 'ES256', 'RS256', 'none']) AS a
 WHERE regress.part_of(t, 1) ->> 'alg' <> a
   AND regress.error_of(format('SELECT latchkey.verify(%L)', regress.forge(t, regress.part_of(t, 1) || jsonb_build_object('alg', a), NULL))) LIKE 'LK411%';
SELECT count(*) AS refused FROM unnest(ARRAY[:'hs256', :'eddsa', :'es256', :'rs256']) AS a, unnest(ARRAY[:'hs256', :'eddsa', :'es256', :'rs256']) AS b,
       unnest(ARRAY[split_part(a, '.', 1) || '.' || split_part(b, '.', 2) || '.' || split_part(b, '.', 3),
                    split_part(a, '.', 1) || '.' || split_part(a, '.', 2) || '.' || split_part(b, '.', 3),
                    split_part(a, '.', 1) || '.' || split_part(b, '.', 2) || '.' || split_part(a, '.', 3)]) AS mixed
 WHERE a <> b AND regress.error_of(format('SELECT latchkey.verify(%L)', mixed)) LIKE 'LK411%';
-- A public key taken for an HMAC secret, in the forms that an attacker has it.
SELECT regress.part_of(t, 1) ->> 'alg' AS alg, h AS header_changed, count(*) AS refused
  FROM unnest(ARRAY[:'eddsa', :'es256', :'rs256']) AS t, unnest(ARRAY[false, true]) AS h,
       jsonb_array_elements(latchkey.jwks() -> 'keys') AS k,
       unnest(ARRAY[convert_to(k::text, 'UTF8'), regress.from_base64url(coalesce(k ->> 'x', k ->> 'n')), convert_to(coalesce(k ->> 'x', k ->> 'n'), 'UTF8')]) AS secret,
       split_part(regress.forge(t, CASE WHEN h THEN regress.part_of(t, 1) || '{"alg": "HS256"}' END, NULL), '.', 1) AS forged_header,
       concat_ws('.', CASE WHEN h THEN forged_header ELSE split_part(t, '.', 1) END, split_part(t, '.', 2)) AS input
 WHERE k ->> 'kid' = regress.part_of(t, 1) ->> 'kid'
   AND regress.error_of(format('SELECT latchkey.verify(%L)', input || '.' || regress.to_base64url(hmac(convert_to(input, 'UTF8'), secret, 'sha256')))) LIKE 'LK411%'
 GROUP BY 1, 2 ORDER BY min(regress.part_of(t, 1) ->> 'alg' COLLATE "C"), 2;
-- ES256 signatures of zeros, and of the wrong length.
SELECT count(*) AS refused FROM generate_series(0, 70) AS n
 WHERE regress.error_of(format('SELECT latchkey.verify(%L)', split_part(:'es256', '.', 1) || '.' || split_part(:'es256', '.', 2) || '.' || regress.to_base64url(decode(repeat('00', n), 'hex')))) LIKE 'LK411%';

-- A key that was retired verifies no more; a key that is gone neither.
UPDATE latchkey.signing_keys SET retired_at = now() - interval '1 second' WHERE algorithm = 'EdDSA';
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', t)) FROM unnest(ARRAY[:'eddsa', :'es256']) AS t;
SELECT string_agg(k ->> 'alg', ' ') FROM jsonb_array_elements(latchkey.jwks() -> 'keys') AS k;
BEGIN;
DELETE FROM latchkey.signing_keys WHERE algorithm = 'ES256';
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', :'es256'));
ROLLBACK;
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', :'es256'));
-- Without a current key the next login makes one, of the setting's algorithm.
UPDATE latchkey.signing_keys SET retired_at = now() + interval '1 day' WHERE retired_at IS NULL;
SELECT regress.part_of(regress.token_of('kim'), 1) ->> 'alg' AS alg;
-- A wrapped key is bound to its id, and to the master key: it can't be moved or altered.
BEGIN;
UPDATE latchkey.signing_keys SET wrapped_key = set_byte(wrapped_key, length(wrapped_key) - 1, get_byte(wrapped_key, length(wrapped_key) - 1) # 1) WHERE retired_at > now() + interval '2 days' OR retired_at IS NULL;
SELECT DISTINCT regress.error_of(format('SELECT latchkey.verify(%L)', t)) FROM unnest(ARRAY[:'hs256', :'rs256', :'es256']) AS t ORDER BY 1;
-- Before the password is looked at, so that the answer does not tell whether it was right.
SELECT regress.error_of(format('SELECT latchkey.login(''kim@example.com'', %L)', p)) FROM unnest(ARRAY['wrong', 'password of kim']) AS p;
ROLLBACK;
BEGIN;
UPDATE latchkey.signing_keys k SET wrapped_key = (SELECT wrapped_key FROM latchkey.signing_keys o WHERE o.algorithm = k.algorithm AND o.key_id <> k.key_id LIMIT 1) WHERE algorithm = 'ES256';
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', :'es256'));
ROLLBACK;
SELECT user_id = :'kim' AS hers FROM latchkey.verify(:'es256');
-- A new key deletes those that have been of no use for sessions.max_lifetime, and no others.
BEGIN;
UPDATE latchkey.signing_keys SET retired_at = now() - CASE algorithm WHEN 'HS256' THEN interval '181 days' WHEN 'EdDSA' THEN interval '179 days' END
 WHERE algorithm IN ('HS256', 'EdDSA');
SELECT latchkey.rotate_signing_key('RS256') IS NOT NULL AS rotated;
SELECT algorithm, count(*), count(*) FILTER (WHERE retired_at < now()) AS retired FROM latchkey.signing_keys GROUP BY 1 ORDER BY 1;
ROLLBACK;
UPDATE latchkey.settings SET value = default_value WHERE key = 'tokens.algorithm';
SELECT latchkey.rotate_signing_key('HS256') IS NOT NULL AS rotated;
