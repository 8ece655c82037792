-- Webhooks: events that are sent to URLs, so that applications need not poll for them.

INSERT INTO latchkey.permissions (name, module, description, seeded) VALUES
  ('webhooks.read', 'webhooks', 'See webhook endpoints and what was delivered to them.', true),
  ('webhooks.write', 'webhooks', 'Make, change and delete webhook endpoints, and retry deliveries.', true);

INSERT INTO latchkey.settings (key, category, value, default_value, type, minimum, maximum, description, seeded)
SELECT key, 'webhooks', value, value, type, minimum, maximum, description, true
  FROM (VALUES
    ('webhooks.allow_http', 'false', 'boolean', NULL, NULL,
     'Whether endpoints may have http:// URLs, over which anybody on the way can read events.'),
    ('webhooks.max_endpoints', '10', 'integer', 0, 1000,
     'How many endpoints an account may have; the platform may have any number.'),
    ('webhooks.timeout', '10 seconds', 'duration', 1, 60, 'How long one delivery may take in all.'),
    ('webhooks.max_retries', '20', 'integer', 0, 1000,
     'How often a delivery is tried again; after jobs.retry_delay, which doubles up to jobs.max_retry_delay.'),
    ('webhooks.disable_after', '3 days', 'duration', 0, 31622400,
     'An endpoint whose deliveries have all failed for this long is disabled. 0: never.'),
    ('webhooks.retention', '30 days', 'duration', 86400, 31622400,
     'How long deliveries are listed before purge_webhook_deliveries() deletes them.')
  ) AS seed (key, value, type, minimum, maximum, description);

CREATE TABLE latchkey.webhook_endpoints (
  account_id                 uuid        NOT NULL,
  id                         uuid        NOT NULL,
  url                        text        NOT NULL,
  event_types                text[]      NOT NULL,
  description                text        NOT NULL,
  active                     boolean     NOT NULL,
  active_since               timestamptz NOT NULL,
  disabled_reason            text,
  failing_since              timestamptz,
  secret                     bytea       NOT NULL,
  previous_secret            bytea,
  previous_secret_expires_at timestamptz,
  created_at                 timestamptz NOT NULL,
  updated_at                 timestamptz NOT NULL,
  CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (account_id, id)
);
COMMENT ON TABLE latchkey.webhook_endpoints IS
  'Where events are sent (distributed by account; the nil UUID stands for the platform, whose endpoints get the events of '
  'all accounts). active_since: only events recorded from then on are sent. disabled_reason: failing, when Latchkey '
  'disabled it. failing_since: of the first failure since something was delivered. secret and previous_secret: encrypted '
  'with the master key.';
CREATE INDEX webhook_endpoints_active ON latchkey.webhook_endpoints (account_id) WHERE active;
SELECT pg_catalog.pg_extension_config_dump('latchkey.webhook_endpoints', '');
GRANT SELECT (account_id, id, url, event_types, description, active, active_since, disabled_reason, failing_since,
  previous_secret_expires_at, created_at, updated_at) ON latchkey.webhook_endpoints TO latchkey_admin;

CREATE TABLE latchkey.webhook_deliveries (
  account_id        uuid        NOT NULL,
  endpoint_id       uuid        NOT NULL,
  event_id          uuid        NOT NULL,
  event_account_id  uuid        NOT NULL,
  event_recorded_at timestamptz NOT NULL,
  event_type        text        NOT NULL,
  job_id            uuid        NOT NULL,
  attempts          integer     NOT NULL DEFAULT 0,
  response_status   integer,
  error             text,
  duration_ms       integer,
  created_at        timestamptz NOT NULL,
  last_attempt_at   timestamptz,
  delivered_at      timestamptz,
  CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (account_id, endpoint_id, event_id)
);
COMMENT ON TABLE latchkey.webhook_deliveries IS
  'Which event was, or is to be, sent to which endpoint (distributed by account, the endpoint''s), by which job. '
  'response_status, error, duration_ms: of the last attempt. attempts: that ended; of one whose worker died only the job '
  'knows.';
