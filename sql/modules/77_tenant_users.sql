-- Users in both: which members of a tenant its own database knows already, what it is still to be told, and differences.

INSERT INTO latchkey.permissions (name, module, description, seeded) VALUES
  ('tenant_data.read', 'tenant_users', 'Read what is in the tenant''s own database.', true),
  ('tenant_data.write', 'tenant_users', 'Change what is in the tenant''s own database.', true);

-- Distributed as users and role_grants are: a change is noted where it happens.
CREATE TABLE latchkey.tenant_users (
  user_id        uuid        NOT NULL,
  tenant_id      uuid        NOT NULL,
  version        bigint      NOT NULL,
  synced_version bigint      NOT NULL,
  changed_at     timestamptz NOT NULL,
  synced_at      timestamptz,
  CONSTRAINT tenant_users_pkey PRIMARY KEY (user_id, tenant_id),
  CONSTRAINT tenant_users_versions CHECK (version > 0 AND synced_version BETWEEN 0 AND version)
);
COMMENT ON TABLE latchkey.tenant_users IS
  'Whom the databases of tenants know, or knew (distributed by user). version grows in the transaction that changes the user''s '
  'role in the tenant, address, name or status; synced_version is what the tenant''s database has: while it is less, a worker is '
  'to write there. Who is no member any more keeps the row, so that the versions go on.';
CREATE INDEX tenant_users_by_tenant ON latchkey.tenant_users (tenant_id, user_id);
CREATE INDEX tenant_users_waiting ON latchkey.tenant_users (tenant_id, user_id) WHERE synced_version < version;
SELECT pg_catalog.pg_extension_config_dump('latchkey.tenant_users', '');
GRANT SELECT ON latchkey.tenant_users TO latchkey_admin;

-- The role of a member changes at this moment, though no row does.
CREATE INDEX role_grants_by_end ON latchkey.role_grants (tenant_id, expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE latchkey.tenant_user_differences (
  tenant_id      uuid        NOT NULL,
  user_id        uuid        NOT NULL,
  difference     text        NOT NULL,
  main           jsonb,
  tenant         jsonb,
  tenant_version bigint      NOT NULL,
  found_at       timestamptz NOT NULL,
  CONSTRAINT tenant_user_differences_pkey PRIMARY KEY (tenant_id, user_id),
  CONSTRAINT tenant_user_differences_known CHECK (difference IN ('missing', 'unknown', 'changed'))
);
COMMENT ON TABLE latchkey.tenant_user_differences IS
  'What the last comparison found in tenants'' databases (distributed by tenant): a user that is missing there, one that is unknown '
  'here, or one that is another there. main, tenant: both sides, null where there is none.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.tenant_user_differences', '');
GRANT SELECT ON latchkey.tenant_user_differences TO latchkey_admin;

CREATE TABLE latchkey.tenant_user_comparisons (
  tenant_id   uuid        NOT NULL,
  compared_at timestamptz NOT NULL,
  CONSTRAINT tenant_user_comparisons_pkey PRIMARY KEY (tenant_id)
);
COMMENT ON TABLE latchkey.tenant_user_comparisons IS
  'When all users of a tenant''s database were last compared with the main database (distributed by tenant).';
SELECT pg_catalog.pg_extension_config_dump('latchkey.tenant_user_comparisons', '');
GRANT SELECT ON latchkey.tenant_user_comparisons TO latchkey_admin;

CREATE TYPE latchkey.tenant_user_state AS (user_id uuid, email text, name text, role text, status text, version bigint);
COMMENT ON TYPE latchkey.tenant_user_state IS
  'A user as a tenant''s database is to have them. role: of several the first of owner, admin, staff, the application''s own by name, '
  'customer; none for who has none. status: active, blocked, or deleted, which is also who is no member any more.';

CREATE TYPE latchkey.tenant_user_difference AS (
  user_id uuid, difference text, main jsonb, tenant jsonb, found_at timestamptz);
COMMENT ON TYPE latchkey.tenant_user_difference IS
  'difference: waiting (a change that is still to be written there, at found_at), missing (in the tenant''s database), unknown (in '
  'the main database) or changed. main, tenant: both sides where they were compared.';

CREATE TYPE latchkey.tenant_user_sync AS (
  tenant_id uuid, users bigint, waiting bigint, waiting_since timestamptz, differences bigint, compared_at timestamptz);
COMMENT ON TYPE latchkey.tenant_user_sync IS
  'How far a tenant''s database is with its users: how many there are, how many changes wait and since when, and what the '
  'comparison of compared_at found.';

