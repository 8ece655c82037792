-- Users in both: what changes a member is noted with it, told to the tenant's database by one job, compared and repaired.
SELECT regress.new_user('tus_owner') AS owner, regress.new_user('tus_ann') AS ann, regress.new_user('tus_ben') AS ben \gset
SELECT (latchkey.create_tenant(:'owner', 'Both Shop', 'both-shop', 'store')).id AS shop \gset
SELECT (latchkey.create_tenant(:'owner', 'No Database', 'tus-bare', 'store')).id AS bare \gset
SELECT role FROM latchkey.grant_role(:'ann', 'staff', :'shop');
-- Without a database there is nobody to tell.
SELECT count(*) FROM latchkey.tenant_users WHERE tenant_id IN (:'shop', :'bare');
SELECT regress.error_of(format('SELECT latchkey.%s(%L)', f, :'bare')) FROM unnest(ARRAY['compare_tenant_users', 'repair_tenant_users']) AS f;
SELECT status FROM latchkey.connect_database(:'shop', '{"host": "db.example.com", "database": "shop", "user": "shop"}', 'store');
SELECT type FROM latchkey.claim_jobs('{latchkey.provision_tenant,latchkey.sync_tenant_users}', 'w', 100, '1 hour') WHERE account_id = :'shop';
SELECT latchkey.finish_provisioning(:'shop', '0007_credits.sql');
-- Everybody is told of, by one job.
SELECT id AS job, lease_token FROM latchkey.claim_jobs('{latchkey.sync_tenant_users}', 'w', 100, '1 hour') WHERE account_id = :'shop' \gset
SELECT email, name, role, status, version FROM latchkey.pending_tenant_users(:'shop') ORDER BY email;
SELECT users, waiting, waiting_since IS NOT NULL AS since, differences, compared_at FROM latchkey.tenant_user_sync(:'shop');
SELECT latchkey.record_tenant_users(:'shop', array_agg(user_id), array_agg(version)) AS news FROM latchkey.pending_tenant_users(:'shop');
SELECT count(*) FROM latchkey.pending_tenant_users(:'shop');
SELECT latchkey.record_tenant_users(:'shop', ARRAY[:'ann']::uuid[], '{1}') AS again, latchkey.record_tenant_users(:'shop', ARRAY[:'ann']::uuid[], '{9}') AS unheard_of;
SELECT regress.error_of(format('SELECT latchkey.record_tenant_users(%L, %s)', :'shop', a)) FROM unnest(ARRAY['NULL, NULL', '''{}'', ''{1}''', '''{NULL}'', ''{1}''']) AS a;
SELECT latchkey.complete_job(:'shop', :'job', :'lease_token');
-- Each change bumps the version; one job waits for all of them, and one more when a worker has that.
CREATE FUNCTION regress.told(shop uuid) RETURNS SETOF text LANGUAGE sql AS $$
  WITH state AS MATERIALIZED (SELECT * FROM latchkey.pending_tenant_users(shop)),
       told AS MATERIALIZED (SELECT latchkey.record_tenant_users(shop, coalesce(array_agg(user_id), '{}'), coalesce(array_agg(version), '{}')) FROM state)
  SELECT concat_ws(' ', s.email, coalesce(s.name, '-'), s.role, s.status, s.version) FROM state s, told ORDER BY 1
