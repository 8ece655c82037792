-- Where tenants' data lives: servers, sealed connections, and the state of each database.

INSERT INTO latchkey.permissions (name, module, description, seeded) VALUES
  ('tenant_databases.read', 'tenant_databases', 'See the state of tenants'' databases; never credentials.', true),
  ('tenant_databases.write', 'tenant_databases', 'Connect, provision and migrate tenants'' databases.', true),
  ('tenant_servers.read', 'tenant_databases', 'See the servers on which tenants'' databases are made.', true),
  ('tenant_servers.write', 'tenant_databases', 'Register and remove such servers; counts platform-wide only.', true);

CREATE TABLE latchkey.tenant_servers (
  name              text        NOT NULL,
  sealed_connection bytea       NOT NULL,
  accepts_new       boolean     NOT NULL,
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL,
  CONSTRAINT tenant_servers_pkey PRIMARY KEY (name),
  CONSTRAINT tenant_servers_name_form CHECK (name ~ '^[a-z0-9](-?[a-z0-9])*$' AND length(name) <= 63)
);
COMMENT ON TABLE latchkey.tenant_servers IS
  'Servers on which databases of tenants are made (reference). sealed_connection: AES-256-GCM under the master key, bound to the name: '
  'of a role that may create databases and roles. accepts_new: whether new tenants are put there.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.tenant_servers', '');
GRANT SELECT (name, accepts_new, created_at, updated_at) ON latchkey.tenant_servers TO latchkey_admin;

CREATE TABLE latchkey.tenant_databases (
  tenant_id          uuid        NOT NULL,
  server             text,
  template           text,
  template_version   text,
  status             text        NOT NULL,
  step               text,
  error              text,
  trusted            boolean     NOT NULL,
  sealed_connection  bytea       NOT NULL,
  connection_version bigint      NOT NULL,
  other_server       text,
  moving             boolean     NOT NULL,
  healthy            boolean,
  checked_at         timestamptz,
  users_due_at       timestamptz,
  created_at         timestamptz NOT NULL,
  updated_at         timestamptz NOT NULL,
  CONSTRAINT tenant_databases_pkey PRIMARY KEY (tenant_id),
  CONSTRAINT tenant_databases_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES latchkey.tenants (id),
  CONSTRAINT tenant_databases_server_fkey FOREIGN KEY (server) REFERENCES latchkey.tenant_servers (name),
  CONSTRAINT tenant_databases_other_server_fkey FOREIGN KEY (other_server) REFERENCES latchkey.tenant_servers (name),
  CONSTRAINT tenant_databases_template_form CHECK (template ~ '^[a-z][a-z0-9_]*$'),
  CONSTRAINT tenant_databases_status_known CHECK (status IN ('pending', 'provisioning', 'ready', 'failed'))
);
COMMENT ON TABLE latchkey.tenant_databases IS
  'The database of each tenant that has one (reference). sealed_connection: AES-256-GCM under the master key, bound to the tenant. server: '
  'null when the tenant brought the database along. template_version: the last of the template''s files that is applied there. step, '
  'error: where provisioning is, or failed. trusted: whether the platform''s administrators gave the connection; else it may not lead into '
  'private networks. connection_version grows with each change of the connection. other_server: where a second copy is, while a move '
  '(tenant_moves) is not over. moving: the database takes no writes because of that. healthy, checked_at: the last look at it. '
  'users_due_at: when its users are to be compared with the main database, null: as soon as possible.';
CREATE INDEX tenant_databases_by_template ON latchkey.tenant_databases (template, tenant_id);
CREATE INDEX tenant_databases_by_server ON latchkey.tenant_databases (server) WHERE server IS NOT NULL;
CREATE INDEX tenant_databases_by_other_server ON latchkey.tenant_databases (other_server) WHERE other_server IS NOT NULL;
SELECT pg_catalog.pg_extension_config_dump('latchkey.tenant_databases', '');
GRANT SELECT (tenant_id, server, template, template_version, status, step, error, trusted, connection_version, other_server, moving,
              healthy, checked_at, users_due_at, created_at, updated_at)
  ON latchkey.tenant_databases TO latchkey_admin;

