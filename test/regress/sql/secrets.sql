-- Secrets: set, replaced, listed without their values, deleted; what is stored is sealed and bound to its name.
SELECT latchkey.set_secret('payments.webhook_secret', 'whsec_1');
SELECT latchkey.set_secret('mail.password', 'whsec_1');
SELECT name, created_at = updated_at AS new FROM latchkey.list_secrets();
-- The same value is never the same ciphertext, and stands nowhere in clear: version, key, nonce and tag are 37 bytes.
SELECT count(DISTINCT sealed_value) AS different, bool_or(position('whsec'::bytea IN sealed_value) > 0) AS readable, min(length(sealed_value)) - 37 AS length
  FROM latchkey.secrets;
SELECT sealed_value AS former FROM latchkey.secrets WHERE name = 'mail.password' \gset
SELECT latchkey.set_secret('mail.password', repeat('x', 16384));
SELECT name, sealed_value = :'former' AS same, created_at < updated_at AS changed, length(sealed_value) - 37 AS length FROM latchkey.secrets ORDER BY name;
SELECT latchkey.delete_secret('mail.password');
SELECT name FROM latchkey.list_secrets();
SELECT regress.error_of(call) FROM unnest(ARRAY[
  'SELECT latchkey.set_secret(NULL, ''x'')', 'SELECT latchkey.set_secret(''a.b'', NULL)', 'SELECT latchkey.set_secret(''a.b'', '''')',
  'SELECT latchkey.set_secret(''a.b'', repeat(''x'', 16385))', 'SELECT latchkey.set_secret(''plain'', ''x'')', 'SELECT latchkey.set_secret(''A.b'', ''x'')',
  'SELECT latchkey.set_secret(''a.'' || repeat(''b'', 99), ''x'')', 'SELECT latchkey.delete_secret(''mail.password'')', 'SELECT latchkey.delete_secret(NULL)',
  'SELECT latchkey.rotate_master_key(0)', 'SELECT latchkey.rotate_master_key(NULL)']) AS call;
SELECT type, aggregate_id, data FROM latchkey.events WHERE aggregate = 'secret' ORDER BY id;
-- One key has sealed everything, so there is nothing to do. (Exchanging it needs its file: test/cluster/key_rotation.sh.)
SELECT "table", "column", current, "values" > 0 AS used, key ~ '^[0-9a-f]{16}$' AS named FROM latchkey.master_key_usage() WHERE "table" = 'secrets';
SELECT latchkey.rotate_master_key() AS rewrapped;
-- Administrators see which there are, and no ciphertext.
SET ROLE regress_latchkey_admin;
SELECT name FROM latchkey.secrets;
SELECT regress.probe('SELECT sealed_value FROM latchkey.secrets');
RESET ROLE;
SELECT latchkey.delete_secret('payments.webhook_secret');
