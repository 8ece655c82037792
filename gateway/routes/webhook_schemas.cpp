// The schemas of what the routes of the module `webhooks` answer.
#include "gateway/routes/schemas.hpp"

namespace latchkey {
namespace {

constexpr bool kNullable = true;
constexpr bool kAlways = false;

Schema WebhookEndpoint() {
  return {"WebhookEndpoint",
          "Where events are sent.",
          {{"id", "uuid", kAlways, "Stays the same for ever."},
           {"account_id", "uuid", kAlways, "Whose events; the nil UUID: those of all accounts."},
           {"url", "string", kAlways, "Where they are sent."},
           {"event_types", "strings", kAlways, "Which: types, or thing.* or *."},
           {"description", "string", kAlways, "What it is for."},
           {"active", "boolean", kAlways, "Whether events are sent."},
           {"disabled_reason", "string", kNullable, "failing, when that switched it off."},
           {"failing_since", "date-time", kNullable, "Nothing was delivered since."},
           {"previous_secret_expires_at", "date-time", kNullable, "Until when two secrets sign."},
           {"created_at", "date-time", kAlways, "When it was made."},
           {"updated_at", "date-time", kAlways, "When it was last changed."}}};
}

Schema IssuedWebhookEndpoint() {
  return {
      "IssuedWebhookEndpoint",
      "Where events are sent, with a new secret for this once.",
      {{"id", "uuid", kAlways, "Stays the same for ever."},
       {"account_id", "uuid", kAlways, "Whose events; the nil UUID: those of all accounts."},
       {"url", "string", kAlways, "Where they are sent."},
       {"event_types", "strings", kAlways, "Which: types, or thing.* or *."},
       {"description", "string", kAlways, "What it is for."},
       {"active", "boolean", kAlways, "Whether events are sent."},
       {"secret", "string", kAlways, "The key of the signatures: whsec_ and 43 characters."},
       {"previous_secret_expires_at", "date-time", kNullable, "Until when the old one signs too."},
       {"created_at", "date-time", kAlways, "When it was made."}}};
}

Schema WebhookDelivery() {
  return {"WebhookDelivery",
          "An event on its way to an endpoint.",
          {{"account_id", "uuid", kAlways, "The endpoint's."},
           {"endpoint_id", "uuid", kAlways, "Where it is sent."},
           {"event_id", "uuid", kAlways, "What is sent."},
           {"event_type", "string", kAlways, "thing.verb"},
           {"status", "string", kAlways, "pending, retrying, delivered, dead or cancelled."},
           {"attempts", "integer", kAlways, "How often it was sent."},
           {"response_status", "integer", kNullable, "Of the last attempt; null: no answer."},
           {"error", "string", kNullable, "Of the last attempt."},
           {"duration_ms", "integer", kNullable, "Of the last attempt."},
           {"next_attempt_at", "date-time", kNullable, "When it is sent next."},
           {"created_at", "date-time", kAlways, "When the event was dispatched."},
           {"last_attempt_at", "date-time", kNullable, "When it was last sent."},
           {"delivered_at", "date-time", kNullable, "When it was accepted."},
           {"job_id", "uuid", kAlways, "The job that sends it."}}};
}

}  // namespace

std::vector<Schema> WebhookSchemas() {
  return {WebhookEndpoint(), IssuedWebhookEndpoint(), WebhookDelivery()};
}

}  // namespace latchkey
