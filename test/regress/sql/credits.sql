-- Credits: grants, debits, holds, refunds, expiry, batches, reading, the proof.
SELECT regress.new_user('cred_ann') AS ann \gset
SELECT regress.new_user('cred_bob') AS bob \gset
\set unknown 00000000-0000-7000-8000-000000000000
-- A transaction without what differs between runs.
CREATE FUNCTION regress.brief(t latchkey.credit_transaction) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', t.kind, t.amount, t.service, t.quantity, 'after ' || t.balance_after, t.reference, t.metadata, CASE WHEN t.replayed THEN 'replayed' END)
$$;
CREATE FUNCTION regress.brief(h latchkey.credit_hold) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', h.status, h.service, h.quantity, h.amount, 'captured ' || h.captured, CASE WHEN h.replayed THEN 'replayed' END)
$$;
CREATE FUNCTION regress.lots_of(account uuid) RETURNS TABLE (kind text, priority integer, slice integer, available bigint, held bigint, open boolean) LANGUAGE sql AS $$
  SELECT kind, priority, slice, available, held, open FROM latchkey.credit_lots WHERE account_id = account ORDER BY priority, expires_at, granted_at, slice
$$;

-- Service costs.
SELECT service, credits_per_unit, active FROM latchkey.set_service_cost('cred.image', 5);
SELECT service, credits_per_unit, active FROM latchkey.set_service_cost('cred.image', 5);
SELECT service, credits_per_unit, active FROM latchkey.set_service_cost('cred.mail', 1);
SELECT service, credits_per_unit, active FROM latchkey.set_service_cost('cred.mail', 2, false);
SELECT service, credits_per_unit, active FROM latchkey.set_service_cost('cred.huge', 9223372036854775807);
SELECT service, credits_per_unit, active FROM latchkey.list_service_costs();
SELECT credits_per_unit, active, actor_id, actor_role = session_user AS by_me FROM latchkey.service_cost_history('cred.mail');
SELECT count(*) FROM latchkey.service_cost_history('cred.image');
SELECT regress.error_of(s) FROM unnest(ARRAY['SELECT latchkey.set_service_cost(''Bad'', 1)', 'SELECT latchkey.set_service_cost(''x'', 0)', 'SELECT latchkey.set_service_cost(''x'', NULL)', 'SELECT latchkey.set_service_cost(NULL, 1)']) AS s;
SELECT aggregate_id, data FROM latchkey.events WHERE type = 'credits.cost_changed' ORDER BY id;

-- Grants.
SELECT regress.brief(latchkey.grant_credits(:'ann', 20, reference => 'invoice 1', idempotency_key => 'g1', metadata => '{"b": 1, "a": 2}'));
SELECT regress.brief(latchkey.grant_credits(:'ann', 20, reference => 'invoice 1', idempotency_key => 'g1', metadata => '{"a": 2, "b": 1}'));
SELECT regress.error_of(format('SELECT latchkey.grant_credits(%L, 21, reference => ''invoice 1'', idempotency_key => ''g1'')', :'ann'));
SELECT regress.brief(latchkey.grant_credits(:'ann', 7, 'bonus', 10)), regress.brief(latchkey.grant_credits(:'ann', 8, 'trial', expires_at => 'infinity')), regress.brief(latchkey.grant_credits(:'ann', 9, 'plan_allowance', expires_at => now() + interval '1 day'));
SELECT regress.error_of(format('SELECT latchkey.grant_credits(%s)', a)) FROM unnest(ARRAY[quote_literal(:'ann') || ', 0', quote_literal(:'ann') || ', -1', quote_literal(:'ann') || ', NULL', quote_literal(:'ann') || ', 1, ''gift''', quote_literal(:'ann') || ', 1, expires_at => now()',
  quote_literal(:'unknown') || ', 1', 'NULL, 1', quote_literal(:'ann') || ', 9223372036854775807', quote_literal(:'ann') || ', 1, idempotency_key => ''''', quote_literal(:'ann') || ', 1, priority => NULL']) AS a;
SELECT regress.new_user('cred_gone') AS gone \gset
SELECT latchkey.delete_user(:'gone');
SELECT regress.error_of(format('SELECT latchkey.grant_credits(%L, 1)', :'gone')) AS of_a_deleted_user;
SELECT * FROM regress.lots_of(:'ann');

-- Debits burn by priority, then by expiry, then by age.
SELECT regress.brief(latchkey.debit_credits(:'ann', 'cred.image', 2, 'd1', '{"job": 1}')) FROM generate_series(1, 2);
SELECT * FROM regress.lots_of(:'ann');
SELECT regress.error_of(format('SELECT latchkey.debit_credits(%s)', a)) FROM unnest(ARRAY[quote_literal(:'ann') || ', ''cred.image'', 3, ''d1''', quote_literal(:'ann') || ', ''cred.image'', 100', quote_literal(:'ann') || ', ''cred.mail''', quote_literal(:'ann') || ', ''none''',
  quote_literal(:'ann') || ', ''cred.image'', 0', quote_literal(:'ann') || ', ''cred.image'', -1', quote_literal(:'ann') || ', ''cred.huge'', 2', quote_literal(:'ann') || ', ''cred.huge''', quote_literal(:'unknown') || ', ''cred.image''', quote_literal(:'bob') || ', ''cred.image''',
  'NULL, ''cred.image''', quote_literal(:'ann') || ', NULL', quote_literal(:'ann') || ', ''cred.image'', NULL']) AS a;
