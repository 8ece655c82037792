-- Users 1 … :users with names that one of 10,000 (family_name) and one of 100 (given_name) has.
CREATE FUNCTION word(seed text, letters integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN translate(left(md5(seed), letters), '0123456789abcdef', 'abdefgiklmnoprst');
CREATE FUNCTION given_name(n bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN word('given ' || n % 100, 6);
CREATE FUNCTION family_name(n bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN word('family ' || n / 100 % 10000, 8);
-- Ordered by time, as Latchkey's own ids are (UUID version 7).
CREATE FUNCTION user_id(n bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (lpad(to_hex(1700000000000 + n), 12, '0') || '7000' || '8' || left(md5(n::text), 15))::uuid;

-- An index over all that is there is built in less time than it grows in.
SELECT pg_get_indexdef('latchkey.users_by_trigram'::regclass) AS trigram_index \gset
DROP INDEX latchkey.users_by_trigram;
INSERT INTO latchkey.accounts (id, kind)
SELECT user_id(n), 'user' FROM generate_series(1, :users) AS n;
INSERT INTO latchkey.users (id, email, name, password_hash, created_at)
SELECT user_id(n),
       given_name(n) || '.' || family_name(n) || '.' || n || '@example.org',
       initcap(given_name(n) || ' ' || family_name(n)), NULL,
       now() - (:users - n) * interval '1 minute'
FROM generate_series(1, :users) AS n;
INSERT INTO latchkey.user_emails (email_key, user_id) SELECT email, id FROM latchkey.users;
SET maintenance_work_mem = '512MB';
:trigram_index;
VACUUM ANALYZE;
