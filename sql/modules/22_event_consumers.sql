-- Consumers of the event log: how far each has come, and what of it did not work.

CREATE TABLE latchkey.event_consumers (
  name         text        NOT NULL,
  types        text[],
  aggregates   text[],
  max_attempts integer     NOT NULL,
  position     text        NOT NULL,
  batch_end    text,
  lease_id     uuid,
  leased_until timestamptz,
  attempts     integer     NOT NULL DEFAULT 0,
  created_at   timestamptz NOT NULL,
  CONSTRAINT event_consumers_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE latchkey.event_consumers IS
  'Who processes events (reference). position: in the feed; everything up to it is done, or has a row in event_deliveries. '
  'While a lease lasts, the events up to batch_end are being processed; attempts: how often they were fetched, since '
  'position last moved.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.event_consumers', '');
GRANT SELECT ON latchkey.event_consumers TO latchkey_admin;

CREATE TABLE latchkey.event_deliveries (
  account_id      uuid        NOT NULL,
  consumer        text        NOT NULL,
  event_id        uuid        NOT NULL,
  recorded_at     timestamptz NOT NULL,
  state           text        NOT NULL,
  attempts        integer     NOT NULL,
  next_attempt_at timestamptz,
  lease_id        uuid,
  error           text,
  updated_at      timestamptz NOT NULL,
  CONSTRAINT event_deliveries_pkey PRIMARY KEY (account_id, consumer, event_id),
  CONSTRAINT event_deliveries_state_known CHECK (state IN ('pending', 'failed', 'done', 'dead'))
);
COMMENT ON TABLE latchkey.event_deliveries IS
  'Events that a consumer did not simply process in order (distributed by account): failed: another attempt follows at '
  'next_attempt_at; pending: retry_event() asked for one; dead: no attempt is left; done: it worked in the end. error: of '
  'the last attempt. lease_id: of the attempt that is running. The events themselves never change.';
CREATE INDEX event_deliveries_due ON latchkey.event_deliveries (consumer, next_attempt_at)
  WHERE state IN ('pending', 'failed');
CREATE INDEX event_deliveries_by_event ON latchkey.event_deliveries (consumer, event_id);
CREATE INDEX event_deliveries_leased ON latchkey.event_deliveries (lease_id) WHERE lease_id IS NOT NULL;
CREATE INDEX event_deliveries_by_age ON latchkey.event_deliveries (recorded_at);
SELECT pg_catalog.pg_extension_config_dump('latchkey.event_deliveries', '');
GRANT SELECT ON latchkey.event_deliveries TO latchkey_admin;

CREATE TYPE latchkey.event_consumer AS (
  name text, types text[], aggregates text[], max_attempts integer, position text, leased_until timestamptz,
  attempts integer, waiting bigint, dead bigint, behind_since timestamptz, created_at timestamptz);
COMMENT ON TYPE latchkey.event_consumer IS
  'A consumer. waiting: events of which another attempt follows; dead: events that it gave up. behind_since: when the first '
  'event after position was recorded, be it for this consumer or not; null when there is none.';

CREATE TYPE latchkey.fetched_event AS (
  lease_id uuid, attempt integer, id uuid, account_id uuid, aggregate text, aggregate_id text, type text,
  version integer, data jsonb, metadata jsonb, source text, correlation_id text, causation_id uuid, idempotency_key text, actor_id uuid, actor_role text,
  recorded_at timestamptz, position text);
COMMENT ON TYPE latchkey.fetched_event IS
  'An event to be processed, of the batch lease_id. attempt: 1 the first time. The other columns are those of event.';

CREATE TYPE latchkey.event_delivery AS (
  consumer text, event_id uuid, state text, attempts integer, next_attempt_at timestamptz, error text);
COMMENT ON TYPE latchkey.event_delivery IS
  'How it stands with an event that a consumer could not process: see table event_deliveries.';

CREATE FUNCTION latchkey.create_event_consumer(
    name text, types text[] DEFAULT NULL, aggregates text[] DEFAULT NULL, start text DEFAULT 'now',
    max_attempts integer DEFAULT 5)
  RETURNS latchkey.event_consumer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_create_event_consumer';