CREATE TYPE latchkey.tenant_server AS (name text, accepts_new boolean, databases bigint, created_at timestamptz, updated_at timestamptz);
COMMENT ON TYPE latchkey.tenant_server IS
  'A server for databases of tenants, and how many it holds.';

CREATE TYPE latchkey.tenant_database AS (
  tenant_id uuid, server text, template text, template_version text, status text, step text, error text, healthy boolean,
  checked_at timestamptz, created_at timestamptz, updated_at timestamptz, moving boolean);
COMMENT ON TYPE latchkey.tenant_database IS
  'The state of a tenant''s database. status: pending, provisioning, ready, or failed at a step, with the error. moving: it is on its way '
  'to another server, and takes no writes.';

CREATE TYPE latchkey.tenant_connection AS (
  tenant_id uuid, connection jsonb, trusted boolean, version bigint, template text, ready boolean);
COMMENT ON TYPE latchkey.tenant_connection IS
  'How to connect to a tenant''s database: host, port, database, user, password, sslmode, in clear. trusted: whether it may lead into '
  'private networks. version: another one means another connection.';

CREATE TYPE latchkey.tenant_provisioning AS (
  tenant_id uuid, slug text, template text, connection jsonb, trusted boolean, server text, server_connection jsonb);
COMMENT ON TYPE latchkey.tenant_provisioning IS
  'What is to be made for a tenant. server_connection: where the database and the login role of connection are to be created; null when '
  'they are there.';

-- Servers

CREATE FUNCTION latchkey.register_server(name text, connection jsonb, accepts_new boolean DEFAULT true) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_register_server';
COMMENT ON FUNCTION latchkey.register_server(text, jsonb, boolean) IS
  'Adds a server on which databases of tenants are made, or changes its connection: an object with host (a folder for a socket), port, '
  'database, user, password, sslmode, of a role with CREATEDB and CREATEROLE. Databases that are there keep their own connections. When '
  'it raises, the statement is not logged. Malformed: invalid_argument (LK400). No master key: not_configured (LK504). Needs '
  'tenant_servers.write: forbidden (LK403). Event: tenant_server.registered.';