DO $$ BEGIN PERFORM latchkey.debit_credits(regress.id_of('cred_ann'), 'cred.image', 100); EXCEPTION WHEN SQLSTATE 'LK402' THEN DECLARE d text; BEGIN GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL; RAISE NOTICE '%', d; END; END $$;
-- A replay answers although nothing is left, and although the service is not active any more.
SELECT regress.brief(latchkey.debit_credits(:'ann', 'cred.image', 6, 'all but a bit'));
SELECT latchkey.set_service_cost('cred.image', 5, false) IS NOT NULL AS switched_off;
SELECT regress.brief(latchkey.debit_credits(:'ann', 'cred.image', 6, 'all but a bit'));
SELECT latchkey.set_service_cost('cred.image', 5) IS NOT NULL AS switched_on;

-- Holds.
SELECT regress.brief(latchkey.grant_credits(:'ann', 96));
SELECT (h).id AS h1, regress.brief(h) FROM latchkey.hold_credits(:'ann', 'cred.image', 4, idempotency_key => 'h1') AS h \gset
SELECT :'brief' AS hold, regress.brief(latchkey.hold_credits(:'ann', 'cred.image', 4, idempotency_key => 'h1'));
SELECT regress.error_of(format('SELECT latchkey.hold_credits(%s)', a)) FROM unnest(ARRAY[quote_literal(:'ann') || ', ''cred.image'', 5, idempotency_key => ''h1''', quote_literal(:'ann') || ', ''cred.image'', 17', quote_literal(:'ann') || ', ''none''', quote_literal(:'ann') || ', ''cred.image'', 1, ''0''', quote_literal(:'ann') || ', ''cred.image'', 1, ''2 years''', quote_literal(:'ann') || ', ''cred.image'', 1, NULL']) AS a;
SELECT available, held, by_kind FROM latchkey.credit_balance(:'ann');
SELECT regress.error_of(format('SELECT latchkey.capture_hold(%L, %L, %s)', :'ann', h, q)) FROM (VALUES (:'h1'::uuid, '5'), (:'h1', '0'), (:'unknown', '1')) AS v (h, q);
SELECT regress.brief(latchkey.capture_hold(:'ann', :'h1', 3, 'c1')) FROM generate_series(1, 2);
SELECT regress.error_of(format('SELECT latchkey.capture_hold(%L, %L)', :'ann', :'h1')), regress.error_of(format('SELECT latchkey.release_hold(%L, %L)', :'ann', :'h1'));
SELECT (latchkey.hold_credits(:'ann', 'cred.image', 2)).id AS h2 \gset
SELECT regress.brief(latchkey.release_hold(:'ann', :'h2')), regress.brief(latchkey.release_hold(:'ann', :'h2')) AS again;
SELECT regress.error_of(format('SELECT latchkey.capture_hold(%L, %L)', :'ann', :'h2'));
-- One that expires gives back what it held, to the next debit too.
SELECT (latchkey.hold_credits(:'ann', 'cred.image', 16, '1 millisecond')).id AS h3 \gset
SELECT pg_sleep(0.01);
SELECT available, held FROM latchkey.credit_balance(:'ann');
SELECT regress.error_of(format('SELECT latchkey.capture_hold(%L, %L)', :'ann', :'h3'));
-- Its row is active until that is booked; the list knows better.
SELECT t.status AS booked, h.status AS listed, regress.brief(h) FROM latchkey.credit_holds AS t JOIN latchkey.list_holds(:'ann') AS h USING (id) ORDER BY id;
SELECT s, count(h) FROM unnest(ARRAY['active', 'captured', 'released', 'expired']) AS s LEFT JOIN LATERAL latchkey.list_holds(:'ann', status => s) AS h ON true GROUP BY 1 ORDER BY 1;
SELECT count(*) FILTER (WHERE h.id < f.id) AS older, count(*) AS listed FROM latchkey.list_holds(:'ann', max_rows => 1) AS f, latchkey.list_holds(:'ann', f.id) AS h;
SELECT regress.error_of(format('SELECT latchkey.list_holds(%L, max_rows => %s)', :'ann', n)) FROM unnest(ARRAY[0, 1001]) AS n;
SELECT regress.error_of(format('SELECT latchkey.list_holds(%L, status => %L)', :'ann', 'open')), count(h) FROM latchkey.list_holds(:'unknown') AS h;
SELECT regress.brief(latchkey.debit_credits(:'ann', 'cred.image', 16));
SELECT status FROM latchkey.credit_holds WHERE id = :'h3';

