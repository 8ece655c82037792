-- Databases of tenants: sealed connections, what is asked for and made, whom it is shown to, migrations.
SELECT regress.new_user('tdb_owner') AS owner, regress.new_user('tdb_staff') AS staff \gset
SELECT (latchkey.create_tenant(:'owner', 'North Shop', 'north-shop', 'store', provision => true)).id AS north \gset
SELECT (latchkey.create_tenant(:'owner', 'South Shop', 'south-shop', 'store', provision => true)).id AS south \gset
SELECT (latchkey.create_tenant(:'owner', 'Bare', 'bare-shop', 'store')).id AS bare \gset
SELECT role FROM latchkey.grant_role(:'staff', 'staff', :'north');
SELECT regress.token_of('tdb_owner') AS owner_token, regress.token_of('tdb_staff') AS staff_token \gset
-- Nobody's database can be made before there is a server.
SELECT regress.error_of(format('SELECT latchkey.provision_tenant(%L, ''store'')', :'north'));
SELECT latchkey.register_server('first', '{"host": "/run/postgresql", "database": "postgres", "user": "maker", "password": "hunter2"}');
SELECT latchkey.register_server('second', '{"host": "db2.example.com", "port": 6432, "database": "postgres", "user": "maker", "sslmode": "verify-full"}');
SELECT latchkey.register_server('full', '{"host": "db3.example.com", "database": "postgres", "user": "maker"}', accepts_new => false);
SELECT name, accepts_new, databases FROM latchkey.list_servers();
SELECT regress.error_of(call) FROM unnest(ARRAY[
  'SELECT latchkey.register_server(''No'', ''{}'')', 'SELECT latchkey.register_server(''no'', NULL)', 'SELECT latchkey.register_server(''no'', ''{"host": "h"}'')',
  'SELECT latchkey.register_server(''no'', ''{"host": "h", "database": "d", "user": "u", "options": "-c x=y"}'')', 'SELECT latchkey.remove_server(''no'')']) AS call;

-- A database of its own: names and password are decided at once, and only a worker sees them.
SELECT server, template, status, step, error FROM latchkey.provision_tenant(:'north', 'store');
SELECT server, status FROM latchkey.provision_tenant(:'south', 'pos');
SELECT server, databases FROM latchkey.list_servers() AS s (server, accepts_new, databases, a, b);
SELECT regress.error_of('SELECT latchkey.remove_server(''first'')');
SELECT latchkey.remove_server('full');
SELECT type, account_id = :'north' AS of_north, payload FROM latchkey.claim_jobs('{latchkey.provision_tenant}', 'w', 10, '1 hour') ORDER BY account_id = :'north' DESC;
SELECT slug, template, trusted, server, connection - 'password' - 'database' - 'user' AS connection, connection ->> 'user' = connection ->> 'database' AS own_role,
       connection ->> 'database' = 'tenant_north_shop_' || right(:'north', 12) AS named, length(connection ->> 'password') AS password, server_connection
  FROM latchkey.start_provisioning(:'north');
SELECT connection ->> 'password' AS password FROM latchkey.start_provisioning(:'north') \gset
SELECT connection ->> 'password' = :'password' AS same_again FROM latchkey.start_provisioning(:'north');
SELECT status FROM latchkey.get_tenant(:'north');
SELECT latchkey.record_provisioning(:'north', 'create_database');
SELECT latchkey.record_provisioning(:'north', 'install_template', 'relation "x" does not exist', '0002_users.sql');
SELECT status, step, error, template_version FROM latchkey.tenant_database(:'north');
SELECT ready FROM latchkey.tenant_connection(:'north');
-- Again, and it works.
SELECT status, error FROM latchkey.provision_tenant(:'north');
SELECT tenant_id IS NOT NULL AS started FROM latchkey.start_provisioning(:'north');
SELECT latchkey.finish_provisioning(:'north', '0007_credits.sql');
SELECT status, step, error, template_version, healthy FROM latchkey.tenant_database(:'north');
SELECT status FROM latchkey.get_tenant(:'north');
SELECT connection ->> 'password' = :'password' AS same, trusted, version, template, ready FROM latchkey.tenant_connection(:'north');
-- A migration that fails leaves it ready; a tenant's template stays.
SELECT latchkey.record_provisioning(:'north', 'install_template', 'no');
SELECT status, error FROM latchkey.tenant_database(:'north');
SELECT regress.error_of(format('SELECT latchkey.provision_tenant(%L, ''pos'')', :'north'));
SELECT regress.error_of(format('SELECT latchkey.provision_tenant(%L, server => ''second'')', :'north'));
SELECT regress.error_of(format('SELECT latchkey.connect_database(%L, ''{"host": "h", "database": "d", "user": "u"}'')', :'north'));

