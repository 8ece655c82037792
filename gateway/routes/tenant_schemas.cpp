// One entry for each composite type of the modules about tenants.
#include "gateway/routes/schemas.hpp"

namespace latchkey {
namespace {

constexpr bool kNullable = true;
constexpr bool kAlways = false;

Schema Tenant() {
  return {"Tenant",
          "A store, an organization …",
          {{"id", "uuid", kAlways, "Stays the same for ever."},
           {"name", "string", kAlways, "What it is called."},
           {"slug", "string", kAlways, "Its name in addresses."},
           {"kind", "string", kAlways, "A word of the application's."},
           {"status", "string", kAlways,
            "pending, provisioning, active, suspended, archived or deleted."},
           {"status_reason", "string", kNullable, "Why."},
           {"status_changed_at", "date-time", kAlways, "Since when."},
           {"delete_after", "date-time", kNullable, "When an archived one becomes deleted."},
           {"settings", "object", kAlways, "What the application keeps of it."},
           {"created_at", "date-time", kAlways, "When it was made."},
           {"created_by", "uuid", kNullable, "By whom; null: from within the database."},
           {"updated_at", "date-time", kAlways, "When it was last changed."}}};
}

Schema TenantMembership() {
  return {"TenantMembership",
          "A tenant to which a user belongs.",
          {{"tenant_id", "uuid", kAlways, "The tenant."},
           {"name", "string", kAlways, "What it is called."},
           {"slug", "string", kAlways, "Its name in addresses."},
           {"kind", "string", kAlways, "A word of the application's."},
           {"status", "string", kAlways, "As of the tenant; only an active one can be entered."},
           {"status_reason", "string", kNullable, "Why."},
           {"roles", "strings", kAlways, "The user's roles there."}}};
}

Schema TenantMember() {
  return {"TenantMember",
          "Who belongs to a tenant.",
          {{"user_id", "uuid", kAlways, "The user."},
           {"email", "string", kNullable, "Their address."},
           {"name", "string", kNullable, "Their name."},
           {"status", "string", kAlways, "The user's: active, blocked or deleted."},
           {"roles", "strings", kAlways, "What counts there now."},
           {"member_since", "date-time", kAlways, "Of the oldest of these roles."}}};
}

Schema TenantInvitation() {
  return {"TenantInvitation",
          "An invitation that nobody has accepted yet.",
          {{"id", "uuid", kAlways, "The invitation."},
           {"tenant_id", "uuid", kAlways, "Where to."},
           {"email", "string", kAlways, "Who is invited."},
           {"role", "string", kAlways, "As what."},
           {"invited_by", "uuid", kNullable, "By whom; null: from within the database."},
           {"created_at", "date-time", kAlways, "When."},
           {"expires_at", "date-time", kAlways, "Until when it is good."}}};
}

Schema SentInvitation() {
  return {"SentInvitation",
          "An invitation whose token is on its way by mail.",
          {{"id", "uuid", kAlways, "The invitation."},
           {"tenant_id", "uuid", kAlways, "Where to."},
           {"email", "string", kAlways, "Where the mail goes."},
           {"role", "string", kAlways, "As what."},
           {"expires_at", "date-time", kAlways, "Until when its link is good."}}};
}

Schema TenantHostname() {
  return {"TenantHostname",
          "A hostname of a tenant, and the DNS record of type TXT that proves it.",
          {{"tenant_id", "uuid", kAlways, "Whose it is."},
           {"hostname", "string", kAlways, "In lower case, as A-labels."},
           {"is_primary", "boolean", kAlways, "Whether the tenant wants to be known under it."},
           {"verified_at", "date-time", kNullable, "Since when it leads to the tenant."},
           {"dns_name", "string", kAlways, "The name of the record."},
           {"dns_value", "string", kAlways, "What it must hold."},
           {"created_at", "date-time", kAlways, "When it was added."},
           {"checked_at", "date-time", kNullable, "When the record was looked up last."},
           {"check_error", "string", kNullable, "What was found instead."}}};
}

Schema TenantDatabase() {
  return {"TenantDatabase",
          "The state of a tenant's database.",
          {{"tenant_id", "uuid", kAlways, "Whose it is."},
           {"server", "string", kNullable, "Of the platform's; null: the tenant brought it along."},
           {"template", "string", kNullable, "What is installed there."},
           {"template_version", "string", kNullable, "The last of its files that is applied."},
           {"status", "string", kAlways, "pending, provisioning, ready or failed."},
           {"step", "string", kNullable, "Where provisioning is, or failed."},
           {"error", "string", kNullable, "Why it failed there."},
           {"healthy", "boolean", kNullable, "Whether it answered at the last look."},
           {"checked_at", "date-time", kNullable, "When that was."},
           {"created_at", "date-time", kAlways, "When it was asked for."},
           {"updated_at", "date-time", kAlways, "When this was last changed."},
           {"moving", "boolean", kAlways,
            "Whether it is on its way to another server, and takes no writes."}}};
}

Schema TenantMove() {
  return {"TenantMove",
          "The last move of a tenant's database.",
          {{"tenant_id", "uuid", kAlways, "Whose it is."},
           {"job_id", "uuid", kAlways, "The job that move_tenant enqueued."},
           {"status", "string", kAlways,
            "moving, undoing, failed, switched, reverting, reverted, confirming or confirmed."},
           {"step", "string", kNullable, "What was begun last."},
           {"error", "string", kNullable, "Why it failed there, or was refused."},
           {"from_server", "string", kAlways, "Where it was."},
           {"to_server", "string", kAlways, "Where it goes."},
           {"table_count", "integer", kNullable, "How many tables both servers had at the switch."},
           {"row_count", "integer", kNullable, "How many rows."},
           {"checksum", "string", kNullable, "Of all of them."},
           {"started_at", "date-time", kAlways, "When it was asked for."},
           {"switched_at", "date-time", kNullable, "Since when the target is in use."},
           {"updated_at", "date-time", kAlways, "When this was last changed."}}};
}

Schema TenantExport() {
  return {"TenantExport",
          "A dump of a tenant's database, in a file at a worker.",
          {{"tenant_id", "uuid", kAlways, "Whose it is."},
           {"id", "uuid", kAlways, "The export."},
           {"job_id", "uuid", kAlways, "The job that writes or removes it."},
           {"status", "string", kAlways, "pending, running, done, failed or deleting."},
           {"error", "string", kNullable, "Why it failed."},
           {"file_name", "string", kAlways, "Below the worker's folder for exports."},
           {"host", "string", kNullable, "The machine that has it."},
           {"bytes", "integer", kNullable, "The size of the file."},
           {"sha256", "string", kNullable, "Of the file, in hexadecimal."},
           {"requested_at", "date-time", kAlways, "When it was asked for."},
           {"finished_at", "date-time", kNullable, "When it was written, or failed."}}};
}

Schema TenantServer() {
  return {"TenantServer",
          "A server on which databases of tenants are made.",
          {{"name", "string", kAlways, "Its name."},
           {"accepts_new", "boolean", kAlways, "Whether new ones are put there."},
           {"databases", "integer", kAlways, "How many it holds."},
           {"created_at", "date-time", kAlways, "When it was registered."},
           {"updated_at", "date-time", kAlways, "When it was last changed."}}};
}

Schema OnboardingStep() {
  return {
      "OnboardingStep",
      "A step of onboarding.",
      {{"step", "string", kAlways, "create_store, connect_database, payments, credits or profile."},
       {"required", "boolean", kAlways, "Whether it can't be skipped."},
       {"done", "boolean", kAlways, "What the facts say."},
       {"skipped", "boolean", kAlways, "Whether the user chose to skip it."},
       {"is_next", "boolean", kAlways, "Whether it is the first that is neither."}}};
}

}  // namespace

std::vector<Schema> TenantSchemas() {
  return {Tenant(),         TenantMembership(), TenantMember(),   TenantInvitation(),
          SentInvitation(), TenantHostname(),   TenantDatabase(), TenantMove(),
          TenantExport(),   TenantServer(),     OnboardingStep()};
}

}  // namespace latchkey
