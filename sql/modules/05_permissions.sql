-- Permissions: the names of what somebody may be allowed to do. Each module registers its own.

CREATE TABLE latchkey.permissions (
  name        text    NOT NULL,
  module      text    NOT NULL,
  description text    NOT NULL,
  seeded      boolean NOT NULL DEFAULT false,
  CONSTRAINT permissions_pkey PRIMARY KEY (name),
  CONSTRAINT permissions_name_form CHECK (name ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$' AND length(name) <= 100)
);
COMMENT ON TABLE latchkey.permissions IS
  'What can be permitted (reference): thing.verb. Applications add theirs with register_permission(); roles and API keys hold them.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.permissions', '');
GRANT SELECT ON latchkey.permissions TO latchkey_app, latchkey_admin;

CALL latchkey._make_reference('latchkey.permissions', 'name');
