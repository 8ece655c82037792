-- Hostnames: normal form, proof by DNS, and which tenant a host is.
SELECT regress.new_user('host_olga') AS olga, regress.new_user('host_eve') AS eve, '00000000-0000-7000-8000-000000000000' AS unknown \gset
SELECT id AS a FROM latchkey.create_tenant(:'olga', 'Host A') \gset
SELECT id AS b FROM latchkey.create_tenant(:'eve', 'Host B') \gset

-- Normal form.
SELECT left(h, 40) AS host, regress.error_of(format('SELECT latchkey.add_hostname(%L, %L)', :'a', h)) AS answer
  FROM unnest(ARRAY['', '.', 'localhost', 'shop', 'a..example', '.shop.example', '-a.example', 'a-.example', 'a_b.example', 'a b.example', '192.0.2.1', '192.0.2.1:80', '[2001:db8::1]', '2001:db8::1', '0x7f.1', '127.1', 'example.0xff', 'shop.example:http', 'shop.example/x', 'user@shop.example',
    'xn--a.example', 'xn--zzzzzzzzzzz--.example', 'shop.local', 'a.b.internal', 'shop.example' || repeat('.', 2), repeat('a', 64) || '.example', repeat('a.', 126) || 'example', E'shop\u00ad.example', 'faß.local', '☃.example', '１.２.３.４']) AS h;
SELECT h, hostname FROM unnest(ARRAY['Shop.EXAMPLE', 'shop.example.', 'shop.example:8443', 'SHOP.example.:80', 'bücher.example', 'BÜCHER.example', 'xn--bcher-kva.example', 'faß.example', 'ｓｈｏｐ．ｅｘａｍｐｌｅ', '商店.example', E'bu\u0308cher.example', '123.example', 'a--b.example']) WITH ORDINALITY AS u (h, place), LATERAL latchkey.add_hostname(:'a', h) ORDER BY place;
SELECT hostname FROM latchkey.list_hostnames(:'a');
SELECT count(*) AS events FROM latchkey.events WHERE account_id = :'a' AND type = 'tenant.hostname_added';
SELECT regress.error_of(format('SELECT latchkey.add_hostname(%L, ''a.example'')', :'unknown')), regress.error_of('SELECT latchkey.add_hostname(NULL, ''a.example'')'), regress.error_of(format('SELECT latchkey.add_hostname(%L, NULL)', :'a'));
SELECT latchkey.set_setting('tenants.max_hostnames', '6');
SELECT regress.error_of(format('SELECT latchkey.add_hostname(%L, ''more.example'')', :'a')), regress.error_of(format('SELECT latchkey.add_hostname(%L, ''shop.example'')', :'a')) AS had_before;
SELECT latchkey.set_setting('tenants.max_hostnames', '50');

-- Proof. Until then it leads nowhere, and others may claim it too.
SELECT dns_name, dns_value ~ '^latchkey-verification=[A-Za-z0-9_-]{27}$' AS form, verified_at, is_primary, checked_at, check_error FROM latchkey.add_hostname(:'a', 'shop.example');
SELECT a.dns_value AS a_value, b.dns_value AS b_value, a.dns_value <> b.dns_value AS differ FROM latchkey.add_hostname(:'a', 'shop.example') AS a, latchkey.add_hostname(:'b', 'shop.example') AS b \gset
\echo :differ
SELECT latchkey.resolve_host('shop.example') IS NULL AS nowhere;
SELECT hostname, verified_at FROM latchkey.verify_hostname(:'a', 'Shop.Example');
SELECT count(*) FROM generate_series(1, 2), LATERAL latchkey.verify_hostname(:'a', 'shop.example');
SELECT count(*) BETWEEN 1 AND 2 AS once_a_minute, count(DISTINCT j.payload) AS payloads FROM latchkey.jobs j WHERE type = 'hostname.verify' AND account_id = :'a';
SELECT payload - 'tenant_id' AS payload, payload ->> 'tenant_id' = :'a' AS tenant FROM latchkey.jobs WHERE type = 'hostname.verify' AND account_id = :'a' LIMIT 1;
SET ROLE regress_latchkey_worker;
SELECT verified_at, checked_at IS NOT NULL AS checked, check_error FROM latchkey.record_hostname_check(:'a', 'shop.example', NULL, 'NXDOMAIN');
SELECT verified_at, check_error FROM latchkey.record_hostname_check(:'a', 'shop.example', ARRAY['v=spf1 -all', NULL, :'b_value']);
SELECT verified_at IS NOT NULL AS verified, is_primary, check_error FROM latchkey.record_hostname_check(:'a', 'shop.example', ARRAY['v=spf1 -all', :'a_value']);
-- The second one is told so; what is verified stays so.
SELECT verified_at, check_error FROM latchkey.record_hostname_check(:'b', 'shop.example', ARRAY[:'a_value', :'b_value']);
SELECT verified_at IS NOT NULL AS verified, check_error FROM latchkey.record_hostname_check(:'a', 'shop.example', '{}', 'SERVFAIL');
SELECT regress.error_of(format('SELECT latchkey.record_hostname_check(%L, %L, NULL)', t, h)) FROM (VALUES (:'a', 'other.example'), (:'unknown', 'shop.example'), (:'a', 'x')) AS v (t, h);
RESET ROLE;
SELECT id = :'a' AS a, slug, status FROM latchkey.resolve_host('shop.example');
SELECT regress.error_of(format('SELECT latchkey.%s(%L, ''other.example'')', f, :'a')) FROM unnest(ARRAY['verify_hostname', 'remove_hostname', 'set_primary_hostname']) AS f;
-- The primary one.
SELECT regress.error_of(format('SELECT latchkey.set_primary_hostname(%L, ''faß.example'')', :'a'));
SELECT h.is_primary, h.verified_at IS NOT NULL AS verified FROM latchkey.add_hostname(:'a', 'faß.example') AS c, LATERAL latchkey.record_hostname_check(:'a', c.hostname, ARRAY[c.dns_value]) AS h;
SELECT hostname, is_primary FROM latchkey.set_primary_hostname(:'a', 'faß.example');
SELECT hostname, is_primary FROM latchkey.list_hostnames(:'a') WHERE verified_at IS NOT NULL;

