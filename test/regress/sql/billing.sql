-- Stripe: signatures, what is refused, customers and prices that become known later, payments, refunds, debts, and who may what.
SELECT regress.new_user('bill_ann') AS ann, regress.new_user('bill_bob') AS bob, regress.new_user('bill_root') AS root, '00000000-0000-7000-8000-000000000000' AS unknown \gset
SELECT (latchkey.grant_role(:'root', 'admin')).role;
SET TimeZone = 'UTC';
-- The sample events, shaped after Stripe's; %USER% stands for whose they are.
\set samples `echo '['; sep=; for f in test/data/stripe/*.json; do echo "$sep"; sed 's/[$][{]USER_ID[}]/%USER%/' "$f"; sep=,; done; echo ']'`
CREATE TABLE regress.stripe_samples AS SELECT e ->> 'id' AS id, e::text AS event FROM jsonb_array_elements(:'samples') AS e;
SELECT count(*), count(DISTINCT id) FROM regress.stripe_samples;

CREATE FUNCTION regress.stripe_mac(body text, secret text, seconds bigint) RETURNS text LANGUAGE sql AS $$
  SELECT encode(public.hmac(convert_to(seconds || '.' || body, 'UTF8'), convert_to(secret, 'UTF8'), 'sha256'), 'hex')
$$;
CREATE FUNCTION regress.stripe_now() RETURNS bigint LANGUAGE sql AS $$ SELECT floor(extract(epoch FROM clock_timestamp()))::bigint $$;
CREATE FUNCTION regress.stripe_send(body text, secret text DEFAULT 'whsec_current', seconds bigint DEFAULT regress.stripe_now()) RETURNS text LANGUAGE sql AS $$
  SELECT latchkey.ingest_stripe_event(body, 't=' || seconds || ',v1=' || regress.stripe_mac(body, secret, seconds))
