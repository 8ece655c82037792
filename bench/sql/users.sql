-- Users u1 … u:users as the extension itself would store them, without hashing each password: all
-- share one hash. The columns without defaults are all that registration fills as well.

-- What comes into the trigram index is merged into it at once, by the VACUUM at the end.
SET gin_pending_list_limit = '2097151kB';
CREATE TEMPORARY TABLE seeded AS
SELECT i, gen_random_uuid() AS id, 'u' || i || '@example.org' AS email
FROM generate_series(1, :users) AS i;
INSERT INTO latchkey.accounts (id, kind) SELECT id, 'user' FROM seeded;
INSERT INTO latchkey.users (id, email, name, password_hash)
SELECT id, email, 'User ' || i, :'hash' FROM seeded;
INSERT INTO latchkey.user_emails (email_key, user_id) SELECT email, id FROM seeded;
VACUUM ANALYZE latchkey.users;