-- One that the tenant brings along. Whoever is a tenant's alone can't reach into private networks.
SELECT server, template, status FROM latchkey.connect_database(:'bare', '{"host": "10.0.0.1", "database": "shop", "user": "shop", "password": "pw 1"}', 'store');
SELECT connection, trusted, version, ready FROM latchkey.tenant_connection(:'bare');
BEGIN;
SELECT user_id = :'owner' AS bound FROM latchkey.authenticate(:'owner_token');
SELECT regress.error_of(format('SELECT latchkey.connect_database(%L, %L)', :'bare', jsonb_build_object('host', host, 'database', 'shop', 'user', 'shop')))
  FROM unnest(ARRAY['10.0.0.1', '127.1', '::1', '/run/postgresql', 'localhost', '169.254.169.254']) AS host;
SELECT status FROM latchkey.connect_database(:'bare', '{"host": "db.example.com", "database": "shop", "user": "shop", "password": "pw 2"}');
SELECT regress.error_of(format('SELECT latchkey.tenant_connection(%L)', :'bare'));
SELECT regress.error_of('SELECT latchkey.register_server(''mine'', ''{"host": "h", "database": "d", "user": "u"}'')');
SELECT regress.error_of(format('SELECT latchkey.provision_tenant(%L, server => ''second'')', :'south'));
SELECT regress.error_of('SELECT latchkey.list_tenant_databases()');
COMMIT;
SELECT connection ->> 'password' AS password, trusted, version, template FROM latchkey.tenant_connection(:'bare');
-- Staff sees the state in its own tenant, and changes nothing.
BEGIN;
SELECT user_id = :'staff' AS bound FROM latchkey.authenticate(:'staff_token');
SELECT status, server FROM latchkey.tenant_database(:'north');
SELECT regress.error_of(format('SELECT latchkey.provision_tenant(%L)', :'north'));
SELECT regress.error_of(format('SELECT latchkey.tenant_database(%L)', :'south'));
COMMIT;
-- A ciphertext that stands in another tenant's row does not open.
BEGIN;
UPDATE latchkey.tenant_databases SET sealed_connection = (SELECT sealed_connection FROM latchkey.tenant_databases WHERE tenant_id = :'bare') WHERE tenant_id = :'north';
SELECT left(regress.error_of(format('SELECT latchkey.tenant_connection(%L)', :'north')), 5);
ROLLBACK;
SELECT bool_or(sealed_connection::text LIKE '%' || encode('hunter2', 'hex') || '%') AS readable FROM latchkey.tenant_servers;

