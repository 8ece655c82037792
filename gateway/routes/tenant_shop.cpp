// Routes on the token's tenant's database: products, orders of a store, and sales of a counter.
#include "gateway/routes/tenant_data.hpp"

namespace latchkey {
namespace {

#define LATCHKEY_STORE_PRODUCT                                                                     \
  "SELECT p.*, (SELECT coalesce(json_agg(v), '[]') FROM (SELECT v.*, i.on_hand FROM @.variants v " \
  "JOIN @.inventory i ON i.variant_id = v.id WHERE v.product_id = p.id "                           \
  "ORDER BY v.sort_order, v.id) AS v) AS variants FROM @.products p "
#define LATCHKEY_POS_PRODUCT \
  "SELECT p.*, i.on_hand FROM @.products p JOIN @.inventory i ON i.product_id = p.id "
#define LATCHKEY_PAGE_OF(rows, more)                                                             \
  "SELECT coalesce(json_agg(r), '[]') FROM (" rows "WHERE ($1::uuid IS NULL OR p.id < $1) " more \
  " ORDER BY p.id DESC LIMIT coalesce($2::integer, 100)) AS r"
#define LATCHKEY_ONE_OF(rows) "SELECT row_to_json(r) FROM (" rows "WHERE p.id = $1::uuid) AS r"

Route ListProducts() {
  return Route("GET", "/api/tenant/products", "listTenantProducts", "tenant")
      .Summary(
          "Products with their stock, newest first, a page at a time; a store's with variants.")
      .InTenant(kReadData)
      .Store(LATCHKEY_PAGE_OF(LATCHKEY_STORE_PRODUCT, ""))
      .Pos(LATCHKEY_PAGE_OF(LATCHKEY_POS_PRODUCT, ""))
      .Takes(PageAfter())
      .Takes(PageSize())
      .Returns("products", "object", true)
      .Fails(TenantErrors());
}

Route GetProduct() {
  return Route("GET", "/api/tenant/products/{id}", "getTenantProduct", "tenant")
      .Summary("One product.")
      .InTenant(kReadData)
      .Store(LATCHKEY_ONE_OF(LATCHKEY_STORE_PRODUCT))
      .Pos(LATCHKEY_ONE_OF(LATCHKEY_POS_PRODUCT))
      .Takes(RowId("The product."))
      .Returns("product", "object")
      .Fails(TenantErrors());
}

Route CreateProduct() {
  return Route("POST", "/api/tenant/products", "createTenantProduct", "tenant")
      .Summary("Adds a product; in a store with one variant, and shown when it is active.")
      .InTenant(kWriteData, Access::kWrite)
      .Store(
          "WITH p AS (INSERT INTO @.products (slug, title, status, attributes) VALUES (trim(BOTH "
          "'-' "
          "FROM regexp_replace(lower($2), '[^a-z0-9]+', '-', 'g')), $1, CASE WHEN "
          "coalesce($9::boolean, true) THEN 'active' ELSE 'draft' END, jsonb_strip_nulls("
          "jsonb_build_object('category', $8::text))) RETURNING *), v AS (INSERT INTO @.variants "
          "(product_id, sku, price_cents, currency, tax_rate_bp, tax_included, barcode) SELECT "
          "p.id, "
          "$2, $3::bigint, coalesce($4, @.currency()), coalesce($5::integer, 0), "
          "coalesce($6::boolean, true), $7 FROM p RETURNING *) SELECT to_jsonb(p) || "
          "jsonb_build_object('variants', jsonb_build_array(to_jsonb(v))) FROM p, v")
      .Pos(
          "INSERT INTO @.products AS p (title, sku, price_cents, currency, tax_rate_bp, "
          "tax_included, "
          "barcode, category, active) VALUES ($1, $2, $3::bigint, coalesce($4, @.currency()), "
          "coalesce($5::integer, 0), coalesce($6::boolean, true), $7, $8, "
          "coalesce($9::boolean, true)) RETURNING row_to_json(p)")
      .Takes(BodyField("title", Type::kText, kRequired, 500, "What people read."))
      .Takes(BodyField("sku", Type::kText, kRequired, 100, "The shop's own number for it."))
      .Takes(BodyField("price_cents", Type::kInteger, kRequired, kMaxCents, "The price."))
      .Takes(BodyField("currency", Type::kText, kOptional, 3, "ISO 4217; else the shop's."))
      .Takes(BodyField("tax_rate_bp", Type::kInteger, kOptional, 10000, "1900 is 19 %."))
      .Takes(BodyField("tax_included", Type::kBoolean, kOptional, 0, "In the price; else true."))
      .Takes(BodyField("barcode", Type::kText, kOptional, 100, "As scanners read it."))
      .Takes(BodyField("category", Type::kText, kOptional, 200, "The shop's own."))
      .Takes(BodyField("active", Type::kBoolean, kOptional, 0, "Whether it is sold; else true."))
      .Returns("product", "object")
      .Status(201)
      .Fails(TenantErrors());
}

Route ChangeProduct() {
  return Route("PATCH", "/api/tenant/products/{id}", "changeTenantProduct", "tenant")
      .Summary("Changes what is given; the price in a store of all variants.")
      .InTenant(kWriteData, Access::kWrite)
      .Store(
          "WITH v AS (UPDATE @.variants SET price_cents = $3::bigint WHERE product_id = $1::uuid "
          "AND "
          "$3::bigint IS NOT NULL RETURNING id) UPDATE @.products AS p SET title = coalesce($2, "
          "title), status = CASE $4::boolean WHEN true THEN 'active' WHEN false THEN 'archived' "
          "ELSE "
          "status END WHERE id = $1::uuid RETURNING row_to_json(p)")
      .Pos(
          "UPDATE @.products AS p SET title = coalesce($2, title), price_cents = "
          "coalesce($3::bigint, "
          "price_cents), active = coalesce($4::boolean, active) WHERE id = $1::uuid "
          "RETURNING row_to_json(p)")
      .Takes(RowId("The product."))
      .Takes(BodyField("title", Type::kText, kOptional, 500, "What people read."))
      .Takes(BodyField("price_cents", Type::kInteger, kOptional, kMaxCents, "The price."))
      .Takes(BodyField("active", Type::kBoolean, kOptional, 0, "Whether it is sold."))
      .Returns("product", "object")
      .Fails(TenantErrors());
}

#define LATCHKEY_ORDER                                                                        \
  "SELECT p.*, (SELECT coalesce(json_agg(l ORDER BY l.id), '[]') FROM @.order_lines l WHERE " \
  "l.order_id = p.id) AS lines FROM @.orders p "
#define LATCHKEY_SALE                                                                        \
  "SELECT p.*, (SELECT coalesce(json_agg(l ORDER BY l.id), '[]') FROM @.sale_lines l WHERE " \
  "l.sale_id = p.id) AS lines, (SELECT coalesce(json_agg(m ORDER BY m.id), '[]') FROM "      \
  "@.payments m WHERE m.sale_id = p.id) AS payments FROM @.sales p "

std::vector<Route> Orders() {
  Route list("GET", "/api/tenant/orders", "listTenantOrders", "tenant");
  list.Summary("A store's orders, newest first, a page at a time.")
      .InTenant(kReadData)
      .Store(LATCHKEY_PAGE_OF("SELECT p.* FROM @.orders p ",
                              "AND ($3::text IS NULL OR p.status = $3)"))
      .Takes(PageAfter())
      .Takes(PageSize())
      .Takes(QueryField("status", Type::kText, 20, "Only those with this status."))
      .Returns("orders", "object", true)
      .Fails(TenantErrors());
  Route get("GET", "/api/tenant/orders/{id}", "getTenantOrder", "tenant");
  get.Summary("An order with its lines.")
      .InTenant(kReadData)
      .Store(LATCHKEY_ONE_OF(LATCHKEY_ORDER))
      .Takes(RowId("The order."))
      .Returns("order", "object")
      .Fails(TenantErrors());
  Route create("POST", "/api/tenant/orders", "createTenantOrder", "tenant");
  create.Summary("Makes a draft of an order; placing it is a change of its status.")
      .InTenant(kWriteData, Access::kWrite)
      .Store(
          "WITH made AS (INSERT INTO @.orders AS o (customer_id, shipping_cents, discount_cents, "
          "note, "
          "idempotency_key) VALUES ($1::uuid, coalesce($2::bigint, 0), coalesce($3::bigint, 0), "
          "$4, "
          "$6) ON CONFLICT (idempotency_key) DO UPDATE SET updated_at = o.updated_at RETURNING id, "
          "number, xmax = 0 AS fresh), added AS (INSERT INTO @.order_lines (order_id, variant_id, "
          "quantity, discount_cents) SELECT made.id, l.variant_id, l.quantity, "
          "coalesce(l.discount_cents, 0) FROM made, jsonb_to_recordset($5::jsonb) AS l (variant_id "
          "uuid, quantity integer, discount_cents bigint) WHERE made.fresh) SELECT "
          "json_build_object('id', made.id, 'number', made.number) FROM made")
      .Takes(BodyField("customer_id", Type::kUuid, kOptional, kUuidLength, "Absent: a guest."))
      .Takes(BodyField("shipping_cents", Type::kInteger, kOptional, kMaxCents, "For shipping."))
      .Takes(BodyField("discount_cents", Type::kInteger, kOptional, kMaxCents, "Off the whole."))
      .Takes(BodyField("note", Type::kText, kOptional, 2000, "For the shop."))
      .Takes(BodyField("lines", Type::kObjectList, kRequired, 500,
                       "Each with variant_id, quantity, and perhaps discount_cents."))
      .Takes(IdempotencyKey())
      .Returns("order", "object")
      .Status(201)
      .Fails(TenantErrors());
  Route change("PATCH", "/api/tenant/orders/{id}", "changeTenantOrder", "tenant");
  change.Summary("Moves an order on: draft, placed, paid, shipped, completed; cancelled, refunded.")
      .InTenant(kWriteData, Access::kWrite)
      .Store(
          "UPDATE @.orders AS p SET status = coalesce($2, status), payment_reference = "
          "coalesce($3, "
          "payment_reference) WHERE id = $1::uuid RETURNING row_to_json(p)")
      .Takes(RowId("The order."))
      .Takes(BodyField("status", Type::kText, kOptional, 20, "The next status."))
      .Takes(BodyField("payment_reference", Type::kText, kOptional, 200, "At the provider."))
      .Returns("order", "object")
      .Fails(TenantErrors());
  return {list, get, create, change};
}

std::vector<Route> Sales() {
  Route list("GET", "/api/tenant/sales", "listTenantSales", "tenant");
  list.Summary("A counter's sales, newest first, a page at a time.")
      .InTenant(kReadData)
      .Pos(
          LATCHKEY_PAGE_OF("SELECT p.* FROM @.sales p ", "AND ($3::text IS NULL OR p.status = $3)"))
      .Takes(PageAfter())
      .Takes(PageSize())
      .Takes(QueryField("status", Type::kText, 20, "Only those with this status."))
      .Returns("sales", "object", true)
      .Fails(TenantErrors());
  Route get("GET", "/api/tenant/sales/{id}", "getTenantSale", "tenant");
  get.Summary("A sale with its lines and payments.")
      .InTenant(kReadData)
      .Pos(LATCHKEY_ONE_OF(LATCHKEY_SALE))
      .Takes(RowId("The sale."))
      .Returns("sale", "object")
      .Fails(TenantErrors());
  Route create("POST", "/api/tenant/sales", "createTenantSale", "tenant");
  create.Summary("Opens a sale of the caller's; completing it is a change of its status.")
      .InTenant(kWriteData, Access::kWrite)
      .Pos(
          "WITH made AS (INSERT INTO @.sales AS s (register, cashier_id, customer, discount_cents, "
          "idempotency_key) VALUES ($1, (SELECT u.id FROM @.users u WHERE u.id = $6::uuid), $2, "
          "coalesce($3::bigint, 0), $5) ON CONFLICT (idempotency_key) DO UPDATE SET updated_at = "
          "s.updated_at RETURNING id, number, xmax = 0 AS fresh), added AS (INSERT INTO "
          "@.sale_lines "
          "(sale_id, product_id, quantity, discount_cents) SELECT made.id, l.product_id, "
          "l.quantity, "
          "coalesce(l.discount_cents, 0) FROM made, jsonb_to_recordset($4::jsonb) AS l (product_id "
          "uuid, quantity integer, discount_cents bigint) WHERE made.fresh) SELECT "
          "json_build_object('id', made.id, 'number', made.number) FROM made")
      .Takes(BodyField("register", Type::kText, kOptional, 100, "Which till."))
      .Takes(BodyField("customer", Type::kText, kOptional, 200, "Who buys."))
      .Takes(BodyField("discount_cents", Type::kInteger, kOptional, kMaxCents, "Off the whole."))
      .Takes(BodyField("lines", Type::kObjectList, kRequired, 500,
                       "Each with product_id, quantity, and perhaps discount_cents."))
      .Takes(IdempotencyKey())
      .Takes(Caller())
      .Returns("sale", "object")
      .Status(201)
      .Fails(TenantErrors());
  Route pay("POST", "/api/tenant/sales/{id}/payments", "payTenantSale", "tenant");
  pay.Summary("Adds a payment to a sale.")
      .InTenant(kWriteData, Access::kWrite)
      .Pos(
          "WITH made AS (INSERT INTO @.payments AS p (sale_id, method, amount_cents, "
          "tendered_cents, "
          "reference, user_id, idempotency_key) VALUES ($1::uuid, $2, $3::bigint, $4::bigint, $5, "
          "(SELECT u.id FROM @.users u WHERE u.id = $7::uuid), $6) ON CONFLICT (idempotency_key) "
          "DO "
          "NOTHING RETURNING p.*) SELECT row_to_json(made) FROM made UNION ALL SELECT "
          "row_to_json(p) "
          "FROM @.payments p WHERE p.idempotency_key = $6")
      .Takes(RowId("The sale."))
      .Takes(BodyField("method", Type::kText, kRequired, 20,
                       "cash, card, voucher, transfer or other."))
      .Takes(BodyField("amount_cents", Type::kInteger, kRequired, kMaxCents, "How much."))
      .Takes(BodyField("tendered_cents", Type::kInteger, kOptional, kMaxCents, "Cash given."))
      .Takes(BodyField("reference", Type::kText, kOptional, 200, "Of the terminal, the voucher …"))
      .Takes(IdempotencyKey())
      .Takes(Caller())
      .Returns("payment", "object")
      .Status(201)
      .Fails(TenantErrors());
  Route change("PATCH", "/api/tenant/sales/{id}", "changeTenantSale", "tenant");
  change.Summary("Moves a sale on: open to completed or voided, completed to refunded.")
      .InTenant(kWriteData, Access::kWrite)
      .Pos("UPDATE @.sales AS p SET status = $2 WHERE id = $1::uuid RETURNING row_to_json(p)")
      .Takes(RowId("The sale."))
      .Takes(BodyField("status", Type::kText, kRequired, 20, "The next status."))
      .Returns("sale", "object")
      .Fails(TenantErrors());
  return {list, get, create, pay, change};
}

}  // namespace

std::vector<Route> TenantShopRoutes() {
  std::vector<Route> routes = {ListProducts(), GetProduct(), CreateProduct(), ChangeProduct()};
  for (const auto& more : {Orders(), Sales()}) {
    routes.insert(routes.end(), more.begin(), more.end());
  }
  return routes;
}

}  // namespace latchkey
