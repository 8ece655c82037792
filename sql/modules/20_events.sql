-- Events: the append-only log that every module writes to.

INSERT INTO latchkey.permissions (name, module, description, seeded) VALUES
  ('events.read', 'events', 'Read the event log.', true);

CREATE TABLE latchkey.events (
  account_id      uuid        NOT NULL,
  id              uuid        NOT NULL,
  aggregate       text        NOT NULL,
  aggregate_id    text        NOT NULL,
  type            text        NOT NULL,
  version         integer     NOT NULL DEFAULT 1,
  data            jsonb       NOT NULL DEFAULT '{}',
  metadata        jsonb,
  idempotency_key text,
  correlation_id  text,
  causation_id    uuid,
  source          text        NOT NULL DEFAULT 'latchkey',
  actor_id        uuid,
  actor_role      text        NOT NULL,
  recorded_at     timestamptz NOT NULL,
  CONSTRAINT events_pkey PRIMARY KEY (account_id, id),
  CONSTRAINT events_idempotency_key UNIQUE (account_id, idempotency_key)
);
COMMENT ON TABLE latchkey.events IS
  'Append-only event log (distributed by account; the nil UUID stands for the platform). data holds facts and never personal '
  'data; metadata (request id, client address, user agent) and correlation_id (the request id) are personal, and are erased with '
  'their user. actor_id: the bound identity; actor_role: the database session''s role. UPDATE and DELETE are refused, for the owner too.';
CREATE INDEX events_by_aggregate ON latchkey.events (aggregate, aggregate_id, id);
SELECT pg_catalog.pg_extension_config_dump('latchkey.events', '');
GRANT SELECT ON latchkey.events TO latchkey_admin;

CREATE FUNCTION latchkey._keep_events() RETURNS trigger
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_keep_events';
COMMENT ON FUNCTION latchkey._keep_events() IS
  'Trigger: refuses to change or delete events (LK403); only metadata and correlation_id may be set to null.';
REVOKE ALL ON FUNCTION latchkey._keep_events() FROM PUBLIC;

CREATE TRIGGER keep_events BEFORE UPDATE OR DELETE ON latchkey.events
  FOR EACH ROW EXECUTE FUNCTION latchkey._keep_events();
CREATE TRIGGER keep_events_truncate BEFORE TRUNCATE ON latchkey.events
  FOR EACH STATEMENT EXECUTE FUNCTION latchkey._keep_events();

CREATE FUNCTION latchkey.bind_request(
    request_id text, client_address inet DEFAULT NULL, user_agent text DEFAULT NULL) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_bind_request';
COMMENT ON FUNCTION latchkey.bind_request(text, inet, text) IS
  'Binds the request''s metadata to this transaction: events carry it, new sessions show it, and attempts are '
  'counted per client address. Kept in the backend''s memory; the next transaction starts without.';
REVOKE ALL ON FUNCTION latchkey.bind_request(text, inet, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.bind_request(text, inet, text) TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;
