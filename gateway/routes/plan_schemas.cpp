// The schemas of what the routes of plans, quotas, trials and subscriptions answer.
#include "gateway/routes/schemas.hpp"

namespace latchkey {
namespace {

constexpr bool kNullable = true;
constexpr bool kAlways = false;

Schema Model() {
  return {"Model",
          "A model that a plan may include.",
          {{"name", "string", kAlways, "Its name."},
           {"feature", "string", kAlways, "The feature that stands for it in the plans."},
           {"tier", "string", kNullable, "The lowest plan that has it."},
           {"available", "boolean", kAlways, "Whether the caller has it."}}};
}

Schema PlanFeature() {
  return {"PlanFeature",
          "What a plan includes.",
          {{"feature", "string", kAlways, "Its name."},
           {"granted_limit", "integer", kNullable, "How much; null: without limit."},
           {"period", "string", kNullable, "Over which: day, month, billing, ever."}}};
}

Schema Plan() {
  return {"Plan",
          "What can be subscribed to.",
          {{"key", "string", kAlways, "Its name."},
           {"version", "integer", kAlways, "Grows when what it includes or costs changes."},
           {"display_name", "string", kAlways, "The name to show."},
           {"description", "string", kNullable, "What it is for."},
           {"rank", "integer", kAlways, "A higher one includes what needs a lower one."},
           {"monthly_price_cents", "integer", kNullable, "Per month; null: on request."},
           {"yearly_price_cents", "integer", kNullable, "Per year; null: on request."},
           {"currency", "string", kAlways, "As usd."},
           {"stripe_monthly_price_id", "string", kNullable, "The price to check out with."},
           {"stripe_yearly_price_id", "string", kNullable, "The price to check out with."},
           {"active", "boolean", kAlways, "Whether it is on offer."},
           {"sort_order", "integer", kAlways, "Its place in lists."},
           {"features", "PlanFeature[]", kAlways, "What it includes."}}};
}

Schema AccountFeature() {
  return {"AccountFeature",
          "What an account may use.",
          {{"feature", "string", kAlways, "Its name."},
           {"granted_limit", "integer", kNullable, "How much; null: without limit."},
           {"period", "string", kNullable, "Over which: day, month, billing, ever."},
           {"source", "string", kAlways, "plan, or override: this account's own."},
           {"ends_at", "date-time", kNullable, "When the override ends."}}};
}

Schema Quota() {
  return {"Quota",
          "What is used of a feature in the current period.",
          {{"feature", "string", kAlways, "Its name."},
           {"period", "string", kAlways, "day, month, billing or ever."},
           {"granted_limit", "integer", kNullable, "How much; null: without limit."},
           {"used", "integer", kAlways, "How much is used."},
           {"remaining", "integer", kNullable, "How much is left; null: without limit."},
           {"resets_at", "date-time", kNullable, "When used is zero again; null: never."}}};
}

Schema Trial() {
  return {"Trial",
          "A plan for a while.",
          {{"account_id", "uuid", kAlways, "Whose it is."},
           {"plan", "string", kAlways, "The plan."},
           {"status", "string", kAlways, "pending, active, expired, cancelled or converted."},
           {"requested_at", "date-time", kAlways, "When it was asked for."},
           {"starts_at", "date-time", kAlways, "When it begins."},
           {"ends_at", "date-time", kAlways, "When it ends by itself."},
           {"ended_at", "date-time", kNullable, "When it ended."}}};
}

Schema Subscription() {
  return {
      "Subscription",
      "All about an account's subscription.",
      {{"account_id", "uuid", kAlways, "Whose it is."},
       {"tier", "string", kAlways, "The plan that applies now."},
       {"plan", "string", kAlways, "The plan that is subscribed to."},
       {"plan_version", "integer", kNullable, "In this version; null: the newest."},
       {"status", "string", kAlways, "active, trialing, past_due …, or inactive."},
       {"status_changed_at", "date-time", kAlways, "Since when."},
       {"trial_plan", "string", kNullable, "The plan of its trial."},
       {"trial_status", "string", kNullable, "pending, active, expired, cancelled or converted."},
       {"trial_starts_at", "date-time", kNullable, "When its trial begins."},
       {"trial_ends_at", "date-time", kNullable, "When its trial ends, or ended."},
       {"period_starts_at", "date-time", kNullable, "The current billing period."},
       {"period_ends_at", "date-time", kNullable, "Its end."},
       {"cancel_at", "date-time", kNullable, "When the subscription ends."},
       {"intended_plan", "string", kNullable, "Chosen before the checkout."},
       {"intended_interval", "string", kNullable, "month or year."},
       {"stripe_customer_id", "string", kNullable, "The customer at the payment provider."},
       {"last_webhook_at", "date-time", kNullable, "When the payment provider spoke last."}}};
}

}  // namespace

std::vector<Schema> PlanSchemas() {
  return {Model(), PlanFeature(), Plan(), AccountFeature(), Quota(), Trial(), Subscription()};
}

}  // namespace latchkey
