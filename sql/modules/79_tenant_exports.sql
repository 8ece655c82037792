-- Exports: dumps of tenants' databases in files that the workers keep, and what is known of each.

CREATE TABLE latchkey.tenant_exports (
  tenant_id    uuid        NOT NULL,
  id           uuid        NOT NULL,
  job_id       uuid        NOT NULL,
  status       text        NOT NULL,
  error        text,
  file_name    text        NOT NULL,
  host         text,
  bytes        bigint,
  sha256       text,
  requested_at timestamptz NOT NULL,
  finished_at  timestamptz,
  CONSTRAINT tenant_exports_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT tenant_exports_status_known CHECK (status IN ('pending', 'running', 'done', 'failed', 'deleting'))
);
COMMENT ON TABLE latchkey.tenant_exports IS
  'Dumps of tenants'' databases (distributed by tenant). file_name: below the workers'' export folder; host: of the worker that wrote it; '
  'bytes, sha256 (hexadecimal): of the file.';
CREATE INDEX tenant_exports_by_job ON latchkey.tenant_exports (tenant_id, job_id);
SELECT pg_catalog.pg_extension_config_dump('latchkey.tenant_exports', '');
GRANT SELECT ON latchkey.tenant_exports TO latchkey_admin;

CREATE TABLE latchkey.tenant_export_keys (
  tenant_id       uuid NOT NULL,
  idempotency_key text NOT NULL,
  export_id       uuid NOT NULL,
  CONSTRAINT tenant_export_keys_pkey PRIMARY KEY (tenant_id, idempotency_key)
);
COMMENT ON TABLE latchkey.tenant_export_keys IS
  'Idempotency keys of export_tenant() (distributed by tenant), which has no other arguments.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.tenant_export_keys', '');

CREATE TYPE latchkey.tenant_export AS (
  tenant_id uuid, id uuid, job_id uuid, status text, error text, file_name text, host text, bytes bigint, sha256 text,
  requested_at timestamptz, finished_at timestamptz);
COMMENT ON TYPE latchkey.tenant_export IS
  'A dump of a tenant''s database. status: pending, running, done, failed (the job may still try again), or deleting. file_name: below the '
  'export folder of the worker on host.';

CREATE TYPE latchkey.tenant_export_plan AS (
  tenant_id uuid, export_id uuid, status text, file_name text, host text, connection jsonb, trusted boolean, server_connection jsonb);
COMMENT ON TYPE latchkey.tenant_export_plan IS
  'What a worker is to write, or with status deleting to remove. connection: to the tenant''s database, in clear; server_connection: of '
  'the role that reads all of it there; null when the tenant brought the database along.';

CREATE FUNCTION latchkey.export_tenant(tenant_id uuid, idempotency_key text DEFAULT NULL) RETURNS latchkey.tenant_export
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_export_tenant';
COMMENT ON FUNCTION latchkey.export_tenant(uuid, text) IS
  'Has a dump of a tenant''s database written to a file by a job (latchkey.export_tenant), in pg_dump''s custom format, below the folder '
  'that the workers have for that. Nobody is kept from writing meanwhile: the dump is of one moment. idempotency_key: again returns the '
  'same export. Unknown tenant, or without a database: not_found (LK404). A tenant that is deleted, or whose database is not ready: '
  'conflict (LK410). Needs tenant_databases.write platform-wide: forbidden (LK403). Events: tenant.export_requested, then '
  'tenant.exported or tenant.export_failed.';
REVOKE ALL ON FUNCTION latchkey.export_tenant(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.export_tenant(uuid, text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.list_tenant_exports(tenant_id uuid, after uuid DEFAULT NULL, max_rows integer DEFAULT 100)
  RETURNS SETOF latchkey.tenant_export
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10 AS 'MODULE_PATHNAME', 'latchkey_list_tenant_exports';
COMMENT ON FUNCTION latchkey.list_tenant_exports(uuid, uuid, integer) IS
  'Exports of a tenant, newest first: at most max_rows (1 to 1000) after the one given. Needs tenant_databases.read platform-wide: '
  'forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.list_tenant_exports(uuid, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_tenant_exports(uuid, uuid, integer) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.delete_tenant_export(tenant_id uuid, export_id uuid) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_delete_tenant_export';
COMMENT ON FUNCTION latchkey.delete_tenant_export(uuid, uuid) IS
  'Has an export''s file removed by a job (latchkey.export_tenant), and then forgets the export. Again: the same. Unknown: not_found '
  '(LK404). Needs tenant_databases.write platform-wide: forbidden (LK403). Event: tenant.export_deleted.';
REVOKE ALL ON FUNCTION latchkey.delete_tenant_export(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.delete_tenant_export(uuid, uuid) TO latchkey_gateway, latchkey_admin;

-- For workers

CREATE FUNCTION latchkey.start_export(tenant_id uuid, job_id uuid) RETURNS latchkey.tenant_export_plan
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_start_export';
COMMENT ON FUNCTION latchkey.start_export(uuid, uuid) IS
  'What a worker is to do for this job; again: the same. The export is there already, or forgotten, or the tenant has no database any '
  'more: not_found (LK404). Other master key: not_configured (LK504).';
REVOKE ALL ON FUNCTION latchkey.start_export(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.start_export(uuid, uuid) TO latchkey_worker;

CREATE FUNCTION latchkey.finish_export(
    tenant_id uuid, job_id uuid, host text DEFAULT NULL, bytes bigint DEFAULT NULL, sha256 text DEFAULT NULL, error text DEFAULT NULL)
  RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_finish_export';
COMMENT ON FUNCTION latchkey.finish_export(uuid, uuid, text, bigint, text, text) IS
  'The export of this job is written, or with an error is not; one that is deleting is forgotten, or keeps the error. None: not_found '
  '(LK404). Event: tenant.exported, tenant.export_failed or tenant.export_deleted.';
REVOKE ALL ON FUNCTION latchkey.finish_export(uuid, uuid, text, bigint, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.finish_export(uuid, uuid, text, bigint, text, text) TO latchkey_worker;
