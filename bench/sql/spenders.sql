-- Users u1 … :users may debit, and have credits, far more than a run spends.
SELECT latchkey.set_service_cost('bench.rest', 1) \g /dev/null
SELECT latchkey.create_role('bench_spender', '{credits.debit}') \g /dev/null
SELECT count(latchkey.grant_role(u.id, 'bench_spender')), count(latchkey.grant_credits(u.id, 1000000000000))
FROM generate_series(1, :users) AS i
JOIN latchkey.users AS u ON u.email = 'u' || i || '@example.org' \g /dev/null
VACUUM ANALYZE;
