// Routes on the token's tenant's database: stock with its movements, and reports.
#include "gateway/routes/tenant_data.hpp"

namespace latchkey {
namespace {

// A store counts variants, a counter products: both are `item_id` here.
Route ListStock() {
  return Route("GET", "/api/tenant/inventory", "listTenantInventory", "tenant")
      .Summary("What is in stock of each product or variant, newest first, a page at a time.")
      .InTenant(kReadData)
      .Store(
          "SELECT coalesce(json_agg(r), '[]') FROM (SELECT i.variant_id AS item_id, v.sku, "
          "p.title, "
          "i.on_hand, i.tracked, i.allow_negative, i.reorder_level, i.updated_at FROM @.inventory "
          "i "
          "JOIN @.variants v ON v.id = i.variant_id JOIN @.products p ON p.id = v.product_id WHERE "
          "$1::uuid IS NULL OR i.variant_id < $1 ORDER BY i.variant_id DESC "
          "LIMIT coalesce($2::integer, 100)) AS r")
      .Pos(
          "SELECT coalesce(json_agg(r), '[]') FROM (SELECT i.product_id AS item_id, p.sku, "
          "p.title, "
          "i.on_hand, i.tracked, i.allow_negative, i.reorder_level, i.updated_at FROM @.inventory "
          "i "
          "JOIN @.products p ON p.id = i.product_id WHERE $1::uuid IS NULL OR i.product_id < $1 "
          "ORDER BY i.product_id DESC LIMIT coalesce($2::integer, 100)) AS r")
      .Takes(QueryField("after", Type::kUuid, kUuidLength, "The last item_id of the page before."))
      .Takes(PageSize())
      .Returns("inventory", "object", true)
      .Fails(TenantErrors());
}

#define LATCHKEY_MOVEMENTS(item)                            \
  "SELECT coalesce(json_agg(r), '[]') FROM (SELECT m." item \
  " AS item_id, m.* FROM "                                  \
  "@.inventory_movements m WHERE m." item                   \
  " = $3::uuid AND ($1::uuid IS NULL OR m.id < $1) "        \
  "ORDER BY m.id DESC LIMIT coalesce($2::integer, 100)) AS r"

Route ListMovements() {
  return Route("GET", "/api/tenant/inventory/{id}/movements", "listTenantMovements", "tenant")
      .Summary("What changed the stock of a product or variant, newest first, a page at a time.")
      .InTenant(kReadData)
      .Store(LATCHKEY_MOVEMENTS("variant_id"))
      .Pos(LATCHKEY_MOVEMENTS("product_id"))
      .Takes(PageAfter())
      .Takes(PageSize())
      .Takes(RowId("The item_id."))
      .Returns("movements", "object", true)
      .Fails(TenantErrors());
}

// What was counted is compared with the stock, whose row is locked meanwhile.
#define LATCHKEY_MOVE(item)                                                                     \
  "WITH stock AS MATERIALIZED (SELECT i.on_hand FROM @.inventory i WHERE i." item               \
  " = $1::uuid FOR NO KEY UPDATE) INSERT INTO @.inventory_movements AS m (" item                \
  ", quantity, reason, note, user_id) SELECT $1::uuid, CASE $2 WHEN 'loss' THEN -$3::integer "  \
  "WHEN 'count' THEN $3::integer - stock.on_hand ELSE $3::integer END, $2, $4, (SELECT u.id "   \
  "FROM @.users u WHERE u.id = $5::uuid) FROM stock WHERE $2 IN ('receipt', 'return', 'loss', " \
  "'count') RETURNING row_to_json(m)"

Route Move() {
  return Route("POST", "/api/tenant/inventory/{id}/movements", "moveTenantStock", "tenant")
      .Summary("Books what came or went: receipt, return, loss, or what was counted.")
      .InTenant(kWriteData, Access::kWrite)
      .Store(LATCHKEY_MOVE("variant_id"))
      .Pos(LATCHKEY_MOVE("product_id"))
      .Takes(RowId("The item_id."))
      .Takes(BodyField("reason", Type::kText, kRequired, 20, "receipt, return, loss or count."))
      .Takes(BodyField("quantity", Type::kInteger, kRequired, 1000000,
                       "Pieces; of a count how many are there now."))
      .Takes(BodyField("note", Type::kText, kOptional, 500, "For people."))
      .Takes(Caller())
      .Returns("movement", "object")
      .Status(201)
      .Fails(TenantErrors());
}

Route ChangeStock() {
#define LATCHKEY_CHANGE_STOCK(item)                                                              \
  "UPDATE @.inventory AS i SET tracked = coalesce($2::boolean, tracked), allow_negative = "      \
  "coalesce($3::boolean, allow_negative), reorder_level = coalesce($4::integer, reorder_level) " \
  "WHERE " item " = $1::uuid RETURNING row_to_json(i)"
  return Route("PATCH", "/api/tenant/inventory/{id}", "changeTenantStock", "tenant")
      .Summary("Changes how stock is kept; how much there is changes by movements only.")
      .InTenant(kWriteData, Access::kWrite)
      .Store(LATCHKEY_CHANGE_STOCK("variant_id"))
      .Pos(LATCHKEY_CHANGE_STOCK("product_id"))
      .Takes(RowId("The item_id."))
      .Takes(BodyField("tracked", Type::kBoolean, kOptional, 0, "False: selling moves nothing."))
      .Takes(BodyField("allow_negative", Type::kBoolean, kOptional, 0, "Sold before it is there."))
      .Takes(BodyField("reorder_level", Type::kInteger, kOptional, 1000000, "To be ordered at."))
      .Returns("item", "object")
      .Fails(TenantErrors());
}

#define LATCHKEY_REPORT(name)                                                            \
  "WHEN '" name "' THEN (SELECT coalesce(json_agg(r), '[]') FROM (SELECT * FROM @." name \
  " AS v LIMIT 1000) AS r) "
#define LATCHKEY_DAILY(name)                                                                  \
  "WHEN '" name "' THEN (SELECT coalesce(json_agg(r), '[]') FROM (SELECT * FROM @." name      \
  " AS v WHERE ($2::date IS NULL OR v.day >= $2) AND ($3::date IS NULL OR v.day <= $3) ORDER" \
  " BY v.day DESC LIMIT 1000) AS r) "

Route Report() {
  return Route("GET", "/api/tenant/reports/{name}", "tenantReport", "tenant")
      .Summary(
          "A report of the template, at most 1,000 rows, newest days first. Of a store: "
          "daily_orders, low_stock. Of a counter: daily_sales, payments_by_method, "
          "sales_by_product, "
          "sales_by_cashier, stock_value, low_stock.")
      .InTenant(kReadData)
      .Store("SELECT CASE $1 " LATCHKEY_DAILY("daily_orders") LATCHKEY_REPORT("low_stock") "END")
      .Pos("SELECT CASE $1 " LATCHKEY_DAILY("daily_sales") LATCHKEY_DAILY("payments_by_method")
               LATCHKEY_DAILY("sales_by_product") LATCHKEY_DAILY("sales_by_cashier")
                   LATCHKEY_REPORT("stock_value") LATCHKEY_REPORT("low_stock") "END")
      .Takes(PathPart("name", Type::kText, 50, "Which."))
      .Takes(QueryField("from", Type::kText, 10, "The first day: 2026-01-31."))
      .Takes(QueryField("to", Type::kText, 10, "The last day."))
      .Returns("rows", "object", true)
      .Fails(TenantErrors());
}

}  // namespace

std::vector<Route> TenantStockRoutes() {
  return {ListStock(), ListMovements(), Move(), ChangeStock(), Report()};
}

}  // namespace latchkey
