-- Users 1 … :users with names that one of 10,000 (family_name) and one of 100 (given_name) has.
CREATE FUNCTION word(seed text, letters integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN translate(left(md5(seed), letters), '0123456789abcdef', 'abdefgiklmnoprst');
CREATE FUNCTION given_name(n bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN word('given ' || n % 100, 6);
CREATE FUNCTION family_name(n bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN word('family ' || n / 100 % 10000, 8);

INSERT INTO latchkey.accounts (id, kind)
SELECT md5('user ' || n)::uuid, 'user' FROM generate_series(1, :users) AS n;
INSERT INTO latchkey.users (id, email, name, password_hash, created_at)
SELECT md5('user ' || n)::uuid,
       given_name(n) || '.' || family_name(n) || '.' || n || '@example.org',
       initcap(given_name(n) || ' ' || family_name(n)), NULL,
       now() - n * interval '1 minute'
FROM generate_series(1, :users) AS n;
INSERT INTO latchkey.user_emails (email_key, user_id) SELECT email, id FROM latchkey.users;
VACUUM ANALYZE;
