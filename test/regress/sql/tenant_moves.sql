-- Moving tenants' databases: who may ask, what is refused, what workers are told and tell, the way back.
SELECT regress.new_user('tmv_owner') AS owner, regress.new_user('tmv_admin') AS admin \gset
SELECT role FROM latchkey.grant_role(:'admin', 'admin');
SELECT latchkey.register_server('moves-a', '{"host": "/run/postgresql", "database": "postgres", "user": "maker", "password": "hunter2"}', accepts_new => false);
SELECT latchkey.register_server('moves-b', '{"host": "b.example.com", "database": "postgres", "user": "maker", "password": "hunter3"}', accepts_new => false);
SELECT (latchkey.create_tenant(:'owner', 'Moves', 'a-tenant-with-quite-a-long-slug-that-is-cut-off', 'store', provision => true)).id AS shop \gset
SELECT (latchkey.create_tenant(:'owner', 'Given', 'moves-given', 'store')).id AS given \gset
SELECT regress.token_of('tmv_owner') AS owner_token, regress.token_of('tmv_admin') AS admin_token \gset
-- What can't be moved, or not yet.
SELECT tenant_id IS NULL AS never_moved FROM latchkey.tenant_move(:'shop');
SELECT regress.error_of(format('SELECT latchkey.move_tenant(%L, ''moves-b'')', :'shop'));
SELECT status FROM latchkey.set_tenant_status(:'shop', 'active');
SELECT regress.error_of(format('SELECT latchkey.move_tenant(%L, ''moves-b'')', :'shop'));
SELECT server, moving FROM latchkey.provision_tenant(:'shop', 'store', 'moves-a');
SELECT regress.error_of(format('SELECT latchkey.move_tenant(%L, ''moves-b'')', :'shop'));
SELECT count(*) FROM latchkey.claim_jobs('{latchkey.provision_tenant}', 'w', 10, '1 hour');
SELECT latchkey.finish_provisioning(:'shop', '0007_credits.sql');
SELECT status FROM latchkey.connect_database(:'given', '{"host": "db.example.com", "database": "d", "user": "u"}');
SELECT count(*) FROM latchkey.claim_jobs('{latchkey.provision_tenant}', 'w', 10, '1 hour');
SELECT latchkey.finish_provisioning(:'given');
SELECT regress.error_of(format('SELECT latchkey.%s', call)) FROM unnest(ARRAY[
  format('move_tenant(%L, ''moves-b'')', :'given'), format('move_tenant(%L, ''moves-a'')', :'shop'), format('move_tenant(%L, ''nowhere'')', :'shop'), format('move_tenant(%L, NULL)', :'shop'),
  format('move_tenant(NULL, ''moves-b'')'), format('move_tenant(%L, ''moves-b'')', gen_random_uuid()), format('move_tenant(%L, ''moves-b'', '''')', :'shop'), format('move_tenant(%L, %L)', :'shop', repeat('x', 64)),
  format('confirm_tenant_move(%L)', :'shop'), format('revert_tenant_move(%L)', :'shop'), format('revert_tenant_move(%L, NULL)', :'shop'), format('start_move(%L)', :'shop')]) AS call;
BEGIN;
SELECT user_id = :'owner' AS bound FROM latchkey.authenticate(:'owner_token');
SELECT regress.error_of(format('SELECT latchkey.%s', call)) FROM unnest(ARRAY[format('move_tenant(%L, ''moves-b'')', :'shop'), format('tenant_move(%L)', :'shop'),
  format('confirm_tenant_move(%L)', :'shop'), format('revert_tenant_move(%L)', :'shop')]) AS call;
COMMIT;

-- Asked for, by an administrator; the same key is the same job.
BEGIN;
SELECT user_id = :'admin' AS bound FROM latchkey.authenticate(:'admin_token');
SELECT latchkey.move_tenant(:'shop', 'moves-b', 'a key') AS job \gset
COMMIT;
SELECT latchkey.move_tenant(:'shop', 'moves-b', 'a key') = :'job' AS same_job;
SELECT regress.error_of(format('SELECT latchkey.move_tenant(%L, ''moves-a'', ''a key'')', :'shop'));
SELECT regress.error_of(format('SELECT latchkey.move_tenant(%L, ''moves-b'')', :'shop'));
SELECT type, id = :'job' AS same, account_id = :'shop' AS of_shop, payload FROM latchkey.claim_jobs('{latchkey.move_tenant}', 'w', 10, '1 hour');
SELECT job_id = :'job' AS same, status, step, error, from_server, to_server, table_count, switched_at FROM latchkey.tenant_move(:'shop');
SELECT status, moving FROM latchkey.tenant_database(:'shop');
-- Nothing else may happen to the database meanwhile, nor to the servers.
SELECT regress.error_of(format('SELECT latchkey.%s', call)) FROM unnest(ARRAY[format('provision_tenant(%L)', :'shop'), format('start_provisioning(%L)', :'shop'), 'remove_server(''moves-a'')', 'remove_server(''moves-b'')',
  format('confirm_tenant_move(%L)', :'shop')]) AS call;
-- A database of another name, and the same role with another password.
SELECT run AS old_run FROM latchkey.start_move(:'shop') \gset
SELECT run, status, step, on_target, discard_writes, checksum, source_server ->> 'password' AS source_password, target_server ->> 'password' AS target_password, target ->> 'host' AS host,
       source ->> 'database' <> target ->> 'database' AS other_database, length(target ->> 'database') AS length, source ->> 'user' = target ->> 'user' AS same_role, source ->> 'password' <> target ->> 'password' AS other_password
  FROM latchkey.start_move(:'shop') \gset
\echo :run :status :step :on_target :discard_writes :checksum :source_password :target_password :host :other_database :length :same_role :other_password
SELECT regress.error_of(format('SELECT latchkey.record_move(%L, %s, ''dump'')', :'shop', :'old_run'));
SELECT latchkey.record_move(:'shop', :run, 'create_database'), latchkey.record_move(:'shop', :run, 'create_database');
SELECT regress.error_of(format('SELECT latchkey.finish_move(%L, %s)', :'shop', :'run'));
SELECT latchkey.record_move(:'shop', :run, 'dump', 'no space');
SELECT status, step, error FROM latchkey.tenant_move(:'shop');
SELECT regress.error_of(format('SELECT latchkey.switch_move(%L, %s)', :'shop', :'run'));
SELECT latchkey.finish_move(:'shop', :run);
SELECT status, step, error FROM latchkey.tenant_move(:'shop');
SELECT moving, server FROM latchkey.tenant_database(:'shop');
SELECT sealed_connection IS NULL AS erased FROM latchkey.tenant_moves WHERE tenant_id = :'shop';
SELECT regress.error_of(format('SELECT latchkey.start_move(%L)', :'shop'));
SELECT regress.error_of(format('SELECT latchkey.revert_tenant_move(%L)', :'shop'));

-- Again, and it switches: another version of the connection, to the target; once.
SELECT latchkey.move_tenant(:'shop', 'moves-b') <> :'job' AS another_job;
SELECT connection ->> 'database' AS first, version AS first_version FROM latchkey.tenant_connection(:'shop') \gset
SELECT run, target ->> 'database' AS second FROM latchkey.start_move(:'shop') \gset
SELECT latchkey.record_move(:'shop', :run, 'verify', NULL, 3, 44, 'abc');
SELECT latchkey.switch_move(:'shop', :run);
SELECT regress.error_of(format('SELECT latchkey.switch_move(%L, %s)', :'shop', :'run'));
SELECT status, step, error, table_count, row_count, checksum, switched_at IS NOT NULL AS switched FROM latchkey.tenant_move(:'shop');
SELECT server, moving FROM latchkey.tenant_database(:'shop');
SELECT connection ->> 'database' = :'second' AS second, connection ->> 'host' AS host, version - :first_version AS later FROM latchkey.tenant_connection(:'shop');
SELECT regress.error_of(format('SELECT latchkey.%s', call)) FROM unnest(ARRAY[format('move_tenant(%L, ''moves-a'')', :'shop'), format('start_move(%L)', :'shop'), 'remove_server(''moves-a'')']) AS call;
SELECT tenant_id IS NOT NULL AS a_migration_may_begin FROM latchkey.start_provisioning(:'shop');
-- Back: refused by the worker, then done. What is told twice is done once.
SELECT status FROM latchkey.revert_tenant_move(:'shop');
SELECT moving FROM latchkey.tenant_database(:'shop');
SELECT run, on_target, discard_writes, checksum, source ->> 'database' = :'first' AS from_first, target ->> 'database' = :'second' AS to_second FROM latchkey.start_move(:'shop') \gset
\echo :on_target :discard_writes :checksum :from_first :to_second
SELECT latchkey.finish_move(:'shop', :run, 'it was written');
SELECT status, error FROM latchkey.tenant_move(:'shop');
SELECT status FROM latchkey.revert_tenant_move(:'shop', true);
SELECT status FROM latchkey.revert_tenant_move(:'shop');
SELECT run, discard_writes FROM latchkey.start_move(:'shop') \gset
\echo :discard_writes
SELECT regress.error_of(format('SELECT latchkey.finish_move(%L, %s)', :'shop', :'run'));
SELECT latchkey.switch_move(:'shop', :run), latchkey.switch_move(:'shop', :run);
SELECT run, on_target FROM latchkey.start_move(:'shop') \gset
\echo :on_target
SELECT regress.error_of(format('SELECT latchkey.finish_move(%L, %s, ''too late'')', :'shop', :'run'));
SELECT latchkey.finish_move(:'shop', :run);
SELECT m.status, d.server, d.moving, c.version - :first_version AS later, c.connection ->> 'database' = :'first' AS first
  FROM latchkey.tenant_move(:'shop') AS m, latchkey.tenant_database(:'shop') AS d, latchkey.tenant_connection(:'shop') AS c;
-- Called off before it begins; confirmed; a tenant that is deleted.
SELECT latchkey.move_tenant(:'shop', 'moves-b') IS NOT NULL AS asked;
SELECT status, error FROM latchkey.revert_tenant_move(:'shop');
SELECT run FROM latchkey.start_move(:'shop') \gset
SELECT latchkey.finish_move(:'shop', :run);
SELECT latchkey.move_tenant(:'shop', 'moves-b') IS NOT NULL AS asked;
SELECT run FROM latchkey.start_move(:'shop') \gset
SELECT latchkey.switch_move(:'shop', :run);
BEGIN;
SELECT latchkey.set_setting('tenants.deletion_grace', '0 seconds');
SELECT status FROM latchkey.delete_tenant(:'shop');
SELECT count(*) AS not_before_the_move_is_over FROM latchkey.abandoned_databases();
SELECT regress.error_of(format('SELECT latchkey.forget_database(%L)', :'shop'));
SELECT latchkey.end_abandoned_moves(), latchkey.end_abandoned_moves() AS again;
SELECT run FROM latchkey.start_move(:'shop') \gset
SELECT latchkey.finish_move(:'shop', :run);
SELECT status FROM latchkey.tenant_move(:'shop');
SELECT server, connection ->> 'database' = (SELECT connection ->> 'database' FROM latchkey.tenant_connection(:'shop')) AS same FROM latchkey.abandoned_databases();
ROLLBACK;
SELECT status FROM latchkey.confirm_tenant_move(:'shop');
SELECT status FROM latchkey.confirm_tenant_move(:'shop');
SELECT regress.error_of(format('SELECT latchkey.revert_tenant_move(%L)', :'shop'));
SELECT run FROM latchkey.start_move(:'shop') \gset
SELECT latchkey.finish_move(:'shop', :run);
SELECT status FROM latchkey.tenant_move(:'shop');
SELECT latchkey.remove_server('moves-a');
SELECT regress.error_of('SELECT latchkey.remove_server(''moves-b'')');
SELECT type, data - 'job_id' AS data FROM latchkey.events WHERE account_id = :'shop' AND type LIKE 'tenant.move%' ORDER BY id;
SELECT count(*) AS secrets FROM latchkey.events WHERE data::text ~ 'hunter[23]';
-- A copy's ciphertext opens nowhere else.
SELECT latchkey.register_server('moves-a', '{"host": "/run/postgresql", "database": "postgres", "user": "maker"}', accepts_new => false);
SELECT latchkey.move_tenant(:'shop', 'moves-a') IS NOT NULL AS asked;
BEGIN;
UPDATE latchkey.tenant_databases SET sealed_connection = (SELECT sealed_connection FROM latchkey.tenant_moves WHERE tenant_id = :'shop') WHERE tenant_id = :'shop';
SELECT left(regress.error_of(format('SELECT latchkey.tenant_connection(%L)', :'shop')), 5);
ROLLBACK;
-- For the tests that come.
SELECT status FROM latchkey.revert_tenant_move(:'shop');
SELECT run FROM latchkey.start_move(:'shop') \gset
SELECT latchkey.finish_move(:'shop', :run);
SELECT count(*) > 0 AS claimed FROM latchkey.claim_jobs('{latchkey.move_tenant,latchkey.sync_tenant_users}', 'w', 100, '1 hour');
