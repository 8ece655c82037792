-- Living sessions spread evenly over all users, :sessions of them.
INSERT INTO latchkey.sessions (user_id, id, token_id, created_at, token_issued_at, last_seen_at,
                               expires_at, client_address, user_agent, email, name)
SELECT u.id, gen_random_uuid(), gen_random_uuid(), now(), now(), now(),
       now() + interval '30 days', '192.0.2.1', 'a client''s user agent of a usual length',
       u.email, u.name
FROM generate_series(1, ceil(:sessions::numeric / (SELECT count(*) FROM latchkey.users))::int) AS n
CROSS JOIN latchkey.users AS u
LIMIT :sessions;
