-- Tenants: creating them, slugs, settings, who may.
SELECT regress.new_user('ten_olga') AS olga, regress.new_user('ten_uwe') AS uwe, regress.new_user('ten_root') AS root, '00000000-0000-7000-8000-000000000000' AS unknown \gset
SELECT (latchkey.grant_role(:'root', 'admin')).role;
SELECT regress.token_of('ten_olga') AS olga_token, regress.token_of('ten_root') AS root_token \gset

-- Everything that a tenant is made of, at once.
SELECT * FROM latchkey.create_tenant(:'olga', 'Café Zürich', kind => 'store', settings => '{"currency": "CHF"}') \gset t_
\echo :t_name :t_slug :t_kind :t_status :t_settings
SELECT kind FROM latchkey.accounts WHERE id = :'t_id';
SELECT role, tenant_id = :'t_id' AS here, expires_at FROM latchkey.roles_of(:'olga');
SELECT type, data - 'owner_id' AS data, data ->> 'owner_id' = :'olga' AS owner FROM latchkey.events WHERE account_id = :'t_id' ORDER BY id;
SELECT slug, retired_at FROM latchkey.tenant_slugs WHERE tenant_id = :'t_id';
SELECT id = :'t_id' AS same, created_by, created_at <= clock_timestamp() AS created, updated_at = created_at AS untouched, delete_after FROM latchkey.get_tenant(:'t_id');

