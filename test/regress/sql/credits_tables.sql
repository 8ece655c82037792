-- Debits where the tables of credits are not as the extension made them: what a DBA adds to them counts.
SELECT regress.new_user('tables_ann') AS ann \gset
SELECT credits_per_unit FROM latchkey.set_service_cost('tables.unit', 5);
SELECT (latchkey.grant_credits(:'ann', 10000)).amount, (latchkey.set_low_balance(:'ann', 10) IS NOT NULL) AS threshold;
CREATE TABLE regress.rounds (n integer);
INSERT INTO regress.rounds VALUES (0);
-- Debits in all ways that matter here, each time with keys of their own; the answers don't depend on the round.
CREATE FUNCTION regress.debits(account uuid) RETURNS TABLE (what text, answer text) LANGUAGE plpgsql AS $$
DECLARE
  round text;
BEGIN
  UPDATE regress.rounds SET n = n + 1 RETURNING n::text INTO round;
  FOR what, answer IN SELECT w, regress.tables_debit(account, q, round || k, m) FROM (VALUES
      ('first', 1, 'a', '{"b": 1, "a": [2]}'::jsonb), ('again', 1, 'a', '{"a": [2], "b": 1}'), ('other arguments', 2, 'a', NULL), ('no metadata', 2, 'b', NULL), ('no key', 1, NULL, NULL),
      ('too much', 10000, 'c', NULL), ('key unused', 1, 'c', NULL)) AS calls (w, q, k, m) LOOP
    RETURN NEXT;
  END LOOP;
  RETURN QUERY SELECT 'batch ' || e.position, concat_ws(' ', e.outcome, (e.transaction).amount, (e.transaction).metadata, (e.transaction).replayed)
    FROM latchkey.debit_credits_batch(account, replace('[{"service": "tables.unit", "quantity": 2, "idempotency_key": "ROUNDb"},
      {"service": "tables.unit", "idempotency_key": "ROUNDd", "metadata": {"n": [1]}}, {"service": "tables.unit", "quantity": 3, "idempotency_key": "ROUNDe"},
      {"service": "tables.unit", "idempotency_key": "ROUNDd", "metadata": {"n": [1]}}, {"service": "tables.unit", "idempotency_key": "ROUNDd"},
      {"service": "tables.unit", "quantity": 10000}, {"service": "tables.none"}, {"service": "tables.unit", "quantity": null},
      {"service": "tables.unit", "metadata": "a \"word\""}]', 'ROUND', round)::jsonb, false) AS e;
END $$;
CREATE FUNCTION regress.tables_debit(account uuid, quantity bigint, key text, metadata jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  before bigint := (SELECT sum(available) FROM latchkey.credit_lots WHERE account_id = account);
  t latchkey.credit_transaction;
BEGIN
  t := latchkey.debit_credits(account, 'tables.unit', quantity, key, metadata);
  RETURN concat_ws(' ', t.amount, t.metadata, CASE WHEN t.replayed THEN 'replayed' ELSE (before - t.balance_after)::text END, 'took', before - (SELECT sum(available) FROM latchkey.credit_lots WHERE account_id = account));
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE;
END $$;
SELECT * FROM regress.debits(:'ann');
CREATE TABLE regress.as_made AS SELECT * FROM regress.debits(:'ann');

-- An index that is made after the first debit has the later ones; a check and a unique index are kept.
CREATE INDEX tables_by_service ON latchkey.credit_transactions (service);
SELECT count(*) AS differ FROM (SELECT * FROM regress.debits(:'ann') EXCEPT TABLE regress.as_made) AS d;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(*) AS found FROM latchkey.credit_transactions WHERE service = 'tables.unit';
RESET enable_seqscan;
RESET enable_bitmapscan;
SELECT count(*) AS there FROM latchkey.credit_transactions WHERE service || '' = 'tables.unit';
DROP INDEX latchkey.tables_by_service;
ALTER TABLE latchkey.credit_transactions ADD CONSTRAINT tables_check CHECK (quantity <> 33) NOT VALID;
SELECT regress.tables_debit(:'ann', 33, NULL, NULL) AS of_33;
ALTER TABLE latchkey.credit_transactions DROP CONSTRAINT tables_check;
CREATE UNIQUE INDEX tables_unique ON latchkey.credit_transactions ((metadata ->> 'once')) WHERE metadata ? 'once';
SELECT regress.tables_debit(:'ann', 1, k, '{"once": 1}') FROM unnest(ARRAY['once 1', 'once 2', 'once 1']) AS k;
DROP INDEX latchkey.tables_unique;

-- Triggers run, of both tables.
CREATE TABLE regress.seen (what text, amount bigint);
GRANT INSERT ON regress.seen TO latchkey_owner;
GRANT USAGE ON SCHEMA regress TO latchkey_owner;
CREATE FUNCTION regress.see_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO regress.seen SELECT TG_TABLE_NAME, (to_jsonb(NEW) ->> 'amount')::bigint;
  RETURN NEW;
END $$;
CREATE TRIGGER see AFTER INSERT ON latchkey.credit_transactions FOR EACH ROW EXECUTE FUNCTION regress.see_row();
SELECT count(*) AS differ FROM (SELECT * FROM regress.debits(:'ann') EXCEPT TABLE regress.as_made) AS d;
DROP TRIGGER see ON latchkey.credit_transactions;
CREATE TRIGGER see BEFORE UPDATE ON latchkey.credit_lots FOR EACH ROW EXECUTE FUNCTION regress.see_row();
SELECT count(*) AS differ FROM (SELECT * FROM regress.debits(:'ann') EXCEPT TABLE regress.as_made) AS d;
DROP TRIGGER see ON latchkey.credit_lots;
SELECT what, count(*), sum(amount) FROM regress.seen GROUP BY what ORDER BY what;

-- Rules run; with one on the ledger's INSERT the server refuses ON CONFLICT, and nothing is taken.
CREATE RULE tables_rule AS ON UPDATE TO latchkey.credit_lots DO ALSO INSERT INTO regress.seen VALUES ('rule', OLD.available - NEW.available);
SELECT count(*) AS differ FROM (SELECT * FROM regress.debits(:'ann') EXCEPT TABLE regress.as_made) AS d;
SELECT count(*), sum(amount) FROM regress.seen WHERE what = 'rule';
DROP RULE tables_rule ON latchkey.credit_lots;
CREATE RULE tables_rule AS ON INSERT TO latchkey.credit_transactions DO ALSO INSERT INTO regress.seen VALUES ('rule', NEW.amount);
SELECT regress.tables_debit(:'ann', 1, 'ruled', NULL);
DROP RULE tables_rule ON latchkey.credit_transactions;
SELECT regress.tables_debit(:'ann', 1, 'ruled', NULL);

-- Policies that hold for the tables' owner as well.
ALTER TABLE latchkey.credit_transactions ENABLE ROW LEVEL SECURITY;
SELECT count(*) AS differ FROM (SELECT * FROM regress.debits(:'ann') EXCEPT TABLE regress.as_made) AS d;
ALTER TABLE latchkey.credit_transactions FORCE ROW LEVEL SECURITY;
CREATE POLICY tables_policy ON latchkey.credit_transactions USING (true) WITH CHECK (quantity IS DISTINCT FROM 44);
SELECT count(*) AS differ FROM (SELECT * FROM regress.debits(:'ann') EXCEPT TABLE regress.as_made) AS d;
SELECT regress.tables_debit(:'ann', 44, NULL, NULL) AS of_44;
SELECT regress.error_of(format('SELECT count(*) FROM latchkey.debit_credits_batch(%L, ''[{"service": "tables.unit"}, {"service": "tables.unit", "quantity": 44}]'')', :'ann'));
DROP POLICY tables_policy ON latchkey.credit_transactions;
ALTER TABLE latchkey.credit_transactions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE latchkey.credit_transactions DISABLE ROW LEVEL SECURITY;
ALTER TABLE latchkey.credit_lots ENABLE ROW LEVEL SECURITY;
ALTER TABLE latchkey.credit_lots FORCE ROW LEVEL SECURITY;
SELECT regress.tables_debit(:'ann', 1, NULL, NULL) AS all_hidden;
CREATE POLICY tables_policy ON latchkey.credit_lots USING (true);
SELECT count(*) AS differ FROM (SELECT * FROM regress.debits(:'ann') EXCEPT TABLE regress.as_made) AS d;
DROP POLICY tables_policy ON latchkey.credit_lots;
ALTER TABLE latchkey.credit_lots NO FORCE ROW LEVEL SECURITY;
ALTER TABLE latchkey.credit_lots DISABLE ROW LEVEL SECURITY;

-- Replication: by key, by the whole row, and by nothing, where the server refuses to change a published table.
SET client_min_messages = error;
CREATE PUBLICATION tables_published FOR TABLE latchkey.credit_lots, latchkey.credit_transactions;
RESET client_min_messages;
SELECT count(*) AS differ FROM (SELECT * FROM regress.debits(:'ann') EXCEPT TABLE regress.as_made) AS d;
ALTER TABLE latchkey.credit_lots REPLICA IDENTITY FULL;
SELECT count(*) AS differ FROM (SELECT * FROM regress.debits(:'ann') EXCEPT TABLE regress.as_made) AS d;
ALTER TABLE latchkey.credit_lots REPLICA IDENTITY NOTHING;
SELECT regress.tables_debit(:'ann', 1, 'published', NULL);
DROP PUBLICATION tables_published;
SELECT regress.tables_debit(:'ann', 1, 'published', NULL);
ALTER TABLE latchkey.credit_lots REPLICA IDENTITY DEFAULT;

-- Several lots: any of those of the same rank.
UPDATE latchkey.settings SET value = '3' WHERE key = 'credits.lot_slices';
SELECT regress.new_user('tables_bob') AS bob \gset
SELECT (latchkey.grant_credits(:'bob', 3000)).amount;
UPDATE latchkey.settings SET value = default_value WHERE key = 'credits.lot_slices';
SELECT count(*) AS differ FROM (SELECT * FROM regress.debits(:'bob') EXCEPT TABLE regress.as_made) AS d;

-- Where Citus is installed, rows may lie on other nodes.
SET allow_system_table_mods = on;
INSERT INTO pg_extension SELECT 1, 'citus', extowner, extnamespace, false, '0' FROM pg_extension WHERE extname = 'latchkey';
\c -
SELECT count(*) AS differ FROM (SELECT * FROM regress.debits(:'ann') EXCEPT TABLE regress.as_made) AS d;
SELECT count(*) AS differ FROM (SELECT * FROM regress.debits(:'bob') EXCEPT TABLE regress.as_made) AS d;
SET allow_system_table_mods = on;
DELETE FROM pg_extension WHERE extname = 'citus';
\c -

-- A column that a DBA has added gets its default.
ALTER TABLE latchkey.credit_transactions ADD COLUMN tables_note text DEFAULT 'new';
SELECT count(*) AS differ FROM (SELECT * FROM regress.debits(:'ann') EXCEPT TABLE regress.as_made) AS d;
SELECT count(*) AS without FROM latchkey.credit_transactions WHERE account_id = :'ann' AND tables_note IS NULL;
ALTER TABLE latchkey.credit_transactions DROP COLUMN tables_note;
-- (What was dropped leaves a hole in the table's columns.)
SELECT count(*) AS differ FROM (SELECT * FROM regress.debits(:'ann') EXCEPT TABLE regress.as_made) AS d;
SELECT count(*) AS differ FROM (SELECT * FROM regress.debits(:'bob') EXCEPT TABLE regress.as_made) AS d;

-- So does one that is computed, of a lot.
ALTER TABLE latchkey.credit_lots ADD COLUMN tables_total bigint GENERATED ALWAYS AS (available + held) STORED;
SELECT count(*) AS differ FROM (SELECT * FROM regress.debits(:'ann') EXCEPT TABLE regress.as_made) AS d;
SELECT count(*) AS wrong FROM latchkey.credit_lots WHERE tables_total IS DISTINCT FROM available + held;
ALTER TABLE latchkey.credit_lots DROP COLUMN tables_total;

-- A transaction that only reads; two debits in one transaction, and one that is undone.
BEGIN READ ONLY;
SELECT regress.error_of(format('SELECT latchkey.debit_credits(%L, ''tables.unit'')', :'bob'));
COMMIT;
BEGIN;
SELECT (latchkey.debit_credits(:'bob', 'tables.unit')).balance_after - (latchkey.debit_credits(:'bob', 'tables.unit')).balance_after AS between;
SAVEPOINT here;
SELECT regress.tables_debit(:'bob', 1, 'undone', NULL);
ROLLBACK TO here;
SELECT regress.tables_debit(:'bob', 1, 'undone', NULL);
COMMIT;
SELECT * FROM latchkey.verify_ledger();
