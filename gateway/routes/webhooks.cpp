// Routes of the module `webhooks`: endpoints, their secrets, and what was delivered to them.
#include "gateway/routes/account_argument.hpp"

namespace latchkey {
namespace {

constexpr size_t kMaxUrl = 2000;
constexpr size_t kMaxEventType = 100;
constexpr size_t kMaxDescription = 500;
constexpr size_t kMaxPage = 1000;
constexpr size_t kMaxStatus = 20;
constexpr size_t kMaxOverlapSeconds = 30 * 24 * 60 * 60;

Argument EndpointId() {
  return PathPart("id", Type::kUuid, kUuidLength, "The id of the endpoint.");
}
Argument Url(bool required) {
  return BodyField("url", Type::kText, required, kMaxUrl, "Where events are sent: https.");
}
Argument EventTypes() {
  return BodyField("event_types", Type::kTextList, kOptional, kMaxEventType,
                   "What it gets: types, or thing.* or *.");
}
Argument Description() {
  return BodyField("description", Type::kText, kOptional, kMaxDescription, "What it is for.");
}
Argument PageSize() {
  return QueryField("limit", Type::kInteger, kMaxPage, "How many at most; 100 by default.");
}

Route ListEndpoints() {
  return Route("GET", "/api/webhooks", "listWebhookEndpoints", "webhooks")
      .Summary(
          "Where an account's events are sent, newest first, a page at a time. Another's need "
          "webhooks.read.")
      .Reads(
          "SELECT coalesce(json_agg(w), '[]') FROM "
          "latchkey.list_webhook_endpoints(" LATCHKEY_ACCOUNT
          ", $2::uuid, coalesce($3::integer, 100)) AS w")
      .As(Who::kBearer)
      .Takes(AccountInQuery())
      .Takes(QueryField("after", Type::kUuid, kUuidLength, "The last id of the page before."))
      .Takes(PageSize())
      .Returns("endpoints", "WebhookEndpoint", true)
      .Fails({ErrorId::Forbidden});
}

Route ListAllEndpoints() {
  return Route("GET", "/api/webhooks/all", "listAllWebhookEndpoints", "webhooks")
      .Summary(
          "The endpoints of all accounts and of the platform, newest first, a page at a time. "
          "Needs "
          "webhooks.read on the whole platform.")
      .Reads(
          "SELECT coalesce(json_agg(w), '[]') FROM latchkey.list_webhook_endpoints(NULL, "
          "$1::uuid, coalesce($2::integer, 100)) AS w")
      .As(Who::kBearer)
      .Takes(QueryField("after", Type::kUuid, kUuidLength, "The last id of the page before."))
      .Takes(PageSize())
      .Returns("endpoints", "WebhookEndpoint", true)
      .Fails({ErrorId::Forbidden});
}

Route CreateEndpoint() {
  return Route("POST", "/api/webhooks", "createWebhookEndpoint", "webhooks")
      .Summary(
          "Has an account's events sent to a URL from now on, each as a signed POST, and answers "
          "the secret of the signatures this once. The nil UUID as account: the events of all. "
          "Another's account needs webhooks.write.")
      .Writes("SELECT row_to_json(w) FROM latchkey.create_webhook_endpoint(" LATCHKEY_ACCOUNT
              ", $2, coalesce($3::text[], '{*}'), coalesce($4, '')) AS w")
      .As(Who::kBearer)
      .Takes(AccountInBody())
      .Takes(Url(kRequired))
      .Takes(EventTypes())
      .Takes(Description())
      .Returns("endpoint", "IssuedWebhookEndpoint")
      .Status(201)
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict, ErrorId::NotConfigured});
}