-- Refunds, to the lots that the debit burned.
SELECT regress.brief(latchkey.grant_credits(:'bob', 3, 'bonus', 1)), regress.brief(latchkey.grant_credits(:'bob', 20, expires_at => now() + interval '1 hour'));
SELECT (latchkey.debit_credits(:'bob', 'cred.image', 3)).id AS d \gset
SELECT regress.brief(latchkey.refund_credits(:'bob', :'d', 13, 'r1', 'ticket 7')) FROM generate_series(1, 2);
SELECT * FROM regress.lots_of(:'bob');
SELECT regress.error_of(format('SELECT latchkey.refund_credits(%s)', a)) FROM unnest(ARRAY[quote_literal(:'bob') || ',' || quote_literal(:'d') || ', 3', quote_literal(:'bob') || ',' || quote_literal(:'d') || ', 0', quote_literal(:'bob') || ',' || quote_literal(:'unknown'), quote_literal(:'ann') || ',' || quote_literal(:'d'), quote_literal(:'bob') || ',' || quote_literal(:'d') || ', 1, ''r1''']) AS a;
SELECT regress.brief(latchkey.refund_credits(:'bob', :'d'));
SELECT regress.error_of(format('SELECT latchkey.refund_credits(%L, %L)', :'bob', :'d')) AS nothing_left;
-- Into an expired lot: refused, or to a new one.
SELECT (latchkey.debit_credits(:'bob', 'cred.image', 4)).id AS d \gset
UPDATE latchkey.credit_lots SET expires_at = now() WHERE account_id = :'bob' AND expires_at IS NOT NULL;
SELECT available, held FROM latchkey.credit_balance(:'bob');
SELECT regress.error_of(format('SELECT latchkey.debit_credits(%L, ''cred.image'')', :'bob')) AS expired, regress.error_of(format('SELECT latchkey.refund_credits(%L, %L)', :'bob', :'d')) AS refund;
SELECT latchkey.set_setting('credits.refund_expired', 'new_lot');
SELECT regress.brief(latchkey.refund_credits(:'bob', :'d', 18));
UPDATE latchkey.settings SET value = default_value WHERE key = 'credits.refund_expired';
SELECT * FROM regress.lots_of(:'bob');
SELECT * FROM latchkey.expire_credits();
SELECT * FROM latchkey.expire_credits();
SELECT * FROM regress.lots_of(:'bob');