$$;
SELECT role FROM latchkey.grant_role(:'ben', 'customer', :'shop');
SELECT role FROM latchkey.grant_role(:'ben', 'admin', :'shop');
SELECT regress.told(:'shop');
SELECT name FROM latchkey.update_profile(:'ann', 'Ann B.');
SELECT email FROM latchkey.update_user(:'ben', email => 'tus_ben2@example.com');
SELECT count(*) AS waiting FROM latchkey.jobs WHERE account_id = :'shop' AND type = 'latchkey.sync_tenant_users';
SELECT regress.told(:'shop');
SELECT status FROM latchkey.block_user(:'ann');
SELECT latchkey.revoke_role(:'ben', 'admin', :'shop');
SELECT regress.told(:'shop');
SELECT status FROM latchkey.unblock_user(:'ann');
SELECT latchkey.remove_member(:'shop', :'ben') AS roles;
SELECT regress.told(:'shop');
SELECT latchkey.transfer_ownership(:'shop', :'ann', :'owner');
SELECT regress.told(:'shop');
SELECT latchkey.delete_user(:'ben');
SELECT regress.told(:'shop');
-- What is no news to the tenant's database: another tenant, a profile, a login.
SELECT role FROM latchkey.grant_role(:'ann', 'staff', :'bare');
SELECT profile FROM latchkey.update_profile(:'ann', profile => '{"a": 1}');
SELECT outcome FROM latchkey.login('tus_ann@example.com', 'password of tus_ann');
SELECT regress.told(:'shop');
-- What is rolled back was never there.
BEGIN;
SELECT role FROM latchkey.grant_role(:'ben', 'staff', :'shop') AS g WHERE false;
SELECT name FROM latchkey.update_profile(:'ann', 'Nobody');
ROLLBACK;
SELECT regress.told(:'shop');
-- A role that ends is a change that nobody makes: a job waits for that moment.
SELECT role FROM latchkey.grant_role(:'ann', 'staff', :'shop', clock_timestamp() + '1 hour');
SELECT regress.told(:'shop');
SELECT count(*), min(run_at) > now() + '50 minutes' AS later FROM latchkey.jobs WHERE account_id = :'shop' AND type = 'latchkey.sync_tenant_users' AND run_at > now();
SELECT regress.told(:'shop');
SELECT count(*) FROM latchkey.jobs WHERE account_id = :'shop' AND type = 'latchkey.sync_tenant_users' AND run_at > now();

-- Comparing: what the tenant's database says, against what it was told.
SELECT latchkey.compare_tenant_users(:'shop'), latchkey.compare_tenant_users(:'shop');
SELECT count(*) FROM latchkey.claim_jobs('{latchkey.compare_tenant_users}', 'w', 100, '1 hour');
CREATE FUNCTION regress.rows_of(shop uuid) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_agg(jsonb_build_object('id', t.user_id, 'email', coalesce(u.email, ''), 'name', u.name, 'version', t.version,
           'status', CASE WHEN g.role IS NULL THEN 'deleted' ELSE u.status END, 'role', coalesce(g.role, 'none')))
    FROM latchkey.tenant_users t LEFT JOIN latchkey.users u ON u.id = t.user_id
    LEFT JOIN (SELECT DISTINCT ON (user_id) user_id, role FROM latchkey.role_grants WHERE tenant_id = shop
                ORDER BY user_id, array_position('{owner,admin,staff}', role)) AS g ON g.user_id = t.user_id
   WHERE t.tenant_id = shop
$$;
SELECT latchkey.record_tenant_user_comparison(:'shop', regress.rows_of(:'shop')) AS differences;
SELECT waiting, differences, compared_at IS NOT NULL AS compared FROM latchkey.tenant_user_sync(:'shop');
-- One is gone there, one another, one unknown here.
SELECT latchkey.record_tenant_user_comparison(:'shop', (SELECT jsonb_agg(r || CASE WHEN r ->> 'id' = :'ann' THEN '{"role": "owner2"}' ELSE '{}' END::jsonb)
    || '[{"id": "00000000-0000-7000-8000-0000000000aa", "email": "x@example.com", "role": "staff", "status": "active", "version": 7}]'
  FROM jsonb_array_elements(regress.rows_of(:'shop')) AS r WHERE r ->> 'id' <> :'ben')) AS differences;