REVOKE ALL ON FUNCTION latchkey.register_server(text, jsonb, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.register_server(text, jsonb, boolean) TO latchkey_admin;

CREATE FUNCTION latchkey.remove_server(name text) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_remove_server';
COMMENT ON FUNCTION latchkey.remove_server(text) IS
  'Forgets a server. Holds databases of tenants, or has to do with a move: conflict (LK410). Unknown: not_found (LK404). Needs '
  'tenant_servers.write: forbidden (LK403). Event: tenant_server.removed.';
REVOKE ALL ON FUNCTION latchkey.remove_server(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.remove_server(text) TO latchkey_admin;

CREATE FUNCTION latchkey.list_servers() RETURNS SETOF latchkey.tenant_server
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10 AS 'MODULE_PATHNAME', 'latchkey_list_servers';
COMMENT ON FUNCTION latchkey.list_servers() IS
  'The servers for databases of tenants, by name, without their connections. Needs tenant_servers.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.list_servers() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_servers() TO latchkey_gateway, latchkey_admin;

-- Databases

CREATE FUNCTION latchkey.connect_database(tenant_id uuid, connection jsonb, template text DEFAULT NULL) RETURNS latchkey.tenant_database
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_connect_database';
COMMENT ON FUNCTION latchkey.connect_database(uuid, jsonb, text) IS
  'Gives a tenant a database that exists, or another connection to the one that it has: an object with host, port, database, user, '
  'password, sslmode. It is stored sealed, and a job (latchkey.provision_tenant) connects, installs the template, and makes a '
  'pending tenant active. template: null keeps the one it has. Hosts in private networks, and sockets, take the permission platform-wide. '
  'When it raises, the statement is not logged. Malformed: invalid_argument (LK400). Unknown tenant: not_found (LK404). One that is '
  'archived or deleted, or whose database is on a server of the platform''s: conflict (LK410). No master key: not_configured (LK504). '
  'Needs tenant_databases.write: forbidden (LK403). Event: tenant.database_connected.';
REVOKE ALL ON FUNCTION latchkey.connect_database(uuid, jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.connect_database(uuid, jsonb, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.provision_tenant(tenant_id uuid, template text DEFAULT NULL, server text DEFAULT NULL)
  RETURNS latchkey.tenant_database
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_provision_tenant';
COMMENT ON FUNCTION latchkey.provision_tenant(uuid, text, text) IS
  'Has a database and a login role made for a tenant, on the server, or the one with the fewest that takes new ones, by a job '
  '(latchkey.provision_tenant): it creates both, installs the template, and makes a pending tenant active. Of a tenant that has a database: '
  'does again what failed or is missing; template: null keeps the one it has. Unknown tenant or server: not_found (LK404). A tenant that is '
  'archived or deleted, is moving, has its database elsewhere, or no server takes it: conflict (LK410). No master key: not_configured '
  '(LK504). Needs tenant_databases.write, for a certain server platform-wide: forbidden (LK403). Event: tenant.provisioning_requested.';
REVOKE ALL ON FUNCTION latchkey.provision_tenant(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.provision_tenant(uuid, text, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.tenant_database(tenant_id uuid) RETURNS latchkey.tenant_database
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_tenant_database';
COMMENT ON FUNCTION latchkey.tenant_database(uuid) IS
  'The state of a tenant''s database; all null when it has none. Needs tenant_databases.read: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.tenant_database(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.tenant_database(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.list_tenant_databases(
    template text DEFAULT NULL, status text DEFAULT NULL, server text DEFAULT NULL, after uuid DEFAULT NULL,
    max_rows integer DEFAULT 50) RETURNS SETOF latchkey.tenant_database
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 50 AS 'MODULE_PATHNAME', 'latchkey_list_tenant_databases';
COMMENT ON FUNCTION latchkey.list_tenant_databases(text, text, text, uuid, integer) IS
  'Tenants'' databases, by tenant, of a template, status or server: at most max_rows (1 to 1000) after the tenant given. Which are up to '
  'date is told by template_version. Needs tenant_databases.read platform-wide: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.list_tenant_databases(text, text, text, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_tenant_databases(text, text, text, uuid, integer) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.migrate_tenants(template text, at_once integer DEFAULT 4) RETURNS bigint
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_migrate_tenants';
COMMENT ON FUNCTION latchkey.migrate_tenants(text, integer) IS
  'Brings all databases with the template up to date, each by a job (latchkey.provision_tenant) of its own, at_once (1 to 100) at a time; '
  'a failure stops that tenant''s alone, and stands in list_tenant_databases(). Those that are moving, or where a job is waiting, get '
  'none. Returns how many jobs there are to do. Malformed: invalid_argument (LK400). Needs tenant_databases.write platform-wide: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.migrate_tenants(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.migrate_tenants(text, integer) TO latchkey_gateway, latchkey_admin;

-- For workers

CREATE FUNCTION latchkey.tenant_connection(tenant_id uuid) RETURNS latchkey.tenant_connection
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_tenant_connection';
COMMENT ON FUNCTION latchkey.tenant_connection(uuid) IS
  'How to connect to a tenant''s database, with the password in clear: for workers alone. Without one: not_found (LK404). Other master '
  'key: not_configured (LK504).';
REVOKE ALL ON FUNCTION latchkey.tenant_connection(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.tenant_connection(uuid) TO latchkey_worker;

CREATE FUNCTION latchkey.start_provisioning(tenant_id uuid) RETURNS latchkey.tenant_provisioning
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_start_provisioning';
COMMENT ON FUNCTION latchkey.start_provisioning(uuid) IS
  'What a worker is to make for a tenant; again: the same, so that every step can be repeated. A pending tenant becomes provisioning. '
  'Without a database: not_found (LK404). A tenant that is archived, deleted or moving: conflict (LK410).';
REVOKE ALL ON FUNCTION latchkey.start_provisioning(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.start_provisioning(uuid) TO latchkey_worker;

CREATE FUNCTION latchkey.record_provisioning(
    tenant_id uuid, step text, error text DEFAULT NULL, template_version text DEFAULT NULL) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_record_provisioning';
COMMENT ON FUNCTION latchkey.record_provisioning(uuid, text, text, text) IS
  'Notes which step a worker begins (create_database, install_extension, install_template, verify), or with an error that it failed there; '
  'template_version: the last file that is applied. Without a database: not_found (LK404). Event, with an error: tenant.provisioning_failed.';
REVOKE ALL ON FUNCTION latchkey.record_provisioning(uuid, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.record_provisioning(uuid, text, text, text) TO latchkey_worker;

CREATE FUNCTION latchkey.finish_provisioning(tenant_id uuid, template_version text DEFAULT NULL) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_finish_provisioning';
COMMENT ON FUNCTION latchkey.finish_provisioning(uuid, text) IS
  'The database is ready, and has this file of its template as the last; a tenant that is provisioning becomes active. Without a '
  'database: not_found (LK404). Event: tenant.provisioned, unless nothing changed.';
REVOKE ALL ON FUNCTION latchkey.finish_provisioning(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.finish_provisioning(uuid, text) TO latchkey_worker;

CREATE FUNCTION latchkey.record_database_health(tenant_id uuid, healthy boolean) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_record_database_health';
COMMENT ON FUNCTION latchkey.record_database_health(uuid, boolean) IS
  'Notes whether a tenant''s database answered. Event, when that changes: tenant.database_down or tenant.database_up.';
REVOKE ALL ON FUNCTION latchkey.record_database_health(uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.record_database_health(uuid, boolean) TO latchkey_worker;

CREATE FUNCTION latchkey.tenant_connections(after uuid DEFAULT NULL, max_rows integer DEFAULT 100)
  RETURNS SETOF latchkey.tenant_connection
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100 AS 'MODULE_PATHNAME', 'latchkey_tenant_connections';
COMMENT ON FUNCTION latchkey.tenant_connections(uuid, integer) IS
  'How to connect to the databases that are ready, by tenant, with the passwords in clear: at most max_rows (1 to 1000) after the tenant '
  'given. For workers alone, which look whether they answer. connection is null where it can''t be opened: sealed under another master '
  'key, or damaged. No master key: not_configured (LK504).';
REVOKE ALL ON FUNCTION latchkey.tenant_connections(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.tenant_connections(uuid, integer) TO latchkey_worker;

CREATE FUNCTION latchkey.abandoned_databases(after uuid DEFAULT NULL, max_rows integer DEFAULT 100)
  RETURNS SETOF latchkey.tenant_provisioning
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100 AS 'MODULE_PATHNAME', 'latchkey_abandoned_databases';
COMMENT ON FUNCTION latchkey.abandoned_databases(uuid, integer) IS
  'The databases of tenants that are deleted, by tenant, but for those whose move is not over: at most max_rows (1 to 1000) after the '
  'tenant given. For workers alone, which drop those that have a server, with their login roles, and then call forget_database(). '
  'connection, server_connection: null also where it can''t be opened, sealed under another master key or damaged. No master key: '
  'not_configured (LK504).';
REVOKE ALL ON FUNCTION latchkey.abandoned_databases(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.abandoned_databases(uuid, integer) TO latchkey_worker;

CREATE FUNCTION latchkey.forget_database(tenant_id uuid) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_forget_database';
COMMENT ON FUNCTION latchkey.forget_database(uuid) IS
  'Erases the connection to the database of a tenant that is deleted: it was dropped, or is the tenant''s own and stays. False: there was '
  'none. A tenant that is not deleted, or whose move is not over: conflict (LK410). Unknown: not_found (LK404). Event: '
  'tenant.database_forgotten.';
REVOKE ALL ON FUNCTION latchkey.forget_database(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.forget_database(uuid) TO latchkey_worker;