COMMENT ON FUNCTION latchkey.create_event_consumer(text, text[], text[], text, integer) IS
  'Makes a consumer of the feed. types, aggregates: what it gets, as for event_feed(). start: now, beginning, or a '
  'position. max_attempts (1 to 100): after as many an event is dead. Needs events.consume platform-wide: forbidden '
  '(LK403). The name exists: already_exists (LK409). Malformed: invalid_argument (LK400).';
REVOKE ALL ON FUNCTION latchkey.create_event_consumer(text, text[], text[], text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.create_event_consumer(text, text[], text[], text, integer)
  TO latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.list_event_consumers() RETURNS SETOF latchkey.event_consumer
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10 AS 'MODULE_PATHNAME', 'latchkey_list_event_consumers';
COMMENT ON FUNCTION latchkey.list_event_consumers() IS
  'All consumers by name, and how far they are behind. Needs events.read platform-wide: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.list_event_consumers() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_event_consumers() TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.drop_event_consumer(consumer text) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_drop_event_consumer';
COMMENT ON FUNCTION latchkey.drop_event_consumer(text) IS
  'Forgets the consumer, its position and its deliveries. Needs events.consume platform-wide: forbidden (LK403). Unknown: '
  'not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.drop_event_consumer(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.drop_event_consumer(text) TO latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.fetch_events(consumer text, max_rows integer DEFAULT 100, lease interval DEFAULT '1 minute')
  RETURNS SETOF latchkey.fetched_event
  LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100 AS 'MODULE_PATHNAME', 'latchkey_fetch_events';
COMMENT ON FUNCTION latchkey.fetch_events(text, integer, interval) IS
  'The consumer''s next events, at most 1,000, and no other worker gets any until ack_events(), or until lease (1 second to '
  '1 day) is over: then they are fetched again. First come those whose next attempt is due, then what follows in the '
  'feed''s order. Nothing while another worker has a batch. An event may come more than once; to have its effects once, '
  'fetch, process and acknowledge in one transaction. Needs events.consume platform-wide: forbidden (LK403). Unknown: '
  'not_found (LK404). Out of bounds: invalid_argument (LK400).';
REVOKE ALL ON FUNCTION latchkey.fetch_events(text, integer, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.fetch_events(text, integer, interval) TO latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.ack_events(consumer text, lease_id uuid, through text DEFAULT NULL) RETURNS text
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_ack_events';
COMMENT ON FUNCTION latchkey.ack_events(text, uuid, text) IS
  'Ends the batch: all of it is done, but what fail_event() was called for. through: only up to this event''s position, the '
  'rest is fetched again at once. Returns the consumer''s position. The lease is over and another worker has a batch, or it '
  'was ended before: conflict (LK410). through is not of the batch: invalid_argument (LK400). Needs events.consume '
  'platform-wide: forbidden (LK403). Unknown: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.ack_events(text, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.ack_events(text, uuid, text) TO latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.fail_event(consumer text, lease_id uuid, event_id uuid, error text, retry_in interval DEFAULT NULL)
  RETURNS latchkey.event_delivery
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_fail_event';
COMMENT ON FUNCTION latchkey.fail_event(text, uuid, uuid, text, interval) IS
  'Says that an event of the batch could not be processed, and why; the rest goes on. It is fetched again after retry_in (0 '
  'to 30 days), by default 10 seconds that double with each attempt up to an hour, less up to a half by chance; after '
  'max_attempts it is dead. To keep the order instead, acknowledge through the event before. The lease is not the '
  'consumer''s: conflict (LK410). The event is not of the batch, or unknown consumer: not_found (LK404). Out of bounds: '
  'invalid_argument (LK400). Needs events.consume platform-wide: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.fail_event(text, uuid, uuid, text, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.fail_event(text, uuid, uuid, text, interval)
  TO latchkey_app, latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.retry_event(consumer text, event_id uuid) RETURNS latchkey.event_delivery
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_retry_event';
COMMENT ON FUNCTION latchkey.retry_event(text, uuid) IS
  'Lets a failed or dead event be fetched again at once, with all its attempts. Needs events.consume platform-wide: '
  'forbidden (LK403). No such delivery, or it is done: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.retry_event(text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.retry_event(text, uuid) TO latchkey_app, latchkey_admin, latchkey_worker;
