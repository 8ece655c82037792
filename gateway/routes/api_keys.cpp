// Routes of the module `api_keys`: service accounts and the keys of machines.
#include "gateway/routes/route.hpp"

namespace latchkey {
namespace {

constexpr size_t kMaxDescription = 500;
constexpr size_t kMaxPage = 1000;
constexpr size_t kMaxOverlapSeconds = 30 * 24 * 60 * 60;

Argument Id(const char* description) { return PathPart("id", Type::kUuid, 36, description); }

Route ListServiceAccounts() {
  return Route("GET", "/api/service-accounts", "listServiceAccounts", "api_keys")
      .Summary("Service accounts, newest first, a page at a time. Needs api_keys.read.")
      .Reads(
          "SELECT coalesce(json_agg(s), '[]') FROM latchkey.list_service_accounts("
          "$1::uuid, $2::uuid, coalesce($3::integer, 100)) AS s")
      .As(Who::kBearer)
      .Takes(QueryField("tenant_id", Type::kUuid, 36, "Only those of this tenant."))
      .Takes(QueryField("after", Type::kUuid, 36, "The last id of the page before."))
      .Takes(QueryField("limit", Type::kInteger, kMaxPage, "How many at most."))
      .Returns("service_accounts", "ServiceAccount", true)
      .Fails({ErrorId::Forbidden});
}

Route CreateServiceAccount() {
  return Route("POST", "/api/service-accounts", "createServiceAccount", "api_keys")
      .Summary("Makes a service account. Needs api_keys.write.")
      .Writes(
          "SELECT row_to_json(s) FROM "
          "latchkey.create_service_account($1, coalesce($2, ''), $3::uuid) AS s")
      .As(Who::kBearer)
      .Takes(BodyField("name", Type::kText, kRequired, kMaxName, "What it is called."))
      .Takes(BodyField("description", Type::kText, kOptional, kMaxDescription, "What it is for."))
      .Takes(BodyField("tenant_id", Type::kUuid, kOptional, 36, "The tenant to which it belongs."))
      .Returns("service_account", "ServiceAccount")
      .Status(201)
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route SwitchServiceAccount() {
  return Route("PATCH", "/api/service-accounts/{id}", "switchServiceAccount", "api_keys")
      .Summary(
          "Disables a service account, whose keys are refused at once, or enables it again. Needs "
          "api_keys.write.")
      .Writes(
          "SELECT to_json(CASE WHEN $2::boolean THEN latchkey.disable_service_account($1::uuid) "
          "ELSE latchkey.enable_service_account($1::uuid) END)")
      .As(Who::kBearer)
      .Takes(Id("The id of the service account."))
      .Takes(BodyField("disabled", Type::kBoolean, kRequired, 0, "Whether its keys are refused."))
      .Returns("service_account", "ServiceAccount")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route DeleteServiceAccount() {
  return Route("DELETE", "/api/service-accounts/{id}", "deleteServiceAccount", "api_keys")
      .Summary("Deletes a service account and its keys. Needs api_keys.write.")
      .Writes("SELECT null::json FROM latchkey.delete_service_account($1::uuid)")
      .As(Who::kBearer)
      .Takes(Id("The id of the service account."))
      .Message("Service account deleted")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route ListApiKeys() {
  return Route("GET", "/api/service-accounts/{id}/keys", "listApiKeys", "api_keys")
      .Summary(
          "The keys of a service account, newest first, a page at a time. Needs api_keys.read.")
      .Reads(
          "SELECT coalesce(json_agg(k), '[]') FROM "
          "latchkey.list_api_keys($1::uuid, $2::uuid, coalesce($3::integer, 100)) AS k")
      .As(Who::kBearer)
      .Takes(Id("The id of the service account."))
      .Takes(QueryField("after", Type::kUuid, 36, "The last id of the page before."))
      .Takes(QueryField("limit", Type::kInteger, kMaxPage, "How many at most."))
      .Returns("keys", "ApiKey", true)
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route CreateApiKey() {
  return Route("POST", "/api/service-accounts/{id}/keys", "createApiKey", "api_keys")
      .Summary(
          "Makes a key, and answers its token this once. Needs api_keys.write and the permissions "
          "that it gives.")
      .Writes(
          "SELECT row_to_json(k) FROM latchkey.create_api_key($1::uuid, "
          "$2::text[], $3::timestamptz) AS k")
      .As(Who::kBearer)
      .Takes(Id("The id of the service account."))
      .Takes(BodyField("permissions", Type::kTextList, kRequired, kMaxPermission,
                       "What it may do: names of permissions, or patterns."))
      .Takes(BodyField("expires_at", Type::kText, kOptional, 40, "When it ends (RFC 3339)."))
      .Returns("key", "IssuedApiKey")
      .Status(201)
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route RotateApiKey() {
  return Route("POST", "/api/api-keys/{id}/rotate", "rotateApiKey", "api_keys")
      .Summary(
          "Makes the successor of a key, and answers its token this once; the old one ends after "
          "the "
          "overlap. Needs api_keys.write and the permissions of the key.")
      .Writes(
          "SELECT row_to_json(k) FROM latchkey.rotate_api_key($1::uuid, "
          "make_interval(secs => coalesce($2::integer, 86400))) AS k")
      .As(Who::kBearer)
      .Takes(Id("The id of the key."))
      .Takes(BodyField("overlap_seconds", Type::kInteger, kOptional, kMaxOverlapSeconds,
                       "How long the old key is accepted beside the new one; a day by default."))
      .Returns("key", "IssuedApiKey")
      .Status(201)
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

Route RevokeApiKey() {
  return Route("DELETE", "/api/api-keys/{id}", "revokeApiKey", "api_keys")
      .Summary("Ends a key at once. Needs api_keys.write.")
      .Writes("SELECT null::json FROM latchkey.revoke_api_key($1::uuid)")
      .As(Who::kBearer)
      .Takes(Id("The id of the key."))
      .Message("API key revoked")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

}  // namespace

std::vector<Route> ApiKeyRoutes() {
  return {ListServiceAccounts(),  CreateServiceAccount(), SwitchServiceAccount(),
          DeleteServiceAccount(), ListApiKeys(),          CreateApiKey(),
          RotateApiKey(),         RevokeApiKey()};
}

}  // namespace latchkey
