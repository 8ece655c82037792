// Routes of the module `plans`: what the caller's tier gives them.
#include "gateway/routes/route.hpp"

namespace latchkey {
namespace {

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

}  // namespace

std::vector<Route> PlanRoutes() { return {CheckStatus(), ListModels(), GetModel()}; }

}  // namespace latchkey
