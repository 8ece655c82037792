-- Exports of tenants' databases: asked for, written, failed, deleted.
SELECT regress.new_user('tex_owner') AS owner \gset
SELECT (latchkey.create_tenant(:'owner', 'Exports', 'exports-shop', 'store', provision => true)).id AS shop \gset
SELECT regress.token_of('tex_owner') AS owner_token \gset
SELECT regress.error_of(format('SELECT latchkey.export_tenant(%L)', :'shop'));
SELECT latchkey.register_server('exports', '{"host": "/run/postgresql", "database": "postgres", "user": "maker", "password": "hunter2"}', accepts_new => false);
SELECT server FROM latchkey.provision_tenant(:'shop', 'store', 'exports');
SELECT regress.error_of(format('SELECT latchkey.export_tenant(%L)', :'shop'));
SELECT count(*) FROM latchkey.claim_jobs('{latchkey.provision_tenant}', 'w', 10, '1 hour');
SELECT latchkey.finish_provisioning(:'shop', '0007_credits.sql');
SELECT regress.error_of(format('SELECT latchkey.%s', call)) FROM unnest(ARRAY['export_tenant(NULL)', format('export_tenant(%L)', gen_random_uuid()), format('export_tenant(%L, '''')', :'shop'),
  format('list_tenant_exports(%L, max_rows => 0)', :'shop'), format('delete_tenant_export(%L, %L)', :'shop', gen_random_uuid()), format('delete_tenant_export(%L, NULL)', :'shop'), format('start_export(%L, %L)', :'shop', gen_random_uuid()),
  format('finish_export(%L, %L)', :'shop', gen_random_uuid())]) AS call;
BEGIN;
SELECT user_id = :'owner' AS bound FROM latchkey.authenticate(:'owner_token');
SELECT regress.error_of(format('SELECT latchkey.%s(%L)', call, :'shop')) FROM unnest(ARRAY['export_tenant', 'list_tenant_exports']) AS call;
COMMIT;
SELECT id, job_id, status, file_name FROM latchkey.export_tenant(:'shop', 'a key') \gset
SELECT :'status' AS status, :'file_name' ~ ('^exports-shop-[0-9]{8}T[0-9]{6}Z-' || right(:'id', 12) || '[.]dump$') AS named;
SELECT id = :'id' AS same FROM latchkey.export_tenant(:'shop', 'a key');
SELECT id = :'job_id' AS same, type, account_id = :'shop' AS of_shop FROM latchkey.claim_jobs('{latchkey.export_tenant}', 'w', 10, '1 hour');
SELECT export_id = :'id' AS same, status, file_name = :'file_name' AS same_file, host, connection ->> 'database' ~ '^tenant_' AS named, trusted, server_connection ->> 'password' AS password
  FROM latchkey.start_export(:'shop', :'job_id');
SELECT latchkey.finish_export(:'shop', :'job_id', 'worker-1', error => 'no space');
SELECT status, error, sha256 FROM latchkey.list_tenant_exports(:'shop');
-- The job's next attempt.
SELECT status FROM latchkey.start_export(:'shop', :'job_id');
SELECT latchkey.finish_export(:'shop', :'job_id', 'worker-1', 1234, 'abc');
SELECT status, error, host, bytes, sha256, finished_at IS NOT NULL AS finished FROM latchkey.list_tenant_exports(:'shop');
SELECT regress.error_of(format('SELECT latchkey.start_export(%L, %L)', :'shop', :'job_id'));
SELECT id > :'id' AS later FROM latchkey.export_tenant(:'shop');
SELECT id = :'id' AS first FROM latchkey.list_tenant_exports(:'shop');
SELECT count(*) FROM latchkey.list_tenant_exports(:'shop', after => :'id');
-- Forgotten when the file is gone.
SELECT latchkey.delete_tenant_export(:'shop', :'id');
SELECT job_id <> :'job_id' AS another_job, status, host FROM latchkey.list_tenant_exports(:'shop') WHERE id = :'id';
SELECT job_id FROM latchkey.list_tenant_exports(:'shop') WHERE id = :'id' \gset
SELECT status, connection, server_connection FROM latchkey.start_export(:'shop', :'job_id');
SELECT latchkey.finish_export(:'shop', :'job_id', error => 'the file is on worker-1');
SELECT status, error FROM latchkey.list_tenant_exports(:'shop') WHERE id = :'id';
SELECT latchkey.finish_export(:'shop', :'job_id');
SELECT count(*) FROM latchkey.list_tenant_exports(:'shop') WHERE id = :'id';
SELECT type, data - 'export_id' AS data FROM latchkey.events WHERE account_id = :'shop' AND type LIKE 'tenant.export%' ORDER BY id;
-- For the tests that come.
SELECT count(*) AS claimed FROM latchkey.claim_jobs('{latchkey.export_tenant}', 'w', 100, '1 hour');