-- A grant in slices; debits that none of them covers.
SELECT latchkey.set_setting('credits.lot_slices', '4');
SELECT regress.brief(latchkey.grant_credits(:'bob', 30));
UPDATE latchkey.settings SET value = default_value WHERE key = 'credits.lot_slices';
SELECT regress.brief(latchkey.debit_credits(:'bob', 'cred.image', 4)), regress.brief(latchkey.debit_credits(:'bob', 'cred.image', 5));
SELECT sum(available), count(*) FILTER (WHERE open) FROM regress.lots_of(:'bob');

-- Batches.
SELECT regress.brief(latchkey.grant_credits(:'bob', 42));
SELECT position, outcome, message, regress.brief(transaction) FROM latchkey.debit_credits_batch(:'bob', '[{"service": "cred.image", "idempotency_key": "b1"}, {"service": "cred.image", "quantity": 2}, {"service": "cred.image", "idempotency_key": "b1"}]');
SELECT position, outcome, message, regress.brief(transaction) FROM latchkey.debit_credits_batch(:'bob',
  '[{"service": "cred.image", "idempotency_key": "b1"}, {"service": "cred.image", "quantity": 200}, {"service": "none"}, {"service": "cred.image", "quantity": -1}, {"service": "cred.image", "quantity": 0}, {"quantity": 1}, 7, {"service": "cred.image", "idempotency_key": "b1", "quantity": 2}, {"service": "cred.image", "metadata": {"n": 9}}]', false);
SELECT regress.error_of(format('SELECT latchkey.debit_credits_batch(%L, %L)', :'bob', b)) FROM unnest(ARRAY['[{"service": "cred.image"}, {"service": "cred.image", "quantity": 200}]', '[]', '{}', '[{}]', '[{"service": "none"}]']) AS b;
SELECT regress.error_of(format('SELECT latchkey.debit_credits_batch(%L, ''[{"service": "cred.image"}]'')', :'unknown')), regress.error_of(format('SELECT latchkey.debit_credits_batch(%L, NULL)', :'bob'));
SELECT available FROM latchkey.credit_balance(:'bob');

-- Reading.
SELECT regress.brief(t) FROM latchkey.credit_history(:'bob', max_rows => 3) AS t;
SELECT regress.brief(t) FROM latchkey.credit_history(:'bob', after => (SELECT id FROM latchkey.credit_history(:'bob', max_rows => 3) ORDER BY id LIMIT 1), max_rows => 2) AS t;
SELECT kind, count(*), sum(amount) FROM latchkey.credit_history(:'bob') GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM latchkey.credit_history(:'bob', kind => 'refund', "from" => now() - interval '1 hour', before => now() + interval '1 hour');
SELECT count(*) FROM latchkey.credit_history(:'bob', service => 'cred.mail');
SELECT regress.error_of(format('SELECT latchkey.credit_history(%L, max_rows => %s)', :'bob', n)) FROM unnest(ARRAY[0, 1001]) AS n;
SELECT service_name, amount, debits FROM latchkey.credit_usage(:'bob', now() - interval '1 day');
SELECT latchkey.balance_at(:'bob', now() + interval '1 hour') AS later, latchkey.balance_at(:'bob', now() - interval '1 day') AS before;
SELECT * FROM latchkey.credit_balance(:'unknown');

-- Low balance: one event for each crossing.
SELECT latchkey.set_low_balance(:'bob', 15);
SELECT regress.brief(latchkey.debit_credits(:'bob', 'cred.image', 2)) FROM generate_series(1, 2);
SELECT regress.brief(latchkey.grant_credits(:'bob', 10));
SELECT regress.brief(latchkey.hold_credits(:'bob', 'cred.image'));
SELECT regress.brief(latchkey.debit_credits(:'bob', 'cred.image'));
SELECT data FROM latchkey.events WHERE account_id = :'bob' AND type = 'credits.low' ORDER BY id;
SELECT count(*) AS jobs FROM latchkey.list_jobs(:'bob');
-- And one job, where that is wanted.
SELECT latchkey.set_low_balance(:'bob', NULL), latchkey.set_setting('credits.low_balance_jobs', 'true');
SELECT latchkey.set_low_balance(:'bob', 1000000), latchkey.set_low_balance(:'bob', 999999);
SELECT type, payload ->> 'threshold' AS threshold FROM latchkey.list_jobs(:'bob');
SELECT latchkey.set_low_balance(:'bob', NULL), latchkey.set_setting('credits.low_balance_jobs', 'false');
SELECT regress.error_of(format('SELECT latchkey.set_low_balance(%L, 0)', :'bob')), regress.error_of(format('SELECT latchkey.set_low_balance(%L, 1)', :'unknown'));

