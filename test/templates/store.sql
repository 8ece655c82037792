-- The template `store`: a shop's day, and what it refuses.
\set ann '''00000000-0000-7000-8000-000000000001'''
\set tee '''00000000-0000-7000-8000-0000000000a1'''
\set mug '''00000000-0000-7000-8000-0000000000a2'''
\set pdf '''00000000-0000-7000-8000-0000000000a3'''
\set one '''00000000-0000-7000-8000-0000000000b1'''
\set two '''00000000-0000-7000-8000-0000000000b2'''
-- Names don't depend on the caller's path, which may hold anything.
CREATE SCHEMA evil;
CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT '1999-01-01'::timestamptz $$;
CREATE TABLE evil.inventory (variant_id uuid, on_hand integer);
SET search_path = evil, pg_catalog;
INSERT INTO store.products (id, slug, title, status) VALUES (:tee, 'tee', 'Tee', 'active'), (:mug, 'mug', 'Mug', 'active'), (:pdf, 'book', 'Book', 'active');
INSERT INTO store.variants (id, product_id, sku, title, price_cents, tax_rate_bp, tax_included) VALUES
  (:tee, :tee, 'TEE-M', 'M', 1999, 1900, true), (:mug, :mug, 'MUG', NULL, 1000, 700, false), (:pdf, :pdf, 'PDF', NULL, 500, 700, true);
INSERT INTO store.products (slug, title) VALUES ('Not a slug', 'x');
INSERT INTO store.variants (product_id, sku, price_cents) VALUES (:tee, 'TEE-M', 1);
INSERT INTO store.variants (product_id, sku, price_cents) VALUES (:tee, 'TEE-L', -1);
INSERT INTO store.variants (product_id, sku, price_cents, currency) VALUES (:tee, 'TEE-L', 1, 'euro');
-- Stock is what its movements say, and changes by nothing else.
UPDATE store.inventory SET tracked = false WHERE variant_id = :pdf;
INSERT INTO store.inventory_movements (variant_id, quantity, reason) VALUES (:tee, 5, 'receipt'), (:tee, -1, 'loss'), (:mug, 2, 'receipt');
SELECT v.sku, i.on_hand FROM store.inventory i JOIN store.variants v ON v.id = i.variant_id ORDER BY sku;
UPDATE store.inventory SET on_hand = 100;
DELETE FROM store.inventory;
INSERT INTO store.inventory_movements (variant_id, quantity, reason) VALUES (:tee, -5, 'loss');
INSERT INTO store.inventory_movements (variant_id, quantity, reason) VALUES (:tee, 1, 'order');
INSERT INTO store.inventory_movements (variant_id, quantity, reason) VALUES (:tee, 0, 'count');
UPDATE store.inventory_movements SET quantity = 7;
DELETE FROM store.inventory_movements;
TRUNCATE store.inventory_movements;
UPDATE store.inventory SET reorder_level = 3 WHERE variant_id = :mug;
SELECT sku, on_hand, reorder_level FROM store.low_stock;
-- An order: lines are copies, totals follow them.
INSERT INTO store.customers (id, email, name) VALUES (:ann, 'Ann@example.com', 'Ann');
INSERT INTO store.customers (email, name) VALUES ('ann@EXAMPLE.com', 'Another');
INSERT INTO store.orders (id, customer_id, shipping_cents, lines_cents) VALUES (:one, :ann, 490, 77);
INSERT INTO store.order_lines (order_id, variant_id, quantity) VALUES (:one, :tee, 2), (:one, :mug, 1), (:one, :pdf, 1);
SELECT sku, title, quantity, unit_price_cents, tax_cents, total_cents FROM store.order_lines ORDER BY sku;
SELECT number, status, lines_cents, tax_cents, shipping_cents, total_cents FROM store.orders;
UPDATE store.order_lines SET discount_cents = 999 WHERE sku = 'TEE-M';
UPDATE store.orders SET lines_cents = 1, tax_cents = 1, discount_cents = 100;
SELECT lines_cents, tax_cents, total_cents, (SELECT sum(total_cents) FROM store.order_lines) AS lines FROM store.orders;
UPDATE store.orders SET total_cents = 1;
UPDATE store.order_lines SET discount_cents = 99999 WHERE sku = 'TEE-M';
UPDATE store.orders SET currency = 'USD';
INSERT INTO store.order_lines (order_id, variant_id, quantity) VALUES (:one, :one, 1);
INSERT INTO store.order_lines (order_id, variant_id, quantity) VALUES (:one, :tee, 0);
INSERT INTO store.orders (id, currency) VALUES (:two, 'USD');
INSERT INTO store.order_lines (order_id, variant_id, quantity) VALUES (:two, :tee, 1);
UPDATE store.orders SET status = 'placed' WHERE id = :two;
DELETE FROM store.orders WHERE id = :two;
-- A price that changes later changes no order. One statement may do several things to the lines.
UPDATE store.variants SET price_cents = 1 WHERE id = :mug;
WITH gone AS (DELETE FROM store.order_lines WHERE sku = 'PDF')
  INSERT INTO store.order_lines (order_id, variant_id, quantity, unit_price_cents) VALUES (:one, :pdf, 2, 400);
