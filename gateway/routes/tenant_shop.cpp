// Routes on the token's tenant's database: orders of a store, and sales of a counter.
#include "gateway/routes/tenant_data.hpp"

namespace latchkey {
namespace {

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
  std::vector<Route> routes;
  for (const auto& more : {Orders(), Sales()}) {
    routes.insert(routes.end(), more.begin(), more.end());
  }
  return routes;
}

}  // namespace latchkey
