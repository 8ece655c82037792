// The schemas of what the routes of the module `credits` answer.
#include "gateway/routes/schemas.hpp"

namespace latchkey {
namespace {

constexpr bool kNullable = true;
constexpr bool kAlways = false;

Schema Balance() {
  return {"CreditBalance",
          "What an account has.",
          {{"available", "integer", kAlways, "Can be spent now."},
           {"held", "integer", kAlways, "Set aside by holds."},
           {"expiring", "integer", kAlways, "Of the available, what expires soon."},
           {"by_kind", "object", kAlways, "The available by kind of grant."}}};
}

Schema Transaction() {
  return {"CreditTransaction",
          "One transaction of an account.",
          {{"id", "uuid", kAlways, "Grows with time."},
           {"account_id", "uuid", kAlways, "Whose it is."},
           {"kind", "string", kAlways,
            "debit, capture, refund, expiry, split, or the kind of a grant."},
           {"amount", "integer", kAlways, "What it changed; negative: spent."},
           {"service", "string", kNullable, "What it was spent for."},
           {"quantity", "integer", kNullable, "How many units of it."},
           {"balance_after", "integer", kAlways, "What could be spent after it."},
           {"reference", "string", kNullable, "As it was given."},
           {"related_id", "uuid", kNullable, "A refund's debit, a capture's hold."},
           {"metadata", "object", kNullable, "As it was given."},
           {"recorded_at", "date-time", kAlways, "When it was booked."},
           {"replayed", "boolean", kAlways,
            "An earlier request with the same idempotency key made it."}}};
}

Schema Hold() {
  return {"CreditHold",
          "Credits that are set aside.",
          {{"id", "uuid", kAlways, "The hold."},
           {"account_id", "uuid", kAlways, "Whose it is."},
           {"service", "string", kAlways, "What they are for."},
           {"quantity", "integer", kAlways, "How many units of it."},
           {"amount", "integer", kAlways, "How many credits."},
           {"captured", "integer", kAlways, "How many of them were spent."},
           {"status", "string", kAlways, "active, captured, released or expired."},
           {"expires_at", "date-time", kAlways, "When it returns by itself."},
           {"created_at", "date-time", kAlways, "When it was made."},
           {"settled_at", "date-time", kNullable, "When it was captured, released or returned."},
           {"replayed", "boolean", kAlways, "An earlier request did it."}}};
}

Schema BatchEntry() {
  return {"CreditBatchEntry",
          "What became of one debit of a batch.",
          {{"position", "integer", kAlways, "Its place in the batch, from 1."},
           {"outcome", "string", kAlways, "ok, or the code of an error."},
           {"message", "string", kNullable, "What went wrong."},
           {"transaction", "CreditTransaction", kNullable, "When it is ok."}}};
}

Schema Usage() {
  return {"CreditUsage",
          "What was spent for a service on a day.",
          {{"day", "date-time", kAlways, "When the day began, in UTC."},
           {"service", "string", kAlways, "The service."},
           {"amount", "integer", kAlways, "Spent, less what was refunded on that day."},
           {"debits", "integer", kAlways, "How many debits and captures."}}};
}

Schema ServiceCost() {
  return {"ServiceCost",
          "What a service costs.",
          {{"service", "string", kAlways, "Its name."},
           {"credits_per_unit", "integer", kAlways, "The cost."},
           {"active", "boolean", kAlways, "Whether it can be debited."},
           {"updated_at", "date-time", kAlways, "When that was set."}}};
}

Schema ServiceCostChange() {
  return {"ServiceCostChange",
          "A change of what a service costs.",
          {{"id", "uuid", kAlways, "The change."},
           {"service", "string", kAlways, "The service."},
           {"credits_per_unit", "integer", kAlways, "The cost since then."},
           {"active", "boolean", kAlways, "Whether it could be debited since then."},
           {"actor_id", "uuid", kNullable, "Who set it; null: from within the database."},
           {"actor_role", "string", kAlways, "The database role that set it."},
           {"changed_at", "date-time", kAlways, "When."}}};
}

}  // namespace

std::vector<Schema> CreditSchemas() {
  return {Balance(),     Transaction(),      Hold(), BatchEntry(), Usage(),
          ServiceCost(), ServiceCostChange()};
}

}  // namespace latchkey
