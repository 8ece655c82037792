-- Settings: types, bounds, visibility, and their event. specs/running_backends.spec shows them changing in a running backend, and
-- specs/setting_notices.spec who is notified.
SELECT key, type, left(default_value, 30) AS default_value, minimum, maximum FROM latchkey.settings ORDER BY key COLLATE "C";
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

-- An UPDATE is checked in the same way, dated, and leaves the same event: one for each value that changes.
SELECT max(updated_at) AS before FROM latchkey.settings \gset
SELECT count(*) AS changes FROM latchkey.events WHERE type = 'setting.changed' \gset
UPDATE latchkey.settings SET value = '5 minutes' WHERE key = 'throttle.window';
UPDATE latchkey.settings SET value = value, description = description WHERE key = 'throttle.window';
SELECT key, updated_at > :'before' AS dated FROM latchkey.settings WHERE updated_at > :'before';
UPDATE latchkey.settings SET value = default_value WHERE category = 'throttle';
SELECT data, actor_role = session_user AS by_me FROM latchkey.events WHERE type = 'setting.changed' ORDER BY id OFFSET :changes;
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

-- An application's own settings: registered, read by their types, changed, deleted.
SELECT setting.key, latchkey.register_setting(setting.key, setting.type, setting.value, 'Mine.') AS value
  FROM (VALUES ('mine.count', 'integer', '3'), ('mine.ratio', 'number', '0.25'), ('mine.pause', 'duration', '90 minutes'), ('mine.on', 'boolean', 'yes'),
               ('mine.name', 'text', 'a'), ('mine.shape', 'json', '{"round": true}')) AS setting (key, type, value);
SELECT latchkey.setting_number('mine.count') + latchkey.setting_number('mine.ratio') AS number, latchkey.setting_duration('mine.pause') AS duration, latchkey.setting_boolean('mine.on') AS "boolean",
       latchkey.setting_text('mine.name') AS text, latchkey.setting_json('mine.shape') AS json, latchkey.get_setting('mine.ratio') AS any;
SELECT f, regress.error_of(format('SELECT latchkey.%s(%L)', f, key)) AS answer
  FROM (VALUES ('setting_number', 'mine.pause'), ('setting_duration', 'mine.count'), ('setting_boolean', 'mine.count'), ('setting_text', 'mine.shape'), ('setting_json', 'mine.name'),
               ('setting_number', 'no.such_setting'), ('setting_text', NULL)) AS t (f, key);
SELECT value, regress.error_of(format('SELECT latchkey.set_setting(''mine.ratio'', %L)', value)) AS answer FROM unnest(ARRAY['many', '', '1e3', 'NaN']) AS value;
-- Registered again: the value stays, and must fit.
SELECT latchkey.register_setting('mine.ratio', 'number', '0.5', 'A ratio.', 0, 2000) AS value;
SELECT key, category, value, default_value, type, minimum, maximum, choices, hot_reloadable, description, built_in FROM latchkey.list_settings('mine');
SELECT arguments, regress.error_of(format('SELECT latchkey.register_setting(%s)', arguments)) AS answer
  FROM unnest(ARRAY[$$'mine.ratio', 'number', '0.5', 'x', 0, 1$$, $$'mine.ratio', 'number', '3000', 'x', 0, 2000$$, $$'mine.name', 'number', '1', 'x'$$, $$'mine.new', 'integer', 'x', 'x'$$, $$'mine.new', 'color', 'x', 'x'$$,
                    $$'Mine', 'text', 'x', 'x'$$, $$'mine', 'text', 'x', 'x'$$, $$'mine.' || repeat('x', 100), 'text', 'x', 'x'$$, $$'mine.new', 'text', 'c', 'x', choices => '{a,b}'$$, $$'mine.new', 'text', 'x', repeat('x', 501)$$,
                    $$NULL, 'text', 'x', 'x'$$, $$'mine.new', NULL, 'x', 'x'$$, $$'mine.new', 'text', NULL, 'x'$$, $$'mine.new', 'text', 'x', NULL$$, $$'mine.new', 'text', 'x', 'x', hot_reloadable => NULL$$,
                    $$'sessions.lifetime', 'duration', '1 day', 'x'$$]) AS arguments;
SELECT latchkey.set_setting('mine.count', '4');
SELECT count(*) FROM (SELECT latchkey.delete_setting(key) FROM latchkey.list_settings('mine')) AS deleted;
SELECT regress.error_of(format('SELECT latchkey.delete_setting(%L)', key)) FROM unnest(ARRAY['mine.count', 'sessions.lifetime', NULL]) AS key;
SELECT aggregate_id, string_agg(type, ' ' ORDER BY id) FROM latchkey.events WHERE aggregate_id IN ('mine.count', 'mine.ratio') GROUP BY 1 ORDER BY 1;
