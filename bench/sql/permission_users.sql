-- The users with a session, and for each of them a role that permits to see users.
SELECT latchkey.create_role('bench_reader', '{users.read}') \g /dev/null
CREATE TABLE permission_users AS
SELECT t.id, u.id AS user_id, t.token
FROM bench_tokens AS t JOIN latchkey.users AS u ON u.email = 'u' || t.id || '@example.org';
ALTER TABLE permission_users ADD PRIMARY KEY (id);
GRANT SELECT ON permission_users TO bench_app;
SELECT count(latchkey.grant_role(user_id, 'bench_reader')) FROM permission_users \g /dev/null
VACUUM ANALYZE permission_users, latchkey.role_grants;
