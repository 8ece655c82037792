-- Moving tenants' databases from one server to another, with a way back until the move is confirmed.

CREATE TABLE latchkey.tenant_moves (
  tenant_id         uuid        NOT NULL,
  job_id            uuid        NOT NULL,
  status            text        NOT NULL,
  step              text,
  error             text,
  from_server       text        NOT NULL,
  to_server         text        NOT NULL,
  sealed_connection bytea,
  run               bigint      NOT NULL,
  discard_writes    boolean     NOT NULL,
  table_count       bigint,
  row_count         bigint,
  checksum          text,
  started_at        timestamptz NOT NULL,
  switched_at       timestamptz,
  updated_at        timestamptz NOT NULL,
  CONSTRAINT tenant_moves_pkey PRIMARY KEY (tenant_id),
  CONSTRAINT tenant_moves_status_known CHECK (status IN (
    'moving', 'undoing', 'failed', 'switched', 'reverting', 'reverted', 'confirming', 'confirmed'))
);
COMMENT ON TABLE latchkey.tenant_moves IS
  'The last move of each tenant that was ever moved (reference). sealed_connection: of the copy that the tenant does not use: the target, '
  'after the switch the source; AES-256-GCM under the master key, bound to the tenant; null when the move is over. run: the worker that '
  'began last; what an earlier one still says is refused. table_count, row_count, checksum: of what was compared on both servers.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.tenant_moves', '');
GRANT SELECT (tenant_id, job_id, status, step, error, from_server, to_server, run, discard_writes, table_count, row_count, checksum,
              started_at, switched_at, updated_at)
  ON latchkey.tenant_moves TO latchkey_admin;

CREATE TABLE latchkey.tenant_move_keys (
  tenant_id       uuid  NOT NULL,
  idempotency_key text  NOT NULL,
  fingerprint     bytea NOT NULL,
  job_id          uuid  NOT NULL,
  CONSTRAINT tenant_move_keys_pkey PRIMARY KEY (tenant_id, idempotency_key)
);
COMMENT ON TABLE latchkey.tenant_move_keys IS
  'Idempotency keys of move_tenant() (distributed by tenant), with a digest of the other arguments and the job that it enqueued.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.tenant_move_keys', '');

CREATE TYPE latchkey.tenant_move AS (
  tenant_id uuid, job_id uuid, status text, step text, error text, from_server text, to_server text, table_count bigint,
  row_count bigint, checksum text, started_at timestamptz, switched_at timestamptz, updated_at timestamptz);
COMMENT ON TYPE latchkey.tenant_move IS
  'The last move of a tenant. status: moving (step tells how far it is), undoing (it failed, or was called off: the source is being '
  'opened again), failed (the tenant is where it was; error says why), switched (it is on to_server, the source is kept), reverting, '
  'reverted, confirming, confirmed. table_count, row_count, checksum: what both servers had in common at the switch.';

CREATE TYPE latchkey.tenant_move_plan AS (
  tenant_id uuid, status text, run bigint, source jsonb, source_server jsonb, target jsonb, target_server jsonb,
  step text, on_target boolean, discard_writes boolean, checksum text);
COMMENT ON TYPE latchkey.tenant_move_plan IS
  'What a worker is to do for a move, with connections in clear; *_server: of the role that may create databases there. step: what '
  'was begun last; null: nothing. on_target: whether the tenant uses the target now. discard_writes: going back needs no comparison '
  'with checksum.';

CREATE FUNCTION latchkey.move_tenant(tenant_id uuid, server text, idempotency_key text DEFAULT NULL) RETURNS uuid
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_move_tenant';
COMMENT ON FUNCTION latchkey.move_tenant(uuid, text, text) IS
  'Moves a tenant''s database to another server of the platform''s, by a job (latchkey.move_tenant) whose id is returned: makes database '
  'and role there, has the source refuse writes, copies, compares each table''s rows and checksum on both, and switches. The source is '
  'kept, closed, until confirm_tenant_move() drops it or revert_tenant_move() goes back. What fails before the switch leaves the tenant '
  'where it was, writable; tenant_move() says at which step and why, and move_tenant() begins anew. idempotency_key: again with the '
  'same server returns the same job; with another: idempotency_mismatch (LK419). Unknown tenant, without a database, or unknown '
  'server: not_found (LK404). A tenant that is neither active nor suspended, whose database is not ready or not on a server of the '
  'platform''s, is moving, waits for a confirmation, or is there already: conflict (LK410). No master key: not_configured (LK504). Needs '
  'tenant_databases.write platform-wide: forbidden (LK403). Events: tenant.move_requested, tenant.move_step, tenant.moved or '
  'tenant.move_failed and tenant.move_undone.';
