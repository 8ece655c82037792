// One entry for each composite type that the database renders.
#include "gateway/routes/schemas.hpp"

namespace latchkey {
namespace {

constexpr bool kNullable = true;
constexpr bool kAlways = false;

Schema User() {
  return {"User",
          "A user, without secrets.",
          {{"id", "uuid", kAlways, "Stays the same for ever."},
           {"email", "string", kNullable, "The address, as the user wrote it."},
           {"name", "string", kNullable, "The name to show."},
           {"tier", "string", kAlways, "The plan that applies now."},
           {"subscription_status", "string", kAlways, "The state of the subscription."},
           {"stripe_customer_id", "string", kNullable, "The customer at the payment provider."},
           {"usage_daily", "integer", kAlways, "Used since the last reset."},
           {"usage_total", "integer", kAlways, "Used ever."},
           {"created_at", "date-time", kAlways, "When the user was created."},
           {"updated_at", "date-time", kAlways, "When the user was last changed."},
           {"email_verified", "boolean", kAlways, "Whether the address was confirmed."},
           {"status", "string", kAlways, "active, blocked or deleted."},
           {"profile", "object", kNullable, "What the application keeps about the user."},
           {"onboarding_step", "string", kNullable, "How far the user has come."},
           {"last_login_at", "date-time", kNullable, "The last login before or at this one."},
           {"usage_resets_at", "date-time", kNullable, "When usage_daily starts anew."}}};
}

Schema Session() {
  return {"Session",
          "Who a token stands for. Of an API key: the service account's name, and role service.",
          {{"user_id", "uuid", kNullable, "The user; null for an API key."},
           {"session_id", "uuid", kNullable, "The session; null for an API key."},
           {"tenant_id", "uuid", kNullable, "The tenant that the session is for."},
           {"email", "string", kNullable, "The user's address."},
           {"name", "string", kNullable, "The user's name."},
           {"role", "string", kNullable, "The role in the tenant, or platform-wide."},
           {"expires_at", "date-time", kNullable, "When the token ends; null: never by itself."}}};
}

Schema SessionEntry() {
  return {"SessionEntry",
          "One of a user's sessions.",
          {{"id", "uuid", kAlways, "The session."},
           {"created_at", "date-time", kAlways, "When it began."},
           {"last_seen_at", "date-time", kNullable, "When it was last used or renewed."},
           {"expires_at", "date-time", kAlways, "When it ends."},
           {"client_address", "string", kNullable, "Where it was started from."},
           {"user_agent", "string", kNullable, "What it was started with."},
           {"current", "boolean", kAlways, "Whether it is the one of this request."}}};
}

Schema Role() {
  return {"Role",
          "What a role permits.",
          {{"name", "string", kAlways, "Its name."},
           {"scope", "string", kAlways, "platform, or tenant: within the tenant where one has it."},
           {"tenant_id", "uuid", kNullable, "The tenant that made it for itself."},
           {"description", "string", kAlways, "What it is for."},
           {"permissions", "strings", kAlways, "Names, and patterns: *, users.*, *.read."},
           {"built_in", "boolean", kAlways, "Whether it came with Latchkey."}}};
}

Schema RoleGrant() {
  return {"RoleGrant",
          "A role that a user has.",
          {{"role", "string", kAlways, "Its name."},
           {"tenant_id", "uuid", kNullable, "Where it counts; null: on the whole platform."},
           {"granted_at", "date-time", kAlways, "When it was given."},
           {"granted_by", "uuid", kNullable, "By whom; null: from within the database."},
           {"expires_at", "date-time", kNullable, "From when on it counts for nothing."}}};
}

Schema Permission() {
  return {"Permission",
          "What can be permitted.",
          {{"name", "string", kAlways, "thing.verb"},
           {"module", "string", kAlways, "Where it comes from; application: registered later."},
           {"description", "string", kAlways, "What it permits."}}};
}

Schema ServiceAccount() {
  return {"ServiceAccount",
          "A machine that calls.",
          {{"id", "uuid", kAlways, "Stays the same for ever."},
           {"tenant_id", "uuid", kNullable, "Where its keys count; null: on the whole platform."},
           {"name", "string", kAlways, "What it is called."},
           {"description", "string", kAlways, "What it is for."},
           {"created_at", "date-time", kAlways, "When it was made."},
           {"created_by", "uuid", kNullable, "Who made it."},
           {"disabled_at", "date-time", kNullable, "Since when its keys are refused."}}};
}

Schema ApiKey() {
  return {"ApiKey",
          "A key of a service account, without its secret.",
          {{"id", "uuid", kAlways, "The key."},
           {"service_account_id", "uuid", kAlways, "Whose it is."},
           {"prefix", "string", kAlways, "How its token begins."},
           {"permissions", "strings", kAlways, "What it may do: names and patterns."},
           {"created_at", "date-time", kAlways, "When it was made."},
           {"created_by", "uuid", kNullable, "Who made it."},
           {"expires_at", "date-time", kNullable, "When it ends."},
           {"last_used_at", "date-time", kNullable, "When it was last used, to the minute."},
           {"revoked_at", "date-time", kNullable, "When it was revoked."},
           {"replaced_by", "uuid", kNullable, "The key that a rotation made of it."}}};
}

Schema IssuedApiKey() {
  return {"IssuedApiKey",
          "A new key, with its token for this once.",
          {{"id", "uuid", kAlways, "The key."},
           {"service_account_id", "uuid", kAlways, "Whose it is."},
           {"prefix", "string", kAlways, "How its token begins."},
           {"token", "string", kAlways, "What to send as the bearer token."},
           {"permissions", "strings", kAlways, "What it may do: names and patterns."},
           {"expires_at", "date-time", kNullable, "When it ends."}}};
}

Schema Invitation() {
  return {"Invitation",
          "Who was invited.",
          {{"user_id", "uuid", kAlways, "The user."},
           {"email", "string", kAlways, "The address that the mail goes to."},
           {"expires_at", "date-time", kNullable,
            "Until when its link is good; null for who was a user already."}}};
}

Schema Problem() {
  return {"Problem",
          "An error (RFC 9457).",
          {{"type", "string", kAlways, "Names the kind of error, as a URI."},
           {"title", "string", kAlways, "What the kind of error means."},
           {"status", "integer", kAlways, "The HTTP status."},
           {"detail", "string", kAlways, "What happened this time."},
           {"code", "string", kAlways, "Names the kind of error, for programs."},
           {"request_id", "string", kAlways, "Finds the request in the log."},
           {"success", "boolean", kAlways, "Always false."},
           {"message", "string", kAlways, "The same as detail."}}};
}

}  // namespace

const std::vector<Schema>& AllSchemas() {
  static const std::vector<Schema> all = [] {
    std::vector<Schema> schemas = {
        User(),
        Session(),
        SessionEntry(),
        Role(),
        RoleGrant(),
        Permission(),
        ServiceAccount(),
        ApiKey(),
        IssuedApiKey(),
        Invitation(),
        Problem(),
        {"Health", "The process is alive.", {{"status", "string", kAlways, "ok"}}},
        {"Readiness",
         "Requests can be served.",
         {{"status", "string", kAlways, "ready"},
          {"extension_version", "string", kAlways, "The version in the database."}}},
    };
    for (const Schema& schema : PlanSchemas()) schemas.push_back(schema);
    for (const Schema& schema : CreditSchemas()) schemas.push_back(schema);
    for (const Schema& schema : BillingSchemas()) schemas.push_back(schema);
    for (const Schema& schema : TenantSchemas()) schemas.push_back(schema);
    for (const Schema& schema : SystemSchemas()) schemas.push_back(schema);
    for (const Schema& schema : WebhookSchemas()) schemas.push_back(schema);
    return schemas;
  }();
  return all;
}

}  // namespace latchkey
