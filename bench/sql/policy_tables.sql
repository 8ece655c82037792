-- 1,000,000 rows of 1,000 owners and 100 more of ten, each owner a customer of one of 100 tenants;
-- the rows of an owner lie apart, as rows that come in over time do.
CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop TO bench_app;

CREATE TABLE shop.owners AS
SELECT t.id, u.id AS user_id, t.token, md5('tenant ' || t.id % 100)::uuid AS tenant_id
FROM bench_tokens AS t JOIN latchkey.users AS u ON u.email = 'u' || t.id || '@example.org'
WHERE t.id <= 1010;
ALTER TABLE shop.owners ADD PRIMARY KEY (id);

INSERT INTO latchkey.accounts (id, kind) SELECT DISTINCT tenant_id, 'tenant' FROM shop.owners;
SELECT count(latchkey.grant_role(user_id, 'customer', tenant_id)) FROM shop.owners \g /dev/null
SELECT latchkey.register_permission('orders.read'), latchkey.register_permission('orders.write')
\g /dev/null

CREATE TEMPORARY TABLE orders AS
SELECT n AS id, o.user_id AS owner, o.tenant_id, n % 1000 AS payload
FROM generate_series(1, 1000100) AS n
JOIN shop.owners AS o
    ON o.id = CASE WHEN n % 10001 = 0 THEN 1001 + n / 10001 % 10 ELSE 1 + n % 1000 END;
-- All three alike: what was loaded in another way lies elsewhere in memory, which shows.
CREATE TABLE shop.plain AS TABLE orders ORDER BY id;
CREATE TABLE shop.owned AS TABLE orders ORDER BY id;
CREATE TABLE shop.of_tenants AS TABLE orders ORDER BY id;
DROP TABLE orders;

CREATE INDEX ON shop.plain (owner);
CREATE INDEX ON shop.owned (owner);
CREATE INDEX ON shop.of_tenants (owner);
CREATE INDEX ON shop.of_tenants (tenant_id);

SELECT latchkey.protect_table('shop.owned', owner_column => 'owner', read => 'orders.read',
                              write => 'orders.write') \g /dev/null
SELECT latchkey.protect_table('shop.of_tenants', owner_column => 'owner',
                              tenant_column => 'tenant_id', read => 'orders.read',
                              write => 'orders.write') \g /dev/null
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO bench_app;
VACUUM ANALYZE shop.owners, shop.plain, shop.owned, shop.of_tenants, latchkey.role_grants;