Route UpdateEndpoint() {
  return Route("PATCH", "/api/webhooks/{id}", "updateWebhookEndpoint", "webhooks")
      .Summary(
          "Changes an endpoint, and switches it off or on. Another account's needs "
          "webhooks.write.")
      .Writes("SELECT row_to_json(w) FROM latchkey.update_webhook_endpoint(" LATCHKEY_ACCOUNT
              ", $2::uuid, $3, $4::text[], $5, $6::boolean) AS w")
      .As(Who::kBearer)
      .Takes(AccountInBody())
      .Takes(EndpointId())
      .Takes(Url(kOptional))
      .Takes(EventTypes())
      .Takes(Description())
      .Takes(BodyField("active", Type::kBoolean, kOptional, 0, "Whether events are sent."))
      .Returns("endpoint", "WebhookEndpoint")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route DeleteEndpoint() {
  return Route("DELETE", "/api/webhooks/{id}", "deleteWebhookEndpoint", "webhooks")
      .Summary(
          "Deletes an endpoint and the list of its deliveries. Another account's needs "
          "webhooks.write.")
      .Writes("SELECT null::json FROM latchkey.delete_webhook_endpoint(" LATCHKEY_ACCOUNT
              ", $2::uuid)")
      .As(Who::kBearer)
      .Takes(AccountInQuery())
      .Takes(EndpointId())
      .Message("Webhook endpoint deleted")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route RotateSecret() {
  return Route("POST", "/api/webhooks/{id}/rotate", "rotateWebhookSecret", "webhooks")
      .Summary(
          "Gives an endpoint a new secret, and answers it this once. During the overlap deliveries "
          "carry a signature with each of the two. Another account's needs webhooks.write.")
      .Writes("SELECT row_to_json(w) FROM latchkey.rotate_webhook_secret(" LATCHKEY_ACCOUNT
              ", $2::uuid, make_interval(secs => coalesce($3::integer, 86400))) AS w")
      .As(Who::kBearer)
      .Takes(AccountInBody())
      .Takes(EndpointId())
      .Takes(BodyField("overlap_seconds", Type::kInteger, kOptional, kMaxOverlapSeconds,
                       "How long the old secret signs beside the new one; a day by default."))
      .Returns("endpoint", "IssuedWebhookEndpoint")
      .Status(201)
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::NotConfigured});
}

Route ListDeliveries() {
  return Route("GET", "/api/webhooks/{id}/deliveries", "listWebhookDeliveries", "webhooks")
      .Summary(
          "What was sent to an endpoint, or waits for it, newest events first, a page at a time. "
          "Another account's needs webhooks.read.")
      .Reads(
          "SELECT coalesce(json_agg(d), '[]') FROM "
          "latchkey.list_webhook_deliveries(" LATCHKEY_ACCOUNT
          ", $2::uuid, $3, $4::uuid, coalesce($5::integer, 100)) AS d")
      .As(Who::kBearer)
      .Takes(AccountInQuery())
      .Takes(EndpointId())
      .Takes(QueryField("status", Type::kText, kMaxStatus,
                        "Only pending, retrying, delivered, dead or cancelled."))
      .Takes(QueryField("after", Type::kUuid, kUuidLength, "The last event_id of the page before."))
      .Takes(PageSize())
      .Returns("deliveries", "WebhookDelivery", true)
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route RetryDelivery() {
  return Route("POST", "/api/webhooks/{id}/deliveries/{event_id}/retry", "retryWebhookDelivery",
               "webhooks")
      .Summary(
          "Sends an event again at once, also one that was delivered. Another account's needs "
          "webhooks.write.")
      .Writes("SELECT row_to_json(d) FROM latchkey.retry_webhook_delivery(" LATCHKEY_ACCOUNT
              ", $2::uuid, $3::uuid) AS d")
      .As(Who::kBearer)
      .Takes(AccountInBody())
      .Takes(EndpointId())
      .Takes(PathPart("event_id", Type::kUuid, kUuidLength, "The id of the event."))
      .Returns("delivery", "WebhookDelivery")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

}  // namespace

std::vector<Route> WebhookRoutes() {
  return {ListEndpoints(),  ListAllEndpoints(), CreateEndpoint(), UpdateEndpoint(),
          DeleteEndpoint(), RotateSecret(),     ListDeliveries(), RetryDelivery()};
}

}  // namespace latchkey
