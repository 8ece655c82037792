// Routes on the token's tenant's database: who buys in a store.
#include "gateway/routes/tenant_data.hpp"

namespace latchkey {
namespace {

constexpr size_t kMaxPhone = 50;
constexpr size_t kMaxNote = 2000;

Route List() {
  return Route("GET", "/api/tenant/customers", "listTenantCustomers", "tenant")
      .Summary("A store's customers, newest first, a page at a time.")
      .InTenant(kReadData)
      .Store(LATCHKEY_PAGE_OF("SELECT p.* FROM @.customers p ",
                              "AND ($3::text IS NULL OR lower(p.email) = lower($3))"))
      .Takes(PageAfter())
      .Takes(PageSize())
      .Takes(QueryField("email", Type::kText, kMaxEmail, "Only the one with this address."))
      .Returns("customers", "object", true)
      .Fails(TenantErrors());
}

Route Get() {
  return Route("GET", "/api/tenant/customers/{id}", "getTenantCustomer", "tenant")
      .Summary("One customer.")
      .InTenant(kReadData)
      .Store(LATCHKEY_ONE_OF("SELECT p.* FROM @.customers p "))
      .Takes(RowId("The customer."))
      .Returns("customer", "object")
      .Fails(TenantErrors());
}

Route Create() {
  return Route("POST", "/api/tenant/customers", "createTenantCustomer", "tenant")
      .Summary("Adds a customer. An address belongs to one of them, a user too.")
      .InTenant(kWriteData, Access::kWrite)
      .Store(
          "INSERT INTO @.customers AS p (name, email, phone, user_id, address, note) VALUES ($1, "
          "nullif($2, ''), nullif($3, ''), $4::uuid, $5::jsonb, nullif($6, '')) "
          "RETURNING row_to_json(p)")
      .Takes(BodyField("name", Type::kText, kRequired, kMaxName, "What they are called."))
      .Takes(BodyField("email", Type::kText, kOptional, kMaxEmail, "Their address."))
      .Takes(BodyField("phone", Type::kText, kOptional, kMaxPhone, "Their number."))
      .Takes(BodyField("user_id", Type::kUuid, kOptional, kUuidLength,
                       "The user of the tenant's that they are, if they log in."))
      .Takes(BodyField("address", Type::kObject, kOptional, 0, "Where they live."))
      .Takes(BodyField("note", Type::kText, kOptional, kMaxNote, "For the shop."))
      .Returns("customer", "object")
      .Status(201)
      .Fails(TenantErrors());
}

Route Change() {
  return Route("PATCH", "/api/tenant/customers/{id}", "changeTenantCustomer", "tenant")
      .Summary("Changes what is given; an empty text, or an address of {}, removes what was there.")
      .InTenant(kWriteData, Access::kWrite)
      .Store(
          "UPDATE @.customers AS p SET name = coalesce($2, name), email = CASE WHEN $3::text IS "
          "NULL THEN email ELSE nullif($3, '') END, phone = CASE WHEN $4::text IS NULL THEN phone "
          "ELSE nullif($4, '') END, user_id = coalesce($5::uuid, user_id), address = CASE WHEN "
          "$6::jsonb IS NULL THEN address ELSE nullif($6::jsonb, '{}') END, note = CASE WHEN "
          "$7::text IS NULL THEN note ELSE nullif($7, '') END WHERE id = $1::uuid "
          "RETURNING row_to_json(p)")
      .Takes(RowId("The customer."))
      .Takes(BodyField("name", Type::kText, kOptional, kMaxName, "What they are called."))
      .Takes(BodyField("email", Type::kText, kOptional, kMaxEmail, "Their address."))
      .Takes(BodyField("phone", Type::kText, kOptional, kMaxPhone, "Their number."))
      .Takes(BodyField("user_id", Type::kUuid, kOptional, kUuidLength,
                       "The user of the tenant's that they are."))
      .Takes(BodyField("address", Type::kObject, kOptional, 0, "Where they live."))
      .Takes(BodyField("note", Type::kText, kOptional, kMaxNote, "For the shop."))
      .Returns("customer", "object")
      .Fails(TenantErrors());
}

Route Remove() {
  return Route("DELETE", "/api/tenant/customers/{id}", "removeTenantCustomer", "tenant")
      .Summary(
          "Deletes a customer. One who has ordered stays for the books (conflict): overwrite what "
          "is personal.")
      .InTenant(kWriteData, Access::kWrite)
      .Store("DELETE FROM @.customers WHERE id = $1::uuid RETURNING to_json('deleted'::text)")
      .Takes(RowId("The customer."))
      .Returns("outcome", "string")
      .Fails(TenantErrors());
}

}  // namespace

std::vector<Route> TenantCustomerRoutes() { return {List(), Get(), Create(), Change(), Remove()}; }

}  // namespace latchkey