REVOKE ALL ON FUNCTION latchkey.move_tenant(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.move_tenant(uuid, text, text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.tenant_move(tenant_id uuid) RETURNS latchkey.tenant_move
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_tenant_move';
COMMENT ON FUNCTION latchkey.tenant_move(uuid) IS
  'The last move of a tenant; all null when it was never moved. Needs tenant_databases.read platform-wide: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.tenant_move(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.tenant_move(uuid) TO latchkey_gateway, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.confirm_tenant_move(tenant_id uuid) RETURNS latchkey.tenant_move
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_confirm_tenant_move';
COMMENT ON FUNCTION latchkey.confirm_tenant_move(uuid) IS
  'Ends the way back: a job drops the source''s database and role. Again while it is at that: the same. Never moved: not_found (LK404). '
  'Not switched: conflict (LK410). Needs tenant_databases.write platform-wide: forbidden (LK403). Events: tenant.move_confirmed, '
  'tenant.move_source_dropped.';
REVOKE ALL ON FUNCTION latchkey.confirm_tenant_move(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.confirm_tenant_move(uuid) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.revert_tenant_move(tenant_id uuid, discard_writes boolean DEFAULT false) RETURNS latchkey.tenant_move
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_revert_tenant_move';
COMMENT ON FUNCTION latchkey.revert_tenant_move(uuid, boolean) IS
  'Before the switch: calls the move off. After it, until it is confirmed: a job switches back to the source as it was, and drops the '
  'target. What was written in the target since the switch is lost; so the job compares first, and when anything was, the tenant stays '
  'on the target, status switched, with the error. discard_writes: go back nevertheless. (To go back and lose nothing: confirm, and move '
  'back.) Again while it is at that: the same. Never moved: not_found (LK404). Over: conflict (LK410). Needs tenant_databases.write '
  'platform-wide: forbidden (LK403). Events: tenant.move_revert_requested, then tenant.move_undone (called off), '
  'tenant.move_reverted, or tenant.move_revert_refused.';
REVOKE ALL ON FUNCTION latchkey.revert_tenant_move(uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.revert_tenant_move(uuid, boolean) TO latchkey_gateway, latchkey_admin;

-- For workers

CREATE FUNCTION latchkey.start_move(tenant_id uuid) RETURNS latchkey.tenant_move_plan
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_start_move';
COMMENT ON FUNCTION latchkey.start_move(uuid) IS
  'What a worker is to do for a move that is moving, undoing, reverting or confirming; whoever did it before is refused from now on. '
  'Never moved: not_found (LK404). Nothing to be done: conflict (LK410). Other master key: not_configured (LK504).';
REVOKE ALL ON FUNCTION latchkey.start_move(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.start_move(uuid) TO latchkey_worker;

CREATE FUNCTION latchkey.record_move(
    tenant_id uuid, run bigint, step text, error text DEFAULT NULL, table_count bigint DEFAULT NULL, row_count bigint DEFAULT NULL,
    checksum text DEFAULT NULL) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_record_move';
COMMENT ON FUNCTION latchkey.record_move(uuid, bigint, text, text, bigint, bigint, text) IS
  'Notes which step a worker begins or is at, or with an error that it failed there: what was moving is then undoing. table_count, '
  'row_count, checksum: what was compared. Never moved: not_found (LK404). Another worker has begun since, or the move was called off: '
  'conflict (LK410). Event, for another step than before: tenant.move_step; for an error of what was moving: '
  'tenant.move_failed.';
REVOKE ALL ON FUNCTION latchkey.record_move(uuid, bigint, text, text, bigint, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.record_move(uuid, bigint, text, text, bigint, bigint, text) TO latchkey_worker;

CREATE FUNCTION latchkey.switch_move(tenant_id uuid, run bigint) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_switch_move';
COMMENT ON FUNCTION latchkey.switch_move(uuid, bigint) IS
  'What is moving becomes switched: from this transaction on the tenant''s database is the target, as another version of its connection. '
  'What is reverting: the source again; the second time nothing. Never moved: not_found (LK404). Another worker has begun since, or the '
  'move was called off: conflict (LK410). Event, at the switch: tenant.moved.';
REVOKE ALL ON FUNCTION latchkey.switch_move(uuid, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.switch_move(uuid, bigint) TO latchkey_worker;

CREATE FUNCTION latchkey.finish_move(tenant_id uuid, run bigint, error text DEFAULT NULL) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_finish_move';
COMMENT ON FUNCTION latchkey.finish_move(uuid, bigint, text) IS
  'What is undoing becomes failed, confirming confirmed, reverting reverted, or with an error, before the switch back, switched. Never '
  'moved: not_found (LK404). Another worker has begun since: conflict (LK410). Events: tenant.move_undone, '
  'tenant.move_source_dropped, tenant.move_reverted, tenant.move_revert_refused.';
REVOKE ALL ON FUNCTION latchkey.finish_move(uuid, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.finish_move(uuid, bigint, text) TO latchkey_worker;

CREATE FUNCTION latchkey.end_abandoned_moves(max_rows integer DEFAULT 100) RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_end_abandoned_moves';
COMMENT ON FUNCTION latchkey.end_abandoned_moves(integer) IS
  'Of tenants that are deleted: calls off moves that are under way, and confirms those that wait for it, so that nothing of them is '
  'left; returns how many. Their databases are dropped (abandoned_databases()) when the moves are over.';
REVOKE ALL ON FUNCTION latchkey.end_abandoned_moves(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.end_abandoned_moves(integer) TO latchkey_worker;
