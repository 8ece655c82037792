-- Logging in to a tenant: by name, by host, or to the only one; who may not, and that the right password comes first.
SELECT regress.new_user('tlo_owner') AS owner, regress.new_user('tlo_ann') AS ann \gset
SELECT (latchkey.create_tenant(:'owner', 'Log One', 'log-one', 'store')).id AS one \gset
SELECT (latchkey.create_tenant(:'owner', 'Log Two', 'log-two', 'store')).id AS two \gset
SELECT role FROM latchkey.grant_role(:'ann', 'staff', :'one');
CREATE FUNCTION regress.login_to(label text, tenant text DEFAULT NULL, host text DEFAULT NULL, password text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result latchkey.login_result;
BEGIN
  result := latchkey.login(label || '@example.com', coalesce(password, 'password of ' || label), tenant, host);
  RETURN concat_ws(' ', result.outcome, (SELECT slug FROM latchkey.tenants WHERE id = result.tenant_id),
                   CASE WHEN result.token IS NOT NULL THEN (latchkey.verify(result.token)).tenant_id IS NOT DISTINCT FROM result.tenant_id END);
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ': ' || SQLERRM;
END $$;
SELECT regress.login_to('tlo_ann') AS none, regress.login_to('tlo_ann', 'log-one') AS slug, regress.login_to('tlo_ann', :'one') AS id;
SELECT tenant, regress.login_to('tlo_ann', tenant) FROM unnest(ARRAY['log-two', 'no-such', 'Not A Slug', '', '00000000-0000-0000-0000-000000000000']) AS tenant;
-- A wrong password says nothing about tenants.
SELECT regress.login_to('tlo_ann', tenant, password => 'wrong password') FROM unnest(ARRAY['log-one', 'log-two', 'no-such']) AS tenant;
-- By host: a tenant's, or for the platform's own the only one.
SELECT latchkey.set_setting('tenants.platform_domain', 'shops.example');
SELECT host, regress.login_to('tlo_ann', host => host) AS ann, regress.login_to('tlo_owner', host => host) AS owner
  FROM unnest(ARRAY['log-one.shops.example', 'LOG-ONE.shops.example:443', 'log-two.shops.example', 'shops.example', 'api.example.com', 'localhost:8080', '']) AS host;
SELECT regress.login_to('tlo_owner', 'log-one', 'log-two.shops.example') AS name_first;
SELECT latchkey.set_setting('tenants.platform_domain', '');
-- A tenant that is not active lets nobody in, and keeps nobody from their own account.
SELECT status FROM latchkey.suspend_tenant(:'one', 'unpaid');
SELECT regress.login_to('tlo_ann', 'log-one') AS named, regress.login_to('tlo_ann', host => 'example.com') AS only_one, regress.login_to('tlo_owner', host => 'example.com') AS other;
SELECT status FROM latchkey.reactivate_tenant(:'one');
-- Whoever is removed meanwhile is out; who is blocked does not learn more than that.
SELECT latchkey.remove_member(:'one', :'ann') AS roles;
SELECT regress.login_to('tlo_ann', 'log-one') AS removed, regress.login_to('tlo_ann', host => 'example.com') AS without;
SELECT status FROM latchkey.block_user(:'ann');
SELECT regress.login_to('tlo_ann', 'log-one') AS blocked;