-- Migrations: a job for each tenant that has none waiting, so many at a time.
SELECT status FROM latchkey.connect_database(:'bare', '{"host": "db.example.com", "database": "shop", "user": "shop"}');
SELECT latchkey.migrate_tenants('store', 2) AS jobs;
SELECT latchkey.migrate_tenants('store', 3) AS jobs;
SELECT group_key, max_running, strict_order FROM latchkey.list_job_rules() WHERE type = 'latchkey.provision_tenant';
SELECT latchkey.migrate_tenants('nothing') AS jobs;
SELECT regress.error_of(format('SELECT latchkey.migrate_tenants(%s)', a)) FROM unnest(ARRAY['NULL', '''store'', 0', '''store'', 101', '''../etc''']) AS a;
SELECT tenant_id = :'north' AS north, template, status FROM latchkey.list_tenant_databases('store') ORDER BY 1 DESC;
SELECT count(*) FROM latchkey.list_tenant_databases(status => 'ready');
SELECT count(*) FROM latchkey.list_tenant_databases(server => 'second');

-- Health is told when it changes.
SELECT latchkey.record_database_health(:'north', false);
SELECT latchkey.record_database_health(:'north', false);
SELECT latchkey.record_database_health(:'north', true);
SELECT healthy FROM latchkey.tenant_database(:'north');
SELECT type, data - 'owner_id' AS data FROM latchkey.events WHERE account_id = :'north' AND type LIKE 'tenant.%' ORDER BY id;
SELECT type, aggregate_id FROM latchkey.events WHERE aggregate = 'tenant_server' ORDER BY id;
-- All that are ready, for workers to look at; those of deleted tenants, for them to drop, and then to forget.
SELECT tenant_id = :'north' AS north, connection ->> 'password' = :'password' AS same, trusted, version, template, ready FROM latchkey.tenant_connections();
SELECT count(*) AS after_it FROM latchkey.tenant_connections(after => :'north');
SELECT count(*) AS none_is_deleted FROM latchkey.abandoned_databases();
-- A connection that can't be opened keeps workers from no other, and is told from a tenant's own database.
BEGIN;
SELECT latchkey.finish_provisioning(:'bare');
UPDATE latchkey.tenant_databases SET sealed_connection = '\x00' WHERE tenant_id = :'north';
SELECT tenant_id = :'north' AS north, connection IS NULL AS sealed, connection ->> 'host' AS host FROM latchkey.tenant_connections() ORDER BY 1;
SELECT latchkey.set_setting('tenants.deletion_grace', '0 seconds');
SELECT count(latchkey.delete_tenant(t)) FROM unnest(ARRAY[:'north', :'bare']::uuid[]) AS t;
SELECT slug, connection IS NULL AS sealed, server, server_connection IS NULL AS no_server_connection FROM latchkey.abandoned_databases() ORDER BY slug;
ROLLBACK;
SELECT regress.error_of(format('SELECT latchkey.forget_database(%L)', :'north'));
BEGIN;
SELECT latchkey.set_setting('tenants.deletion_grace', '0 seconds');
SELECT status FROM latchkey.delete_tenant(:'north');
SELECT status FROM latchkey.delete_tenant(:'bare');
SELECT count(*) AS ready FROM latchkey.tenant_connections();
SELECT slug, template, trusted, server, connection ->> 'password' = :'password' AS same, server_connection ->> 'user' AS made_by
  FROM latchkey.abandoned_databases() ORDER BY slug;
SELECT slug FROM latchkey.abandoned_databases(max_rows => 1);
SELECT slug FROM latchkey.abandoned_databases(after => :'north', max_rows => 1);
SELECT latchkey.forget_database(:'north'), latchkey.forget_database(:'bare');
SELECT latchkey.forget_database(:'north') AS again;
SELECT count(*) FROM latchkey.tenant_databases WHERE tenant_id IN (:'north', :'bare');
SELECT count(*) FROM latchkey.events WHERE type = 'tenant.database_forgotten';
ROLLBACK;
SELECT regress.error_of('SELECT latchkey.' || call) FROM unnest(ARRAY['tenant_connections(max_rows => 0)', 'abandoned_databases(max_rows => 1001)', 'forget_database(NULL)']) AS call;
-- No password in events or jobs.
SELECT count(*) FROM latchkey.events WHERE data::text ~ 'hunter2|pw [12]';
SELECT regress.error_of(format('SELECT latchkey.%s', call)) FROM unnest(ARRAY[
  format('start_provisioning(%L)', gen_random_uuid()), format('tenant_connection(%L)', gen_random_uuid()), format('record_provisioning(%L, ''x'')', gen_random_uuid()),
  format('finish_provisioning(%L)', gen_random_uuid()), format('record_database_health(%L, true)', gen_random_uuid()), format('forget_database(%L)', gen_random_uuid()), format('provision_tenant(%L)', gen_random_uuid())]) AS call;
-- For the tests that come.
SELECT count(*) AS claimed FROM latchkey.claim_jobs('{latchkey.provision_tenant}', 'w', 100, '1 hour');
SELECT latchkey.remove_job_rule('latchkey.provision_tenant', 'template:store') AS removed;