-- Resolving, at the next statement after each change.
SELECT left(h, 40) AS host, (r).slug, (r).status FROM (SELECT h, latchkey.resolve_host(h) AS r FROM unnest(ARRAY['SHOP.example:443', 'faß.example', 'xn--fa-hia.example', 'fass.example', 'bücher.example', 'nothing', '', '192.0.2.1', repeat('x', 5000), E'shop.example\n']) AS h) AS s;
SELECT regress.error_of('SELECT latchkey.resolve_host(NULL)');
SELECT status FROM latchkey.suspend_tenant(:'a');
SELECT status FROM latchkey.resolve_host('shop.example');
SELECT status FROM latchkey.reactivate_tenant(:'a');
SELECT status FROM latchkey.resolve_host('shop.example');
BEGIN;
SELECT latchkey.remove_hostname(:'a', 'shop.example');
SELECT latchkey.resolve_host('shop.example') IS NULL AS gone;
-- Free for the one who was second.
SELECT verified_at IS NOT NULL AS verified FROM latchkey.record_hostname_check(:'b', 'shop.example', ARRAY[:'b_value']);
SELECT id = :'b' AS b FROM latchkey.resolve_host('shop.example');
ROLLBACK;
SELECT id = :'a' AS a FROM latchkey.resolve_host('shop.example');
-- Under the platform's domain, by slug.
SELECT latchkey.resolve_host('host-a.shops.example') IS NULL AS nowhere;
SELECT latchkey.set_setting('tenants.platform_domain', 'shops.example');
SELECT h, (r).id = :'a' AS a, (r).slug FROM (SELECT h, latchkey.resolve_host(h) AS r FROM unnest(ARRAY['host-a.shops.example', 'HOST-A.shops.example.:80', 'shops.example', 'x.host-a.shops.example', 'host-z.shops.example', 'host-a.othershops.example']) AS h) AS s;
SELECT regress.error_of(format('SELECT latchkey.add_hostname(%L, %L)', :'a', h)) FROM unnest(ARRAY['shops.example', 'host-b.shops.example', 'othershops.example']) AS h;
-- Renamed: both lead there, and tell the slug of now.
SELECT slug FROM latchkey.update_tenant(:'a', slug => 'host-new');
SELECT h, (r).id = :'a' AS a, (r).slug FROM (SELECT h, latchkey.resolve_host(h) AS r FROM unnest(ARRAY['host-a.shops.example', 'host-new.shops.example']) AS h) AS s;
UPDATE latchkey.tenant_slugs SET retired_at = now() - interval '91 days' WHERE slug = 'host-a';
SELECT latchkey.resolve_host('host-a.shops.example') IS NULL AS over;
SELECT slug FROM latchkey.update_tenant(:'b', slug => 'host-a');
SELECT id = :'b' AS b FROM latchkey.resolve_host('host-a.shops.example');
SELECT latchkey.set_setting('tenants.platform_domain', '');
-- Every hostname of thousands, more than a backend keeps.
INSERT INTO latchkey.tenant_hostnames (tenant_id, hostname, dns_token, created_at, verified_at) SELECT CASE WHEN n % 2 = 0 THEN :'a' ELSE :'b' END::uuid, 'h' || n || '.many.example', 'x', now(), now() FROM generate_series(1, 12000) AS n;
SELECT count(*) FILTER (WHERE (latchkey.resolve_host('h' || n || '.many.example')).id = CASE WHEN n % 2 = 0 THEN :'a' ELSE :'b' END::uuid) FROM (SELECT n FROM generate_series(1, 12000) AS n UNION ALL SELECT n FROM generate_series(1, 12000) AS n) AS twice;
DELETE FROM latchkey.tenant_hostnames WHERE hostname LIKE '%.many.example';
SELECT count(latchkey.resolve_host('h' || n || '.many.example')) FROM generate_series(1, 12000) AS n;
-- In a long transaction too: as of now.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM latchkey.list_hostnames(:'b');
SELECT slug FROM latchkey.resolve_host('shop.example');
COMMIT;
-- Who may.
SELECT regress.token_of('host_eve') AS eve_token \gset
SELECT s, left(regress.error_as(:'eve_token', format(s, :'b')), 5) AS own, left(regress.error_as(:'eve_token', format(s, :'a')), 5) AS others
  FROM unnest(ARRAY['SELECT latchkey.add_hostname(%L, ''shop.example'')', 'SELECT latchkey.list_hostnames(%L)', 'SELECT latchkey.verify_hostname(%L, ''shop.example'')', 'SELECT latchkey.set_primary_hostname(%L, ''shop.example'')', 'SELECT latchkey.remove_hostname(%L, ''shop.example'')', 'SELECT latchkey.record_hostname_check(%L, ''shop.example'', NULL)']) AS s;
SELECT string_agg(type || ' ' || (data ->> 'hostname'), ', ' ORDER BY id) FROM latchkey.events WHERE account_id = :'a' AND type ~ 'hostname_(verified|removed)|primary';
