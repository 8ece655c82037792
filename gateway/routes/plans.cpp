// Routes of the module `plans`: what there is to subscribe to, and what the caller's tier gives
// them.
#include "gateway/routes/account_argument.hpp"

namespace latchkey {
namespace {

Argument PlanInPath() { return PathPart("plan", Type::kText, 63, "The key of the plan."); }
Argument FeatureInPath() {
  return PathPart("feature", Type::kText, 264, "The name of the feature.");
}
Argument Limit() {
  return BodyField("granted_limit", Type::kInteger, kOptional, kMaxInteger64,
                   "How much; without limit when absent.");
}
Argument Period() {
  return BodyField("period", Type::kText, kOptional, 10, "day, month, billing or ever.");
}
Argument ApplyToExisting() {
  return BodyField("apply_to_existing", Type::kBoolean, kOptional, 0,
                   "Changes it for who has it, too.");
}

Route CheckStatus() {
  return Route("GET", "/api/subscription/check-status", "checkStatus", "plans")
      .Summary("The caller with their tier, the state of their subscription, and their usage.")
      .Reads("SELECT row_to_json(u) FROM latchkey.get_user(latchkey.current_user_id()) AS u")
      .As(Who::kBearer)
      .Returns("user", "User")
      .Fails({ErrorId::NotFound});
}

Route ListModels() {
  return Route("GET", "/api/models", "listModels", "plans")
      .Summary("The models of the caller's tier.")
      .Reads(
          "SELECT coalesce(json_agg(m), '[]') FROM "
          "latchkey.list_models(latchkey.current_user_id()) AS m")
      .As(Who::kBearer)
      .Returns("models", "Model", true);
}

Route GetModel() {
  return Route("GET", "/api/models/{name}", "getModel", "plans")
      .Summary("One model, when the caller's tier has it.")
      .Reads(
          "SELECT row_to_json(m) FROM "
          "latchkey.get_model(latchkey.current_user_id(), $1) AS m")
      .As(Who::kBearer)
      .Takes(PathPart("name", Type::kText, 200, "The name of the model."))
      .Returns("model", "Model")
      .Fails({ErrorId::TierRequired, ErrorId::NotFound});
}

Route ListPlans() {
  return Route("GET", "/api/plans", "listPlans", "plans")
      .Summary("The plans on offer, with prices and what they include.")
      .Reads("SELECT coalesce(json_agg(p), '[]') FROM latchkey.list_plans() AS p")
      .Returns("plans", "Plan", true);
}

Route ListFeatures() {
  return Route("GET", "/api/subscription/features", "listFeatures", "plans")
      .Summary("All that an account may use. Another's needs plans.read.")
      .Reads("SELECT coalesce(json_agg(f), '[]') FROM latchkey.features(" LATCHKEY_ACCOUNT ") AS f")
      .As(Who::kBearer)
      .Takes(AccountInQuery())
      .Returns("features", "AccountFeature", true)
      .Fails({ErrorId::Forbidden});
}

Route SetPlan() {
  return Route("PUT", "/api/plans/{plan}", "setPlan", "plans")
      .Summary(
          "Makes a plan, or changes what is given of one. Other prices begin a new version; who "
          "has "
          "an older one keeps it. Needs plans.write.")
      .Writes(
          "SELECT row_to_json(p) FROM latchkey.set_plan($1, $2, $3, $4::integer, $5::bigint, "
          "$6::bigint, $7, $8, $9, $10::boolean, $11::integer, coalesce($12::boolean, false), "
          "coalesce($13::boolean, false)) AS p")
      .As(Who::kBearer)
      .Takes(PlanInPath())
      .Takes(BodyField("display_name", Type::kText, kOptional, kMaxName, "The name to show."))
      .Takes(BodyField("description", Type::kText, kOptional, 2000, "Empty: none."))
      .Takes(BodyField("rank", Type::kInteger, kOptional, 2147483647,
                       "A higher one includes what needs a lower one."))
      .Takes(
          BodyField("monthly_price_cents", Type::kInteger, kOptional, kMaxInteger64, "Per month."))
      .Takes(BodyField("yearly_price_cents", Type::kInteger, kOptional, kMaxInteger64, "Per year."))
      .Takes(BodyField("currency", Type::kText, kOptional, 3, "As usd."))
      .Takes(BodyField("stripe_monthly_price_id", Type::kText, kOptional, 255,
                       "The price to check out with."))
      .Takes(BodyField("stripe_yearly_price_id", Type::kText, kOptional, 255,
                       "The price to check out with."))
      .Takes(BodyField("active", Type::kBoolean, kOptional, 0, "Whether it is on offer."))
      .Takes(BodyField("sort_order", Type::kInteger, kOptional, 2147483647, "Its place in lists."))
      .Takes(BodyField("on_request", Type::kBoolean, kOptional, 0, "Takes the prices away."))
      .Takes(ApplyToExisting())
      .Returns("plan", "Plan")
      .Fails({ErrorId::Forbidden, ErrorId::AlreadyExists});
}

Route RetirePlan() {
  return Route("DELETE", "/api/plans/{plan}", "retirePlan", "plans")
      .Summary("Takes a plan off the offer; who has it keeps it. Needs plans.write.")
      .Writes("SELECT null::json FROM latchkey.retire_plan($1)")
      .As(Who::kBearer)
      .Takes(PlanInPath())
      .Message("Plan retired")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route SetPlanFeature() {
  return Route("PUT", "/api/plans/{plan}/features/{feature}", "setPlanFeature", "plans")
      .Summary(
          "Puts a feature into a plan. When anybody has the plan, that begins a new version. Needs "
          "plans.write.")
      .Writes(
          "SELECT to_json(latchkey.set_plan_feature($1, $2, $3::bigint, $4, true, "
          "coalesce($5::boolean, false)))")
      .As(Who::kBearer)
      .Takes(PlanInPath())
      .Takes(FeatureInPath())
      .Takes(Limit())
      .Takes(Period())
      .Takes(ApplyToExisting())
      .Returns("version", "integer")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route RemovePlanFeature() {
  return Route("DELETE", "/api/plans/{plan}/features/{feature}", "removePlanFeature", "plans")
      .Summary("Takes a feature out of a plan, as setPlanFeature does it. Needs plans.write.")
      .Writes("SELECT to_json(latchkey.set_plan_feature($1, $2, granted => false))")
      .As(Who::kBearer)
      .Takes(PlanInPath())
      .Takes(FeatureInPath())
      .Returns("version", "integer")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route SetOverride() {
  return Route("PUT", "/api/subscription/overrides/{feature}", "setFeatureOverride", "plans")
      .Summary(
          "Gives one account a feature, or takes it away, whatever its plan says. Needs "
          "plans.assign on the whole platform.")
      .Writes(
          "SELECT null::json FROM latchkey.set_feature_override($2::uuid, $1, $3::bigint, $4, "
          "coalesce($5::boolean, true), $6::timestamptz, $7)")
      .As(Who::kBearer)
      .Takes(FeatureInPath())
      .Takes(BodyField("account_id", Type::kUuid, kRequired, kUuidLength, "Whose."))
      .Takes(Limit())
      .Takes(Period())
      .Takes(BodyField("granted", Type::kBoolean, kOptional, 0, "false takes it away."))
      .Takes(BodyField("ends_at", Type::kTimestamp, kOptional, kMaxTimestamp,
                       "Until when; for good when absent."))
      .Takes(BodyField("reason", Type::kText, kOptional, 500, "Why; no personal data."))
      .Message("Override set")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route ClearOverride() {
  return Route("DELETE", "/api/subscription/overrides/{feature}", "clearFeatureOverride", "plans")
      .Summary("Lets the plan decide again. Needs plans.assign on the whole platform.")
      .Writes(
          "SELECT null::json FROM latchkey.clear_feature_override(coalesce($2::uuid, "
          "latchkey.current_user_id()), $1)")
      .As(Who::kBearer)
      .Takes(FeatureInPath())
      .Takes(AccountInQuery())
      .Message("Override cleared")
      .Fails({ErrorId::Forbidden});
}

}  // namespace

std::vector<Route> PlanRoutes() {
  return {CheckStatus(),       ListModels(),  GetModel(),     ListPlans(),
          ListFeatures(),      SetPlan(),     RetirePlan(),   SetPlanFeature(),
          RemovePlanFeature(), SetOverride(), ClearOverride()};
}

}  // namespace latchkey
