-- Users u1 … u:users as the extension itself would store them, without hashing each password: all
-- share one hash. The columns without defaults are all that registration fills as well.

-- An index over all that is there is built in less time than it grows in.
SELECT pg_get_indexdef('latchkey.users_by_trigram'::regclass) AS trigram_index \gset
DROP INDEX latchkey.users_by_trigram;
CREATE TEMPORARY TABLE seeded AS
SELECT i, gen_random_uuid() AS id, 'u' || i || '@example.org' AS email
FROM generate_series(1, :users) AS i;
INSERT INTO latchkey.accounts (id, kind) SELECT id, 'user' FROM seeded;
INSERT INTO latchkey.users (id, email, name, password_hash)
SELECT id, email, 'User ' || i, :'hash' FROM seeded;
INSERT INTO latchkey.user_emails (email_key, user_id) SELECT email, id FROM seeded;
:trigram_index;
VACUUM ANALYZE latchkey.users;