SELECT difference, main - 'version' AS main, tenant - 'version' AS tenant FROM latchkey.tenant_user_drift(:'shop') ORDER BY difference;
-- In pages: only the page's range is judged again.
SELECT latchkey.record_tenant_user_comparison(:'shop', '[]', NULL, '00000000-0000-0000-0000-000000000001') AS differences;
SELECT count(*) FROM latchkey.tenant_user_drift(:'shop');
SELECT latchkey.repair_tenant_users(:'shop') AS repaired;
SELECT difference, count(*) FROM latchkey.tenant_user_drift(:'shop') GROUP BY 1;
SELECT role, status, email, version > 7 AS newer FROM latchkey.pending_tenant_users(:'shop') ORDER BY role, email, version;
SELECT count(*) FROM regress.told(:'shop');
SELECT latchkey.record_tenant_user_comparison(:'shop', regress.rows_of(:'shop')) AS differences, latchkey.repair_tenant_users(:'shop') AS repaired;
-- Another database is told everything.
SELECT status FROM latchkey.connect_database(:'shop', '{"host": "db2.example.com", "database": "shop", "user": "shop"}');
SELECT latchkey.finish_provisioning(:'shop', '0007_credits.sql');
SELECT count(*) FROM latchkey.pending_tenant_users(:'shop');
SELECT count(*) FROM latchkey.pending_tenant_users(:'shop', max_rows => 1);
SELECT regress.error_of(format('SELECT latchkey.pending_tenant_users(%L, max_rows => 0)', :'shop'));
-- Comparisons come due by themselves: each once an interval, of active tenants, behind what somebody asks for.
BEGIN;
UPDATE latchkey.tenant_databases SET users_due_at = now() + interval '1 day' WHERE tenant_id <> :'shop';
SELECT latchkey.compare_due_tenants() AS due, latchkey.compare_due_tenants() AS again;
SELECT round(extract(epoch FROM users_due_at - now()) / 60) AS minutes FROM latchkey.tenant_databases WHERE tenant_id = :'shop';
SELECT type, priority FROM latchkey.jobs WHERE account_id = :'shop' AND type = 'latchkey.compare_tenant_users' AND lease_token IS NULL;
-- One that waits already is not asked for twice.
UPDATE latchkey.tenant_databases SET users_due_at = now() WHERE tenant_id = :'shop';
SELECT latchkey.compare_due_tenants() AS due;
SELECT count(*) FROM latchkey.jobs WHERE account_id = :'shop' AND type = 'latchkey.compare_tenant_users' AND lease_token IS NULL;
-- The longest due first, so many at most.
UPDATE latchkey.tenant_databases SET users_due_at = now() - CASE WHEN tenant_id = :'shop' THEN interval '2 hours' ELSE '1 hour' END WHERE status = 'ready';
SELECT latchkey.compare_due_tenants(1) AS due;
SELECT tenant_id = :'shop' AS shop FROM latchkey.tenant_databases WHERE users_due_at > now() AND status = 'ready';
UPDATE latchkey.tenant_databases SET users_due_at = CASE WHEN tenant_id = :'shop' THEN now() ELSE now() + interval '1 day' END;
SAVEPOINT due;
SELECT latchkey.set_setting('tenants.user_comparison_interval', '0 seconds');
SELECT latchkey.compare_due_tenants() AS off;
ROLLBACK TO due;
SELECT latchkey.set_setting('tenants.user_comparison_interval', '1 hour');
SELECT status FROM latchkey.suspend_tenant(:'shop');
SELECT latchkey.compare_due_tenants() AS suspended;
SELECT status FROM latchkey.reactivate_tenant(:'shop');
SELECT latchkey.compare_due_tenants() AS due;
SELECT round(extract(epoch FROM users_due_at - now()) / 60) AS minutes FROM latchkey.tenant_databases WHERE tenant_id = :'shop';
ROLLBACK;
SELECT regress.error_of('SELECT latchkey.compare_due_tenants(0)');
-- Members see how far it is; who may change databases compares and repairs; workers' functions are nobody's with an identity.
SELECT regress.token_of('tus_ann') AS ann_token, regress.token_of('tus_owner') AS owner_token \gset
SELECT regress.error_as(token, format('SELECT latchkey.%s', call)) FROM unnest(ARRAY[:'ann_token', :'owner_token']) AS token, unnest(ARRAY[
  format('tenant_user_sync(%L)', :'shop'), format('repair_tenant_users(%L)', :'shop'), format('pending_tenant_users(%L)', :'shop'), 'compare_due_tenants()']) AS call;
SELECT count(*) AS claimed FROM latchkey.claim_jobs('{latchkey.provision_tenant,latchkey.sync_tenant_users}', 'w', 100, '1 hour');