-- Slugs of names.
CREATE TABLE regress.ten_names (place integer, name text);
INSERT INTO regress.ten_names SELECT place, name FROM unnest(ARRAY['Straße & Œuvre', 'Ann''s  Shop!', 'Ａｃｍｅ', '東京', 'x', '--', 'Www', '  a  b  ', 'Ægir Łódź þing', '9 to 5', repeat('Long name ', 20)]) WITH ORDINALITY AS n (name, place);
SELECT left(t.name, 20) AS name, t.slug FROM regress.ten_names AS n, LATERAL latchkey.create_tenant(:'olga', left(n.name, 200)) AS t ORDER BY place;
SELECT string_agg(slug, ' ') FROM (SELECT slug FROM generate_series(1, 4) AS n, LATERAL latchkey.create_tenant(:'uwe', 'Twins' || left('', n))) AS s;
-- When all numbers are taken: by chance.
SELECT count(*) FROM generate_series(5, 20) AS n, LATERAL latchkey.create_tenant(:'uwe', 'Twins' || left('', n));
SELECT slug ~ '^twins-[0-9a-f]{8}$' AS random FROM latchkey.create_tenant(:'uwe', 'Twins');
-- Slugs that are given.
SELECT slug, regress.error_of(format('SELECT latchkey.create_tenant(%L, ''Given'', %L)', :'uwe', slug)) FROM unnest(ARRAY['a', 'a1', '-a', 'a-', 'a--b', 'A1', 'ä1', 'a b', 'a_b', '', repeat('s', 63), repeat('s', 64), 'www', 'admin', 'cafe-zurich', 'xn--a']) AS slug;
-- Other arguments.
SELECT args, regress.error_of(format('SELECT latchkey.create_tenant(%s)', replace(args, '$', quote_literal(:'uwe')))) FROM unnest(ARRAY['NULL, ''x1''', '$, NULL', '$, ''''', '$, ''  ''', '$, E''a\nb''', '$, repeat(''n'', 201)',
  '$, ''x1'', kind => NULL', '$, ''x1'', kind => ''Store''', '$, ''x1'', kind => ''''', '$, ''x1'', kind => ''1a''', '$, ''x1'', kind => repeat(''k'', 64)', '$, ''x1'', settings => NULL', '$, ''x1'', settings => ''[]''',
  '$, ''x1'', settings => jsonb_build_object(''a'', repeat(''s'', 16384))', '$, ''x1'', provision => NULL', '$, ''x1'', idempotency_key => ''''', '$, ''x1'', idempotency_key => repeat(''k'', 256)',
  '''00000000-0000-7000-8000-000000000000'', ''x1''']) AS args;
SELECT regress.new_user('ten_blocked') AS blocked \gset
SELECT latchkey.block_user(:'blocked') IS NOT NULL AS blocked;
SELECT regress.error_of(format('SELECT latchkey.create_tenant(%L, ''x1'')', :'blocked'));
-- What fails leaves nothing behind.
SELECT count(*) FROM latchkey.accounts a WHERE kind = 'tenant' AND created_at > now() - interval '1 minute' AND NOT EXISTS (SELECT FROM latchkey.tenants t WHERE t.id = a.id) AND EXISTS (SELECT FROM latchkey.events e WHERE e.account_id = a.id);

-- The same call again.
SELECT id AS keyed FROM latchkey.create_tenant(:'uwe', 'Keyed', idempotency_key => 'k1') \gset
SELECT id = :'keyed' AS same, slug FROM latchkey.create_tenant(:'uwe', 'Keyed', idempotency_key => 'k1');
SELECT regress.error_of(format('SELECT latchkey.create_tenant(%L, %s, idempotency_key => ''k1'')', :'uwe', a)) FROM unnest(ARRAY['''Keyed!''', '''Keyed'', ''keyed''', '''Keyed'', kind => ''store''', '''Keyed'', settings => ''{"a": 1}''', '''Keyed'', provision => true']) AS a;
SELECT id <> :'keyed' AS of_another FROM latchkey.create_tenant(:'olga', 'Keyed', idempotency_key => 'k1');
SELECT count(*) FROM latchkey.events WHERE account_id = :'keyed';

-- For themselves, while the setting lets them; for others with the permission on the platform.
SELECT left(regress.error_as(:'olga_token', format('SELECT latchkey.create_tenant(%L, ''Own'')', :'olga')), 60) AS own, left(regress.error_as(:'olga_token', format('SELECT latchkey.create_tenant(%L, ''Own'')', :'uwe')), 60) AS others,
       regress.error_as(:'root_token', format('SELECT latchkey.create_tenant(%L, ''Own'')', :'uwe')) AS by_root;
SELECT latchkey.set_setting('tenants.self_service', 'false');
SELECT left(regress.error_as(:'olga_token', format('SELECT latchkey.create_tenant(%L, ''Own'')', :'olga')), 60) AS own, regress.error_as(:'root_token', format('SELECT latchkey.create_tenant(%L, ''Own'')', :'root')) AS by_root;
SELECT latchkey.set_setting('tenants.self_service', 'true');
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'olga_token');
SELECT created_by = :'olga' AS by_olga FROM latchkey.create_tenant(:'olga', 'Bound');
ROLLBACK;

-- Changing.
SELECT name, slug, settings, updated_at > created_at AS touched FROM latchkey.update_tenant(:'t_id', 'Café', settings => '{"tax": 8.1, "open": true}');
SELECT settings FROM latchkey.update_tenant(:'t_id', settings => '{"open": null, "currency": "EUR"}');
SELECT s, regress.error_of(format('SELECT latchkey.update_tenant(%L, %s)', :'t_id', s)) FROM unnest(ARRAY['''''', 'slug => ''Www''', 'slug => ''www''', 'slug => ''twins''', 'settings => ''[]''', 'settings => jsonb_build_object(''a'', repeat(''s'', 16384))']) AS s;
SELECT regress.error_of(format('SELECT latchkey.update_tenant(%L, ''x'')', :'unknown')), regress.error_of(format('SELECT latchkey.get_tenant(%L)', :'unknown')), regress.error_of('SELECT latchkey.get_tenant(NULL)');
SELECT settings FROM latchkey.get_tenant(:'t_id');
-- A slug that was given up is kept for a while, and is the tenant's to take back.
SELECT slug FROM latchkey.update_tenant(:'t_id', slug => 'cafe');
SELECT slug, retired_at IS NULL AS used FROM latchkey.tenant_slugs WHERE tenant_id = :'t_id' ORDER BY slug;
SELECT regress.error_of(format('SELECT latchkey.create_tenant(%L, ''x1'', ''cafe-zurich'')', :'uwe'));
SELECT slug FROM latchkey.update_tenant(:'t_id', slug => 'cafe-zurich');
SELECT slug FROM latchkey.update_tenant(:'t_id', slug => 'cafe-zurich');
SELECT slug FROM latchkey.update_tenant(:'t_id', slug => 'cafe');
UPDATE latchkey.tenant_slugs SET retired_at = now() - interval '91 days' WHERE slug = 'cafe-zurich';
SELECT slug FROM latchkey.create_tenant(:'uwe', 'Successor', 'cafe-zurich');
SELECT regress.error_of(format('SELECT latchkey.update_tenant(%L, slug => ''cafe-zurich'')', :'t_id'));
SELECT type, data FROM latchkey.events WHERE account_id = :'t_id' AND type = 'tenant.updated' ORDER BY id;

-- Listing.
SELECT count(*) > 20 AS all, count(*) FILTER (WHERE kind = 'store') >= 1 AS stores FROM latchkey.list_tenants();
SELECT name FROM latchkey.list_tenants(kind => 'store') WHERE id = :'t_id';
SELECT count(*) FROM latchkey.list_tenants('suspended');
SELECT array_agg(id ORDER BY id DESC) = array_agg(id ORDER BY place) AS newest_first, count(*) FROM latchkey.list_tenants(max_rows => 5) WITH ORDINALITY AS l (id, b, c, d, e, f, g, h, i, j, k, m, place);
SELECT max(b.id::text) < min(a.id::text) AS next_page FROM latchkey.list_tenants(max_rows => 3) AS a, latchkey.list_tenants(max_rows => 3, after => (SELECT min(id::text)::uuid FROM latchkey.list_tenants(max_rows => 3))) AS b;
SELECT regress.error_of(s) FROM unnest(ARRAY['SELECT latchkey.list_tenants(''gone'')', 'SELECT latchkey.list_tenants(max_rows => 0)', 'SELECT latchkey.list_tenants(max_rows => 1001)']) AS s;

-- Who may see and change: the owner here and not there, and the platform's people.
SELECT s, left(regress.error_as(:'olga_token', format(s, :'t_id')), 5) AS own, left(regress.error_as(:'olga_token', format(s, :'keyed')), 5) AS others, left(regress.error_as(:'root_token', format(s, :'keyed')), 5) AS root
  FROM unnest(ARRAY['SELECT latchkey.get_tenant(%L)', 'SELECT latchkey.update_tenant(%L, ''x'')', 'SELECT latchkey.list_tenants() WHERE %L IS NOT NULL', 'SELECT latchkey.archive_tenant(%L)', 'SELECT latchkey.delete_tenant(%L)',
    'SELECT latchkey.suspend_tenant(%L)', 'SELECT latchkey.reactivate_tenant(%L)', 'SELECT latchkey.set_tenant_status(%L, ''archived'')']) AS s;
-- The last owner stays, and can be neither blocked nor deleted, while the tenant lives.
SELECT regress.new_user('ten_last') AS last \gset
SELECT id AS lasts FROM latchkey.create_tenant(:'last', 'Last') \gset
SELECT regress.error_of(format('SELECT latchkey.block_user(%L)', :'last')), regress.error_of(format('SELECT latchkey.delete_user(%L)', :'last'));
SELECT status FROM latchkey.suspend_tenant(:'lasts');
SELECT left(regress.error_of(format('SELECT latchkey.delete_user(%L)', :'last')), 5) AS suspended;
SELECT status FROM latchkey.archive_tenant(:'lasts');
SELECT status FROM latchkey.block_user(:'last');
SELECT latchkey.delete_user(:'last');
