-- Accounts with numbers 1 … :accounts and a monthly limit, and what one writes oneself: a counter with its limit in one row.
CREATE FUNCTION quota_account(n bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ('00000000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid;
SELECT latchkey.set_plan_feature('free', 'bench_unit', 1000000000000, 'month') \g /dev/null
INSERT INTO latchkey.accounts (id, kind)
SELECT quota_account(n), 'tenant' FROM generate_series(1, :accounts) AS n;

CREATE TABLE quota_accounts AS
SELECT n::int AS id, quota_account(n) AS account_id FROM generate_series(1, :accounts) AS n;
ALTER TABLE quota_accounts ADD PRIMARY KEY (id);

CREATE TABLE plain_usage (
    account_id uuid NOT NULL,
    feature text NOT NULL,
    month date NOT NULL,
    used bigint NOT NULL,
    granted_limit bigint NOT NULL,
    PRIMARY KEY (account_id, feature, month)
) WITH (fillfactor = 70);
INSERT INTO plain_usage
SELECT quota_account(n), 'bench_unit', '2026-01-01', 0, 1000000000000 FROM generate_series(1, :accounts) AS n;
-- Users with a session, to ask as.
CREATE TABLE quota_users AS
SELECT t.id, u.id AS user_id, t.token
FROM bench_tokens AS t JOIN latchkey.users AS u ON u.email = 'u' || t.id || '@example.org';
ALTER TABLE quota_users ADD PRIMARY KEY (id);
GRANT SELECT ON quota_users TO bench_app;
GRANT SELECT ON quota_accounts TO bench_app;
GRANT SELECT, UPDATE ON plain_usage TO bench_app;
