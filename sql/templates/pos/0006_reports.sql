-- Reports. Days are those of the setting shop.time_zone.

CREATE FUNCTION pos.day_of(instant timestamptz) RETURNS date
  LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT (instant AT TIME ZONE coalesce((SELECT s.value #>> '{}' FROM pos.settings s
                                         WHERE s.key = 'shop.time_zone'), 'UTC'))::date;
END;
COMMENT ON FUNCTION pos.day_of(timestamptz) IS 'The shop''s day at an instant.';

CREATE VIEW pos.daily_sales AS
  SELECT day, currency, sum(sales)::bigint AS sales, sum(sold_cents)::bigint AS sold_cents,
         sum(tax_cents)::bigint AS tax_cents, sum(refunded_cents)::bigint AS refunded_cents,
         sum(sold_cents - refunded_cents)::bigint AS net_cents
    FROM (SELECT pos.day_of(s.completed_at) AS day, s.currency, 1 AS sales, s.total_cents AS sold_cents, s.tax_cents,
                 0::bigint AS refunded_cents
            FROM pos.sales s WHERE s.completed_at IS NOT NULL
           UNION ALL
          SELECT pos.day_of(p.created_at), s.currency, 0, 0, 0, -p.amount_cents
            FROM pos.payments p JOIN pos.sales s ON s.id = p.sale_id
           WHERE p.amount_cents < 0 AND p.created_at >= s.completed_at) AS booked
   GROUP BY day, currency;
COMMENT ON VIEW pos.daily_sales IS
  'By day and currency: sales completed, their totals, the tax in these, what was paid back that day (whenever it was '
  'sold), and the difference.';

CREATE VIEW pos.payments_by_method AS
  SELECT pos.day_of(p.created_at) AS day, p.method, s.currency, count(*) AS payments,
         coalesce(sum(p.amount_cents) FILTER (WHERE p.amount_cents > 0), 0)::bigint AS received_cents,
         coalesce(-sum(p.amount_cents) FILTER (WHERE p.amount_cents < 0), 0)::bigint AS paid_back_cents,
         sum(p.amount_cents)::bigint AS net_cents
    FROM pos.payments p JOIN pos.sales s ON s.id = p.sale_id
   GROUP BY 1, 2, 3;
COMMENT ON VIEW pos.payments_by_method IS 'By day, method and currency: what must be in the drawer, on the card terminal …';

CREATE VIEW pos.sales_by_product AS
  SELECT pos.day_of(s.completed_at) AS day, l.product_id, p.sku, p.title, s.currency, sum(l.quantity)::bigint AS quantity,
         sum(l.total_cents)::bigint AS sold_cents, sum(l.tax_cents)::bigint AS tax_cents,
         sum(l.total_cents - l.tax_cents - l.quantity * l.cost_cents)::bigint AS margin_cents
    FROM pos.sale_lines l JOIN pos.sales s ON s.id = l.sale_id JOIN pos.products p ON p.id = l.product_id
   WHERE s.completed_at IS NOT NULL
   GROUP BY 1, 2, 3, 4, 5;
COMMENT ON VIEW pos.sales_by_product IS
  'By day, product and currency, refunds not subtracted. margin_cents: without tax, and of pieces whose cost is known.';

CREATE VIEW pos.sales_by_cashier AS
  SELECT pos.day_of(s.completed_at) AS day, s.cashier_id, u.name, s.currency, count(*) AS sales,
         sum(s.total_cents)::bigint AS sold_cents
    FROM pos.sales s LEFT JOIN pos.users u ON u.id = s.cashier_id
   WHERE s.completed_at IS NOT NULL
   GROUP BY 1, 2, 3, 4;
COMMENT ON VIEW pos.sales_by_cashier IS 'By day, cashier and currency, refunds not subtracted.';

CREATE VIEW pos.stock_value AS
  SELECT p.id AS product_id, p.sku, p.title, i.on_hand, p.currency, i.on_hand * p.cost_cents AS cost_cents,
         i.on_hand * p.price_cents AS price_cents
    FROM pos.products p JOIN pos.inventory i ON i.product_id = p.id
   WHERE i.tracked;
COMMENT ON VIEW pos.stock_value IS 'What the stock has cost, null where that is not known, and what it would be sold for.';
