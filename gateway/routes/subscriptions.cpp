// Routes of the modules `subscriptions`, `trials` and `quotas`: an account's own.
#include "gateway/routes/account_argument.hpp"

namespace latchkey {
namespace {

constexpr size_t kMaxPlan = 63;
constexpr size_t kMaxFeature = 264;
constexpr size_t kMaxAmount = 1000000000000;

Route GetSubscription() {
  return Route("GET", "/api/subscription", "getSubscription", "subscriptions")
      .Summary("An account's plan, status, trial and billing period. Another's needs plans.read.")
      .Reads("SELECT row_to_json(s) FROM latchkey.subscription(" LATCHKEY_ACCOUNT ") AS s")
      .As(Who::kBearer)
      .Takes(AccountInQuery())
      .Returns("subscription", "Subscription")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route StartTrial() {
  return Route("POST", "/api/subscription/trial", "startTrial", "trials")
      .Summary(
          "Starts an account's one trial of a plan that has a price. Another's needs trials.write.")
      .Writes("SELECT row_to_json(t) FROM latchkey.start_trial(" LATCHKEY_ACCOUNT ", $2) AS t")
      .As(Who::kBearer)
      .Takes(AccountInBody())
      .Takes(BodyField("plan", Type::kText, kRequired, kMaxPlan, "The key of the plan."))
      .Returns("trial", "Trial")
      .Status(201)
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

Route CancelTrial() {
  return Route("DELETE", "/api/subscription/trial", "cancelTrial", "trials")
      .Summary("Ends an account's trial now. Another's needs trials.write.")
      .Writes("SELECT row_to_json(t) FROM latchkey.cancel_trial(" LATCHKEY_ACCOUNT ") AS t")
      .As(Who::kBearer)
      .Takes(AccountInQuery())
      .Returns("trial", "Trial")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

Route SetIntendedPlan() {
  return Route("POST", "/api/subscription/intended-plan", "setIntendedPlan", "subscriptions")
      .Summary(
          "Notes which plan is about to be paid for; it gives nothing. Another's needs "
          "plans.assign.")
      .Writes("SELECT null::json FROM latchkey.set_intended_plan(" LATCHKEY_ACCOUNT ", $2, $3)")
      .As(Who::kBearer)
      .Takes(AccountInBody())
      .Takes(BodyField("plan", Type::kText, kOptional, kMaxPlan,
                       "The key of the plan; none when absent."))
      .Takes(BodyField("billing_interval", Type::kText, kOptional, 5, "month or year."))
      .Message("Intended plan noted")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route GetUsage() {
  return Route("GET", "/api/usage", "getUsage", "quotas")
      .Summary(
          "What is used of all that has a limit or was used in the current period. Another's needs "
          "plans.read.")
      .Reads("SELECT coalesce(json_agg(u), '[]') FROM latchkey.usage(" LATCHKEY_ACCOUNT ") AS u")
      .As(Who::kBearer)
      .Takes(AccountInQuery())
      .Returns("usage", "Quota", true)
      .Fails({ErrorId::Forbidden});
}

Route Consume() {
  return Route("POST", "/api/usage", "consume", "quotas")
      .Summary(
          "Counts use of a feature, up to its limit; beyond it nothing is counted. Another's "
          "account needs usage.write.")
      .Writes("SELECT row_to_json(q) FROM latchkey.consume(" LATCHKEY_ACCOUNT
              ", $2, coalesce($3::bigint, 1), $4) AS q")
      .As(Who::kBearer)
      .Takes(AccountInBody())
      .Takes(BodyField("feature", Type::kText, kRequired, kMaxFeature, "What is used."))
      .Takes(BodyField("amount", Type::kInteger, kOptional, kMaxAmount, "How much; 1 by default."))
      .Takes(IdempotencyKey())
      .Returns("quota", "Quota")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::TierRequired, ErrorId::QuotaExceeded,
              ErrorId::Conflict, ErrorId::IdempotencyMismatch});
}

}  // namespace

std::vector<Route> SubscriptionRoutes() {
  return {GetSubscription(), StartTrial(), CancelTrial(), SetIntendedPlan(), GetUsage(), Consume()};
}

}  // namespace latchkey