CREATE FUNCTION latchkey.tenant_user_sync(tenant_id uuid) RETURNS latchkey.tenant_user_sync
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_tenant_user_sync';
COMMENT ON FUNCTION latchkey.tenant_user_sync(uuid) IS
  'How far a tenant''s database is with its users. Needs tenant_databases.read in it or platform-wide: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.tenant_user_sync(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.tenant_user_sync(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.tenant_user_drift(tenant_id uuid) RETURNS SETOF latchkey.tenant_user_difference
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10 AS 'MODULE_PATHNAME', 'latchkey_tenant_user_drift';
COMMENT ON FUNCTION latchkey.tenant_user_drift(uuid) IS
  'In what the users of a tenant''s database differ from the main database: changes that wait now, and what the last comparison '
  'found (compare_tenant_users(), tenant_user_sync().compared_at). At most 1,000, by user. Needs tenant_databases.read in it or '
  'platform-wide: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.tenant_user_drift(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.tenant_user_drift(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.compare_tenant_users(tenant_id uuid) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_compare_tenant_users';
COMMENT ON FUNCTION latchkey.compare_tenant_users(uuid) IS
  'Has a job (latchkey.compare_tenant_users) read all users of a tenant''s database, for tenant_user_drift(), now and not only when '
  'it is due (setting tenants.user_comparison_interval). Tenant without a '
  'database: not_found (LK404). Needs tenant_databases.write in it or platform-wide: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.compare_tenant_users(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.compare_tenant_users(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.repair_tenant_users(tenant_id uuid) RETURNS bigint
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_repair_tenant_users';
COMMENT ON FUNCTION latchkey.repair_tenant_users(uuid) IS
  'Has everybody written to a tenant''s database again in whom the last comparison found a difference, members that were never '
  'noted, and what waits: by a job (latchkey.sync_tenant_users). Who is unknown in the main database becomes deleted there. Returns how '
  'many that are. Tenant without a database: not_found (LK404). Needs tenant_databases.write in it or platform-wide: forbidden '
  '(LK403).';
REVOKE ALL ON FUNCTION latchkey.repair_tenant_users(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.repair_tenant_users(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

-- For workers

CREATE FUNCTION latchkey.pending_tenant_users(tenant_id uuid, after uuid DEFAULT NULL, max_rows integer DEFAULT 100)
  RETURNS SETOF latchkey.tenant_user_state
  LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100 AS 'MODULE_PATHNAME', 'latchkey_pending_tenant_users';
COMMENT ON FUNCTION latchkey.pending_tenant_users(uuid, uuid, integer) IS
  'What a tenant''s database is still to be told, as it is now, by user: at most max_rows (1 to 1000) after the user given. Roles '
  'that have ended since are among it, and for those that will end a job is enqueued.';
REVOKE ALL ON FUNCTION latchkey.pending_tenant_users(uuid, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.pending_tenant_users(uuid, uuid, integer) TO latchkey_worker;

CREATE FUNCTION latchkey.compare_due_tenants(max_rows integer DEFAULT 100) RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_compare_due_tenants';
COMMENT ON FUNCTION latchkey.compare_due_tenants(integer) IS
  'Has jobs (latchkey.compare_tenant_users) read the users of active tenants'' databases that are due, the longest due first: at most '
  'max_rows (1 to 1000), each due again after setting tenants.user_comparison_interval; 0 there: of none. Returns how many were due.';
REVOKE ALL ON FUNCTION latchkey.compare_due_tenants(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.compare_due_tenants(integer) TO latchkey_worker;

CREATE FUNCTION latchkey.record_tenant_users(tenant_id uuid, user_ids uuid[], versions bigint[]) RETURNS bigint
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_record_tenant_users';
COMMENT ON FUNCTION latchkey.record_tenant_users(uuid, uuid[], bigint[]) IS
  'Notes that a tenant''s database has these versions of these users, in the same order; an older one changes nothing. Returns how '
  'many were news. Arrays of different lengths, or with nulls: invalid_argument (LK400).';
REVOKE ALL ON FUNCTION latchkey.record_tenant_users(uuid, uuid[], bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.record_tenant_users(uuid, uuid[], bigint[]) TO latchkey_worker;

CREATE FUNCTION latchkey.record_tenant_user_comparison(tenant_id uuid, rows jsonb, after uuid DEFAULT NULL, until uuid DEFAULT NULL)
  RETURNS bigint
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_record_tenant_user_comparison';
COMMENT ON FUNCTION latchkey.record_tenant_user_comparison(uuid, jsonb, uuid, uuid) IS
  'Compares all users of a tenant''s database that come behind after, up to until, with the main database: rows is an array of objects '
  'with id, email, name, role, status and version. until null: these are the last. Keeps the differences, but for those that wait to be '
  'written, and returns how many.';
REVOKE ALL ON FUNCTION latchkey.record_tenant_user_comparison(uuid, jsonb, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.record_tenant_user_comparison(uuid, jsonb, uuid, uuid) TO latchkey_worker;