SELECT lines_cents, (SELECT sum(total_cents) FROM store.order_lines) AS lines FROM store.orders;
-- Steps: each in its turn, with stock.
INSERT INTO store.orders (status) VALUES ('paid');
UPDATE store.orders SET status = 'paid';
UPDATE store.orders SET status = 'placed';
SELECT v.sku, i.on_hand FROM store.inventory i JOIN store.variants v ON v.id = i.variant_id ORDER BY sku;
SELECT v.sku, m.quantity, m.reason FROM store.inventory_movements m JOIN store.variants v ON v.id = m.variant_id WHERE order_id = :one ORDER BY sku;
UPDATE store.order_lines SET quantity = 9;
DELETE FROM store.order_lines;
TRUNCATE store.order_lines;
UPDATE store.orders SET discount_cents = 0;
DELETE FROM store.orders;
DELETE FROM store.variants WHERE id = :tee;
UPDATE store.orders SET status = 'shipped';
UPDATE store.orders SET status = 'paid', note = 'by card';
UPDATE store.orders SET status = 'shipped';
UPDATE store.orders SET status = 'refunded';
-- Shipped goods come back by a movement only.
SELECT v.sku, i.on_hand FROM store.inventory i JOIN store.variants v ON v.id = i.variant_id ORDER BY sku;
SELECT status, placed_at > '2000-01-01', paid_at IS NOT NULL, shipped_at IS NOT NULL, completed_at, refunded_at IS NOT NULL FROM store.orders;
-- More than is there, unless that is allowed.
INSERT INTO store.orders (id) VALUES (:two);
INSERT INTO store.order_lines (order_id, variant_id, quantity) VALUES (:two, :mug, 2);
UPDATE store.orders SET status = 'placed' WHERE id = :two;
UPDATE store.inventory SET allow_negative = true WHERE variant_id = :mug;
UPDATE store.orders SET status = 'placed' WHERE id = :two;
SELECT on_hand FROM store.inventory WHERE variant_id = :mug;
UPDATE store.inventory SET allow_negative = false WHERE variant_id = :mug;
-- What was taken comes back, whatever the lines' goods are now.
UPDATE store.inventory SET tracked = false WHERE variant_id = :mug;
UPDATE store.orders SET status = 'cancelled' WHERE id = :two;
SELECT on_hand FROM store.inventory WHERE variant_id = :mug;
SELECT * FROM store.inventory_drift;
SELECT orders, total_cents FROM store.daily_orders;
-- Cron: one row for a due time. Credits: the newest balance.
INSERT INTO store.cron_jobs (id, name, cron, type) VALUES (:one, 'nightly', '0 3 * * *', 'report');
INSERT INTO store.cron_job_executions (cron_job_id, due_at, started_at) VALUES (:one, '2026-11-21 03:00+00', '2026-11-21 03:00:01+00');
INSERT INTO store.cron_job_executions (cron_job_id, due_at) VALUES (:one, '2026-11-21 03:00+00');
UPDATE store.cron_job_executions SET status = 'succeeded';
UPDATE store.cron_job_executions SET status = 'succeeded', finished_at = '2026-11-21 03:00:03+00';
SELECT status, duration FROM store.cron_job_executions;
SELECT store.cache_credit_balance(100, 1), store.cache_credit_balance(90, 3), store.cache_credit_balance(95, 2);
SELECT available, version FROM store.credit_balance;
INSERT INTO store.credit_balance (single_row, available, version) VALUES (false, 1, 9);
INSERT INTO store.credit_spending (service, credits, idempotency_key) VALUES ('mail', 2, 'k');
INSERT INTO store.credit_spending (service, credits, idempotency_key) VALUES ('mail', 2, 'k');
DELETE FROM store.credit_spending;