-- Who may: a user reads their own account, and changes none.
SELECT regress.token_of('cred_ann') AS token \gset
SET ROLE regress_latchkey_gateway;
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'token');
SELECT available FROM latchkey.credit_balance(:'ann');
SELECT regress.probe(format(s, :'bob')) AS others, regress.probe(format(s, :'ann')) AS own FROM unnest(ARRAY['SELECT latchkey.credit_balance(%L)', 'SELECT latchkey.credit_history(%L)', 'SELECT latchkey.list_holds(%L)', 'SELECT latchkey.debit_credits(%L, ''cred.image'')', 'SELECT latchkey.grant_credits(%L, 1)', 'SELECT latchkey.hold_credits(%L, ''cred.image'')', 'SELECT latchkey.verify_ledger(%L)']) AS s;
COMMIT;
RESET ROLE;

-- The proof. The ledger refuses changes, for the owner too; what is changed nevertheless is named.
SELECT regress.error_of(s) FROM unnest(ARRAY['UPDATE latchkey.credit_transactions SET amount = 0', 'DELETE FROM latchkey.credit_transactions', 'TRUNCATE latchkey.credit_transactions', 'UPDATE latchkey.service_cost_changes SET active = true', 'TRUNCATE latchkey.service_cost_changes']) AS s;
SELECT * FROM latchkey.verify_ledger();
CREATE FUNCTION regress.forge(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  ALTER TABLE latchkey.credit_transactions DISABLE TRIGGER USER;
  EXECUTE statement;
  RAISE EXCEPTION USING ERRCODE = 'RG000', MESSAGE = (SELECT string_agg(regexp_replace(problem, '[0-9a-f]{8}-[0-9a-f-]{27}', 'ID'), '; ' ORDER BY problem) FROM latchkey.verify_ledger());
EXCEPTION WHEN SQLSTATE 'RG000' THEN RETURN SQLERRM;
END $$;
CREATE VIEW regress.a_lot AS SELECT account_id, lot_id, min(id::text)::uuid AS id FROM latchkey.credit_transactions WHERE part = 1 AND lot_seq = 2 AND account_id = regress.id_of('cred_ann') AND service IS NOT NULL GROUP BY 1, 2 ORDER BY id LIMIT 1;
SELECT regress.forge(s) FROM unnest(ARRAY['UPDATE latchkey.credit_transactions t SET metadata = ''{"job": 2}'' FROM regress.a_lot l WHERE t.id = l.id AND t.part = 1',
  'UPDATE latchkey.credit_transactions t SET amount = t.amount - 1, total = t.total - 1 FROM regress.a_lot l WHERE t.id = l.id AND t.lot_id = l.lot_id',
  'DELETE FROM latchkey.credit_transactions t USING regress.a_lot l WHERE t.id = l.id AND t.lot_id = l.lot_id',
  'DELETE FROM latchkey.credit_transactions t USING regress.a_lot l WHERE t.lot_seq = 1 AND t.lot_id = l.lot_id',
  'UPDATE latchkey.credit_lots t SET available = available + 1, open = true FROM regress.a_lot l WHERE t.id = l.lot_id',
  'UPDATE latchkey.credit_lots t SET held = 1, open = true FROM regress.a_lot l WHERE t.id = l.lot_id']) AS s;
-- Without hashes, by a setting; the chain begins anew after.
SELECT latchkey.set_setting('credits.hash_chain', 'false');
SELECT regress.brief(latchkey.grant_credits(:'ann', 50)), regress.brief(latchkey.debit_credits(:'ann', 'cred.image'));
UPDATE latchkey.settings SET value = default_value WHERE key = 'credits.hash_chain';
SELECT regress.brief(latchkey.debit_credits(:'ann', 'cred.image'));
SELECT count(*) FILTER (WHERE hash IS NULL) AS without, count(*) > 5 AS more FROM latchkey.credit_transactions WHERE account_id = :'ann';
SELECT * FROM latchkey.verify_ledger();
-- The edges of bigint.
SELECT regress.new_user('cred_edge') AS edge \gset
SELECT regress.brief(latchkey.grant_credits(:'edge', 9223372036854775807));
SELECT regress.error_of(format('SELECT latchkey.grant_credits(%L, 1)', :'edge'));
SELECT (latchkey.debit_credits(:'edge', 'cred.huge')).id AS d \gset
SELECT regress.brief(latchkey.grant_credits(:'edge', 1));
SELECT regress.error_of(format('SELECT latchkey.refund_credits(%L, %L)', :'edge', :'d')), regress.brief(latchkey.refund_credits(:'edge', :'d', 9223372036854775806));
SELECT available FROM latchkey.credit_balance(:'edge');
SELECT * FROM latchkey.verify_ledger();
-- A batch whose items have keys of their own can be repeated, as a whole and in part, and its rows are in the proof.
SELECT regress.new_user('cred_repeater') AS repeater \gset
SELECT regress.brief(latchkey.grant_credits(:'repeater', 100));
SELECT position, outcome, (transaction).replayed FROM latchkey.debit_credits_batch(:'repeater', '[{"service": "cred.image", "idempotency_key": "k1"}, {"service": "cred.image", "idempotency_key": "k2", "metadata": {"n": 2}}, {"service": "cred.image", "idempotency_key": "k3"}]');
SELECT position, outcome, (transaction).replayed FROM latchkey.debit_credits_batch(:'repeater', '[{"service": "cred.image", "idempotency_key": "k1"}, {"service": "cred.image", "idempotency_key": "k2", "metadata": {"n": 2}}, {"service": "cred.image", "idempotency_key": "k3"}]');
SELECT position, outcome, (transaction).replayed FROM latchkey.debit_credits_batch(:'repeater', '[{"service": "cred.image", "idempotency_key": "k3", "quantity": 2}, {"service": "cred.image", "idempotency_key": "k2", "metadata": {"n": 2}}]', atomic => false);
-- Where the first is new and a later one is not: the others are made all the same, and nothing twice.
SELECT (latchkey.credit_balance(:'repeater')).available AS before \gset
SELECT position, outcome, (transaction).replayed, (transaction).balance_after - :before AS since FROM latchkey.debit_credits_batch(:'repeater', '[{"service": "cred.image", "idempotency_key": "k4"}, {"service": "cred.image", "idempotency_key": "k2", "metadata": {"n": 2}}, {"service": "cred.image", "idempotency_key": "k5"}, {"service": "cred.image", "idempotency_key": "k4"}]') WHERE NOT (transaction).replayed OR position <> 2;
SELECT position, outcome, (transaction).replayed FROM latchkey.debit_credits_batch(:'repeater', '[{"service": "cred.image", "idempotency_key": "k6"}, {"service": "cred.image", "idempotency_key": "k7", "quantity": 999999}, {"service": "cred.image", "idempotency_key": "k5"}, {"service": "cred.image", "idempotency_key": "k8"}]', atomic => false);
SELECT regress.error_of(format('SELECT latchkey.debit_credits_batch(%L, ''[{"service": "cred.image", "idempotency_key": "k9"}, {"service": "cred.image", "idempotency_key": "k5", "quantity": 2}]'')', :'repeater'));
SELECT (latchkey.credit_balance(:'repeater')).available - :before AS taken, count(*) FILTER (WHERE idempotency_key IN ('k4', 'k5', 'k6', 'k8')) AS made, count(*) FILTER (WHERE idempotency_key IN ('k7', 'k9')) AS not_made FROM latchkey.credit_transactions WHERE account_id = :'repeater';
SELECT * FROM latchkey.verify_ledger(:'repeater');
SELECT * FROM latchkey.verify_ledger();
