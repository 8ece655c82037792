-- Onboarding: what a new user has still to do, told from the facts, and what they chose to skip.

CREATE TABLE latchkey.onboarding_skips (
  user_id    uuid        NOT NULL,
  step       text        NOT NULL,
  skipped_at timestamptz NOT NULL,
  CONSTRAINT onboarding_skips_pkey PRIMARY KEY (user_id, step),
  CONSTRAINT onboarding_skips_user_fkey FOREIGN KEY (user_id) REFERENCES latchkey.users (id),
  CONSTRAINT onboarding_skips_step_skippable CHECK (step IN ('payments', 'credits'))
);
COMMENT ON TABLE latchkey.onboarding_skips IS
  'Steps that users chose to skip (distributed by user). Whether a step is done stands nowhere: onboarding() looks.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.onboarding_skips', '');
GRANT SELECT ON latchkey.onboarding_skips TO latchkey_admin;

CREATE TYPE latchkey.onboarding_step AS (step text, required boolean, done boolean, skipped boolean, is_next boolean);
COMMENT ON TYPE latchkey.onboarding_step IS
  'A step of onboarding. required: it can''t be skipped; done: the facts say so; is_next: the first that is neither done nor '
  'skipped. When none is next, onboarding is complete.';

CREATE FUNCTION latchkey.onboarding(user_id uuid) RETURNS SETOF latchkey.onboarding_step
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 5 AS 'MODULE_PATHNAME', 'latchkey_onboarding';
COMMENT ON FUNCTION latchkey.onboarding(uuid) IS
  'The steps in their order, and which are done: create_store (the user owns a tenant that is not archived or deleted), '
  'connect_database (the database of one of these is ready), payments (the user''s account or that of one of these has a '
  'Stripe customer, or is subscribed to another plan than free; may be skipped), credits (one of these accounts was ever '
  'granted some; may be skipped), profile (the user has a name). For others needs users.read: forbidden (LK403). Unknown '
  'user: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.onboarding(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.onboarding(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.skip_onboarding_step(user_id uuid, step text, skip boolean DEFAULT true)
  RETURNS SETOF latchkey.onboarding_step
  LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 5 AS 'MODULE_PATHNAME', 'latchkey_skip_onboarding_step';
COMMENT ON FUNCTION latchkey.skip_onboarding_step(uuid, text, boolean) IS
  'Skips payments or credits, or with skip false takes that back, and returns what onboarding() then says. Unknown step, or '
  'one that is required: invalid_argument (LK400). For others needs users.write: forbidden (LK403). Unknown user: not_found '
  '(LK404). Event, when that changes something: onboarding.step_skipped or onboarding.step_resumed.';
REVOKE ALL ON FUNCTION latchkey.skip_onboarding_step(uuid, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.skip_onboarding_step(uuid, text, boolean) TO latchkey_gateway, latchkey_app, latchkey_admin;
