-- Accounts 1 … :accounts with one grant each, far more than a run spends, and a service to debit.
SELECT latchkey.set_service_cost('bench.unit', 1) \g /dev/null
INSERT INTO latchkey.accounts (id, kind)
SELECT account_id(n), 'tenant' FROM generate_series(1, :accounts) AS n;
SELECT count(latchkey.grant_credits(account_id(n), 1000000000000))
FROM generate_series(1, :accounts) AS n \g /dev/null
