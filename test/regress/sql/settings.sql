-- Settings: types, bounds, visibility, and their event. specs/running_backends.spec shows them changing in a running backend.
SELECT key, type, default_value, minimum, maximum FROM latchkey.settings ORDER BY key COLLATE "C";
SELECT count(*) FROM latchkey.settings WHERE value <> default_value AND key NOT LIKE 'passwords.argon2_%';

SELECT latchkey.get_setting('sessions.lifetime');
SELECT latchkey.set_setting('sessions.lifetime', '12 hours');
SELECT latchkey.get_setting('sessions.lifetime');
SELECT data FROM latchkey.events WHERE type = 'setting.changed' ORDER BY id DESC LIMIT 1;

-- The same value again is no change.
SELECT count(*) AS changes FROM latchkey.events WHERE type = 'setting.changed' \gset
SELECT latchkey.set_setting('sessions.lifetime', '12 hours');
SELECT count(*) - :changes AS new_events FROM latchkey.events WHERE type = 'setting.changed';

-- Wrong types, values out of bounds, unknown keys, nulls.
SELECT left(value, 20) AS value, regress.error_of(format('SELECT latchkey.set_setting(%L, %L)', key, value)) AS answer
  FROM (VALUES ('passwords.min_length', 'many'), ('passwords.min_length', ''), ('passwords.min_length', '8.5'),
               ('passwords.min_length', '7'), ('passwords.min_length', '129'), ('passwords.min_length', '99999999999999999999'),
               ('sessions.lifetime', 'tomorrow'), ('sessions.lifetime', '59 seconds'), ('sessions.lifetime', '-1 day'),
               ('sessions.lifetime', '1000 years'), ('accounts.require_verified_email', 'perhaps'),
               ('sessions.lifetime', NULL), ('no.such_setting', '1'), (NULL, '1'),
               ('tokens.algorithm', 'none'), ('tokens.algorithm', 'hs256'),
               ('tokens.issuer', ''), ('tokens.issuer', repeat('ä', 201))) AS t (key, value);
-- Bytes are more than characters: this one is not too long.
SELECT regress.error_of($$SELECT latchkey.set_setting('tokens.issuer', repeat('ä', 200))$$);
UPDATE latchkey.settings SET value = default_value WHERE key = 'tokens.issuer';
SELECT regress.error_of($$SELECT latchkey.get_setting('no.such_setting')$$);
SELECT regress.error_of('SELECT latchkey.get_setting(NULL)');

-- An UPDATE is checked in the same way.
SELECT regress.error_of($$UPDATE latchkey.settings SET value = 'x' WHERE key = 'throttle.window'$$);
SELECT regress.error_of($$INSERT INTO latchkey.settings (key, category, value, default_value, type, description)
  VALUES ('mine.size', 'mine', 'big', '1', 'integer', 'x')$$);
INSERT INTO latchkey.settings (key, category, value, default_value, type, description)
  VALUES ('mine.shape', 'mine', '{"round": true}', '{}', 'json', 'A setting of the application''s own.');
SELECT latchkey.get_setting('mine.shape');
SELECT regress.error_of($$SELECT latchkey.set_setting('mine.shape', '{')$$);
DELETE FROM latchkey.settings WHERE key = 'mine.shape';

-- A setting that came with the extension stays.
SELECT regress.error_of($$DELETE FROM latchkey.settings WHERE key = 'throttle.window'$$);

-- In effect at the next statement, and undone with its transaction.
SELECT latchkey.set_setting('passwords.min_length', '20');
SELECT regress.error_of($$SELECT latchkey.hash_password('fifteen letters')$$);
BEGIN;
SELECT latchkey.set_setting('passwords.min_length', '12');
SELECT regress.error_of($$SELECT latchkey.hash_password('fifteen letters')$$);
SAVEPOINT inner_change;
SELECT latchkey.set_setting('passwords.min_length', '16');
SELECT regress.error_of($$SELECT latchkey.hash_password('fifteen letters')$$);
ROLLBACK TO inner_change;
SELECT regress.error_of($$SELECT latchkey.hash_password('fifteen letters')$$);
ROLLBACK;
SELECT regress.error_of($$SELECT latchkey.hash_password('fifteen letters')$$);
UPDATE latchkey.settings SET value = default_value WHERE key IN ('passwords.min_length', 'sessions.lifetime');
SELECT regress.error_of($$SELECT latchkey.hash_password('8 letter')$$);
