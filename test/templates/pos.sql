-- The template `pos`: a counter's day, and what it refuses.
\set ann '''00000000-0000-7000-8000-000000000001'''
\set tea '''00000000-0000-7000-8000-0000000000a1'''
\set cut '''00000000-0000-7000-8000-0000000000a2'''
\set one '''00000000-0000-7000-8000-0000000000b1'''
\set two '''00000000-0000-7000-8000-0000000000b2'''
INSERT INTO pos.products (id, sku, barcode, title, price_cents, cost_cents, tax_rate_bp) VALUES
  (:tea, 'TEA', '4001234567890', 'Tea', 499, 200, 700), (:cut, 'CUT', NULL, 'Haircut', 2500, NULL, 1900);
INSERT INTO pos.products (sku, barcode, title, price_cents) VALUES ('TEA2', '4001234567890', 'Tea', 499);
UPDATE pos.inventory SET tracked = false WHERE product_id = :cut;
INSERT INTO pos.inventory_movements (product_id, quantity, reason) VALUES (:tea, 3, 'receipt');
-- A sale: lines, payments, completed.
INSERT INTO pos.sales (id, register, cashier_id, paid_cents) VALUES (:one, '1', :ann, 5);
INSERT INTO pos.sale_lines (sale_id, product_id, quantity) VALUES (:one, :tea, 2), (:one, :cut, 1);
SELECT number, status, lines_cents, tax_cents, total_cents, paid_cents FROM pos.sales;
UPDATE pos.sales SET status = 'completed';
INSERT INTO pos.payments (sale_id, method, amount_cents, tendered_cents) VALUES (:one, 'cash', 1000, 900);
INSERT INTO pos.payments (sale_id, method, amount_cents, tendered_cents) VALUES (:one, 'card', 1000, 2000);
INSERT INTO pos.payments (sale_id, method, amount_cents, tendered_cents, idempotency_key) VALUES (:one, 'cash', 1000, 2000, 'k');
INSERT INTO pos.payments (sale_id, method, amount_cents, idempotency_key) VALUES (:one, 'cash', 1000, 'k');
SELECT amount_cents, change_cents FROM pos.payments;
UPDATE pos.sales SET status = 'completed';
UPDATE pos.sales SET status = 'voided';
INSERT INTO pos.payments (sale_id, method, amount_cents) VALUES (:one, 'card', 2498);
UPDATE pos.sales SET status = 'completed';
SELECT status, total_cents, paid_cents, completed_at IS NOT NULL AS completed FROM pos.sales;
SELECT p.sku, i.on_hand FROM pos.inventory i JOIN pos.products p ON p.id = i.product_id ORDER BY sku;
SELECT quantity, reason, user_id FROM pos.inventory_movements WHERE sale_id = :one;
-- What is over stays as it is.
UPDATE pos.sales SET discount_cents = 1;
UPDATE pos.sales SET status = 'open';
DELETE FROM pos.sales;
DELETE FROM pos.sale_lines;
INSERT INTO pos.sale_lines (sale_id, product_id, quantity) VALUES (:one, :tea, 1);
INSERT INTO pos.payments (sale_id, method, amount_cents) VALUES (:one, 'card', 1);
UPDATE pos.payments SET amount_cents = 1;
UPDATE pos.sales SET status = 'refunded';
-- Paying back, at most what was paid.
INSERT INTO pos.payments (sale_id, method, amount_cents) VALUES (:one, 'card', -2498);
INSERT INTO pos.payments (sale_id, method, amount_cents) VALUES (:one, 'cash', -1001);
SELECT sales, sold_cents, tax_cents, refunded_cents, net_cents FROM pos.daily_sales;
SELECT method, payments, received_cents, paid_back_cents, net_cents FROM pos.payments_by_method ORDER BY method;
SELECT sku, quantity, sold_cents, tax_cents, margin_cents FROM pos.sales_by_product ORDER BY sku;
SELECT cashier_id, name, sales, sold_cents FROM pos.sales_by_cashier;
SELECT sku, on_hand, cost_cents, price_cents FROM pos.stock_value;
INSERT INTO pos.payments (sale_id, method, amount_cents) VALUES (:one, 'cash', -1000);
UPDATE pos.sales SET status = 'refunded';
INSERT INTO pos.payments (sale_id, method, amount_cents) VALUES (:one, 'cash', -1);
-- Not enough stock: the sale stays open, and what was paid is paid back before it is voided.
INSERT INTO pos.sales (id) VALUES (:two);
UPDATE pos.sales SET status = 'completed' WHERE id = :two;
INSERT INTO pos.sale_lines (sale_id, product_id, quantity) VALUES (:two, :tea, 2);
INSERT INTO pos.payments (sale_id, method, amount_cents) VALUES (:two, 'card', 998);
UPDATE pos.sales SET status = 'completed' WHERE id = :two;
INSERT INTO pos.payments (sale_id, method, amount_cents) VALUES (:two, 'card', -998);
UPDATE pos.sales SET status = 'voided' WHERE id = :two;
SELECT status, paid_cents, voided_at IS NOT NULL AS voided FROM pos.sales WHERE id = :two;
SELECT count(*) FROM pos.low_stock;
SELECT * FROM pos.inventory_drift;
-- A day is the shop's.
UPDATE pos.settings SET value = '"Pacific/Auckland"' WHERE key = 'shop.time_zone';
SELECT pos.day_of('2026-11-21 12:00+00');
