-- One lot each for accounts 1 … :accounts, and their ledger: a grant and :debits debits of
-- 1, in the order in which they would have come in, a second between two rounds. They hold no hashes, as
-- with credits.hash_chain off; verify_ledger() accepts them.
CREATE TEMPORARY TABLE loaded AS
SELECT n, account_id(n) AS id, md5('lot ' || n)::uuid AS lot_id FROM generate_series(1, :accounts) AS n;

-- Ordered by time, as Latchkey's own ids are (UUID version 7).
CREATE FUNCTION transaction_id(round bigint, n bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (lpad(to_hex(1700000000000 + 1000 * round), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid;

SELECT latchkey.set_service_cost('bench.unit', 1) \g /dev/null
INSERT INTO latchkey.accounts (id, kind) SELECT id, 'tenant' FROM loaded;
INSERT INTO latchkey.credit_lots (account_id, id, grant_id, slice, kind, priority, granted_at, available, seq)
SELECT id, lot_id, transaction_id(0, n), 1, 'purchase', 100, to_timestamp(1700000000), 1000000000000 - :debits,
       1 + :debits
FROM loaded;

-- The index is built at once afterwards, which takes a fraction of the time.
SELECT pg_get_indexdef('latchkey.credit_transactions_idempotency_key'::regclass) AS index_definition \gset
DROP INDEX latchkey.credit_transactions_idempotency_key;
INSERT INTO latchkey.credit_transactions (account_id, id, part, kind, amount, total, lot_id, lot_seq, balance_after,
                                          quantity, recorded_at, service, idempotency_key, fingerprint)
SELECT a.id, transaction_id(round, a.n), 1, CASE round WHEN 0 THEN 'purchase' ELSE 'debit' END,
       CASE round WHEN 0 THEN 1000000000000 ELSE -1 END, CASE round WHEN 0 THEN 1000000000000 ELSE -1 END,
       a.lot_id, 1 + round, 1000000000000 - round, CASE WHEN round > 0 THEN 1 END,
       to_timestamp(1700000000 + round), CASE WHEN round > 0 THEN 'bench.unit' END, gen_random_uuid()::text,
       '\x00112233445566778899aabbccddeeff'
FROM generate_series(0, :debits) AS round CROSS JOIN loaded AS a;
:index_definition;
VACUUM ANALYZE;