CREATE INDEX webhook_deliveries_by_job ON latchkey.webhook_deliveries (account_id, job_id);
CREATE INDEX webhook_deliveries_by_age ON latchkey.webhook_deliveries (created_at);
SELECT pg_catalog.pg_extension_config_dump('latchkey.webhook_deliveries', '');
GRANT SELECT ON latchkey.webhook_deliveries TO latchkey_admin;

CREATE TYPE latchkey.webhook_endpoint AS (
  id uuid, account_id uuid, url text, event_types text[], description text, active boolean, disabled_reason text,
  failing_since timestamptz, previous_secret_expires_at timestamptz, created_at timestamptz, updated_at timestamptz);
COMMENT ON TYPE latchkey.webhook_endpoint IS
  'An endpoint without its secret. disabled_reason: failing, when Latchkey disabled it; null when somebody did. '
  'failing_since: nothing was delivered since. previous_secret_expires_at: until then deliveries carry two signatures.';

CREATE TYPE latchkey.issued_webhook_endpoint AS (
  id uuid, account_id uuid, url text, event_types text[], description text, active boolean, secret text,
  previous_secret_expires_at timestamptz, created_at timestamptz);
COMMENT ON TYPE latchkey.issued_webhook_endpoint IS
  'An endpoint with its new secret, whsec_ and 43 characters, which is shown this once.';

CREATE TYPE latchkey.webhook_delivery AS (
  account_id uuid, endpoint_id uuid, event_id uuid, event_type text, status text, attempts integer, response_status integer,
  error text, duration_ms integer, next_attempt_at timestamptz, created_at timestamptz, last_attempt_at timestamptz,
  delivered_at timestamptz, job_id uuid);
COMMENT ON TYPE latchkey.webhook_delivery IS
  'A delivery. status: pending, retrying (an attempt has failed, another follows), delivered, dead (all have failed), '
  'cancelled (the endpoint was disabled, or the job cancelled). response_status: HTTP, null when there was no answer.';

CREATE TYPE latchkey.webhook_request AS (
  endpoint_id uuid, event_id uuid, event_type text, is_https boolean, host text, port integer, target text, body text,
  signature text, attempt integer, timeout_ms integer);
COMMENT ON TYPE latchkey.webhook_request IS
  'What a worker is to POST: body to target (path and query) at host and port, with signature in the header '
  'Latchkey-Signature, within timeout_ms.';

CREATE FUNCTION latchkey.create_webhook_endpoint(
    account_id uuid, url text, event_types text[] DEFAULT '{*}', description text DEFAULT '')
  RETURNS latchkey.issued_webhook_endpoint
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_create_webhook_endpoint';
COMMENT ON FUNCTION latchkey.create_webhook_endpoint(uuid, text, text[], text) IS
  'Has the account''s events sent to a URL from now on, each as a signed POST; returns the secret of the signatures this '
  'once. account_id: the nil UUID for the platform, whose endpoints get the events of all accounts. url: https (http with '
  'setting webhooks.allow_http), without user or fragment, port 80, 443 or from 1024 on, at most 2,000 characters. '
  'event_types: 1 to 100 types, or thing.* or *. Not for one''s own account needs webhooks.write in the tenant or '
  'platform-wide: forbidden (LK403). Malformed: invalid_argument (LK400). Unknown account: not_found (LK404). More than '
  'webhooks.max_endpoints: conflict (LK410). Without a master key: not_configured (LK504). Event: webhook.created.';
