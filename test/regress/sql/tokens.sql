-- Session tokens (compact JWS): their claims, and everything that is not a token of ours.
SELECT regress.new_user('tina') AS tina \gset
SELECT token AS token, session_id AS session FROM latchkey.login('tina@example.com', 'password of tina') \gset
SELECT regress.new_user('uwe') AS uwe \gset
SELECT regress.token_of('uwe') AS other \gset
SELECT regress.part_of(:'token', 1) - 'kid' AS header;
SELECT c ->> 'iss' AS iss, c ->> 'sub' = :'tina' AS sub, c ->> 'sid' = :'session' AS sid, c ->> 'email' AS email, c ? 'tid' AS tid,
       (c ->> 'exp')::bigint - (c ->> 'iat')::bigint AS seconds, abs((c ->> 'iat')::bigint - extract(epoch FROM now())) < 60 AS iat
  FROM regress.part_of(:'token', 2) AS c;
SELECT string_agg(key, ' ' ORDER BY key) FROM jsonb_object_keys(regress.part_of(:'token', 2)) AS key;

CREATE FUNCTION regress.refused(token text) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(left(regress.error_of(format('SELECT latchkey.%s(%L)', f, token)), 5), ' ')
    FROM unnest(ARRAY['verify', 'authenticate', 'refresh']) AS f
$$;
SELECT regress.refused(NULL);
-- Cut at every length, from either end.
SELECT n, left(:'token', n) FROM generate_series(0, length(:'token') - 1) AS n WHERE regress.refused(left(:'token', n)) <> 'LK411 LK411 LK411';
SELECT n FROM generate_series(1, length(:'token')) AS n WHERE regress.refused(substr(:'token', n + 1)) <> 'LK411 LK411 LK411';
-- Each character altered, doubled, left out.
SELECT n FROM generate_series(1, length(:'token')) AS n
 WHERE regress.refused(overlay(:'token' PLACING CASE substr(:'token', n, 1) WHEN 'A' THEN 'B' ELSE 'A' END FROM n)) <> 'LK411 LK411 LK411'
    OR regress.refused(left(:'token', n) || substr(:'token', n)) <> 'LK411 LK411 LK411'
    OR regress.refused(left(:'token', n - 1) || substr(:'token', n + 1)) <> 'LK411 LK411 LK411';

-- Each claim altered, removed, of another type; claims added; the signature stays.
CREATE FUNCTION regress.forge(token text, header jsonb, claims jsonb, signature text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT regress.to_base64url(convert_to(coalesce(header, regress.part_of(token, 1))::text, 'UTF8')) || '.' ||
         regress.to_base64url(convert_to(coalesce(claims, regress.part_of(token, 2))::text, 'UTF8')) || '.' || coalesce(signature, split_part(token, '.', 3))
$$;
SELECT key, regress.refused(regress.forge(:'token', NULL, c - key)) AS removed, regress.refused(regress.forge(:'token', NULL, c || jsonb_build_object(key, 'x'))) AS text,
       regress.refused(regress.forge(:'token', NULL, c || jsonb_build_object(key, 9999999999))) AS number,
       regress.refused(regress.forge(:'token', NULL, c || jsonb_build_object(key, regress.part_of(:'other', 2) -> key))) AS of_another
  FROM regress.part_of(:'token', 2) AS c, jsonb_object_keys(c) AS key ORDER BY key;
SELECT claim, regress.refused(regress.forge(:'token', NULL, regress.part_of(:'token', 2) || claim))
  FROM unnest(ARRAY['{"role": "admin"}', '{"tid": "00000000-0000-7000-8000-000000000000"}', '{"admin": true}']::jsonb[]) AS claim;
-- The header altered; alg none in every case, with an empty signature and with the old one; other algorithms; a foreign key id.
SELECT header, regress.refused(regress.forge(:'token', regress.part_of(:'token', 1) || header, NULL)) AS signed,
       regress.refused(regress.forge(:'token', regress.part_of(:'token', 1) || header, NULL, '')) AS empty_signature
  FROM unnest(ARRAY['{"alg": "none"}', '{"alg": "None"}', '{"alg": "NONE"}', '{"alg": "HS512"}', '{"alg": "RS256"}', '{"alg": "ES256"}', '{"alg": "EdDSA"}',
                    '{"alg": null}', '{"alg": ["HS256"]}', '{"typ": "JWT"}', '{"kid": "x"}', '{"kid": null}', '{"kid": "../../dev/null"}', '{"crit": ["exp"]}',
                    '{"b64": false}', '{"jku": "https://example.com/jwks"}', '{"jwk": {"kty": "oct", "k": "AA"}}', '{}']::jsonb[]) AS header;
-- Signed with guessable keys.
SELECT name, regress.refused(input || '.' || regress.to_base64url(hmac(convert_to(input, 'UTF8'), key, 'sha256')))
  FROM (SELECT split_part(:'token', '.', 1) || '.' || split_part(:'token', '.', 2)) AS t (input),
       (VALUES ('empty', ''::bytea), ('32 zeros', decode(repeat('00', 32), 'hex')), ('secret', 'secret'), ('key id', convert_to(regress.part_of(:'token', 1) ->> 'kid', 'UTF8'))) AS k (name, key);
-- Shapes.
SELECT regress.refused(t) FROM unnest(ARRAY['', '.', '..', '...', 'x', :'token' || '.', '.' || :'token', :'token' || '.x', :'token' || '=', :'token' || '==', ' ' || :'token', :'token' || ' ',
  :'token' || E'\n', 'Bearer ' || :'token', replace(:'token', '.', '..'), upper(:'token'), split_part(:'token', '.', 1) || '.' || split_part(:'token', '.', 2) || '.',
  split_part(:'token', '.', 1) || '..' || split_part(:'token', '.', 3), split_part(:'token', '.', 1) || '.' || split_part(:'token', '.', 2) || '.' || split_part(:'other', '.', 3),
  split_part(:'token', '.', 1) || '.' || split_part(:'other', '.', 2) || '.' || split_part(:'token', '.', 3), repeat('A', 5000), :'token' || repeat('A', 100000), repeat('.', 4096),
  '{"payload": "x", "signatures": []}', 'ünïcode.ünïcode.ünïcode', split_part(:'token', '.', 1) || '.' || split_part(:'token', '.', 2) || '.' || left(split_part(:'token', '.', 3), 10)]) AS t;
-- Untouched by all that.
SELECT user_id = :'tina' AS hers FROM latchkey.verify(:'token');

-- The issuer is checked: a change ends every session, and the way back brings them back.
SELECT latchkey.set_setting('tokens.issuer', 'https://example.com/"quoted"');
SELECT regress.refused(:'token');
SELECT regress.part_of(regress.token_of('tina'), 2) ->> 'iss' AS iss;
SELECT latchkey.set_setting('tokens.issuer', 'latchkey');
SELECT user_id = :'tina' AS hers FROM latchkey.verify(:'token');
-- A token whose session is another user's, or gone.
UPDATE latchkey.sessions SET token_id = gen_random_uuid() WHERE id = :'session';
SELECT left(regress.error_of(format('SELECT latchkey.verify(%L)', :'token')), 5);
DELETE FROM latchkey.sessions WHERE id = :'session';
SELECT regress.refused(:'token');