$$;
-- An event of our own making.
CREATE FUNCTION regress.stripe_event(id text, type text, created bigint, object jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT jsonb_build_object('id', id, 'object', 'event', 'type', type, 'created', created, 'livemode', false, 'api_version', '2025-09-30.clover', 'data', jsonb_build_object('object', object))::text
$$;
CREATE FUNCTION regress.stripe_checkout(id text, created bigint, customer text, reference text, more jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT regress.stripe_send(regress.stripe_event('evt_' || id, 'checkout.session.completed', created, jsonb_build_object('id', 'cs_' || id, 'object', 'checkout.session', 'customer', customer,
    'client_reference_id', reference, 'payment_status', 'paid', 'mode', 'payment', 'payment_intent', 'pi_' || id, 'amount_total', 1000, 'currency', 'usd', 'metadata', jsonb_build_object()) || more))
$$;
CREATE FUNCTION regress.stripe_subscription(id text, created bigint, customer text, status text, price text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
  SELECT regress.stripe_send(regress.stripe_event('evt_' || id, 'customer.subscription.updated', created, jsonb_build_object('id', 'sub_' || customer, 'object', 'subscription', 'customer', customer, 'status', status,
    'start_date', 1763700000, 'items', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('price', jsonb_build_object('id', price), 'current_period_start', created, 'current_period_end', created + 2592000)))) || more))
$$;
CREATE FUNCTION regress.stripe_refund(id text, created bigint, customer text, payment_intent text, refunded bigint) RETURNS text LANGUAGE sql AS $$
  SELECT regress.stripe_send(regress.stripe_event('evt_' || id, 'charge.refunded', created, jsonb_build_object('id', 'ch_' || payment_intent, 'object', 'charge', 'customer', customer, 'payment_intent', payment_intent,
    'amount', 1000, 'amount_refunded', refunded, 'currency', 'usd')))
$$;
CREATE FUNCTION regress.stripe_outcome(event text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', outcome, reason, waits_for, detail) FROM latchkey.billing_events WHERE stripe_event_id = event
$$;

-- Signatures.
SELECT regress.error_of($$SELECT latchkey.ingest_stripe_event('{}', 't=1,v1=00')$$) AS without_secret;
SELECT latchkey.set_secret('stripe.webhook_secret', 'whsec_current'), latchkey.set_secret('stripe.previous_webhook_secret', 'whsec_former');
SELECT regress.stripe_event('evt_signed', 'product.created', 1763700000, '{"id": "prod_ü"}') AS body, regress.stripe_now() AS now \gset
SELECT regress.stripe_mac(:'body', 'whsec_current', :now) AS mac, regress.stripe_mac(:'body', 'whsec_former', :now) AS former_mac, regress.stripe_mac(:'body', 'whsec_other', :now) AS other_mac \gset
SELECT name, regress.error_of(format('SELECT latchkey.ingest_stripe_event(%L, %L)', body, signature)) FROM (VALUES
  (1, 'wrong secret', :'body', format('t=%s,v1=%s', :'now', :'other_mac')),
  (2, 'stale', :'body', format('t=%s,v1=%s', :now - 310, regress.stripe_mac(:'body', 'whsec_current', :now - 310))),
  (3, 'future', :'body', format('t=%s,v1=%s', :now + 310, regress.stripe_mac(:'body', 'whsec_current', :now + 310))),
  (4, 'v0 only', :'body', format('t=%s,v0=%s', :'now', :'mac')),
  (5, 'another time', :'body', format('t=%s,v1=%s', :now - 1, :'mac')),
  (6, 'without time', :'body', format('v1=%s', :'mac')),
  (7, 'two times', :'body', format('t=%s,t=%s,v1=%s', :'now', :'now', :'mac')),
  (8, 'cut short', :'body', format('t=%s,v1=%s', :'now', left(:'mac', 62))),
  (9, 'empty', :'body', ''),
  (10, 'a byte changed', replace(:'body', 'prod_ü', 'prod_u'), format('t=%s,v1=%s', :'now', :'mac')),
  (11, 'a space more', :'body' || ' ', format('t=%s,v1=%s', :'now', :'mac')),
  (12, 'null', NULL, format('t=%s,v1=%s', :'now', :'mac'))) AS wrong (place, name, body, signature) ORDER BY place;
SELECT count(*) AS stored FROM latchkey.billing_events WHERE stripe_event_id = 'evt_signed';
-- Of two, either; at 290 seconds still; the former secret too, until it is deleted.
SELECT latchkey.ingest_stripe_event(:'body', format('t=%s,v1=%s,v1=%s,v0=x', :'now', :'other_mac', :'mac'));
SELECT latchkey.ingest_stripe_event(:'body', format('t=%s,v1=%s', :'now', :'former_mac')), regress.stripe_send(:'body', seconds => :now - 290), regress.stripe_send(:'body', seconds => :now + 290);
SELECT latchkey.delete_secret('stripe.previous_webhook_secret');
SELECT regress.error_of(format('SELECT latchkey.ingest_stripe_event(%L, %L)', :'body', format('t=%s,v1=%s', :'now', :'former_mac'))) AS former;
SELECT latchkey.set_setting('billing.stripe_tolerance', '1 hour');
SELECT regress.stripe_send(:'body', seconds => :now - 3500);
SELECT latchkey.set_setting('billing.stripe_tolerance', '5 minutes');
-- Signed, but no event that is taken.
SELECT left(body, 50) AS body, left(regress.error_of(format('SELECT regress.stripe_send(%L)', body)), 110) FROM unnest(ARRAY['', '[]', '{', 'null', '{"id": "evt_x"}', '{"id": "evt_thin", "object": "v2.core.event", "type": "v1.billing.meter", "created": "2026-01-01T00:00:00Z", "livemode": false}',
  replace(:'body', '"livemode": false', '"livemode": true'), replace(:'body', 'prod_ü', 'a\u0000b'), repeat('[', 100000), replace(:'body', '"created": 1763700000', '"created": "now"'),
  replace(:'body', '"evt_signed"', '"evt signed"'), replace(:'body', 'prod_ü', repeat('x', 1048576)), regress.stripe_event('evt_x', 'charge.refunded', 1, '{"object": "charge"}')]) WITH ORDINALITY AS b (body, place) ORDER BY place;
SELECT latchkey.set_setting('billing.stripe_livemode', 'true');
SELECT regress.error_of(format('SELECT regress.stripe_send(%L)', :'body')) AS test_mode, regress.stripe_send(replace(replace(:'body', '"livemode": false', '"livemode": true'), 'evt_signed', 'evt_live')) AS live;
SELECT latchkey.set_setting('billing.stripe_livemode', 'false');
SELECT stripe_event_id, type, created_at, api_version, outcome, reason, payload #>> '{data,object,id}' AS object FROM latchkey.billing_events ORDER BY stripe_event_id;

-- A price that no plan has: the event waits, the plan stays; it is applied when the job finds that the price has come.
SELECT regress.stripe_checkout('b1', 1763700000, 'cus_bob', :'bob', '{"mode": "subscription", "subscription": "sub_cus_bob", "amount_total": 1999}');
SELECT regress.stripe_subscription('b2', 1763700010, 'cus_bob', 'active', 'price_bill_later');
SELECT regress.stripe_outcome('evt_b2'), plan, status FROM latchkey.subscription(:'bob');
SELECT latchkey.apply_parked_events();
SELECT stripe_event_id, type, created_at, outcome, reason, waits_for, account_id = :'bob' AS bobs, applied_at FROM latchkey.list_billing_events(outcome => 'parked');
SELECT data FROM latchkey.events WHERE aggregate_id = 'evt_b2' ORDER BY id;
SELECT key FROM latchkey.set_plan('premium', stripe_monthly_price_id => 'price_bill_later');
SELECT latchkey.apply_parked_events();
SELECT regress.stripe_outcome('evt_b2'), plan, tier, status, period_starts_at, period_ends_at, cancel_at, last_webhook_at, stripe_customer_id FROM latchkey.subscription(:'bob');
-- An older event changes nothing; of one second, the one of the higher rank stays; cancelled is never left.
SELECT regress.stripe_subscription('b3', 1763700005, 'cus_bob', 'past_due', 'price_bill_later'), regress.stripe_subscription('b4', 1763700020, 'cus_bob', 'active', 'price_bill_later', '{"cancel_at_period_end": true}');
SELECT plan, status, cancel_at FROM latchkey.subscription(:'bob');
SELECT regress.stripe_send(regress.stripe_event('evt_b5', 'customer.subscription.deleted', 1763700030, '{"id": "sub_cus_bob", "customer": {"id": "cus_bob", "object": "customer", "email": "bob@example.com"}, "status": "canceled", "ended_at": 1763700030, "items": {"data": [{"price": "price_bill_later"}]}}'));
SELECT regress.stripe_subscription('b6', 1763700030, 'cus_bob', 'active', 'price_bill_later'), regress.stripe_subscription('b7', 1763800000, 'cus_bob', 'active', 'price_bill_later');
SELECT plan, tier, status, cancel_at, status_changed_at FROM latchkey.subscription(:'bob');
-- Another subscription is another matter.
SELECT regress.stripe_subscription('b8', 1763700040, 'cus_bob', 'active', 'price_bill_later', '{"id": "sub_second", "start_date": 1763700040}');
SELECT plan, tier, status FROM latchkey.subscription(:'bob');
-- What is past due gives access for as long as the setting says, from Stripe's time on.
SELECT regress.stripe_subscription('b9', regress.stripe_now() - 3600, 'cus_bob', 'past_due', 'price_bill_later', '{"id": "sub_second"}');
SELECT plan, tier, status FROM latchkey.subscription(:'bob');
SELECT latchkey.set_setting('plans.past_due_grace', '30 minutes');
SELECT plan, tier, status FROM latchkey.subscription(:'bob');
SELECT latchkey.set_setting(key, default_value) FROM latchkey.settings WHERE key = 'plans.past_due_grace';
-- A status that we don't know fails, and says so; it can be applied again after an upgrade.
SELECT regress.stripe_subscription('b10', 1763900000, 'cus_bob', 'frozen', 'price_bill_later');
SELECT regress.stripe_outcome('evt_b10');

-- A customer whom nobody knows: their events wait until an administrator says whose they are. Accounts may have several customers, never a customer several accounts.
SELECT regress.stripe_subscription('a1', 1763700000, 'cus_ann', 'active', 'price_bill_later');
SELECT regress.stripe_refund('a2', 1763700100, 'cus_ann', 'pi_elsewhere', 250);
SELECT regress.stripe_outcome('evt_a1'), regress.stripe_outcome('evt_a2'), regress.error_of('SELECT latchkey.account_by_stripe_customer(''cus_ann'')') AS whose;
SELECT latchkey.set_stripe_customer(:'ann', 'cus_ann');
SELECT regress.stripe_outcome('evt_a1'), regress.stripe_outcome('evt_a2'), latchkey.account_by_stripe_customer('cus_ann') = :'ann' AS whose;
SELECT plan, status, stripe_customer_id FROM latchkey.subscription(:'ann');
SELECT kind, amount_cents, currency, occurred_at, stripe_charge_id FROM latchkey.list_billing_transactions(:'ann');
SELECT c.call, regress.error_of(format(c.call, :'ann', :'bob', :'unknown')) FROM unnest(ARRAY['SELECT latchkey.set_stripe_customer(%2$L, ''cus_ann'')', 'SELECT latchkey.set_stripe_customer(%1$L, ''cus_ann'')', 'SELECT latchkey.set_stripe_customer(%1$L, ''cus ann'')',
  'SELECT latchkey.set_stripe_customer(%1$L, '''')', 'SELECT latchkey.set_stripe_customer(%1$L, NULL)', 'SELECT latchkey.set_stripe_customer(NULL, ''cus_x'')', 'SELECT latchkey.set_stripe_customer(%3$L, ''cus_x'')', 'SELECT latchkey.account_by_stripe_customer(''cus_nobody'')',
  'SELECT latchkey.account_by_stripe_customer(NULL)']) AS c (call);
SELECT latchkey.set_stripe_customer(:'ann', 'cus_ann2');
SELECT stripe_customer_id FROM latchkey.subscription(:'ann');
SELECT regress.stripe_checkout('a3', 1763700200, 'cus_ann', :'bob', '{}');
SELECT regress.stripe_outcome('evt_a3');
SELECT count(*) FROM latchkey.list_billing_transactions(:'bob') WHERE stripe_checkout_id = 'cs_a3';
-- Who changes their address keeps their customer.
SELECT email FROM latchkey.update_user(:'ann', 'bill_anna@example.com');
SELECT latchkey.account_by_stripe_customer('cus_ann2') = :'ann' AS whose, stripe_customer_id FROM latchkey.subscription(:'ann');
-- A user who isn't there yet.
SELECT gen_random_uuid() AS later \gset
SELECT regress.stripe_checkout('u1', 1763700000, 'cus_later', :'later', '{"metadata": {"credits": "70"}}'), split_part(regress.stripe_outcome('evt_u1'), ' ', 2) AS reason;
INSERT INTO latchkey.accounts (id, kind, created_at) VALUES (:'later', 'tenant', now() - interval '1 hour');
SELECT latchkey.apply_parked_events();
SELECT regress.stripe_outcome('evt_u1'), available FROM latchkey.credit_balance(:'later');

-- A purchase that several events tell of is one. Credits come once, and refunds take them in proportion, rounded down, at the end all.
SELECT regress.new_user('bill_cleo') AS cleo \gset
SELECT latchkey.set_service_cost('bill.unit', 1) IS NOT NULL AS priced;
SELECT regress.stripe_checkout('c1', 1763700000, 'cus_cleo', :'cleo', '{"metadata": {"credits": "100"}, "invoice": "in_c1"}'),
       regress.stripe_send(regress.stripe_event('evt_c2', 'invoice.paid', 1763700001, '{"id": "in_c1", "customer": "cus_cleo", "payment_intent": "pi_c1", "amount_paid": 1000, "currency": "usd"}')),
       regress.stripe_checkout('c3', 1763700002, 'cus_cleo', :'cleo', '{"id": "cs_c1", "payment_intent": "pi_c1", "metadata": {"credits": "100"}}');
SELECT kind, amount_cents, credits, credits_revoked, occurred_at, stripe_checkout_id, stripe_invoice_id, stripe_payment_intent_id FROM latchkey.list_billing_transactions(:'cleo');
SELECT (latchkey.credit_balance(:'cleo')).available;
SELECT regress.stripe_refund('c4', 1763700300, 'cus_cleo', 'pi_c1', 335);
SELECT (latchkey.credit_balance(:'cleo')).available, credits_revoked FROM latchkey.list_billing_transactions(:'cleo') WHERE kind = 'payment';
-- Heard of late, it is a part of what is booked.
SELECT regress.stripe_refund('c5', 1763700200, 'cus_cleo', 'pi_c1', 100), regress.stripe_refund('c6', 1763700200, 'cus_cleo', 'pi_c1', 335);
SELECT kind, amount_cents, occurred_at FROM latchkey.list_billing_transactions(:'cleo');
-- All but 5 are spent: what is missing is a debt, and the next purchase settles it.
SELECT amount FROM latchkey.debit_credits(:'cleo', 'bill.unit', 62);
SELECT regress.stripe_refund('c7', 1763700400, 'cus_cleo', 'pi_c1', 1000);
SELECT available, credit_debt FROM latchkey.billing_accounts, latchkey.credit_balance(:'cleo') WHERE billing_accounts.account_id = :'cleo';
SELECT regress.stripe_checkout('c8', 1763700500, 'cus_cleo', :'cleo', '{"metadata": {"credits": "50"}}');
SELECT available, credit_debt FROM latchkey.billing_accounts, latchkey.credit_balance(:'cleo') WHERE billing_accounts.account_id = :'cleo';
SELECT regress.stripe_checkout('c9', 1763700600, 'cus_cleo', :'cleo', '{"metadata": {"credits": "50"}}');
SELECT available, credit_debt FROM latchkey.billing_accounts, latchkey.credit_balance(:'cleo') WHERE billing_accounts.account_id = :'cleo';
SELECT kind, sum(amount) FROM latchkey.credit_transactions WHERE account_id = :'cleo' GROUP BY kind ORDER BY kind;
SELECT count(*) AS problems FROM latchkey.verify_ledger(:'cleo');
-- Or it is refused: nothing is taken, and an administrator sees it; it is taken when credits have come.
SELECT latchkey.set_setting('billing.refund_shortfall', 'refuse');
SELECT amount FROM latchkey.debit_credits(:'cleo', 'bill.unit', 30);
SELECT regress.stripe_refund('c10', 1763700700, 'cus_cleo', 'pi_c9', 1000);
SELECT outcome, reason FROM latchkey.billing_events WHERE stripe_event_id = 'evt_c10';
SELECT available, credit_debt FROM latchkey.billing_accounts, latchkey.credit_balance(:'cleo') WHERE billing_accounts.account_id = :'cleo';
SELECT latchkey.apply_parked_events();
SELECT regress.stripe_checkout('c11', 1763700800, 'cus_cleo', :'cleo', '{"metadata": {"credits": "60"}}');
SELECT latchkey.apply_parked_events();
SELECT regress.stripe_outcome('evt_c10'), available FROM latchkey.credit_balance(:'cleo');
SELECT latchkey.set_setting('billing.refund_shortfall', 'debt');
-- What is malformed is parked, with its payment; what is unpaid is none; a guest's refund finds its payment.
SELECT regress.stripe_checkout('c12', 1763700900, 'cus_cleo', :'cleo', '{"metadata": {"credits": "1e3"}}'), regress.stripe_outcome('evt_c12'), regress.stripe_checkout('c13', 1763700910, 'cus_cleo', :'cleo', '{"metadata": {"credits": "9"}, "payment_status": "unpaid"}'),
       regress.stripe_refund('c15', 1763700930, NULL, 'pi_c14', 500), regress.stripe_outcome('evt_c15'), regress.stripe_checkout('c14', 1763700920, NULL, :'cleo', '{}');
SELECT regress.stripe_outcome('evt_c15'), (latchkey.credit_balance(:'cleo')).available;
SELECT kind, amount_cents, credits, credits_revoked, occurred_at FROM latchkey.list_billing_transactions(:'cleo');
SELECT regress.events_of(:'cleo');
-- Pages.
SELECT id AS second FROM latchkey.list_billing_transactions(:'cleo', max_rows => 2) OFFSET 1 \gset
SELECT count(*) FILTER (WHERE p.id = ANY (ARRAY(SELECT id FROM latchkey.list_billing_transactions(:'cleo', max_rows => 2)))) AS again, count(*) = (SELECT count(*) - 2 FROM latchkey.list_billing_transactions(:'cleo')) AS rest FROM latchkey.list_billing_transactions(:'cleo', :'second') AS p;
SELECT stripe_event_id FROM latchkey.list_billing_events(max_rows => 2, type => 'charge.refunded');
SELECT stripe_event_id FROM latchkey.list_billing_events('evt_c15', 2, type => 'charge.refunded');
SELECT c.call, regress.error_of(format(c.call, :'cleo')) FROM unnest(ARRAY['SELECT latchkey.list_billing_transactions(NULL)', 'SELECT latchkey.list_billing_transactions(%L, NULL, 0)', 'SELECT latchkey.list_billing_events(max_rows => 1001)', 'SELECT latchkey.list_billing_events(outcome => ''lost'')',
  'SELECT latchkey.list_payment_methods(NULL)', 'SELECT latchkey.apply_parked_events(0)', 'SELECT latchkey.apply_parked_events(NULL)']) AS c (call);

-- A subscription that never gave access ends no trial of ours; one that does is what it turns into, whichever was heard of first.
SELECT regress.new_user('bill_tia') AS tia, regress.new_user('bill_uli') AS uli \gset
SELECT status FROM unnest(ARRAY[:'tia', :'uli']::uuid[]) AS u, latchkey.start_trial(u, 'pro');
SELECT latchkey.set_stripe_customer(:'tia', 'cus_tia'), latchkey.set_stripe_customer(:'uli', 'cus_uli');
SELECT regress.stripe_subscription('t1', 1763700000, 'cus_tia', 'incomplete', 'price_bill_later'), regress.stripe_subscription('t2', 1763700600, 'cus_uli', 'canceled', 'price_bill_later');
SELECT plan, tier, status, trial_status FROM unnest(ARRAY[:'tia', :'uli']::uuid[]) AS u, latchkey.subscription(u);
SELECT regress.stripe_subscription('t3', 1763700500, 'cus_tia', 'active', 'price_bill_later'), regress.stripe_subscription('t4', 1763700500, 'cus_uli', 'active', 'price_bill_later');
SELECT plan, tier, status, trial_status FROM unnest(ARRAY[:'tia', :'uli']::uuid[]) AS u, latchkey.subscription(u);

-- An old subscription, which had ended before, is no reason to end a trial for a checkout that isn't paid.
SELECT regress.new_user('bill_vic') AS vic \gset
SELECT latchkey.set_stripe_customer(:'vic', 'cus_vic'), regress.stripe_subscription('v1', 1763700000, 'cus_vic', 'active', 'price_bill_later'), regress.stripe_subscription('v2', 1763700600, 'cus_vic', 'canceled', 'price_bill_later');
SELECT status FROM latchkey.start_trial(:'vic', 'pro');
SELECT regress.stripe_subscription('v3', 1763800000, 'cus_vic', 'incomplete', 'price_bill_later', '{"id": "sub_vic_again"}');
SELECT plan, tier, status, trial_status FROM latchkey.subscription(:'vic');
SELECT regress.stripe_subscription('v4', 1763800100, 'cus_vic', 'active', 'price_bill_later', '{"id": "sub_vic_again"}');
SELECT plan, tier, status, trial_status FROM latchkey.subscription(:'vic');

-- Versions: a price that goes along with newer ones goes on giving the one that was paid for; who was moved stays; who takes a newer price gets its version.
SELECT regress.new_user('bill_wim') AS wim \gset
SELECT version FROM latchkey.set_plan('versed', 'Versed', rank => 12, monthly_price_cents => 100, stripe_monthly_price_id => 'price_versed_1');
SELECT latchkey.set_stripe_customer(:'wim', 'cus_wim'), regress.stripe_subscription('w1', regress.stripe_now(), 'cus_wim', 'active', 'price_versed_1');
SELECT pg_sleep(1.1 - extract(microseconds FROM clock_timestamp())::numeric % 1000000 / 1000000);
SELECT latchkey.set_plan_feature('versed', 'export');
SELECT plan, version FROM latchkey.plan_of_price('price_versed_1');
SELECT regress.stripe_subscription('w2', regress.stripe_now() + 1, 'cus_wim', 'active', 'price_versed_1');
SELECT plan, plan_version, latchkey.can_use(:'wim', 'export') FROM latchkey.subscription(:'wim');
SELECT latchkey.move_to_newest_version('versed', :'wim');
SELECT regress.stripe_subscription('w3', regress.stripe_now() + 2, 'cus_wim', 'past_due', 'price_versed_1');
SELECT plan_version, status FROM latchkey.subscription(:'wim');
SELECT version FROM latchkey.set_plan('versed', monthly_price_cents => 200);
SELECT version FROM latchkey.set_plan('versed', stripe_monthly_price_id => 'price_versed_2');
SELECT regress.stripe_subscription('w4', regress.stripe_now() + 3, 'cus_wim', 'active', 'price_versed_2');
SELECT plan_version, status FROM latchkey.subscription(:'wim');
-- Who comes later with the price that goes along has what it names by then.
SELECT regress.new_user('bill_xia') AS xia \gset
SELECT latchkey.set_stripe_customer(:'xia', 'cus_xia'), regress.stripe_subscription('x1', regress.stripe_now() + 1, 'cus_xia', 'active', 'price_versed_1');
SELECT plan, plan_version, latchkey.can_use(:'xia', 'export') FROM latchkey.subscription(:'xia');
SELECT latchkey.retire_plan('versed');

-- Cards: brand, last four digits and expiry; an older word about one changes nothing. Payment failures, disputes.
SELECT regress.stripe_send(regress.stripe_event('evt_d1', 'payment_method.attached', 1763701000, '{"id": "pm_1", "object": "payment_method", "customer": "cus_cleo", "billing_details": {"name": "Cleo"}, "card": {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2031, "fingerprint": "Xt5EWLLDS7FJjR1c"}}')),
       regress.stripe_send(regress.stripe_event('evt_d2', 'payment_method.automatically_updated', 1763700999, '{"id": "pm_1", "object": "payment_method", "customer": "cus_cleo", "card": {"brand": "visa", "last4": "4242", "exp_month": 11, "exp_year": 2027}}'));
SELECT * FROM latchkey.list_payment_methods(:'cleo');
SELECT payload #> '{data,object}' AS kept FROM latchkey.billing_events WHERE stripe_event_id = 'evt_d1';
SELECT regress.stripe_send(jsonb_set(regress.stripe_event('evt_d3', 'payment_method.detached', 1763701001, '{"id": "pm_1", "object": "payment_method", "customer": null, "card": {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2031}}')::jsonb, '{data,previous_attributes}', '{"customer": "cus_cleo"}')::text);
SELECT count(*) FROM latchkey.list_payment_methods(:'cleo');
SELECT regress.stripe_send(regress.stripe_event('evt_d4', 'invoice.payment_failed', 1763701002, '{"id": "in_d4", "customer": "cus_cleo", "attempt_count": 2, "next_payment_attempt": 1763800000}')), regress.stripe_send(regress.stripe_event('evt_d5', 'charge.dispute.created', 1763701003, '{"id": "dp_1", "payment_intent": "pi_c1"}'));
SELECT type, account_id = :'cleo' AS cleos, data FROM latchkey.events WHERE aggregate_id IN ('evt_d4', 'evt_d5') ORDER BY id;

-- Applying everything again changes nothing.
CREATE TABLE regress.stripe_before AS SELECT * FROM latchkey.subscription(:'bob');
SELECT count(*) AS happened, max(id::text) AS last FROM latchkey.events \gset
SELECT events = (SELECT count(*) FROM latchkey.billing_events) AS complete, parked, last_event_id FROM latchkey.replay_billing();
-- In batches, to the same sum.
WITH RECURSIVE pages AS (SELECT r.*, 1 AS page FROM latchkey.replay_billing(batch => 7) AS r UNION ALL SELECT r.*, p.page + 1 FROM pages AS p, latchkey.replay_billing(p.last_event_id, 7) AS r WHERE p.last_event_id IS NOT NULL)
SELECT sum(events) = (SELECT count(*) FROM latchkey.billing_events) AS complete, sum(parked) AS parked, count(*) > 3 AS pages, max(events) AS largest FROM pages;
SELECT regress.error_of(s) FROM unnest(ARRAY['SELECT latchkey.replay_billing(''evt_nowhere'')', 'SELECT latchkey.replay_billing(batch => 0)', 'SELECT latchkey.replay_billing(NULL, 100001)', 'SELECT latchkey.replay_billing(NULL, NULL)']) AS s;
SELECT string_agg(type, ' ' ORDER BY id) AS happened FROM latchkey.events WHERE id::text > :'last';
SELECT count(*) AS same FROM (TABLE regress.stripe_before INTERSECT SELECT * FROM latchkey.subscription(:'bob')) AS s;

-- One's own, and nobody else's; the signature is authority enough.
SELECT regress.token_of('bill_bob') AS bob_token, regress.token_of('bill_root') AS root_token \gset
SELECT c.call, left(regress.error_as(:'bob_token', format(c.call, :'bob', :'cleo')), 60) AS bob, left(regress.error_as(:'root_token', format(c.call, :'bob', :'cleo')), 60) AS root FROM unnest(ARRAY['SELECT latchkey.list_billing_transactions(%1$L)', 'SELECT latchkey.list_billing_transactions(%2$L)',
  'SELECT latchkey.list_payment_methods(%1$L)', 'SELECT latchkey.list_payment_methods(%2$L)', 'SELECT latchkey.list_billing_events()', 'SELECT latchkey.apply_parked_events()', 'SELECT latchkey.replay_billing()', 'SELECT latchkey.set_stripe_customer(%1$L, ''cus_y'')',
  'SELECT latchkey.account_by_stripe_customer(''cus_bob'')']) AS c (call);
SET ROLE regress_latchkey_gateway;
SELECT regress.error_of(format('SELECT latchkey.ingest_stripe_event(%L, %L)', :'body', format('t=%s,v1=%s', :'now', :'other_mac'))) AS unsigned;
RESET ROLE;
-- Nobody's events: of a user who has left.
SELECT latchkey.delete_user(:'cleo') IS NOT NULL AS deleted;
SELECT regress.stripe_subscription('z1', 1763800000, 'cus_cleo', 'active', 'price_bill_later'), regress.stripe_outcome('evt_z1');
DROP TABLE regress.stripe_before;
RESET TimeZone;