REVOKE ALL ON FUNCTION latchkey.create_webhook_endpoint(uuid, text, text[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.create_webhook_endpoint(uuid, text, text[], text)
  TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.update_webhook_endpoint(
    account_id uuid, endpoint_id uuid, url text DEFAULT NULL, event_types text[] DEFAULT NULL, description text DEFAULT NULL,
    active boolean DEFAULT NULL)
  RETURNS latchkey.webhook_endpoint
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_update_webhook_endpoint';
COMMENT ON FUNCTION latchkey.update_webhook_endpoint(uuid, uuid, text, text[], text, boolean) IS
  'Changes what is not null. active false: nothing is sent any more, and what waits is cancelled when its turn comes; true: '
  'events recorded from now on are sent again. Needs what create_webhook_endpoint() needs: forbidden (LK403), '
  'invalid_argument (LK400). No such endpoint: not_found (LK404). Event: webhook.changed.';
REVOKE ALL ON FUNCTION latchkey.update_webhook_endpoint(uuid, uuid, text, text[], text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.update_webhook_endpoint(uuid, uuid, text, text[], text, boolean)
  TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.rotate_webhook_secret(account_id uuid, endpoint_id uuid, overlap interval DEFAULT '1 day')
  RETURNS latchkey.issued_webhook_endpoint
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_rotate_webhook_secret';
COMMENT ON FUNCTION latchkey.rotate_webhook_secret(uuid, uuid, interval) IS
  'Gives the endpoint a new secret, and returns it this once. During overlap (0 to 30 days, else invalid_argument (LK400)) '
  'deliveries carry a signature with each of the two. Needs what create_webhook_endpoint() needs: forbidden (LK403). No '
  'such endpoint: not_found (LK404). Without a master key: not_configured (LK504). Event: webhook.secret_rotated.';
REVOKE ALL ON FUNCTION latchkey.rotate_webhook_secret(uuid, uuid, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.rotate_webhook_secret(uuid, uuid, interval)
  TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.delete_webhook_endpoint(account_id uuid, endpoint_id uuid) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_delete_webhook_endpoint';
COMMENT ON FUNCTION latchkey.delete_webhook_endpoint(uuid, uuid) IS
  'Deletes the endpoint and the list of its deliveries; nothing more is sent to it, but for a delivery that is under way. '
  'Needs what create_webhook_endpoint() needs: forbidden (LK403). No such endpoint: not_found (LK404). Event: '
  'webhook.deleted.';
REVOKE ALL ON FUNCTION latchkey.delete_webhook_endpoint(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.delete_webhook_endpoint(uuid, uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.list_webhook_endpoints(
    account_id uuid DEFAULT NULL, after uuid DEFAULT NULL, max_rows integer DEFAULT 100)
  RETURNS SETOF latchkey.webhook_endpoint
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10 AS 'MODULE_PATHNAME', 'latchkey_list_webhook_endpoints';
COMMENT ON FUNCTION latchkey.list_webhook_endpoints(uuid, uuid, integer) IS
  'The account''s endpoints, or without account_id those of all accounts and of the platform; newest first, at most 1,000 a '
  'page; after: the last id of the page before. Not for one''s own account needs webhooks.read in the tenant or '
  'platform-wide: forbidden (LK403). Out of range: invalid_argument (LK400).';
REVOKE ALL ON FUNCTION latchkey.list_webhook_endpoints(uuid, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_webhook_endpoints(uuid, uuid, integer)
  TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.list_webhook_deliveries(
    account_id uuid, endpoint_id uuid, status text DEFAULT NULL, after uuid DEFAULT NULL, max_rows integer DEFAULT 100)
  RETURNS SETOF latchkey.webhook_delivery
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100 AS 'MODULE_PATHNAME', 'latchkey_list_webhook_deliveries';
COMMENT ON FUNCTION latchkey.list_webhook_deliveries(uuid, uuid, text, uuid, integer) IS
  'What was sent to an endpoint, or waits for it; newest events first, at most 1,000 a page; after: the last event_id of '
  'the page before. status: only pending, retrying, delivered, dead or cancelled. Not for one''s own account needs '
  'webhooks.read in the tenant or platform-wide: forbidden (LK403). No such endpoint: not_found (LK404). Malformed: invalid_argument '
  '(LK400).';
REVOKE ALL ON FUNCTION latchkey.list_webhook_deliveries(uuid, uuid, text, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_webhook_deliveries(uuid, uuid, text, uuid, integer)
  TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.retry_webhook_delivery(account_id uuid, endpoint_id uuid, event_id uuid)
  RETURNS latchkey.webhook_delivery
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_retry_webhook_delivery';
COMMENT ON FUNCTION latchkey.retry_webhook_delivery(uuid, uuid, uuid) IS
  'Sends the event again at once, with all its retries; also one that was delivered. Not for one''s own account needs '
  'webhooks.write in the tenant or platform-wide: forbidden (LK403). No such delivery or endpoint: not_found (LK404). It is '
  'being sent right now, or the endpoint is not active: conflict (LK410). Event: webhook.retried.';
REVOKE ALL ON FUNCTION latchkey.retry_webhook_delivery(uuid, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.retry_webhook_delivery(uuid, uuid, uuid)
  TO latchkey_gateway, latchkey_app, latchkey_admin;

-- For workers.

CREATE FUNCTION latchkey.dispatch_webhooks(max_events integer DEFAULT 200) RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_dispatch_webhooks';
COMMENT ON FUNCTION latchkey.dispatch_webhooks(integer) IS
  'Takes up to max_events (1 to 1,000, else invalid_argument (LK400)) events off the feed, as consumer latchkey.webhooks, '
  'and enqueues a job latchkey.webhook for each endpoint that wants one of them, all in the caller''s transaction. Returns '
  'how many events it took: call it again at once when those were max_events, else in a second. Of several workers at the '
  'same time one does it, and the others don''t wait. With an identity bound needs events.consume: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.dispatch_webhooks(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.dispatch_webhooks(integer) TO latchkey_worker;

CREATE FUNCTION latchkey.begin_webhook(account_id uuid, job_id uuid, lease_token uuid) RETURNS latchkey.webhook_request
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_begin_webhook';
COMMENT ON FUNCTION latchkey.begin_webhook(uuid, uuid, uuid) IS
  'What a worker that has claimed a job latchkey.webhook is to send, signed now. Null: nothing, and the job is over, as the '
  'endpoint has been disabled or deleted, or the event removed. With an identity bound needs jobs.write: forbidden (LK403). '
  'The job is another''s: conflict (LK410). No such job: not_found (LK404). Without the master key: not_configured (LK504).';
REVOKE ALL ON FUNCTION latchkey.begin_webhook(uuid, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.begin_webhook(uuid, uuid, uuid) TO latchkey_worker;

CREATE FUNCTION latchkey.end_webhook(
    account_id uuid, job_id uuid, lease_token uuid, response_status integer DEFAULT NULL, error text DEFAULT NULL,
    duration_ms integer DEFAULT NULL)
  RETURNS text
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_end_webhook';
COMMENT ON FUNCTION latchkey.end_webhook(uuid, uuid, uuid, integer, text, integer) IS
  'Ends an attempt, and its job or its try: delivered when response_status is 200 to 299 and error null, else retrying or '
  'dead, which it returns. Disables an endpoint that has failed for setting webhooks.disable_after. With an identity bound '
  'needs jobs.write: forbidden (LK403). The job is another''s, or over: conflict (LK410). No such job: not_found (LK404). '
  'Events: webhook.disabled, job.failed.';
REVOKE ALL ON FUNCTION latchkey.end_webhook(uuid, uuid, uuid, integer, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.end_webhook(uuid, uuid, uuid, integer, text, integer) TO latchkey_worker;

CREATE FUNCTION latchkey.purge_webhook_deliveries(max_rows integer DEFAULT 10000) RETURNS bigint
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_purge_webhook_deliveries';
COMMENT ON FUNCTION latchkey.purge_webhook_deliveries(integer) IS
  'Deletes up to max_rows (1 to 100,000) deliveries older than setting webhooks.retention, and returns how many. With an '
  'identity bound needs webhooks.write platform-wide: forbidden (LK403). Out of range: invalid_argument (LK400).';
REVOKE ALL ON FUNCTION latchkey.purge_webhook_deliveries(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.purge_webhook_deliveries(integer) TO latchkey_admin, latchkey_worker;
