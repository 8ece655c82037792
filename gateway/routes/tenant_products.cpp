// Routes on the token's tenant's database: products, of a store with their variants.
#include "gateway/routes/tenant_data.hpp"

namespace latchkey {
namespace {

#define LATCHKEY_STORE_PRODUCT                                                                     \
  "SELECT p.*, (SELECT coalesce(json_agg(v), '[]') FROM (SELECT v.*, i.on_hand FROM @.variants v " \
  "JOIN @.inventory i ON i.variant_id = v.id WHERE v.product_id = p.id "                           \
  "ORDER BY v.sort_order, v.id) AS v) AS variants FROM @.products p "
#define LATCHKEY_POS_PRODUCT \
  "SELECT p.*, i.on_hand FROM @.products p JOIN @.inventory i ON i.product_id = p.id "
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

// What refers to a product: what was sold, and the movements of its stock, which are for ever.
#define LATCHKEY_REMOVE_PRODUCT(used, archive)                                              \
  "WITH used AS MATERIALIZED (SELECT " used                                                 \
  " AS is_used), archived AS (UPDATE @.products SET " archive                               \
  " FROM used WHERE id = $1::uuid AND is_used RETURNING id), deleted AS (DELETE FROM "      \
  "@.products USING used WHERE id = $1::uuid AND NOT is_used RETURNING id) SELECT to_json(" \
  "'archived'::text) FROM archived UNION ALL SELECT to_json('deleted'::text) FROM deleted"

Route RemoveProduct() {
  return Route("DELETE", "/api/tenant/products/{id}", "removeTenantProduct", "tenant")
      .Summary(
          "Deletes a product. One that was ordered, sold or stocked stays for the books: it is "
          "archived, so it is sold no more, and the outcome is archived.")
      .InTenant(kWriteData, Access::kWrite)
      .Store(LATCHKEY_REMOVE_PRODUCT(
          "EXISTS (SELECT FROM @.variants v WHERE v.product_id = $1::uuid AND (EXISTS (SELECT FROM "
          "@.order_lines l WHERE l.variant_id = v.id) OR EXISTS (SELECT FROM "
          "@.inventory_movements m WHERE m.variant_id = v.id)))",
          "status = 'archived'"))
      .Pos(LATCHKEY_REMOVE_PRODUCT(
          "EXISTS (SELECT FROM @.sale_lines l WHERE l.product_id = $1::uuid) OR EXISTS (SELECT "
          "FROM @.inventory_movements m WHERE m.product_id = $1::uuid)",
          "active = false"))
      .Takes(RowId("The product."))
      .Returns("outcome", "string")
      .Fails(TenantErrors());
}

}  // namespace

std::vector<Route> TenantProductRoutes() {
  return {ListProducts(), GetProduct(), CreateProduct(), ChangeProduct(), RemoveProduct()};
}

}  // namespace latchkey
